// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/track/draw.h - chance that comes out the same each time.
#ifndef POSTERN_TESTS_UNIT_TRACK_DRAW_H
#define POSTERN_TESTS_UNIT_TRACK_DRAW_H

#include <stdint.h>

static inline uint64_t
draw(uint64_t *seed, uint64_t below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed % below;
}

#endif
