// SPDX-License-Identifier: BSD-2-Clause
#include "spool/blocks.h"

#include "tests/unit/harness.h"

static void
test_used_again(void)
{
    struct blocks blocks = {.count = 0};
    struct buf buf;
    const char *data;

    buf_init(&buf, 1 << 20);
    blocks_take(&blocks, &buf);
    CU_ASSERT_PTR_NOT_NULL(buf.data);
    CU_ASSERT(buf.len == 0 && buf.size > BLOCKS_SIZE && buf.ceiling == 1 << 20);
    CU_ASSERT_EQUAL(buf_add_text(&buf, "text"), 0);
    data = buf.data;
    blocks_give(&blocks, &buf);
    CU_ASSERT(buf.data == NULL && buf.len == 0 && buf.size == 0 && buf.ceiling == 1 << 20);
    buf.ceiling = 2 << 20;
    blocks_take(&blocks, &buf);
    CU_ASSERT_PTR_EQUAL(buf.data, data);
    CU_ASSERT(buf.len == 0 && buf.ceiling == 2 << 20);
    buf_clear(&buf);
    blocks_clear(&blocks);
}

// Nothing else is kept: no image, nothing that has grown, and no more than enough.
static void
test_not_kept(void)
{
    struct blocks blocks = {.count = 0};
    struct buf bufs[BLOCKS_MAX + 1], buf;

    buf_init(&buf, 4 * BLOCKS_SIZE);
    blocks_give(&blocks, &buf);
    (void)buf_space(&buf, BLOCKS_SIZE / 2);
    blocks_give(&blocks, &buf);
    CU_ASSERT(buf.data == NULL && blocks.count == 0);
    (void)buf_space(&buf, 3 * BLOCKS_SIZE);
    blocks_give(&blocks, &buf);
    CU_ASSERT(buf.data == NULL && blocks.count == 0);
    for (size_t i = 0; i < UNIT_COUNT(bufs); i++) {
        buf_init(&bufs[i], 1 << 20);
        blocks_take(&blocks, &bufs[i]);
    }
    for (size_t i = 0; i < UNIT_COUNT(bufs); i++)
        blocks_give(&blocks, &bufs[i]);
    CU_ASSERT_EQUAL(blocks.count, BLOCKS_MAX);
    blocks_clear(&blocks);
    CU_ASSERT_EQUAL(blocks.count, 0);
}

static const struct unit_test tests[] = {
    {"used again", test_used_again},
    {"not kept",   test_not_kept  },
};

UNIT_MAIN("spool/blocks", tests)
