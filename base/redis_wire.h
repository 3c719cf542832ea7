// SPDX-License-Identifier: BSD-2-Clause
// base/redis_wire.h - replies of a Redis server, from its bytes; door to hiredis. No I/O.
//
// hiredis' own connections are not used: they abort where a server says what nobody asked for.
// Bounded: a reply's bytes, and the memory that it takes here (many lists in few bytes).
#ifndef POSTERN_BASE_REDIS_WIRE_H
#define POSTERN_BASE_REDIS_WIRE_H

#include "base/redis.h"

struct redis_wire;

enum { REDIS_REPLY_MAX = 1 << 20, REDIS_REPLY_MEMORY_MAX = 16 << 20 };

enum redis_wire_result { REDIS_WIRE_NEED_MORE, REDIS_WIRE_REPLY, REDIS_WIRE_BAD };

struct redis_wire *redis_wire_new(void);
void redis_wire_free(struct redis_wire **wire);
void redis_wire_feed(struct redis_wire *wire, struct span bytes); // at most REDIS_REPLY_MAX
// The next whole reply, valid until the next call. After BAD, with err, nothing can be read.
enum redis_wire_result redis_wire_next(struct redis_wire *wire,
                                       const struct redis_reply **reply_out, struct err *err);

#endif
