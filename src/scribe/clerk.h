// SPDX-License-Identifier: BSD-2-Clause
// src/scribe/clerk.h - takes what the workers tell to the ledger, to Redis and to the figures.
//
// Reads the workers' rings a few times a second, while it has the seat: a former scribe may still
// be at the end of its work. What was gathered is taken off the rings when the ledger has it; a
// ledger that fails is tried again, and meanwhile the rings fill up and then drop, which is
// counted. Nobody waits for the clerk.
// Redis follows the ledger by number of change; what it misses while it is away is read again from
// there.
#ifndef POSTERN_SRC_CLERK_H
#define POSTERN_SRC_CLERK_H

#include "base/pool.h"
#include "base/ring.h"
#include "control/settings.h"
#include "track/redis/publisher.h"
#include "track/web/figures.h"

struct clerk;

enum { CLERK_TICK_MS = 200, CLERK_RETRY_MS = 1000 };

struct clerk_config { // borrowed
    struct loop *loop;
    struct pool *pool; // of one thread
    const struct settings *settings;
    struct rings *rings;
    const struct counter_page *page;
};

struct clerk_state { // for metrics and status
    bool is_ledger_up, has_redis;
    uint64_t rows;         // written since start
    uint64_t behind_ms;    // the age of what could not be written yet; 0: nothing waits
    uint64_t dropped;      // records, since the daemon's start
    uint64_t redis_behind; // changes
    struct publisher_figures redis;
    const char *trouble; // of the ledger; ""
};

struct clerk *clerk_new(const struct clerk_config *config);
struct figures *clerk_figures(struct clerk *clerk);
void clerk_get(const struct clerk *clerk, struct clerk_state *state_out);
// Goes on until all rings are empty and in the ledger, and nobody writes into them any more or
// another clerk waits for the seat. on_idle once, never from within.
void clerk_drain(struct clerk *clerk, loop_callback *on_idle, void *arg);
bool clerk_is_idle(const struct clerk *clerk);
void clerk_free(struct clerk **clerk); // the pool is gone already: its thread had our work

#endif
