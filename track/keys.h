// SPDX-License-Identifier: BSD-2-Clause
// track/keys.h - what Redis holds of a message, as commands. Pure.
//
// layout postern:    PREFIX:msg:ID and postfix:QUEUE-ID for the queue id in and each one out;
// layout mailborder: mailborder:ID with mailborder_id, postfix_id, status, timestamp, and the same
//                    postfix: keys. with_host puts our host's name behind the prefix (and behind
//                    "postfix"). Every key is set and given its life in one transaction.
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

// The commands of one record, without MULTI and EXEC; texts in the arena, or of the record. Times
// are seconds since 1970. A queue id that could not be one (not [0-9A-Za-z], above 40 bytes) has no
// key: it came from outside.
void keys_of(const struct record *record, const struct redis_settings *settings,
             const char *hostname, struct arena *arena, struct keys *keys_out);

#endif
