// SPDX-License-Identifier: BSD-2-Clause
// base/ring_layout.h - what lies in the mapping of base/ring; for ring.c and its tests only.
//
// Positions count bytes since the row began and never wrap; a position's place is its remainder by
// the size of the row. In a sane row: free <= done <= tail <= free + size.
#ifndef POSTERN_BASE_RING_LAYOUT_H
#define POSTERN_BASE_RING_LAYOUT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { RING_LEN_BYTES = 4 }; // before each record; native order

struct ring_row {
    _Alignas(64) _Atomic uint64_t tail; // the writer's: behind the last whole record
    _Atomic uint64_t dropped;
    _Alignas(64) _Atomic uint64_t done; // the reader's: a new reader begins here
    _Atomic uint64_t free;              // the reader's: the writer may fill up to free + size
};

struct ring_control {
    _Alignas(64) _Atomic int32_t seat; // process ids; 0: none
    _Atomic int32_t wanted;
    struct ring_row rows[];
};

// Each process's own: nobody else can falsify it.
struct rings {
    size_t rows, size;
    size_t block;  // memory is given back in such pieces
    size_t mapped; // bytes, from control on
    struct ring_control *control;
    unsigned char *data; // of the first row; the others follow
};

#endif
