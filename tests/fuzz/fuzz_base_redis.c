// SPDX-License-Identifier: BSD-2-Clause
// A Redis server that answers anything at any time: each command gets one reply or none, in order,
// and the end is told once, behind the last of them.
#include "tests/fuzz/peer.h"

#include "base/redis.h"

enum { COMMANDS = 3, TIMEOUT_MS = 100 };

struct run {
    struct loop *loop;
    struct redis *redis;

    struct command {
        struct run *run;
        bool is_answered;
    } commands[COMMANDS];

    size_t answered;
    bool was_null, is_open, is_over;
};

static void
on_reply(void *arg, const struct redis_reply *reply)
{
    struct command *command = arg;
    struct run *run = command->run;

    FUZZ_CHECK(!run->is_over && !command->is_answered);
    FUZZ_CHECK(command == &run->commands[run->answered]);
    FUZZ_CHECK(!run->was_null || reply == NULL);
    FUZZ_CHECK(reply == NULL || run->is_open);
    command->is_answered = true;
    run->was_null = reply == NULL;
    run->answered++;
}

static void
on_open(void *arg)
{
    struct run *run = arg;

    FUZZ_CHECK(!run->is_open && !run->is_over);
    run->is_open = true;
}

static void
on_end(void *arg, const struct err *err)
{
    struct run *run = arg;

    FUZZ_CHECK(!run->is_over && err != NULL && run->answered == COMMANDS);
    run->is_over = true;
    loop_stop(run->loop);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct redis_callbacks callbacks = {on_open, on_end};
    struct span args[] = {SPAN_LITERAL("GET"), SPAN_LITERAL("a\0\r\n")};
    struct run run = {.loop = loop_new(NULL)};
    struct addr addr;
    struct peer peer;

    peer_begin(&peer, run.loop, fuzz_span(data, size < 8192 ? size : 8192), &addr);
    run.redis = redis_connect(run.loop, &addr, TIMEOUT_MS, &callbacks, &run);
    for (size_t i = 0; i < COMMANDS; i++) {
        run.commands[i].run = &run;
        redis_command(run.redis, args, 2, on_reply, &run.commands[i]);
    }
    loop_run(run.loop);
    FUZZ_CHECK(run.is_over && redis_unanswered(run.redis) == 0);
    redis_free(&run.redis);
    peer_clear(&peer);
    loop_free(&run.loop);
    return 0;
}
