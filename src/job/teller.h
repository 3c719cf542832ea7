// SPDX-License-Identifier: BSD-2-Clause
// src/job/teller.h - tells the scribe where a message is: a record of it into this worker's ring.
//
// Nobody waits for it: what the ring has no room for is dropped, and counted there.
#ifndef POSTERN_SRC_TELLER_H
#define POSTERN_SRC_TELLER_H

#include "base/ring.h"
#include "spool/reader.h"
#include "track/record.h"
#include "track/vitals.h"

enum { TELLER_ARENA_MAX = 64 << 20 }; // what a record is made in

struct teller {
    struct rings *rings; // borrowed; NULL: nobody is told
    size_t row;
    struct buf payload; // kept from one telling to the next
};

void teller_init(struct teller *teller, struct rings *rings, size_t row);
void teller_clear(struct teller *teller);

struct teller_moment { // what neither envelope nor journal tells
    enum record_place place;
    const char *place_reason; // NULL: the journal's, if it has one
    int64_t now_ms;
    uint64_t size;
    uint64_t stage_us[STAGE_COUNT];
    bool is_looked, is_sent;
};

// The record points into envelope, state and arena. -1: too large to be told.
int teller_describe(const struct smtp_envelope *envelope, const struct spool_state *state,
                    const struct teller_moment *moment, struct arena *arena,
                    struct record *record_out);
void teller_tell(struct teller *teller, const struct record *record);
// Of one that nobody has open any more.
void teller_tell_left(struct teller *teller, const struct reader_message *message,
                      enum record_place place, int64_t now_ms);
void teller_tell_vitals(struct teller *teller, const struct vitals *vitals);

#endif
