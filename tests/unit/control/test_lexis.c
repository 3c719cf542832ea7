// SPDX-License-Identifier: BSD-2-Clause
#include "control/lexis.h"

#include "base/mem.h"
#include "tests/unit/harness.h"

static const struct {
    const char *name, *text, *expected; // the text without comments, or the error
    unsigned line;                      // 0: good
} rows[] = {
    {"empty",                  "",                         "",                                                          0},
    {"plain",                  "a = 5\n",                  "a = 5\n",                                                   0},
    {"hash",                   "a = 5 # x\nb",             "a = 5    \nb",                                              0},
    {"hash in a word",         "a = 5#x",                  "a = 5  ",                                                   0},
    {"slashes",                "// x \" y\na",             "        \na",                                               0},
    {"slashes in a word",      "a=b//c",                   "a=b//c",                                                    0},
    {"block",                  "a /* b\n} c */ d",         "a     \n       d",                                          0},
    {"block with stars",       "/***/a /***/b",            "     a      b",                                             0},
    {"block in a word",        "a/* b */",                 "expected quotes around a text with *",                      1},
    {"quotes",                 "a=\"#//{\" b='/*}\"'",     "a=\"#//{\" b='/*}\"'",                                      0},
    {"escaped quote",          "a=\"x\\\"#\"",             "a=\"x\\\"#\"",                                              0},
    {"escaped single",         "a='x\\'#'",                "a='x\\'#'",                                                 0},
    {"appending",              "a += {b}",                 "a += {b}",                                                  0},
    {"a path",                 "a = /x/y/",                "a = /x/y/",                                                 0},
    {"variables",              "a=\"${X}\" b=${Y:-z}",     "a=\"${X}\" b=${Y:-z}",                                      0},
    {"escapes",                "a=\"\\1\\377\\x7f\\n\"",   "a=\"\\1\\377\\x7f\\n\"",                                    0},
    {"open double quotes",     "a\nb=\"c\n\n",             "expected \" behind the text that begins here",              2},
    {"open single quotes",     "\n\n'c\n",                 "expected ' behind the text that begins here",               3},
    {"backslash at end",       "'\\",                      "expected ' behind the text that begins here",               1},
    {"escape at end",          "\"\\",                     "expected \" behind the text that begins here",              1},
    {"open comment",           "a\n/* b\n\n",              "expected */ behind the comment that begins here",           2},
    {"half open comment",      "/*/",                      "expected */ behind the comment that begins here",           1},
    {"open brace",             "a {\nb = {\n}\n",          "expected } behind the { that stands here",                  1},
    {"open inner brace",       "a {\nb {\n",               "expected } behind the { that stands here",                  2},
    {"closing brace",          "a {}\n}",                  "} without a { before it",                                   2},
    {"too deep",               "{{{{{{{{{{{{{{{{{",        "expected at most 16 braces inside each other",              1},
    {"star",                   "a = x\nb = *.exe",         "expected quotes around a text with *",                      2},
    {"plus",                   "a = +5",                   "expected quotes around a text with +",                      1},
    {"plus at end",            "a+",                       "expected quotes around a text with +",                      1},
    {"known escapes",          "a=\"\\\\.\\$\\'\\\n\\t\"", "a=\"\\\\.\\$\\'\\\n\\t\"",                                  0},
    {"single quotes keep all", "a='\\.\\d'",               "a='\\.\\d'",                                                0},
    {"lost backslash",         "a = 1\nb = \"/\\.exe$/\"",
     "expected \\\\ for a backslash, or single quotes around it",                                                       2},
    {"lost backslash, letter", "a = \"\\d\"",
     "expected \\\\ for a backslash, or single quotes around it",                                                       1},
    {"no hex digit",           "a = \"\\xg\"",             "expected \\\\ for a backslash, or single quotes around it",
     1                                                                                                                   },
    {"NUL escape",             "a = \"\\0\"",              "a text cannot hold a NUL byte",                             1},
    {"NUL hex escape",         "a = \"\\x00\"",            "a text cannot hold a NUL byte",                             1},
    {"one hex digit",          "a = \"\\x0g\"",            "a text cannot hold a NUL byte",                             1},
    {"no octal digit",         "a = \"\\9\"",              "expected \\ooo with octal digits up to \\377",              1},
    {"large octal",            "a = \"\\400\"",            "expected \\ooo with octal digits up to \\377",              1},
    {"four digits",            "a = \"\\1234\"",           "expected at most three digits behind a backslash",          1},
    {"variable over quotes",   "a=\"${x\" b=\"}\"",        "expected } behind ${ on the same line",                     1},
    {"variable over lines",    "a=${x\n}",                 "expected } behind ${ on the same line",                     1},
};

static void
rows_hold(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char *text = mem_strdup(rows[i].text);
        unsigned line = 0;
        struct err err = {ERR_NONE, ""};
        int result = lexis_clean(text, strlen(text), &line, &err);

        UNIT_CHECK_ROW(rows[i].name, (result == 0) == (rows[i].line == 0));
        UNIT_CHECK_ROW(rows[i].name, line == rows[i].line);
        UNIT_CHECK_ROW(rows[i].name, strcmp(result == 0 ? text : err.text, rows[i].expected) == 0);
        mem_free(&text);
    }
}

static void
nul_is_refused(void)
{
    char text[] = "a = 5\nb\0c\n";
    unsigned line = 0;
    struct err err;

    CU_ASSERT(lexis_clean(text, sizeof text - 1, &line, &err) == -1);
    CU_ASSERT(line == 2);
    CU_ASSERT_STRING_EQUAL(err.text, "a NUL byte: expected a text file");
}

// Cut anywhere, it stays within its bytes, and line ends stay what they are.
static void
cuts_are_safe(void)
{
    static const char whole[] =
        "a = \"x\\x41\\101${Y}\" /* b\n */ { c='\\'d' } # e\nf += ${g} //\n";
    size_t good = 0;

    for (size_t len = 0; len <= strlen(whole); len++) {
        char *text = mem_zalloc(len + 1);
        unsigned line = 0;

        memcpy(text, whole, len);
        good += lexis_clean(text, len, &line, NULL) == 0 ? 1 : 0;
        for (size_t i = 0; i < len; i++)
            CU_ASSERT((text[i] == '\n') == (whole[i] == '\n'));
        mem_free(&text);
    }
    CU_ASSERT(good > 0 && good < strlen(whole));
}

static const struct unit_test tests[] = {
    {"rows hold",      rows_hold     },
    {"NUL is refused", nul_is_refused},
    {"cuts are safe",  cuts_are_safe },
};

UNIT_MAIN("control/lexis", tests)
