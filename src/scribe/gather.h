// SPDX-License-Identifier: BSD-2-Clause
// src/scribe/gather.h - what the workers have told since the ledger was written last: a record a
// message.
//
// Reads the rings row by row; of each message the record with the highest step counts. Figures get
// every record. Bounded: when it is full, the rings wait. What is gathered is taken off the rings
// by gather_release only: until then whoever comes after us finds it there.
#ifndef POSTERN_SRC_GATHER_H
#define POSTERN_SRC_GATHER_H

#include "base/ring.h"
#include "track/web/figures.h"

struct gather;

enum { GATHER_MAX = 4096, GATHER_BYTES_MAX = 4 << 20 };

struct gather *gather_new(struct rings *rings, struct figures *figures); // both borrowed
void gather_free(struct gather **gather);
void gather_read(struct gather *gather, uint64_t now_ms); // monotonic
bool gather_is_full(const struct gather *gather);
// Valid until gather_release.
size_t gather_get(const struct gather *gather, const struct record *const **records_out);
void gather_release(struct gather *gather);
bool
gather_is_all_read(const struct gather *gather); // the rings are empty, and nothing is gathered
uint64_t gather_dropped(const struct gather *gather); // by the workers, since the daemon's start

#endif
