// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/stuff.h"

#include "tests/unit/harness.h"

static const struct {
    const char *name;
    struct span in;
    const char *data, *chunk; // what leaves, DATA's without its last ".CRLF"
    uint64_t mended;
} rows[] = {
    {"empty",             SPAN_LITERAL(""),                     "",                     "",                   0},
    {"a line",            SPAN_LITERAL("a\r\n"),                "a\r\n",                "a\r\n",              0},
    {"no end",            SPAN_LITERAL("a"),                    "a\r\n",                "a\r\n",              1},
    {"dot",               SPAN_LITERAL(".\r\n"),                "..\r\n",               ".\r\n",              0},
    {"dots",              SPAN_LITERAL("..\r\n"),               "...\r\n",              "..\r\n",             0},
    {"dot first in line", SPAN_LITERAL("a\r\n.b\r\n"),          "a\r\n..b\r\n",         "a\r\n.b\r\n",        0},
    {"dot inside",        SPAN_LITERAL("a.\r\nb.c\r\n"),        "a.\r\nb.c\r\n",        "a.\r\nb.c\r\n",      0},
    {"only dots",         SPAN_LITERAL("....\r\n....\r\n"),     ".....\r\n.....\r\n",   "....\r\n....\r\n",   0},
    {"bare lf",           SPAN_LITERAL("a\nb\r\n"),             "a\r\nb\r\n",           "a\r\nb\r\n",         1},
    {"lf first",          SPAN_LITERAL("\na\r\n"),              "\r\na\r\n",            "\r\na\r\n",          1},
    {"lf lf",             SPAN_LITERAL("\n\n"),                 "\r\n\r\n",             "\r\n\r\n",           2},
    {"bare cr",           SPAN_LITERAL("a\rb\r\n"),             "a b\r\n",              "a b\r\n",            1},
    {"cr crlf",           SPAN_LITERAL("a\r\r\n"),              "a \r\n",               "a \r\n",             1},
    {"cr cr",             SPAN_LITERAL("\r\r"),                 "  \r\n",               "  \r\n",             2},
    {"cr at the end",     SPAN_LITERAL("a\r"),                  "a \r\n",               "a \r\n",             1},
    {"cr dot",            SPAN_LITERAL("\r.\r\n"),              " .\r\n",               " .\r\n",             1},
 // The ways to end a message before its end (CVE-2023-51764 and its kin).
    {"lf dot lf",         SPAN_LITERAL("a\n.\nMAIL\r\n"),       "a\r\n..\r\nMAIL\r\n",  "a\r\n.\r\nMAIL\r\n", 2},
    {"lf dot crlf",       SPAN_LITERAL("a\n.\r\nMAIL\r\n"),     "a\r\n..\r\nMAIL\r\n",  "a\r\n.\r\nMAIL\r\n",
     1                                                                                                         },
    {"crlf dot lf",       SPAN_LITERAL("a\r\n.\nMAIL\r\n"),     "a\r\n..\r\nMAIL\r\n",  "a\r\n.\r\nMAIL\r\n",
     1                                                                                                         },
    {"cr dot cr",         SPAN_LITERAL("a\r.\rMAIL\r\n"),       "a . MAIL\r\n",         "a . MAIL\r\n",       2},
    {"cr dot crlf",       SPAN_LITERAL("a\r.\r\nMAIL\r\n"),     "a .\r\nMAIL\r\n",      "a .\r\nMAIL\r\n",    1},
    {"crlf dot cr crlf",  SPAN_LITERAL("a\r\n.\r\r\nMAIL\r\n"), "a\r\n.. \r\nMAIL\r\n",
     "a\r\n. \r\nMAIL\r\n",                                                                                   1},
    {"high bytes",        SPAN_LITERAL("\xff\x80\r\n"),         "\xff\x80\r\n",         "\xff\x80\r\n",       0},
};

// Fed in two pieces, cut at `cut`; step 1 further cuts the first into single bytes.
static uint64_t
run(struct span in, enum stuff_mode mode, size_t cut, size_t step, struct buf *out)
{
    struct stuff stuff;

    stuff_init(&stuff, mode);
    for (size_t at = 0; at < cut; at += step)
        stuff_feed(&stuff, span_from(in.data + at, step), out);
    stuff_feed(&stuff, span_skip(in, cut), out);
    stuff_end(&stuff, out);
    return stuff.mended;
}

static void
check(size_t i, enum stuff_mode mode, size_t cut, size_t step)
{
    struct buf out, expected;
    uint64_t mended;

    buf_init(&out, 10000);
    buf_init(&expected, 10000);
    mended = run(rows[i].in, mode, cut, step, &out);
    (void)buf_printf(&expected, "%s%s", mode == STUFF_DATA ? rows[i].data : rows[i].chunk,
                     mode == STUFF_DATA ? ".\r\n" : "");
    UNIT_CHECK_ROW(rows[i].name, mended == rows[i].mended);
    UNIT_CHECK_ROW(rows[i].name, span_is(buf_span(&out), buf_text(&expected)));
    buf_clear(&out);
    buf_clear(&expected);
}

static void
test_rows(void)
{
    static const enum stuff_mode modes[] = {STUFF_DATA, STUFF_CHUNK};

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        for (size_t mode = 0; mode < 2; mode++) {
            for (size_t cut = 0; cut <= rows[i].in.len; cut++) {
                check(i, modes[mode], cut, cut > 0 ? cut : 1);
                check(i, modes[mode], cut, 1);
            }
        }
    }
}

static void
test_nul(void)
{
    struct buf out;

    buf_init(&out, 100);
    CU_ASSERT(run(SPAN_LITERAL("\0.\0\r\n"), STUFF_DATA, 0, 1, &out) == 0);
    CU_ASSERT(out.len == 8 && memcmp(out.data, "\0.\0\r\n.\r\n", 8) == 0);
    buf_clear(&out);
}

static void
test_room(void)
{
    // What the header promises about room: never more than 2 * len + 2 for a piece.
    struct stuff stuff;
    struct buf out;

    stuff_init(&stuff, STUFF_DATA);
    buf_init(&out, 1 + 2 * 4 + 2);
    stuff_feed(&stuff, SPAN_LITERAL("\r"), &out);
    CU_ASSERT(out.len == 0);
    stuff_feed(&stuff, SPAN_LITERAL(".\n.\n"), &out);
    CU_ASSERT(span_is(buf_span(&out), " .\r\n..\r\n"));
    buf_clear(&out);
}

static const struct unit_test tests[] = {
    {"rows, cut anywhere", test_rows},
    {"NUL",                test_nul },
    {"room",               test_room},
};

UNIT_MAIN("reinject/stuff", tests)
