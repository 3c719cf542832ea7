// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/policy/fake_scan.h"

#include <unistd.h>

#include "tests/unit/harness.h"

struct fake_scan fake_scan;

struct dissect_job *
dissect_start(struct dissect *dissect, const struct dissect_request *request, dissect_done *done,
              void *arg)
{
    (void)dissect;
    CU_ASSERT_FATAL(!fake_scan.is_looking);
    fake_scan.is_looking = true;
    fake_scan.looks++;
    fake_scan.look = *request;
    fake_scan.look_done = done;
    fake_scan.look_arg = arg;
    return (struct dissect_job *)(void *)&fake_scan.look;
}

void
dissect_cancel(struct dissect_job **job)
{
    CU_ASSERT(fake_scan.is_looking && *job != NULL);
    fake_scan.is_looking = false;
    fake_scan.look_cancels++;
    *job = NULL;
}

void
fake_scan_looked(enum dissect_end end, struct findings *findings_take)
{
    struct err err;

    err_set(&err, ERR_TEMP, "told so");
    CU_ASSERT_FATAL(fake_scan.is_looking);
    fake_scan.is_looking = false;
    fake_scan.look_done(fake_scan.look_arg, end, findings_take, end == DISSECT_FOUND ? NULL : &err);
}

size_t
filters_count(const struct filters *filters)
{
    (void)filters;
    return fake_scan.filter_count;
}

const struct filter_settings *
filters_settings(const struct filters *filters, size_t index)
{
    (void)filters;
    CU_ASSERT_FATAL(index < fake_scan.filter_count);
    return &fake_scan.filters[index];
}

struct runner *
runner_start(struct filters *filters, const struct runner_request *request)
{
    (void)filters;
    CU_ASSERT_FATAL(!fake_scan.is_asking);
    fake_scan.is_asking = true;
    fake_scan.asks++;
    fake_scan.ask = *request;
    return (struct runner *)(void *)&fake_scan.ask;
}

void
runner_free(struct runner **runner)
{
    CU_ASSERT(*runner != NULL);
    fake_scan.is_asking = false;
    *runner = NULL;
}

void
fake_scan_answered(struct result *results)
{
    CU_ASSERT_FATAL(fake_scan.is_asking);
    fake_scan.ask.done(fake_scan.ask.arg, results, fake_scan.filter_count);
}

struct content *
content_new(struct loop *loop, struct pool *pool, const struct content_source *source)
{
    (void)loop;
    (void)pool;
    fake_scan.contents++;
    if (source->is_alone) {
        fake_scan.parts = *source;
        return (struct content *)(void *)&fake_scan.parts;
    }
    fake_scan.source = *source;
    return (struct content *)(void *)&fake_scan.source;
}

void
content_free(struct content **content)
{
    if (*content == NULL)
        return;
    if ((void *)*content == (void *)&fake_scan.parts)
        (void)close(fake_scan.parts.fd_take);
    fake_scan.contents--;
    *content = NULL;
}

uint64_t
content_len(const struct content *content)
{
    CU_ASSERT(content != NULL);
    return fake_scan.source.len;
}

uint64_t
loop_now_ms(const struct loop *loop)
{
    (void)loop;
    return fake_scan.now_ms;
}

struct loop_timer *
loop_timer_new(struct loop *loop, loop_callback *callback, void *arg)
{
    (void)loop;
    fake_scan.timers++;
    fake_scan.timer = callback;
    fake_scan.timer_arg = arg;
    return (struct loop_timer *)(void *)&fake_scan.timer;
}

void
loop_timer_start(struct loop_timer *timer, uint64_t after_ms)
{
    CU_ASSERT(timer != NULL);
    fake_scan.timer_ms = after_ms;
}

void
loop_timer_stop(struct loop_timer *timer)
{
    CU_ASSERT(timer != NULL);
    fake_scan.timer_ms = 0;
}

void
loop_timer_free(struct loop_timer **timer)
{
    CU_ASSERT(*timer != NULL);
    fake_scan.timers--;
    fake_scan.timer_ms = 0;
    *timer = NULL;
}

void
fake_scan_time_out(void)
{
    CU_ASSERT_FATAL(fake_scan.timer_ms > 0);
    fake_scan.timer_ms = 0;
    fake_scan.timer(fake_scan.timer_arg);
}
