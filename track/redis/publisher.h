// SPDX-License-Identifier: BSD-2-Clause
// track/redis/publisher.h - brings Redis up to what the ledger knows, whenever Redis is there.
//
// Servers in order, the first that answers (names are looked up each time, without waiting); AUTH,
// SELECT; after the last: again from the first, after a pause that doubles up to
// PUBLISHER_PAUSE_MAX_MS, with jitter. Batches are transactions (MULTI .. EXEC) and repeatable: one
// that found no EXEC reply is given again. Holds one batch and nothing else: what waits, waits in
// the ledger.
// Fails: OOM, MISCONF and the like: the batch is given again after a pause. READONLY, LOADING,
//        NOAUTH, nonsense: to the next server. Told once for each server and reason. A single key
//        of a wrong type is logged and passed over. That Redis hangs up when idle is no trouble.
#ifndef POSTERN_TRACK_PUBLISHER_H
#define POSTERN_TRACK_PUBLISHER_H

#include "base/loop.h"
#include "track/redis/keys.h"

struct publisher;

enum { PUBLISHER_PAUSE_MS = 100, PUBLISHER_PAUSE_MAX_MS = 30000, PUBLISHER_BATCH_MAX = 200 };

struct publisher_callbacks {
    void (*on_ready)(void *arg); // connected, or the last batch is in: it can take one
};

struct publisher_figures {
    bool is_connected;
    uint64_t written, failures, connects; // records; batches that were refused or lost; connections
    char server[ADDR_TEXT_MAX];           // "" where there is none
    char trouble[200];                    // why not connected, or refused; ""
};

struct publisher *publisher_new(struct loop *loop, const struct redis_settings *settings,
                                const char *hostname, const struct publisher_callbacks *callbacks,
                                void *arg);
void publisher_free(struct publisher **publisher);
bool publisher_is_ready(const struct publisher *publisher);
// Only when ready. The records are copied. change: of the last of them.
void publisher_send(struct publisher *publisher, const struct record *records, size_t count,
                    uint64_t change);
uint64_t publisher_change(const struct publisher *publisher); // up to it Redis has all; 0 at first
void publisher_get(const struct publisher *publisher, struct publisher_figures *figures_out);

#endif
