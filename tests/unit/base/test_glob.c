// SPDX-License-Identifier: BSD-2-Clause
#include "base/glob.h"

#include "tests/unit/harness.h"

#include "base/mem.h"

static void
test_rows(void)
{
    static const struct {
        const char *glob, *text;
        bool is_match;
    } rows[] = {
        {"",                    "",                 true },
        {"",                    "a",                false},
        {"a",                   "",                 false},
        {"a",                   "a",                true },
        {"a",                   "ab",               false},
        {"ab",                  "a",                false},
        {"*.EXE",               "setup.exe",        true },
        {"*.exe",               "SETUP.EXE",        true },
        {"*.exe",               "setup.exe.txt",    false},
        {"*.exe",               ".exe",             true },
        {"*.exe",               "exe",              false},
        {"*",                   "",                 true },
        {"*",                   "anything",         true },
        {"**",                  "",                 true },
        {"a*b*c",               "abc",              true },
        {"a*b*c",               "aXbYbZc",          true },
        {"a*b*c",               "aXbYbZ",           false},
        {"*a*",                 "bbb",              false},
        {"*ab",                 "aab",              true },
        {"*aab*",               "aaaab",            true },
        {"a*",                  "ba",               false},
        {"*@example.*",         "joe@EXAMPLE.com",  true },
        {"?",                   "",                 false},
        {"?",                   "a",                true },
        {"?",                   "\xc3\xbc",         true },
        {"?",                   "\xe2\x82\xac",     true },
        {"?",                   "\xf0\x9f\x98\x80", true },
        {"??",                  "\xc3\xbc",         false},
        {"*??",                 "\xe2\x82\xac",     false},
        {"?",                   "\xbc",             true },
        {"??",                  "\xe2\x82",         true },
        {"?*",                  "",                 false},
        {"*?",                  "a",                true },
        {"\xc3\xbc",            "\xc3\xbc",         true },
        {"\xc3\xbc",            "\xc3\x9c",         false},
        {"\xfc",                "\xc3\xbc",         false},
        {"\xfc",                "\xfc",             true },
        {"[a-c]",               "b",                true },
        {"[a-c]",               "B",                true },
        {"[A-C]",               "b",                true },
        {"[a-c]",               "d",                false},
        {"[a-c]",               "",                 false},
        {"[abx-z]",             "y",                true },
        {"[!a-c]",              "d",                true },
        {"[!a-c]",              "B",                false},
        {"[!a-c]",              "",                 false},
        {"[!a]",                "\xc3\xbc",         true },
        {"[\xc3\xa4-\xc3\xbc]", "\xc3\xb6",         true },
        {"[\xc3\xa4-\xc3\xbc]", "\xc3\xbd",         false},
        {"[]]",                 "]",                true },
        {"[!]]",                "]",                false},
        {"[!]]",                "a",                true },
        {"[a-]",                "-",                true },
        {"[-a]",                "-",                true },
        {"[a\\]b]",             "]",                true },
        {"[a\\]b]",             "\\",               false},
        {"[\\!a]",              "!",                true },
        {"[c-a]",               "b",                false},
        {"[abc",                "[abc",             true },
        {"[abc",                "a",                false},
        {"[",                   "[",                true },
        {"[!",                  "[!",               true },
        {"[]",                  "[]",               true },
        {"[a-",                 "[a-",              true },
        {"[a\\",                "[a\\",             true },
        {"*[0-9].zip",          "invoice7.zip",     true },
        {"*[0-9].zip",          "invoice.zip",      false},
        {"\\*",                 "*",                true },
        {"\\*",                 "a",                false},
        {"\\?",                 "?",                true },
        {"\\[a]",               "[A]",              true },
        {"\\a",                 "A",                true },
        {"\\\\",                "\\",               true },
        {"\\",                  "\\",               true },
        {"a\\",                 "a\\",              true },
        {"*\\",                 "xyz\\",            true },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        UNIT_CHECK_ROW(rows[i].glob, glob_match(span_of(rows[i].glob), span_of(rows[i].text)) ==
                                         rows[i].is_match);
}

static void
test_any_bytes(void)
{
    CU_ASSERT_TRUE(glob_match(SPAN_LITERAL("a*\0?"), SPAN_LITERAL("a\n\0\0")));
    CU_ASSERT_FALSE(glob_match(SPAN_LITERAL("a\0"), SPAN_LITERAL("a")));
    CU_ASSERT_TRUE(glob_match(span_from(NULL, 0), span_from(NULL, 0)));
    CU_ASSERT_TRUE(glob_match(SPAN_LITERAL("*"), span_from(NULL, 0)));
    CU_ASSERT_FALSE(glob_match(SPAN_LITERAL("?"), span_from(NULL, 0)));
}

// A matcher that tries all stars anew would not end before the test's time is out.
static void
test_many_stars(void)
{
    enum { STARS = 100, LEN = 100000 };

    char glob[STARS * 3 + 2];
    char *text = mem_zalloc(LEN);

    for (size_t i = 0; i < STARS; i++)
        memcpy(glob + i * 3, "*aa", 3);
    memcpy(glob + (size_t)STARS * 3, "*b", 2);
    memset(text, 'a', LEN);
    CU_ASSERT_FALSE(glob_match(span_from(glob, sizeof glob), span_from(text, LEN)));
    text[LEN - 1] = 'b';
    CU_ASSERT_TRUE(glob_match(span_from(glob, sizeof glob), span_from(text, LEN)));
    mem_free(&text);
}

static const struct unit_test tests[] = {
    {"rows",       test_rows      },
    {"any bytes",  test_any_bytes },
    {"many stars", test_many_stars},
};

UNIT_MAIN("base/glob", tests)
