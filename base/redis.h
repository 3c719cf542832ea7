// SPDX-License-Identifier: BSD-2-Clause
// base/redis.h - one connection to a Redis server.
//
// Commands are pipelined; each gets its reply, or NULL where the connection ended, exactly once and
// in order, never from within a call. A connection on which no reply became whole for longer than
// its time-out while one was due has ended; so has one that says what nobody asked for. on_end
// comes once, after the last of the replies; the owner then calls redis_free. Nothing here connects
// again: that is the owner's.
#ifndef POSTERN_BASE_REDIS_H
#define POSTERN_BASE_REDIS_H

#include "base/addr.h"
#include "base/loop.h"

struct redis;

enum redis_kind { REDIS_STATUS, REDIS_ERROR, REDIS_TEXT, REDIS_NUMBER, REDIS_NIL, REDIS_LIST };

struct redis_reply { // valid within the callback, and before redis_free
    enum redis_kind kind;
    struct span text; // STATUS, ERROR, TEXT
    int64_t number;
    const struct redis_reply *items; // LIST
    size_t item_count;
};

typedef void redis_replied(void *arg,
                           const struct redis_reply *reply); // NULL: the connection ended

struct redis_callbacks {
    void (*on_open)(void *arg);
    void (*on_end)(void *arg, const struct err *err);
};

struct redis *redis_connect(struct loop *loop, const struct addr *addr, uint64_t timeout_ms,
                            const struct redis_callbacks *callbacks, void *arg);
// The arguments are copied. replied may be NULL. Once the connection has ended (the first NULL, or
// on_end) nothing is done and no reply comes.
void redis_command(struct redis *redis, const struct span *args, size_t count,
                   redis_replied *replied, void *arg);
size_t redis_unanswered(const struct redis *redis); // commands
void redis_free(struct redis **redis);              // at once; no callback comes any more

#endif
