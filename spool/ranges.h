// SPDX-License-Identifier: BSD-2-Clause
// spool/ranges.h - sets of recipient numbers, written "0-41,57". Pure.
#ifndef POSTERN_SPOOL_RANGES_H
#define POSTERN_SPOOL_RANGES_H

#include "base/buf.h"

struct ranges { // numbers 0 .. count-1
    uint64_t *bits;
    size_t count;
};

void ranges_init(struct ranges *ranges, size_t count); // empty set
void ranges_clear(struct ranges *ranges);
void ranges_add(struct ranges *ranges, size_t number);
void ranges_add_all(struct ranges *ranges);
bool ranges_has(const struct ranges *ranges, size_t number);
size_t ranges_size(const struct ranges *ranges);
void ranges_format(const struct ranges *ranges, struct buf *out);
// Replaces what was in it. -1: as ranges_next; the set is empty then.
int ranges_parse(struct span text, struct ranges *ranges);

// Without a set: cuts the next range off *text. 1: got it; 0: text was at its end; -1: not
// well-formed, a number not below count, or not above all before it (so the work is bounded by
// count). Begin with *last_io = SIZE_MAX. No text at all is not well-formed.
int ranges_next(struct span *text, size_t count, size_t *first_out, size_t *last_io);

#endif
