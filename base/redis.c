// SPDX-License-Identifier: BSD-2-Clause
#include "base/redis.h"

#include <assert.h>
#include <stdio.h>

#include "base/conn.h"
#include "base/mem.h"
#include "base/redis_wire.h"

struct redis_due { // a reply
    redis_replied *replied;
    void *arg;
};

struct redis {
    struct loop *loop;
    struct redis_callbacks callbacks;
    void *arg;
    uint64_t timeout_ms;
    struct conn *conn; // NULL: it has ended
    struct redis_wire *wire;
    struct loop_timer *silence;
    struct redis_due *dues; // a ring; first is due next
    size_t first, count, size;
    bool is_open;
    bool is_freed; // the memory goes at the end of the turn
};

static void
add_due(struct redis *redis, redis_replied *replied, void *arg)
{
    if (redis->count == redis->size) {
        size_t size = redis->size * 2 + 64;
        struct redis_due *grown = mem_zarray(size, sizeof *grown);

        for (size_t i = 0; i < redis->count; i++)
            grown[i] = redis->dues[(redis->first + i) % redis->size];
        mem_free(&redis->dues);
        redis->dues = grown;
        redis->first = 0;
        redis->size = size;
    }
    redis->dues[(redis->first + redis->count) % redis->size] = (struct redis_due){replied, arg};
    redis->count++;
}

static void
tell_due(struct redis *redis, const struct redis_reply *reply)
{
    struct redis_due due = redis->dues[redis->first];

    redis->first = (redis->first + 1) % redis->size;
    redis->count--;
    if (due.replied != NULL)
        due.replied(due.arg, reply);
}

// Any of the callbacks may free it: the memory stays until the end of the turn.
static void
end(struct redis *redis, const struct err *err)
{
    conn_abort(&redis->conn);
    loop_timer_stop(redis->silence);
    while (redis->count > 0 && !redis->is_freed)
        tell_due(redis, NULL);
    if (!redis->is_freed)
        redis->callbacks.on_end(redis->arg, err);
}

static void
watch_silence(struct redis *redis)
{
    if (redis->is_open && redis->count > 0)
        loop_timer_start(redis->silence, redis->timeout_ms);
    else
        loop_timer_stop(redis->silence);
}

static void
on_silence(void *arg)
{
    struct redis *redis = arg;
    struct err err;

    err_set(&err, ERR_TEMP, "no reply within %llu ms", (unsigned long long)redis->timeout_ms);
    end(redis, &err);
}

// As "-ERR max number of clients reached" is.
static void
end_unasked(struct redis *redis, const struct redis_reply *reply)
{
    struct err err;

    if (reply->kind == REDIS_ERROR)
        err_set(&err, ERR_TEMP, "%.*s", (int)(reply->text.len < 200 ? reply->text.len : 200),
                reply->text.data);
    else
        err_set(&err, ERR_TEMP, "not Redis: a reply that nobody asked for");
    end(redis, &err);
}

static void
on_input(void *arg)
{
    struct redis *redis = arg;
    struct span input = conn_input(redis->conn);
    const struct redis_reply *reply;
    enum redis_wire_result result;
    struct err err;

    redis_wire_feed(redis->wire, input);
    conn_consume(redis->conn, input.len);
    while ((result = redis_wire_next(redis->wire, &reply, &err)) == REDIS_WIRE_REPLY) {
        if (redis->count == 0) {
            end_unasked(redis, reply);
            return;
        }
        tell_due(redis, reply);
        if (redis->is_freed)
            return;
        watch_silence(redis);
    }
    if (result == REDIS_WIRE_BAD)
        end(redis, &err);
}

static void
on_open(void *arg)
{
    struct redis *redis = arg;

    redis->is_open = true;
    watch_silence(redis);
    redis->callbacks.on_open(redis->arg);
}

static void
on_conn_end(void *arg, enum conn_end how, const struct err *err)
{
    (void)how;
    end(arg, err);
}

struct redis *
redis_connect(struct loop *loop, const struct addr *addr, uint64_t timeout_ms,
              const struct redis_callbacks *callbacks, void *arg)
{
    static const struct conn_callbacks of_conn = {
        .on_open = on_open, .on_input = on_input, .on_end = on_conn_end};
    struct redis *redis = mem_zalloc(sizeof *redis);

    redis->loop = loop;
    redis->callbacks = *callbacks;
    redis->arg = arg;
    redis->timeout_ms = timeout_ms;
    redis->wire = redis_wire_new();
    redis->silence = loop_timer_new(loop, on_silence, redis);
    redis->conn = conn_connect(loop, addr, timeout_ms, &of_conn, redis);
    return redis;
}

void
redis_command(struct redis *redis, const struct span *args, size_t count, redis_replied *replied,
              void *arg)
{
    char head[32];

    assert(count > 0);
    if (redis->conn == NULL)
        return;
    conn_write(redis->conn, head, (size_t)snprintf(head, sizeof head, "*%zu\r\n", count));
    for (size_t i = 0; i < count; i++) {
        conn_write(redis->conn, head, (size_t)snprintf(head, sizeof head, "$%zu\r\n", args[i].len));
        conn_write(redis->conn, args[i].data, args[i].len);
        conn_write(redis->conn, "\r\n", 2);
    }
    add_due(redis, replied, arg);
    if (redis->count == 1)
        watch_silence(redis);
}

size_t
redis_unanswered(const struct redis *redis)
{
    return redis->count;
}

void
redis_free(struct redis **redis_in)
{
    struct redis *redis = *redis_in;

    if (redis == NULL)
        return;
    redis->is_freed = true;
    conn_abort(&redis->conn);
    redis_wire_free(&redis->wire);
    loop_timer_free(&redis->silence);
    mem_free(&redis->dues);
    loop_free_later(redis->loop, redis);
    *redis_in = NULL;
}
