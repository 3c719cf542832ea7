// SPDX-License-Identifier: BSD-2-Clause
// track/snapshot.h - a record from a message's envelope and what its journal amounts to. Pure.
//
// What neither tells is left for the caller: place, told_ms, size, the stages, is_looked, is_sent.
// Texts point into envelope and state, or are copied into the arena, as the lists are.
#ifndef POSTERN_TRACK_SNAPSHOT_H
#define POSTERN_TRACK_SNAPSHOT_H

#include "track/record.h"

// -1: the arena is full; nothing of the record is good.
int snapshot_of(const struct smtp_envelope *envelope, const struct spool_state *state,
                struct arena *arena, struct record *record_out);

#endif
