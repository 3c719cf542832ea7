// SPDX-License-Identifier: BSD-2-Clause
#include "base/crlf.h"

#include "tests/unit/harness.h"

static const struct {
    const char *name;
    struct span content;
    size_t len, len_with_dots;
} rows[] = {
    {"nothing",             SPAN_LITERAL(""),               0, 0},
    {"no line end",         SPAN_LITERAL("abc"),            3, 3},
    {"lines",               SPAN_LITERAL("a\r\n\r\nb\r\n"), 8, 8},
    {"CR at the end",       SPAN_LITERAL("a\r"),            1, 1},
    {"CR alone",            SPAN_LITERAL("\r"),             0, 0},
    {"CR inside",           SPAN_LITERAL("a\rb\r\n"),       1, 1},
    {"CR CR LF",            SPAN_LITERAL("a\r\r\n"),        1, 1},
    {"LF inside",           SPAN_LITERAL("a\nb"),           1, 1},
    {"LF LF",               SPAN_LITERAL("\r\n\n"),         2, 2},
    {"LF CR",               SPAN_LITERAL("a\r\n\r"),        3, 3},
    {"dot first",           SPAN_LITERAL(".\r\n"),          3, 3},
    {"dot in a line",       SPAN_LITERAL("a.b\r\n"),        5, 5},
    {"dot at a line start", SPAN_LITERAL("a\r\n.b\r\n"),    7, 3},
    {"NUL and 8-bit",       SPAN_LITERAL("\0\xff\r\n"),     4, 4},
};

static void
test_rows(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_CHECK_ROW(rows[i].name, crlf_plain_len(rows[i].content, false) == rows[i].len);
        UNIT_CHECK_ROW(rows[i].name,
                       crlf_plain_len(rows[i].content, true) == rows[i].len_with_dots);
    }
}

// The same behind any number of plain bytes, and with any number behind it: within strides and at
// their seams.
static void
test_seams(void)
{
    enum { BEFORE_MAX = 140, SIZE = BEFORE_MAX + 20 + 140 };

    char content[SIZE];

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct span row = rows[i].content;

        for (size_t before = 1; before < BEFORE_MAX; before++) {
            size_t end = before + row.len;
            bool is_whole = rows[i].len_with_dots == row.len;
            size_t expected = is_whole ? SIZE : before + rows[i].len_with_dots;

            memset(content, 'x', sizeof content);
            if (row.len > 0)
                memcpy(content + before, row.data, row.len);
            UNIT_CHECK_ROW(rows[i].name,
                           crlf_plain_len(span_from(content, SIZE), true) == expected);
            UNIT_CHECK_ROW(rows[i].name, crlf_plain_len(span_from(content, end), true) ==
                                             before + rows[i].len_with_dots);
        }
    }
}

static const struct unit_test tests[] = {
    {"rows",  test_rows },
    {"seams", test_seams},
};

UNIT_MAIN("base/crlf", tests)
