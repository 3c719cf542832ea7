// SPDX-License-Identifier: BSD-2-Clause
#include "filters/question.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "filters/filters_private.h"

// Timers may fire this much before the time that the loop tells.
enum { SLACK_MS = 10 };

enum question_state {
    QUESTION_NEW,
    QUESTION_WAITING, // for a connection
    QUESTION_ASKING,
    QUESTION_PAUSING, // in front of the next try
    QUESTION_OVER
};

struct question {
    struct question_request request;
    enum question_state state;
    struct loop_timer *timer; // pausing: the pause; else the end
    struct filters_turn turn;
    struct filter_run *run;
    uint64_t end_ms, try_end_ms, try_given_ms;
    uint64_t began_us, pause_ms, retries_left;
    uint64_t tried; // servers
    size_t server;
    struct err trouble; // the last one
};

static uint64_t
clock_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t
now_ms(const struct question *question)
{
    return loop_now_ms(question->request.one->loop);
}

static void
set_state(struct question *question, enum question_state state)
{
    static const char *const names[] = {"new", "waiting", "asking", "pausing", "over"};

    if (log_is_wanted(LOG_DEBUG_))
        log_debug("scan", "%s: filter %s: %s -> %s", question->request.message->envelope->id,
                  question->request.one->settings->name, names[question->state], names[state]);
    question->state = state;
}

// Gives back what the state holds. Others may be given the connection, and start.
static void
change_state(struct question *question, enum question_state state)
{
    struct filters_one *one = question->request.one;
    enum question_state former = question->state;

    loop_timer_stop(question->timer);
    if (question->run != NULL)
        one->type->cancel(question->run);
    question->run = NULL;
    set_state(question, state);
    if (former == QUESTION_WAITING)
        filters_give_up(one, &question->turn);
    if (former == QUESTION_ASKING)
        filters_leave(one);
}

static void
destroy(struct question *question)
{
    loop_timer_free(&question->timer);
    mem_free(&question);
}

void
question_cancel(struct question **question)
{
    if (*question == NULL)
        return;
    change_state(*question, QUESTION_OVER);
    destroy(*question);
    *question = NULL;
}

// The result is filled but for what is the same for all.
static void
finish(struct question *question)
{
    struct question_request request = question->request;
    char server[ADDR_TEXT_MAX];

    if (question->tried != 0) {
        addr_format(upstream_addr(request.one->upstream, question->server), server);
        result_set_text(&request.result->server, span_of(server));
    }
    request.result->took_us = clock_us() - question->began_us;
    change_state(question, QUESTION_OVER);
    destroy(question);
    request.done(request.arg, request.result);
}

static void
fail(struct question *question, const char *why)
{
    if (question->trouble.kind == ERR_NONE)
        result_set(question->request.result, RESULT_FAILED, "%s", why);
    else
        result_set(question->request.result, RESULT_FAILED, "%s", question->trouble.text);
    finish(question);
}

// A server that was given little time, since the message had waited or had no more, is not to blame
// for needing more of it: or else overload would turn into dead servers.
static bool
is_to_blame(const struct question *question)
{
    bool is_late = now_ms(question) + SLACK_MS >= question->try_end_ms;

    return !is_late || question->try_given_ms >= question->request.one->settings->timeout / 4;
}

// Time is over, whatever is under way.
static void
on_end(struct question *question)
{
    if (question->state == QUESTION_ASKING) {
        err_set(&question->trouble, ERR_TEMP, "no answer in time");
        if (is_to_blame(question))
            filters_blame(question->request.one, question->server, &question->trouble);
    }
    fail(question, "no free connection in time");
}

static void
watch_end(struct question *question)
{
    uint64_t now = now_ms(question);

    loop_timer_start(question->timer, question->end_ms > now ? question->end_ms - now : 0);
}

static void
pause_or_fail(struct question *question)
{
    uint64_t pause_ms = question->pause_ms;

    if (question->retries_left == 0 || now_ms(question) + pause_ms >= question->end_ms) {
        fail(question, "");
        return;
    }
    question->retries_left--;
    question->pause_ms *= 2;
    change_state(question, QUESTION_PAUSING);
    loop_timer_start(question->timer, pause_ms);
}

static void
on_try_done(void *arg, enum filter_end end, struct result *result_take, const struct err *err)
{
    struct question *question = arg;
    struct filters_one *one = question->request.one;

    question->run = NULL;
    if (end == FILTER_ANSWERED) {
        filters_praise(one, question->server);
        result_clear(question->request.result);
        *question->request.result = *result_take;
        result_init(result_take);
        finish(question);
        return;
    }
    question->trouble = *err;
    if (is_to_blame(question))
        filters_blame(one, question->server, err);
    pause_or_fail(question);
}

// Where all were asked it begins anew, with another one than the last if there is one.
static size_t
pick(struct question *question)
{
    struct upstream *upstream = question->request.one->upstream;
    uint64_t last = question->tried != 0 ? UINT64_C(1) << question->server : 0;
    uint64_t masks[] = {question->tried, last, 0};

    for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
        size_t server = upstream_pick(upstream, now_ms(question), masks[i]);

        if (server == SIZE_MAX)
            continue;
        question->tried = masks[i] | UINT64_C(1) << server;
        return server;
    }
    abort(); // there is at least one
}

static uint64_t
time_for_try(const struct question *question)
{
    const struct filters_one *one = question->request.one;
    uint64_t now = now_ms(question);
    uint64_t left = question->end_ms > now ? question->end_ms - now : 1;
    uint64_t least = one->settings->timeout / 4;

    if (question->retries_left == 0 || upstream_count(one->upstream) == 1 || left <= least)
        return left;
    return left / 2 > least ? left / 2 : least;
}

static void
ask(struct question *question)
{
    struct filters_one *one = question->request.one;
    struct filter_try attempt = {.loop = one->loop,
                                 .shared = one->shared,
                                 .settings = one->settings,
                                 .message = question->request.message,
                                 .done = on_try_done,
                                 .arg = question};

    set_state(question, QUESTION_ASKING);
    question->server = pick(question);
    question->try_given_ms = time_for_try(question);
    question->try_end_ms = now_ms(question) + question->try_given_ms;
    attempt.server = upstream_addr(one->upstream, question->server);
    attempt.timeout_ms = question->try_given_ms;
    question->run = one->type->start(&attempt);
}

static void
on_turn(struct filters_turn *turn)
{
    ask((struct question *)((char *)turn - offsetof(struct question, turn)));
}

static void
queue(struct question *question)
{
    watch_end(question);
    if (filters_enter(question->request.one, &question->turn))
        ask(question);
    else
        set_state(question, QUESTION_WAITING);
}

static void
on_timer(void *arg)
{
    struct question *question = arg;

    if (question->state == QUESTION_PAUSING)
        queue(question);
    else
        on_end(question);
}

struct question *
question_start(const struct question_request *request)
{
    const struct filter_settings *settings = request->one->settings;
    struct question *question = mem_zalloc(sizeof(*question));
    uint64_t now;

    question->request = *request;
    now = now_ms(question);
    assert(request->deadline_ms > now);
    question->end_ms = request->deadline_ms - now < settings->timeout ? request->deadline_ms
                                                                      : now + settings->timeout;
    question->began_us = clock_us();
    question->pause_ms = settings->retry_delay;
    question->retries_left = settings->retries;
    question->turn.on_turn = on_turn;
    question->timer = loop_timer_new(request->one->loop, on_timer, question);
    queue(question);
    return question;
}
