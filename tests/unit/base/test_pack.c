// SPDX-License-Identifier: BSD-2-Clause
#include "base/pack.h"

#include "tests/unit/harness.h"

static void
test_numbers(void)
{
    static const struct {
        uint64_t value;
        size_t len;
    } rows[] = {
        {0,                     1 },
        {1,                     1 },
        {127,                   1 },
        {128,                   2 },
        {16383,                 2 },
        {16384,                 3 },
        {UINT32_MAX,            5 },
        {UINT64_MAX >> 1,       9 },
        {(UINT64_MAX >> 1) + 1, 10},
        {UINT64_MAX,            10},
    };
    struct buf out;
    struct pack pack;

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct unpack unpack;

        buf_init(&out, 100);
        pack_begin(&pack, &out);
        pack_number(&pack, rows[i].value);
        CU_ASSERT_EQUAL(pack_end(&pack), 0);
        CU_ASSERT_EQUAL(out.len, rows[i].len);
        unpack = (struct unpack){.rest = buf_span(&out)};
        CU_ASSERT_EQUAL(unpack_number(&unpack, rows[i].value), rows[i].value);
        CU_ASSERT_EQUAL(unpack_end(&unpack), 0);
        for (size_t len = 0; len < out.len; len++) {
            unpack = (struct unpack){.rest = span_from(out.data, len)};
            CU_ASSERT_EQUAL(unpack_number(&unpack, UINT64_MAX), 0);
            CU_ASSERT_TRUE(unpack.has_failed);
        }
        unpack = (struct unpack){.rest = buf_span(&out)};
        if (rows[i].value > 0)
            CU_ASSERT_EQUAL(unpack_number(&unpack, rows[i].value - 1), 0);
        CU_ASSERT_EQUAL(unpack.has_failed, rows[i].value > 0);
        buf_clear(&out);
    }
}

static void
test_bad(void)
{
    static const struct {
        const char *name;
        struct span bytes;
    } rows[] = {
        {"nothing",            {"", 0}                                             },
        {"never ends",         {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11}},
        {"65 bits",            {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10}    },
        {"ends in the middle", {"\xff\xff", 2}                                     },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct unpack unpack = {.rest = rows[i].bytes};

        UNIT_CHECK_ROW(rows[i].name, unpack_number(&unpack, UINT64_MAX) == 0);
        UNIT_CHECK_ROW(rows[i].name, unpack.has_failed);
        UNIT_CHECK_ROW(rows[i].name, unpack_end(&unpack) == -1);
    }
}

static void
test_texts_and_counts(void)
{
    char bytes[4] = "xxxx";
    struct unpack unpack = {.rest = SPAN_LITERAL("\x03"
                                                 "abc"
                                                 "\x00"
                                                 "\x05"
                                                 "abcd")};
    struct span text = unpack_span(&unpack);

    CU_ASSERT_TRUE(span_is(text, "abc"));
    CU_ASSERT_EQUAL(unpack_span(&unpack).len, 0);
    CU_ASSERT_FALSE(unpack.has_failed);
    CU_ASSERT_EQUAL(unpack_span(&unpack).len, 0);
    CU_ASSERT_TRUE(unpack.has_failed);
    // From then on nothing comes, and nothing is read.
    CU_ASSERT_EQUAL(unpack_number(&unpack, 9), 0);
    CU_ASSERT_FALSE(unpack_flag(&unpack));
    unpack_bytes(&unpack, bytes, sizeof bytes);
    CU_ASSERT_EQUAL(memcmp(bytes, "\0\0\0\0", 4), 0);
    CU_ASSERT_EQUAL(unpack_count(&unpack, 1), 0);
    CU_ASSERT_EQUAL(unpack_end(&unpack), -1);

    unpack = (struct unpack){.rest = SPAN_LITERAL("\x02"
                                                  "abcd")};
    CU_ASSERT_EQUAL(unpack_count(&unpack, 2), 2);
    CU_ASSERT_EQUAL(unpack_end(&unpack), -1); // bytes are left over
    unpack = (struct unpack){.rest = SPAN_LITERAL("\x02"
                                                  "abcd")};
    CU_ASSERT_EQUAL(unpack_count(&unpack, 3), 0);
    CU_ASSERT_TRUE(unpack.has_failed);
    unpack = (struct unpack){.rest = SPAN_LITERAL("\x02")};
    CU_ASSERT_FALSE(unpack_flag(&unpack));
    CU_ASSERT_TRUE(unpack.has_failed);
}

static void
test_ceiling(void)
{
    struct buf out;
    struct pack pack;

    buf_init(&out, 10);
    CU_ASSERT_EQUAL(buf_add_text(&out, "before"), 0);
    pack_begin(&pack, &out);
    pack_number(&pack, 1);
    pack_span(&pack, SPAN_LITERAL("abcdef"));
    pack_number(&pack, 1);
    CU_ASSERT_EQUAL(pack_end(&pack), -1);
    CU_ASSERT_TRUE(span_is(buf_span(&out), "before"));
    buf_clear(&out);
}

static const struct unit_test tests[] = {
    {"numbers",          test_numbers         },
    {"no numbers",       test_bad             },
    {"texts and counts", test_texts_and_counts},
    {"ceiling",          test_ceiling         },
};

UNIT_MAIN("base/pack", tests)
