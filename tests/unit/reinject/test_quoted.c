// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/quoted.h"

#include "tests/unit/harness.h"

#define X10 "xxxxxxxxxx"
#define X70 X10 X10 X10 X10 X10 X10 X10

static const struct {
    const char *name;
    struct span raw;
    const char *text;
} rows[] = {
    {"plain",            SPAN_LITERAL("a: b\r\n"),         "a: b\r\n"             },
    {"equals",           SPAN_LITERAL("a=b\r\n"),          "a=3Db\r\n"            },
    {"8-bit",            SPAN_LITERAL("\xe9\r\n"),         "=E9\r\n"              },
    {"nul",              SPAN_LITERAL("\0"),               "=00"                  },
    {"bare cr",          SPAN_LITERAL("a\rb"),             "a=0Db"                },
    {"bare lf",          SPAN_LITERAL("a\nb"),             "a=0Ab"                },
    {"blank at the end", SPAN_LITERAL("a \r\nb\t\r\n c "), "a=20\r\nb=09\r\n c=20"},
    {"75",               SPAN_LITERAL(X70 "12345\r\n"),    X70 "12345\r\n"        },
    {"76",               SPAN_LITERAL(X70 "123456\r\n"),   X70 "12345=\r\n6\r\n"  },
    {"code at the edge", SPAN_LITERAL(X70 "123\xe9\r\n"),  X70 "123=\r\n=E9\r\n"  },
};

static void
test_rows(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct buf out;

        buf_init(&out, 1000);
        quoted_add(&out, rows[i].raw);
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&out), rows[i].text) == 0);
        buf_clear(&out);
    }
}

static const struct {
    const char *name;
    struct span text;
    bool in_7bit, in_8bit;
} plain_rows[] = {
    {"nothing",   SPAN_LITERAL(""),                 true,  true },
    {"lines",     SPAN_LITERAL("a: b\r\nc: d\r\n"), true,  true },
    {"no end",    SPAN_LITERAL("a: b\r\nc: d"),     true,  true },
    {"utf-8",     SPAN_LITERAL("a: \xc3\xa9\r\n"),  false, true },
    {"latin-1",   SPAN_LITERAL("a: \xe9\r\n"),      false, false},
    {"nul",       SPAN_LITERAL("a: \0\r\n"),        false, false},
    {"bare lf",   SPAN_LITERAL("a: \nb\r\n"),       false, false},
    {"bare cr",   SPAN_LITERAL("a: \rb\r\n"),       false, false},
    {"cr at end", SPAN_LITERAL("a: b\r"),           false, false},
};

static void
test_needless(void)
{
    char line[1001];

    for (size_t i = 0; i < UNIT_COUNT(plain_rows); i++) {
        UNIT_CHECK_ROW(plain_rows[i].name,
                       quoted_is_needless(plain_rows[i].text, false) == plain_rows[i].in_7bit);
        UNIT_CHECK_ROW(plain_rows[i].name,
                       quoted_is_needless(plain_rows[i].text, true) == plain_rows[i].in_8bit);
    }
    memset(line, 'x', sizeof(line));
    memcpy(line + 998, "\r\n", 2);
    CU_ASSERT(quoted_is_needless(span_from(line, 1000), false));
    memcpy(line + 998, "x\r\n", 3);
    CU_ASSERT(!quoted_is_needless(span_from(line, 1001), false));
}

static const struct unit_test tests[] = {
    {"rows",            test_rows    },
    {"what needs none", test_needless},
};

UNIT_MAIN("reinject/quoted", tests)
