// SPDX-License-Identifier: BSD-2-Clause
// track/redis/multi.h - the keys of some records as one transaction, and what its replies amount
// to.
//
// Owns:  the commands; they may be sent as often as need be.
// Order: fill; send to a connection, until done comes or the connection ends (then done does not).
#ifndef POSTERN_TRACK_MULTI_H
#define POSTERN_TRACK_MULTI_H

#include "base/redis.h"
#include "track/redis/keys.h"

enum multi_outcome {
    MULTI_DONE,
    MULTI_AGAIN,    // refused for now: out of memory, misconfigured, busy
    MULTI_ELSEWHERE // by this server: read-only, loading, no login, not Redis
};

enum { MULTI_WHY_MAX = 160 };

typedef void multi_done(void *arg, enum multi_outcome outcome);

struct multi {
    struct arena arena;
    struct keys *keys; // one for each record
    size_t record_count, command_count;
    size_t heard; // replies
    enum multi_outcome outcome;
    char why[MULTI_WHY_MAX + 1]; // where it is not done, as it came
    size_t passed_over;          // keys that are of another type
    struct span passed_key;      // one of them
    multi_done *done;
    void *arg;
};

void multi_fill(struct multi *multi, const struct record *records, size_t count,
                const struct redis_settings *settings, const char *hostname);
void multi_clear(struct multi *multi);
void multi_send(struct multi *multi, struct redis *redis, multi_done *done, void *arg);

// What an error means; why_out: its text, cut.
enum multi_outcome multi_refusal(struct span error, char why_out[MULTI_WHY_MAX + 1]);

#endif
