// SPDX-License-Identifier: BSD-2-Clause
// spool/blocks.h - a few buffers that large messages pass through on their way to the disk.
//
// One is as large as a block and what may come beyond it at once. It is given back between two
// blocks of a message: its next owner finds memory that is there, and in the processor's cache.
#ifndef POSTERN_SPOOL_BLOCKS_H
#define POSTERN_SPOOL_BLOCKS_H

#include "spool/store.h"

// buf keeps a byte for NUL.
enum { BLOCKS_MAX = 8, BLOCKS_SIZE = 2 * STORE_BLOCK - 1 };

struct blocks {
    struct buf spare[BLOCKS_MAX];
    size_t count;
};

// buf has nothing of its own, or it is kept by the caller; its ceiling stays.
void blocks_take(struct blocks *blocks, struct buf *buf);
// It is empty afterwards; what is no block, or one too many, is freed.
void blocks_give(struct blocks *blocks, struct buf *buf);
void blocks_clear(struct blocks *blocks);

#endif
