// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/filters/fake_loop.h"

#include <assert.h>
#include <stddef.h>

#include "tests/unit/harness.h"

#include "base/mem.h"

// Far from zero, so that what takes it for one shows.
enum { START_MS = 1000000 };

struct loop {
    uint64_t now_ms;
    struct loop_timer *timers; // in order of their making
    struct loop_deferred deferred;
};

struct loop_timer {
    struct loop *loop;
    struct loop_timer *next;
    loop_callback *callback;
    void *arg;
    uint64_t at_ms;
    bool is_running;
};

struct loop *
fake_loop_new(void)
{
    struct loop *loop = mem_zalloc(sizeof(*loop));

    loop->now_ms = START_MS;
    loop->deferred.next = &loop->deferred;
    loop->deferred.prev = &loop->deferred;
    return loop;
}

void
fake_loop_free(struct loop **loop)
{
    CU_ASSERT_PTR_NULL((*loop)->timers);
    CU_ASSERT_PTR_EQUAL((*loop)->deferred.next, &(*loop)->deferred);
    mem_free(loop);
}

uint64_t
loop_now_ms(const struct loop *loop)
{
    return loop->now_ms;
}

void
loop_defer(struct loop *loop, struct loop_deferred *deferred)
{
    if (deferred->next != NULL)
        return;
    deferred->prev = loop->deferred.prev;
    deferred->next = &loop->deferred;
    loop->deferred.prev->next = deferred;
    loop->deferred.prev = deferred;
}

void
loop_undefer(struct loop *loop, struct loop_deferred *deferred)
{
    (void)loop;
    if (deferred->next == NULL)
        return;
    deferred->prev->next = deferred->next;
    deferred->next->prev = deferred->prev;
    deferred->next = NULL;
    deferred->prev = NULL;
}

struct loop_timer *
loop_timer_new(struct loop *loop, loop_callback *callback, void *arg)
{
    struct loop_timer **end = &loop->timers;

    while (*end != NULL)
        end = &(*end)->next;
    *end = mem_zalloc(sizeof(**end));
    **end = (struct loop_timer){.loop = loop, .callback = callback, .arg = arg};
    return *end;
}

void
loop_timer_start(struct loop_timer *timer, uint64_t after_ms)
{
    timer->at_ms = timer->loop->now_ms + after_ms;
    timer->is_running = true;
}

void
loop_timer_stop(struct loop_timer *timer)
{
    timer->is_running = false;
}

bool
loop_timer_is_running(const struct loop_timer *timer)
{
    return timer->is_running;
}

void
loop_timer_free(struct loop_timer **timer)
{
    struct loop_timer **at;

    if (*timer == NULL)
        return;
    for (at = &(*timer)->loop->timers; *at != *timer; at = &(*at)->next)
        assert(*at != NULL);
    *at = (*timer)->next;
    mem_free(timer);
}

static void
run_deferred(struct loop *loop)
{
    while (loop->deferred.next != &loop->deferred) {
        struct loop_deferred *first = loop->deferred.next;

        loop_undefer(loop, first);
        first->run(first->arg);
    }
}

static struct loop_timer *
next_timer(const struct loop *loop)
{
    struct loop_timer *best = NULL;

    for (struct loop_timer *timer = loop->timers; timer != NULL; timer = timer->next) {
        if (timer->is_running && (best == NULL || timer->at_ms < best->at_ms))
            best = timer;
    }
    return best;
}

void
fake_loop_run_to(struct loop *loop, uint64_t at_ms)
{
    struct loop_timer *timer;

    run_deferred(loop);
    while ((timer = next_timer(loop)) != NULL && timer->at_ms <= START_MS + at_ms) {
        loop->now_ms = timer->at_ms;
        timer->is_running = false;
        timer->callback(timer->arg);
        run_deferred(loop);
    }
    loop->now_ms = START_MS + at_ms;
}
