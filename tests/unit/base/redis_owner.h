// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/base/redis_owner.h - an owner of a connection to Redis who writes down what he is
// told.
#ifndef POSTERN_TESTS_UNIT_BASE_REDIS_OWNER_H
#define POSTERN_TESTS_UNIT_BASE_REDIS_OWNER_H

#include "base/redis.h"
#include "tests/unit/base/fake_redis.h"
#include "tests/unit/harness.h"

// What the owner does beside writing down what it is told.
enum habit { LISTEN, FREE_ON_OPEN, FREE_ON_REPLY, FREE_ON_NULL, FREE_ON_END, ASK_AGAIN };

struct fixture {
    struct loop *loop;
    struct loop_timer *stopper;
    struct fake_redis server;
    struct fake_answer answers[10]; // one behind the other; the last is for all that follow
    size_t answer_count, asked;
    struct buf heard; // arguments, as the server got them
    struct redis *redis;
    redis_replied *replied;
    enum habit habit;
    bool is_calling;
    char trace[2000];
    struct err err;
};

static inline void
note(struct fixture *f, const char *what, struct span text)
{
    size_t len = strlen(f->trace);

    CU_ASSERT_FALSE(f->is_calling);
    snprintf(f->trace + len, sizeof f->trace - len, "%s%.*s;", what, (int)text.len,
             text.len > 0 ? text.data : "");
}

static inline void
free_if(struct fixture *f, enum habit habit)
{
    if (f->habit == habit)
        redis_free(&f->redis);
}

static inline void
on_open(void *arg)
{
    note(arg, "open", SPAN_LITERAL(""));
    free_if(arg, FREE_ON_OPEN);
}

static inline void
on_end(void *arg, const struct err *err)
{
    struct fixture *f = arg;

    note(f, "end", SPAN_LITERAL(""));
    f->err = *err;
    CU_ASSERT_EQUAL(err->kind, ERR_TEMP);
    CU_ASSERT_EQUAL(redis_unanswered(f->redis), 0);
    free_if(f, FREE_ON_END);
    loop_stop(f->loop);
}

static inline void
ask(struct fixture *f, const char *text)
{
    struct span args[] = {
        span_of(text), span_from("a\0\r\n", 4), {NULL, 0}
    };

    redis_command(f->redis, args, UNIT_COUNT(args), f->replied, f);
}

static inline void
on_reply(void *arg, const struct redis_reply *reply)
{
    struct fixture *f = arg;

    if (reply == NULL) {
        note(f, "null", SPAN_LITERAL(""));
        free_if(f, FREE_ON_NULL);
    } else {
        note(f, "", reply->text);
        free_if(f, FREE_ON_REPLY);
    }
    if (f->habit == ASK_AGAIN) {
        if (f->asked >= 3)
            f->habit = LISTEN;
        ask(f, "again");
    }
}

static inline struct fake_answer
answer(void *arg, const struct redis_reply *command)
{
    struct fixture *f = arg;
    size_t next = f->asked < f->answer_count ? f->asked : f->answer_count - 1;

    f->asked++;
    CU_ASSERT_EQUAL(command->kind, REDIS_LIST);
    for (size_t i = 0; i < command->item_count; i++) {
        buf_add_span(&f->heard, command->items[i].text);
        buf_add_char(&f->heard, '|');
    }
    return f->answers[next];
}

static inline void
on_stop(void *arg)
{
    loop_stop(((struct fixture *)arg)->loop);
}

static inline void
set_up(struct fixture *f, struct fake_answer first)
{
    struct err err;

    memset(f, 0, sizeof *f);
    f->loop = loop_new(&err);
    f->stopper = loop_timer_new(f->loop, on_stop, f);
    fake_redis_init(&f->server, f->loop);
    f->server.answer = answer;
    f->server.arg = f;
    f->answers[0] = first;
    f->answer_count = 1;
    buf_init(&f->heard, 1 << 20);
}

static inline void
start_at(struct fixture *f, const struct addr *addr, uint64_t timeout_ms)
{
    static const struct redis_callbacks callbacks = {on_open, on_end};

    f->replied = on_reply;
    f->is_calling = true;
    f->redis = redis_connect(f->loop, addr, timeout_ms, &callbacks, f);
    ask(f, "1");
    ask(f, "2");
    f->is_calling = false;
    CU_ASSERT_EQUAL(redis_unanswered(f->redis), 2);
}

static inline void
start(struct fixture *f, uint64_t timeout_ms)
{
    start_at(f, &f->server.addr, timeout_ms);
}

// Until nothing was told for so long.
static inline void
run_for(struct fixture *f, uint64_t ms)
{
    size_t before;

    do {
        before = strlen(f->trace);
        loop_timer_start(f->stopper, ms);
        loop_run(f->loop);
    } while (strlen(f->trace) != before);
}

static inline void
tear_down(struct fixture *f)
{
    redis_free(&f->redis);
    fake_redis_stop(&f->server);
    buf_clear(&f->heard);
    loop_timer_free(&f->stopper);
    loop_free(&f->loop);
}

#endif
