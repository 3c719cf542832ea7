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
// Replaces what was in it. -1: as ranges_walk_init; the set is empty then.
int ranges_parse(struct span text, struct ranges *ranges);

// The numbers of a text one by one, without a set.
struct ranges_walk {
    size_t number; // the current one, behind ranges_walk_next
    struct span left;
    size_t count, last;
    bool is_started, is_bad;
};

// How many there are. 0: none, not well-formed, one not below count, or one not above those before
// it (so count bounds the work).
size_t ranges_walk_init(struct ranges_walk *walk, struct span text, size_t count);
bool ranges_walk_next(struct ranges_walk *walk);

#endif
