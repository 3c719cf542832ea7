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

// One byte more or less at each place, within strides and at their seams: as byte by byte.
static void
test_long(void)
{
    enum { LEN = 300 };

    static const char odd[] = {'\r', '\n', '.', 'x'};
    char in[LEN];
    struct buf whole, bytes;

    buf_init(&whole, 10000);
    buf_init(&bytes, 10000);
    for (size_t at = 0; at < LEN * sizeof odd; at++) {
        for (size_t i = 0; i < LEN; i++)
            in[i] = i % 37 == 35 ? '\r' : i % 37 == 36 ? '\n' : i % 37 == 0 && i > 200 ? '.' : 'x';
        in[at / sizeof odd] = odd[at % sizeof odd];
        buf_reset(&whole);
        buf_reset(&bytes);
        CU_ASSERT(run(span_from(in, LEN), STUFF_DATA, 0, 1, &whole) ==
                  run(span_from(in, LEN), STUFF_DATA, LEN, 1, &bytes));
        CU_ASSERT(span_equal(buf_span(&whole), buf_span(&bytes)));
    }
    buf_clear(&whole);
    buf_clear(&bytes);
}

// What needs no copy, if the first part was fed and the second might.
static void
test_pass(void)
{
    static const struct {
        const char *name, *before, *in, *data, *chunk, *after; // NULL: it needs one
    } pass_rows[] = {
        {"a line",            "",    "a\r\n",   "a\r\n", "a\r\n",   ".\r\n"     },
        {"no end",            "",    "a",       "a",     "a",       "\r\n.\r\n" },
        {"cr at the end",     "",    "a\r",     "a",     "a",       " \r\n.\r\n"},
        {"cr alone",          "",    "\r",      NULL,    NULL,      NULL        },
        {"nothing",           "",    "",        NULL,    NULL,      NULL        },
        {"dot inside",        "a",   ".\r\n",   ".\r\n", ".\r\n",   ".\r\n"     },
        {"dot",               "",    ".a\r\n",  NULL,    ".a\r\n",  ".\r\n"     },
        {"dot first in line", "",    "a\r\n.b", NULL,    "a\r\n.b", "\r\n.\r\n" },
        {"lf behind cr",      "a\r", "\na\r\n", NULL,    NULL,      NULL        },
        {"bare lf",           "",    "a\nb",    NULL,    NULL,      NULL        },
        {"bare cr",           "",    "a\rb",    NULL,    NULL,      NULL        },
        {"lf first",          "a",   "\nb",     NULL,    NULL,      NULL        },
    };

    for (size_t i = 0; i < 2 * UNIT_COUNT(pass_rows); i++) {
        size_t row = i / 2;
        bool is_data = i % 2 == 0;
        const char *expected = is_data ? pass_rows[row].data : pass_rows[row].chunk;
        struct span in = span_of(pass_rows[row].in), out = {NULL, 0};
        struct stuff stuff;
        struct buf rest;

        buf_init(&rest, 100);
        stuff_init(&stuff, is_data ? STUFF_DATA : STUFF_CHUNK);
        stuff_feed(&stuff, span_of(pass_rows[row].before), &rest);
        buf_reset(&rest);
        UNIT_CHECK_ROW(pass_rows[row].name, stuff_pass(&stuff, in, &out) == (expected != NULL));
        if (expected != NULL) {
            UNIT_CHECK_ROW(pass_rows[row].name, out.data == in.data && span_is(out, expected));
            stuff_end(&stuff, &rest);
            if (is_data)
                UNIT_CHECK_ROW(pass_rows[row].name, span_is(buf_span(&rest), pass_rows[row].after));
        }
        buf_clear(&rest);
    }
}

static const struct unit_test tests[] = {
    {"rows, cut anywhere", test_rows},
    {"NUL",                test_nul },
    {"room",               test_room},
    {"long",               test_long},
    {"what needs no copy", test_pass},
};

UNIT_MAIN("reinject/stuff", tests)
