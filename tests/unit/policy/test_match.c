// SPDX-License-Identifier: BSD-2-Clause
#include "policy/match.h"

#include <math.h>

#include "tests/unit/harness.h"

struct number_row {
    const char *text;
    int result;
    double value;
};

static const struct number_row number_rows[] = {
    {"0",                0,  0                },
    {"10",               0,  10               },
    {"-1.5",             0,  -1.5             },
    {"6.25",             0,  6.25             },
    {"007",              0,  7                },
    {"",                 -1, 0                },
    {"-",                -1, 0                },
    {".5",               -1, 0                },
    {"5.",               -1, 0                },
    {"1.2.3",            -1, 0                },
    {"+1",               -1, 0                },
    {" 1",               -1, 0                },
    {"1e3",              -1, 0                },
    {"0x10",             -1, 0                },
    {"nan",              -1, 0                },
    {"inf",              -1, 0                },
    {"999999999999999",  0,  999999999999999.0},
    {"9999999999999999", -1, 0                },
};

static void
test_number(void)
{
    for (size_t i = 0; i < UNIT_COUNT(number_rows); i++) {
        const struct number_row *row = &number_rows[i];
        double value = NAN;

        UNIT_CHECK_ROW(row->text, match_number_parse(span_of(row->text), &value) == row->result);
        UNIT_CHECK_ROW(row->text, row->result != 0 || fabs(value - row->value) < 1e-9);
    }
}

struct range_row {
    const char *text;
    bool is_size;
    int result;
    double in, out; // a value inside, one outside
};

static const struct range_row range_rows[] = {
    {"6..15",     false, 0,  6,        15      },
    {"6..15",     false, 0,  14.99,    5.99    },
    {"15..",      false, 0,  1e300,    14.9    },
    {"..6",       false, 0,  -1e300,   6       },
    {"-3..-1",    false, 0,  -3,       -1      },
    {"-0.5..0.5", false, 0,  0,        0.5     },
    {"5",         false, 0,  5,        5.01    },
    {"5",         false, 0,  5,        4.99    },
    {"10M..",     true,  0,  10485760, 10485759},
    {"..1K",      true,  0,  1023,     1024    },
    {"1K",        true,  0,  1024,     1025    },
    {"",          false, -1, 0,        0       },
    {"..",        false, -1, 0,        0       },
    {"15..6",     false, -1, 0,        0       },
    {"6..6",      false, -1, 0,        0       },
    {"6-15",      false, -1, 0,        0       },
    {"6...15",    false, -1, 0,        0       },
    {"6..15..20", false, -1, 0,        0       },
    {"10M..",     false, -1, 0,        0       },
    {"6 .. 15",   false, -1, 0,        0       },
    {"1Q..",      true,  -1, 0,        0       },
    {"-1..",      true,  -1, 0,        0       },
};

static void
test_range(void)
{
    for (size_t i = 0; i < UNIT_COUNT(range_rows); i++) {
        const struct range_row *row = &range_rows[i];
        struct match_range range;
        struct err err = {.text = ""};
        int result = match_range_parse(span_of(row->text), row->is_size, &range, &err);

        UNIT_CHECK_ROW(row->text, result == row->result);
        UNIT_CHECK_ROW(row->text, result == 0 || err.kind == ERR_PERM);
        UNIT_CHECK_ROW(row->text, result != 0 || match_range_has(&range, row->in));
        UNIT_CHECK_ROW(row->text, result != 0 || !match_range_has(&range, row->out));
        UNIT_CHECK_ROW(row->text, result != 0 || !match_range_has(&range, NAN));
    }
}

struct text_row {
    const char *glob, *text;
    bool is_match;
};

static const struct text_row address_rows[] = {
    {"<>",              "",                               true },
    {"<>",              "a@b",                            false},
    {"*",               "",                               true },
    {"*",               "a@example.com",                  true },
    {"*@example.com",   "a@EXAMPLE.com",                  true },
    {"*@example.com",   "a@sub.example.com",              false},
    {"example.com",     "a@example.com",                  true },
    {"example.com",     "a@sub.example.com",              false},
    {"example.com",     "example.com@evil.example",       false},
    {"*.example.com",   "a@sub.example.com",              true },
    {"*.example.com",   "a@example.com",                  false},
    {"*.example.com",   "a@evilexample.com",              false},
    {"a@example.com",   "A@example.com",                  true },
    {"a@example.com",   "\"a\"@example.com",              true },
    {"a@example.com",   "\"\\a\"@example.com",            true },
    {"a b@example.com", "\"a b\"@example.com",            true },
    {"\"a b\"@*",       "\"a b\"@example.com",            true },
    {"example.com",     "\"a@evil.example\"@example.com", true },
    {"evil.example",    "\"a@evil.example\"@example.com", false},
    {"postmaster",      "postmaster",                     true },
    {"postmaster",      "postmaster@example.com",         false},
    {"postmaster@*",    "postmaster@example.com",         true },
    {"example.???",     "a@example.com",                  true },
    {"*@*",             "",                               false},
};

