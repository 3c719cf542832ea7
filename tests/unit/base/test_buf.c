// SPDX-License-Identifier: BSD-2-Clause
#include "base/buf.h"

#include "tests/unit/harness.h"

static bool
holds(const struct buf *buf, const char *text)
{
    return span_is(buf_span(buf), text);
}

static void
test_empty(void)
{
    struct buf buf;

    buf_init(&buf, 10);
    CU_ASSERT_PTR_NULL(buf.data);
    CU_ASSERT_EQUAL(buf_span(&buf).len, 0);
    CU_ASSERT(buf_add(&buf, NULL, 0) == 0);
    CU_ASSERT(buf_add_span(&buf, span_of(NULL)) == 0);
    CU_ASSERT_PTR_NULL(buf.data);
    buf_drop(&buf, 0);
    buf_cut(&buf, 0);
    CU_ASSERT_STRING_EQUAL(buf_text(&buf), "");
    CU_ASSERT_EQUAL(buf.len, 0);
    buf_clear(&buf);
    buf_clear(&buf);
}

static void
test_add(void)
{
    struct buf buf;

    buf_init(&buf, 1000);
    CU_ASSERT(buf_add(&buf, "a\0b", 3) == 0);
    CU_ASSERT(buf_add_char(&buf, '\0') == 0);
    CU_ASSERT(buf.len == 4 && memcmp(buf.data, "a\0b\0", 4) == 0);
    buf_reset(&buf);
    CU_ASSERT(buf_add_text(&buf, "one ") == 0);
    CU_ASSERT(buf_add_span(&buf, SPAN_LITERAL("two ")) == 0);
    CU_ASSERT(buf_printf(&buf, "%s %d", "three", 3) == 0);
    CU_ASSERT_STRING_EQUAL(buf_text(&buf), "one two three 3");
    CU_ASSERT_EQUAL(buf.len, 15);
    buf_clear(&buf);
    CU_ASSERT(buf_add_text(&buf, "again") == 0);
    CU_ASSERT(holds(&buf, "again"));
    buf_clear(&buf);
}

// Every ceiling, every size of bite: the ceiling is kept, and what did not fit changed nothing.
static void
test_ceiling(void)
{
    char bite[300];

    memset(bite, 'x', sizeof(bite));
    for (size_t ceiling = 0; ceiling < 600; ceiling += ceiling < 200 ? 1 : 7) {
        for (size_t len = 1; len < 210; len += ceiling / 7 + 1) {
            struct buf buf;
            size_t count = 0;

            buf_init(&buf, ceiling);
            while (buf_add(&buf, bite, len) == 0)
                count++;
            CU_ASSERT(count == ceiling / len && buf.len == count * len);
            CU_ASSERT(buf.size <= ceiling + 1);
            CU_ASSERT(buf_printf(&buf, "%.*s", (int)(ceiling - buf.len + 1), bite) == -1);
            CU_ASSERT(buf.len == count * len);
            CU_ASSERT(buf_printf(&buf, "%.*s", (int)(ceiling - buf.len), bite) == 0);
            CU_ASSERT(buf.len == ceiling && strlen(buf_text(&buf)) == ceiling);
            CU_ASSERT_PTR_NULL(buf_space(&buf, 1));
            buf_clear(&buf);
        }
    }
}

static void
test_huge(void)
{
    struct buf buf;

    buf_init(&buf, SIZE_MAX / 4);
    CU_ASSERT(buf_add_text(&buf, "abc") == 0);
    CU_ASSERT_PTR_NULL(buf_space(&buf, SIZE_MAX));
    CU_ASSERT_PTR_NULL(buf_space(&buf, SIZE_MAX / 4));
    CU_ASSERT(buf_add(&buf, buf.data, SIZE_MAX) == -1);
    CU_ASSERT(holds(&buf, "abc"));
    buf_clear(&buf);
}

static void
test_space(void)
{
    struct buf buf;
    char *space;

    buf_init(&buf, 100);
    CU_ASSERT_PTR_NOT_NULL(buf_space(&buf, 0));
    space = buf_space(&buf, 100);
    CU_ASSERT_PTR_NOT_NULL_FATAL(space);
    if (space == NULL)
        return;
    memset(space, 'y', 100);
    buf_filled(&buf, 40);
    CU_ASSERT_EQUAL(buf.len, 40);
    space = buf_space(&buf, 60);
    CU_ASSERT_PTR_EQUAL(space, buf.data + 40);
    buf_filled(&buf, 60);
    CU_ASSERT_EQUAL(buf.len, 100);
    CU_ASSERT_PTR_NULL(buf_space(&buf, 1));
    buf_clear(&buf);
}

static void
test_drop_and_cut(void)
{
    static const struct {
        const char *name;
        size_t drop, cut;
        const char *expected;
    } rows[] = {
        {"nothing",      0, 6, "abcdef"},
        {"front",        2, 4, "cdef"  },
        {"end",          0, 2, "ab"    },
        {"both",         1, 3, "bcd"   },
        {"all in front", 6, 0, ""      },
        {"all at end",   0, 0, ""      },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct buf buf;

        buf_init(&buf, 10);
        buf_add_text(&buf, "abcdef");
        buf_drop(&buf, rows[i].drop);
        buf_cut(&buf, rows[i].cut);
        UNIT_CHECK_ROW(rows[i].name, holds(&buf, rows[i].expected));
        UNIT_CHECK_ROW(rows[i].name, buf_add_text(&buf, "wxyz") == 0);
        UNIT_CHECK_ROW(rows[i].name,
                       memcmp(buf.data, rows[i].expected, strlen(rows[i].expected)) == 0);
        UNIT_CHECK_ROW(rows[i].name, memcmp(buf.data + buf.len - 4, "wxyz", 4) == 0);
        buf_clear(&buf);
    }
}

static void
test_printf_over_growth(void)
{
    struct buf buf;

    buf_init(&buf, 100000);
    for (int i = 0; i < 1000; i++)
        CU_ASSERT(buf_printf(&buf, "%08d", i) == 0);
    CU_ASSERT_EQUAL(buf.len, 8000);
    CU_ASSERT(memcmp(buf.data, "0000000000000001", 16) == 0);
    CU_ASSERT(memcmp(buf.data + 7992, "00000999", 8) == 0);
    buf_clear(&buf);
}

static void
test_numbers(void)
{
    static const struct {
        uint64_t number;
        const char *text;
    } rows[] = {
        {0,          "0"                   },
        {9,          "9"                   },
        {10,         "10"                  },
        {1234567890, "1234567890"          },
        {UINT64_MAX, "18446744073709551615"},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct buf buf;

        buf_init(&buf, 21);
        CU_ASSERT(buf_add_char(&buf, 'x') == 0 && buf_add_number(&buf, rows[i].number) == 0);
        CU_ASSERT_STRING_EQUAL(buf_text(&buf) + 1, rows[i].text);
        buf_clear(&buf);
        buf_init(&buf, strlen(rows[i].text) - 1);
        UNIT_CHECK_ROW(rows[i].text, buf_add_number(&buf, rows[i].number) != 0 && buf.len == 0);
        buf_clear(&buf);
    }
}

static const struct unit_test tests[] = {
    {"empty",              test_empty             },
    {"add",                test_add               },
    {"ceiling",            test_ceiling           },
    {"huge lengths",       test_huge              },
    {"space",              test_space             },
    {"drop and cut",       test_drop_and_cut      },
    {"printf over growth", test_printf_over_growth},
    {"numbers",            test_numbers           },
};

UNIT_MAIN("base/buf", tests)
