// SPDX-License-Identifier: BSD-2-Clause
// track/ledger/ledger_match.h - which of our recipients Postfix's deliveries were for. Pure; for
// ledger*.c.
//
// A delivery is his whose address it names: the original one where Postfix tells it, else the one
// that it delivered to; the local part's case counts where it parts two. Where an alias was
// rewritten before it was logged, only a single recipient of the queue id can be told.
#ifndef POSTERN_TRACK_LEDGER_MATCH_H
#define POSTERN_TRACK_LEDGER_MATCH_H

#include "base/arena.h"
#include "track/record.h"

struct ledger_delivery {
    struct span queue_id;
    struct span to; // empty: all of the queue id that are not final have expired
    struct span original;
    struct record_final final;
};

// Fills in the recipients' finals, in the arena. -1: no room there.
int ledger_match(struct record *record, const struct ledger_delivery *deliveries, size_t count,
                 struct arena *arena);

#endif