static void
test_address(void)
{
    for (size_t i = 0; i < UNIT_COUNT(address_rows); i++) {
        const struct text_row *row = &address_rows[i];

        UNIT_CHECK_ROW(row->glob,
                       match_address(span_of(row->glob), span_of(row->text)) == row->is_match);
    }
    CU_ASSERT(!match_address(SPAN_LITERAL("a@b"), SPAN_LITERAL("\"")));
    CU_ASSERT(!match_address(SPAN_LITERAL("a@b"), SPAN_LITERAL("\"\\")));
}

static const struct text_row name_rows[] = {
    {"*.exe", "a.exe",                 true },
    {"*.exe", "A.EXE",                 true },
    {"*.exe", "a.exe.txt",             false},
    {"*.exe", "a.exe.",                true },
    {"*.exe", "a.exe. . ",             true },
    {"*.exe", "a.exe\t\r\n",           true },
    {"*.exe", "dir/a.exe",             true },
    {"a.exe", "dir/a.exe",             true },
    {"a.exe", "c:\\dir\\a.exe",        true },
    {"a.exe", "dir/b.exe",             false},
    {"dir/*", "dir/a.exe",             true },
    {"*.exe", "a.exe/",                false},
    {"a",     "",                      false},
    {"*",     "",                      true },
    {"*.exe", "rechnung \xc3\xbc.exe", true },
};

static void
test_file_name(void)
{
    static const char nul[] = "a.exe\0.txt";
    static const struct span nul_names[] = {
        SPAN_LITERAL("evil.exe\0/a.txt"),
        SPAN_LITERAL("dir\0a/evil.exe. \0\\a.txt"),
        SPAN_LITERAL("\0evil.exe"),
    };

    for (size_t i = 0; i < UNIT_COUNT(name_rows); i++) {
        const struct text_row *row = &name_rows[i];

        UNIT_CHECK_ROW(row->text,
                       match_file_name(span_of(row->glob), span_of(row->text)) == row->is_match);
    }
    CU_ASSERT(match_file_name(SPAN_LITERAL("*.exe"), span_from(nul, sizeof(nul) - 1)));
    CU_ASSERT(match_file_name(SPAN_LITERAL("*.txt"), span_from(nul, sizeof(nul) - 1)));
    for (size_t i = 0; i < UNIT_COUNT(nul_names); i++)
        CU_ASSERT(match_file_name(SPAN_LITERAL("evil.exe"), nul_names[i]));
    CU_ASSERT(!match_file_name(SPAN_LITERAL("evil.exe"), SPAN_LITERAL("evil\0.exe")));
}

struct sender_row {
    const char *path;
    bool is_list;
};

static const struct sender_row sender_rows[] = {
    {"owner-list@lists.example.org",       true },
    {"list-owner@lists.example.org",       true },
    {"list-request@lists.example.org",     true },
    {"list-bounces@lists.example.org",     true },
    {"LIST-bounces+a=b@lists.example.org", true },
    {"bounce-123-a=b@example.org",         true },
    {"bounces@example.org",                true },
    {"ezmlm-return-12-a=b@example.org",    true },
    {"MAILER-DAEMON@example.org",          true },
    {"MAILER-DAEMON",                      true },
    {"a@owner-list.example.org",           false},
    {"bouncer@example.org",                false},
    {"requester@example.org",              false},
    {"a@example.org",                      false},
    {"",                                   false},
};

static void
test_list_sender(void)
{
    for (size_t i = 0; i < UNIT_COUNT(sender_rows); i++) {
        const struct sender_row *row = &sender_rows[i];

        UNIT_CHECK_ROW(row->path, match_is_list_sender(span_of(row->path)) == row->is_list);
    }
}

static const struct unit_test tests[] = {
    {"number",      test_number     },
    {"range",       test_range      },
    {"address",     test_address    },
    {"file name",   test_file_name  },
    {"list sender", test_list_sender},
};

UNIT_MAIN("policy/match", tests)
