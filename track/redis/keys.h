// SPDX-License-Identifier: BSD-2-Clause
// track/redis/keys.h - what Redis holds of a message, as commands. Pure.
//
// layout postern:    PREFIX:msg:ID and postfix:QUEUE-ID for the queue id in and each one out;
// layout mailborder: mailborder:ID with mailborder_id, postfix_id, status, timestamp, and the same
//                    postfix: keys. with_host puts our host's name behind the first word of each.
// Every key is set and given its life anew in one transaction. Times are seconds since 1970. Texts
// that strangers wrote are cleaned as in the log (str_escape) and cut, "..." says so. Where
// recipients differ there is a field rcpt:N for each, by its number; where they do not, no more.
// A queue id that came as several transactions has a field postern_id:ID, with its status, for
// each: a list in one field would have to be read before it is written.
#ifndef POSTERN_TRACK_KEYS_H
#define POSTERN_TRACK_KEYS_H

#include "base/arena.h"
#include "track/record.h"
#include "track/settings.h"

struct keys_command {
    struct span *args;
    size_t count;
};

struct keys {
    struct keys_command *commands;
    size_t count;
};

enum {
    KEYS_TEXT_MAX = 1000,     // bytes of a value
    KEYS_RCPTS_MAX = 1000,    // with fields of their own
    KEYS_QUEUE_IDS_MAX = 200, // out, with keys of their own
    KEYS_MEMORY_MAX = 512 << 10
};

// The commands of one record, without MULTI and EXEC; everything lies in the arena, which has at
// least KEYS_MEMORY_MAX left, and nothing points into the record. A queue id that could not be one
// (not [0-9A-Za-z], above 40 bytes) has no key: it came from outside. A child has none for the
// queue id in: that is its parent's.
void keys_of(const struct record *record, const struct redis_settings *settings,
             const char *hostname, struct arena *arena, struct keys *keys_out);

#endif
