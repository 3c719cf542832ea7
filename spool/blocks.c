// SPDX-License-Identifier: BSD-2-Clause
#include "spool/blocks.h"

void
blocks_take(struct blocks *blocks, struct buf *buf)
{
    struct buf taken = {.ceiling = buf->ceiling};

    if (blocks->count > 0)
        taken = blocks->spare[--blocks->count];
    else
        (void)buf_space(&taken, BLOCKS_SIZE);
    taken.ceiling = buf->ceiling;
    *buf = taken;
}

void
blocks_give(struct blocks *blocks, struct buf *buf)
{
    if (blocks->count == BLOCKS_MAX || buf->size <= BLOCKS_SIZE || buf->size / 2 > BLOCKS_SIZE) {
        buf_clear(buf);
        return;
    }
    buf_reset(buf);
    blocks->spare[blocks->count++] = *buf;
    buf_init(buf, buf->ceiling);
}

void
blocks_clear(struct blocks *blocks)
{
    while (blocks->count > 0)
        buf_clear(&blocks->spare[--blocks->count]);
}
