// SPDX-License-Identifier: BSD-2-Clause
#include "filters/clamd_parts.h"

#include "base/mem.h"
#include "filters/clamd.h"
#include "filters/skip.h"

struct filter_run {
    struct filter_try attempt;
    uint64_t end_ms;           // of both questions
    struct filter_run *asking; // clamd_type's
    struct filter_message parts;
    struct result whole; // the message's, once its parts are asked about
};

static void
finish(struct filter_run *run, enum filter_end end, struct result *result_take,
       const struct err *err)
{
    struct filter_try attempt = run->attempt;

    result_clear(&run->whole);
    loop_free_later(attempt.loop, run);
    attempt.done(attempt.arg, end, result_take, err);
}

static bool
is_too_much(const struct filter_run *run)
{
    const struct filter_message *message = run->attempt.message;

    return message->findings->has_more_parts ||
           (message->parts != NULL &&
            content_len(message->parts) > run->attempt.settings->max_size);
}

static void
on_parts(void *arg, enum filter_end end, struct result *result_take, const struct err *err)
{
    struct filter_run *run = arg;

    if (end == FILTER_ANSWERED && result_take->kind != RESULT_HIT &&
        run->whole.kind == RESULT_UNSCANNABLE) {
        result_clear(result_take);
        *result_take = run->whole;
        result_init(&run->whole);
    }
    finish(run, end, result_take, err);
}

static void
ask_about_parts(struct filter_run *run)
{
    struct filter_try attempt = run->attempt;
    uint64_t now = loop_now_ms(attempt.loop);

    run->parts = *attempt.message;
    run->parts.content = attempt.message->parts;
    attempt.message = &run->parts;
    attempt.timeout_ms = run->end_ms > now ? run->end_ms - now : 0;
    attempt.done = on_parts;
    attempt.arg = run;
    run->asking = clamd_type.start(&attempt);
}

static void
on_whole(void *arg, enum filter_end end, struct result *result_take, const struct err *err)
{
    struct filter_run *run = arg;
    const struct filter_message *message = run->attempt.message;
    const bool is_enough = end != FILTER_ANSWERED || result_take->kind == RESULT_HIT ||
                           skip_parts(run->attempt.settings, message->findings);
    char size[32];

    if (!is_enough && is_too_much(run)) {
        str_format_size(run->attempt.settings->max_size, size);
        result_set(result_take, RESULT_UNSCANNABLE, "more decoded parts than fit, max_size is %s",
                   size);
    } else if (!is_enough && message->parts != NULL) {
        run->whole = *result_take;
        result_init(result_take);
        ask_about_parts(run);
        return;
    }
    finish(run, end, result_take, err);
}

static struct filter_run *
ask(const struct filter_try *attempt, struct filter_run *(*clamd)(const struct filter_try *attempt),
    void (*done)(void *arg, enum filter_end end, struct result *result_take, const struct err *err))
{
    struct filter_run *run = mem_zalloc(sizeof(*run));
    struct filter_try inner = *attempt;

    run->attempt = *attempt;
    run->end_ms = loop_now_ms(attempt->loop) + attempt->timeout_ms;
    result_init(&run->whole);
    inner.done = done;
    inner.arg = run;
    run->asking = clamd(&inner);
    return run;
}

static struct filter_run *
start(const struct filter_try *attempt)
{
    return ask(attempt, clamd_type.start, on_whole);
}

static void
on_probed(void *arg, enum filter_end end, struct result *result_take, const struct err *err)
{
    finish(arg, end, result_take, err);
}

static struct filter_run *
probe(const struct filter_try *attempt)
{
    return ask(attempt, clamd_type.probe, on_probed);
}

static void
cancel(struct filter_run *run)
{
    clamd_type.cancel(run->asking);
    result_clear(&run->whole);
    loop_free_later(run->attempt.loop, run);
}

const struct filter_type clamd_parts_type = {
    .name = "clamd", .start = start, .probe = probe, .cancel = cancel};
