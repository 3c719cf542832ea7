// SPDX-License-Identifier: BSD-2-Clause
// base/ring.h - records from workers to the scribe through shared memory; nobody waits for anybody.
//
// A row has one writer and one reader at a time. Either may be killed at any instruction: a record
// is there whole or not at all, and what was not released is there for whoever comes after them.
// Full: the record is dropped and counted. Neither end believes the other: positions and lengths
// are checked, a row that makes no sense is emptied. Mapped before the fork; memory is used for
// what waits only.
#ifndef POSTERN_BASE_RING_H
#define POSTERN_BASE_RING_H

#include "base/buf.h"
#include "base/err.h"
#include <sys/types.h>

struct rings; // the rows, in one mapping

enum {
    RING_RECORD_MAX = 4 << 20,
    RING_SIZE_MIN = 64 << 10,
    RING_SIZE_MAX = 1 << 30,
    RING_ROWS_MAX = 1024
};

// size: bytes of one row, rounded up to a power of two of at least RING_SIZE_MIN. PERM, TEMP.
struct rings *rings_new(size_t rows, size_t size, struct err *err);
void rings_free(struct rings **rings); // this process's mapping
size_t rings_rows(const struct rings *rings);

// Writer. False: dropped, for lack of room or above RING_RECORD_MAX or the row's size, or empty.
// Up to an eighth of the row, at most 256 KB, is room that has not come back yet.
bool ring_put(struct rings *rings, size_t row, struct span record);
uint64_t ring_dropped(const struct rings *rings, size_t row);
size_t ring_used(const struct rings *rings, size_t row); // bytes that wait

// Reader. *at is where to read next: 0 at first (then it begins behind what was released), later
// what the call before left there. 1: *record holds a copy of the next record; 0: there is none;
// -1: nonsense: all that waited was dropped (counted as one), *at is good again. record's ceiling
// is at least RING_RECORD_MAX.
int ring_next(struct rings *rings, size_t row, uint64_t *at, struct buf *record);
// Everything before `at` has been taken care of: its room is free, its memory is given back (by
// whole blocks). An `at` from before a -1 does nothing.
void ring_release(struct rings *rings, size_t row, uint64_t at);

// One reader at a time: whoever wants to read takes the seat, and asks again until it is free. The
// seat of a process that is no more is free, and what it wanted is forgotten.
bool rings_take_seat(struct rings *rings, pid_t self);
bool rings_is_seat_wanted(const struct rings *rings, pid_t self); // by another, since it was taken
void rings_leave_seat(struct rings *rings, pid_t of); // nothing if he neither had nor wanted it

#endif
