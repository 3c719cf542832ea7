// SPDX-License-Identifier: BSD-2-Clause
// base/arena.h - memory that is given back all at once: for values made of many small texts.
//
// Owns:  its blocks. What it gave stays where it is until arena_clear.
// Fails: where the ceiling (bytes given, rounded up) would be passed: NULL, and nothing was given.
#ifndef POSTERN_BASE_ARENA_H
#define POSTERN_BASE_ARENA_H

#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *last;
    size_t given;
    size_t ceiling;
};

void arena_init(struct arena *arena, size_t ceiling);
void arena_clear(struct arena *arena);
// Zeroed, aligned for anything. count * size may not overflow: NULL then, too.
void *arena_array(struct arena *arena, size_t count, size_t size);
// A copy; ends in a NUL that is not counted. data NULL: no room.
struct span arena_copy(struct arena *arena, struct span span);

#endif
