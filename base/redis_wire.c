// SPDX-License-Identifier: BSD-2-Clause
#include "base/redis_wire.h"

#include <assert.h>

#include <hiredis/read.h>

#include "base/arena.h"
#include "base/mem.h"

struct redis_wire {
    redisReader *reader;
    redisReplyObjectFunctions functions;
    struct arena arena; // the reply that is being read
    size_t pending;     // bytes of it so far
};

// Where a part of a reply goes: into its list, or it is the whole reply.
static struct redis_reply *
place_of(const redisReadTask *task)
{
    struct redis_wire *wire = task->privdata;
    struct redis_reply *list;

    if (task->parent == NULL)
        return arena_array(&wire->arena, 1, sizeof(struct redis_reply));
    list = task->parent->obj;
    return (struct redis_reply *)&list->items[task->idx];
}

static void *
make_text(const redisReadTask *task, char *text, size_t len)
{
    struct redis_wire *wire = task->privdata;
    struct redis_reply *reply = place_of(task);

    if (reply == NULL)
        return NULL;
    reply->kind = task->type == REDIS_REPLY_STATUS  ? REDIS_STATUS
                  : task->type == REDIS_REPLY_ERROR ? REDIS_ERROR
                                                    : REDIS_TEXT;
    reply->text = arena_copy(&wire->arena, span_from(text, len));
    return reply->text.data != NULL ? reply : NULL;
}

static void *
make_list(const redisReadTask *task, int count)
{
    struct redis_wire *wire = task->privdata;
    struct redis_reply *reply = place_of(task);

    if (reply == NULL)
        return NULL;
    reply->kind = REDIS_LIST;
    reply->item_count = (size_t)count;
    reply->items = arena_array(&wire->arena, (size_t)count, sizeof(struct redis_reply));
    return reply->items != NULL ? reply : NULL;
}

static void *
make_number(const redisReadTask *task, long long number)
{
    struct redis_reply *reply = place_of(task);

    if (reply != NULL)
        *reply = (struct redis_reply){.kind = REDIS_NUMBER, .number = number};
    return reply;
}

static void *
make_nil(const redisReadTask *task)
{
    struct redis_reply *reply = place_of(task);

    if (reply != NULL)
        reply->kind = REDIS_NIL;
    return reply;
}

// The arena is cleared at once instead.
static void
free_nothing(void *reply)
{
    (void)reply;
}

struct redis_wire *
redis_wire_new(void)
{
    struct redis_wire *wire = mem_zalloc(sizeof *wire);

    arena_init(&wire->arena, REDIS_REPLY_MEMORY_MAX);
    wire->functions = (redisReplyObjectFunctions){
        .createString = make_text,
        .createArray = make_list,
        .createInteger = make_number,
        .createNil = make_nil,
        .freeObject = free_nothing,
    };
    wire->reader = redisReaderCreateWithFunctions(&wire->functions);
    assert(wire->reader != NULL);
    wire->reader->privdata = wire;
    return wire;
}

void
redis_wire_free(struct redis_wire **wire_in)
{
    struct redis_wire *wire = *wire_in;

    if (wire == NULL)
        return;
    redisReaderFree(wire->reader);
    arena_clear(&wire->arena);
    mem_free(wire_in);
}

void
redis_wire_feed(struct redis_wire *wire, struct span bytes)
{
    assert(bytes.len <= REDIS_REPLY_MAX);
    wire->pending += bytes.len;
    if (bytes.len > 0)
        (void)redisReaderFeed(wire->reader, bytes.data, bytes.len); // its error stays with it
}

static enum redis_wire_result
fail(const struct redis_wire *wire, struct err *err)
{
    if (wire->reader->err == REDIS_ERR_OOM)
        err_set(err, ERR_TEMP, "a reply is too large");
    else
        err_set(err, ERR_TEMP, "not Redis: %s", wire->reader->errstr);
    return REDIS_WIRE_BAD;
}

enum redis_wire_result
redis_wire_next(struct redis_wire *wire, const struct redis_reply **reply_out, struct err *err)
{
    void *reply = NULL;

    if (wire->reader->reply == NULL)
        arena_clear(&wire->arena);
    if (redisReaderGetReply(wire->reader, &reply) != REDIS_OK)
        return fail(wire, err);
    if (reply != NULL) {
        wire->pending = wire->reader->len - wire->reader->pos;
        *reply_out = reply;
        return REDIS_WIRE_REPLY;
    }
    if (wire->pending <= REDIS_REPLY_MAX)
        return REDIS_WIRE_NEED_MORE;
    err_set(err, ERR_TEMP, "a reply is too large");
    return REDIS_WIRE_BAD;
}
