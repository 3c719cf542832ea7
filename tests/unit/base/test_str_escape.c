// SPDX-License-Identifier: BSD-2-Clause
#include "base/str.h"

#include "base/buf.h"
#include "tests/unit/harness.h"

static void
test_escape(void)
{
    static const struct {
        const char *name;
        struct span input;
        const char *extra;
        const char *expected;
    } rows[] = {
        {"empty",           {"", 0},                         NULL,   ""                                      },
        {"null",            {NULL, 0},                       NULL,   ""                                      },
        {"plain",           {"hello, world", 12},            NULL,   "hello, world"                          },
        {"newline",         {"a\r\nb", 4},                   NULL,   "a\\x0D\\x0Ab"                          },
        {"NUL and DEL",     {"\0\x7f", 2},                   NULL,   "\\x00\\x7F"                            },
        {"escape sequence", {"\x1b[31m", 5},                 NULL,   "\\x1B[31m"                             },
        {"tab and unit",    {"\t\x1f ", 3},                  NULL,   "\\x09\\x1F "                           },
        {"backslash",       {"a\\x0A", 5},                   NULL,   "a\\\\x0A"                              },
        {"UTF-8 stays",
         {"gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", 11},
         NULL,                                                       "gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"C1 CSI",          {"\xc2\x9b", 2},                 NULL,   "\\xC2\\x9B"                            },
        {"C1 first, last",  {"\xc2\x80\xc2\x9f", 4},         NULL,   "\\xC2\\x80\\xC2\\x9F"                  },
        {"no-break space",  {"\xc2\xa0", 2},                 NULL,   "\xc2\xa0"                              },
        {"separators",      {"\xe2\x80\xa8\xe2\x80\xa9", 6}, NULL,   "\\xE2\\x80\\xA8\\xE2\\x80\\xA9"        },
        {"beside them",     {"\xe2\x80\xa7\xe2\x80\xaf", 6}, NULL,   "\xe2\x80\xa7\xe2\x80\xaf"              },
        {"embeddings",      {"\xe2\x80\xaa\xe2\x80\xae", 6}, NULL,   "\\xE2\\x80\\xAA\\xE2\\x80\\xAE"        },
        {"isolates",        {"\xe2\x81\xa6\xe2\x81\xa9", 6}, NULL,   "\\xE2\\x81\\xA6\\xE2\\x81\\xA9"        },
        {"beside isolates", {"\xe2\x81\xa5\xe2\x81\xaa", 6}, NULL,   "\xe2\x81\xa5\xe2\x81\xaa"              },
        {"direction marks",
         {"\xe2\x80\x8e\xe2\x80\x8f", 6},
         NULL,                                                       "\\xE2\\x80\\x8E\\xE2\\x80\\x8F"        },
        {"beside marks",    {"\xe2\x80\x8d\xe2\x80\x90", 6}, NULL,   "\xe2\x80\x8d\xe2\x80\x90"              },
        {"Arabic mark",     {"\xd8\x9c\xd8\x9b", 4},         NULL,   "\\xD8\\x9C\xd8\x9b"                    },
        {"Latin-1",         {"caf\xe9!", 5},                 NULL,   "caf\\xE9!"                             },
        {"cut character",   {"\xe2\x82", 2},                 NULL,   "\\xE2\\x82"                            },
        {"overlong",        {"\xc0\x8a", 2},                 NULL,   "\\xC0\\x8A"                            },
        {"surrogate",       {"\xed\xa0\x80", 3},             NULL,   "\\xED\\xA0\\x80"                       },
        {"bad, then good",  {"\xc3\xc3\xbc", 3},             NULL,   "\\xC3\xc3\xbc"                         },
        {"extra",           {"a b=\"c\"", 7},                " =\"", "a\\x20b\\x3D\\x22c\\x22"               },
        {"extra backslash", {"\\", 1},                       "\\",   "\\\\"                                  },
        {"no extra",        {"a b", 3},                      "",     "a b"                                   },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct buf out;

        buf_init(&out, 1000);
        buf_add_text(&out, "before:");
        str_escape(&out, rows[i].input, rows[i].extra, 900);
        UNIT_CHECK_ROW(rows[i].name, span_is(span_skip(buf_span(&out), 7), rows[i].expected));
        buf_clear(&out);
    }
}

static void
test_escape_cut(void)
{
    static const struct {
        const char *name, *input;
        size_t max;
        const char *expected;
    } rows[] = {
        {"fits",                    "abcdef",        6,  "abcdef"          },
        {"one above",               "abcdefg",       6,  "abc..."          },
        {"room for dots only",      "abcdef",        3,  "..."             },
        {"not even for dots",       "abcdef",        2,  ".."              },
        {"no room",                 "abcdef",        0,  ""                },
        {"short fits without dots", "ab",            2,  "ab"              },
        {"not in a character",
         "ab\xc3\xbc"
         "cd",                                       5,  "ab..."           },
        {"behind a character",
         "a\xc3\xbc"
         "cdef",                                     6,  "a\xc3\xbc..."    },
        {"four bytes",
         "a\xf0\x9f\x98\x80"
         "b",                                        6,
         "a\xf0\x9f\x98\x80"
         "b"                                                               },
        {"four bytes, cut",
         "a\xf0\x9f\x98\x80"
         "bc",                                       6,  "a..."            },
        {"not in an escape",        "ab\ncd",        7,  "ab..."           },
        {"escape fits",             "ab\ncd",        8,  "ab\\x0Acd"       },
        {"escape at the end",       "abcd\n",        7,  "abcd..."         },
        {"not in a separator",      "a\xe2\x80\xa8", 12, "a..."            },
        {"separator fits",          "a\xe2\x80\xa8", 13, "a\\xE2\\x80\\xA8"},
        {"dots over an escape",     "\nabc\n\n",     10, "\\x0Aabc..."     },
        {"plain behind an escape",  "ab\ncdef",      7,  "ab..."           },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct buf out;

        buf_init(&out, 1000);
        buf_add_text(&out, "x=");
        str_escape(&out, span_of(rows[i].input), NULL, rows[i].max);
        UNIT_CHECK_ROW(rows[i].name, span_is(span_skip(buf_span(&out), 2), rows[i].expected));
        buf_clear(&out);
    }
}

// Whatever the input, the bound and the ceiling: valid, bounded, and no byte that can do harm.
static void
test_escape_any(void)
{
    static const char pieces[] = "a\\\n\xc3\xbc\xff\xe2\x80\xa8 \xf0\x9f\x98\x80=\xc2\x9b\x7f\xe2";
    size_t len = sizeof(pieces); // with its NUL

    for (size_t from = 0; from < len; from++) {
        for (size_t max = 0; max < 80; max++) {
            struct buf by_max, by_ceiling;
            struct span out;

            buf_init(&by_max, 1000);
            buf_init(&by_ceiling, max);
            str_escape(&by_max, span_from(pieces + from, len - from), "=", max);
            str_escape(&by_ceiling, span_from(pieces + from, len - from), "=", SIZE_MAX);
            out = buf_span(&by_max);
            CU_ASSERT(out.len <= max && str_is_utf8(out));
            CU_ASSERT(out.len == by_ceiling.len &&
                      (out.len == 0 || memcmp(out.data, by_ceiling.data, out.len) == 0));
            for (size_t i = 0; i < out.len; i++)
                CU_ASSERT((unsigned char)out.data[i] >= 0x20 && out.data[i] != 0x7f &&
                          out.data[i] != '=');
            buf_clear(&by_max);
            buf_clear(&by_ceiling);
        }
    }
}

static void
test_json(void)
{
    static const struct {
        const char *name;
        struct span input;
        const char *expected;
    } rows[] = {
        {"empty",              {"", 0},                         ""                                   },
        {"null",               {NULL, 0},                       ""                                   },
        {"plain",              {"hello, <w>/[]{}'", 16},        "hello, <w>/[]{}'"                   },
        {"quote, backslash",   {"\"a\\", 3},                    "\\\"a\\\\"                          },
        {"a forged end",       {"x\",\"y\":\"", 8},             "x\\\",\\\"y\\\":\\\""               },
        {"controls",           {"\t\r\n\x1f\x7f", 5},           "\\u0009\\u000D\\u000A\\u001F\\u007F"},
        {"NUL",                {"a\0b", 3},                     "a\\\\x00b"                          },
        {"what looks like it", {"\\x00", 4},                    "\\\\x00"                            },
        {"UTF-8 stays",
         {"gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", 11},
         "gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"                                                    },
        {"C1",                 {"\xc2\x80\xc2\x9f\xc2\xa0", 6}, "\\u0080\\u009F\xc2\xa0"             },
        {"separators",         {"\xe2\x80\xa8\xe2\x80\xa9", 6}, "\\u2028\\u2029"                     },
        {"beside them",        {"\xe2\x80\xa7\xe2\x80\xaf", 6}, "\xe2\x80\xa7\xe2\x80\xaf"           },
        {"directions",         {"\xe2\x80\xae\xe2\x81\xa6", 6}, "\\u202E\\u2066"                     },
        {"direction marks",    {"\xe2\x80\x8f\xd8\x9c", 5},     "\\u200F\\u061C"                     },
        {"Latin-1",            {"caf\xe9!", 5},                 "caf\\\\xE9!"                        },
        {"cut character",      {"\xe2\x82", 2},                 "\\\\xE2\\\\x82"                     },
        {"surrogate",          {"\xed\xa0\x80", 3},             "\\\\xED\\\\xA0\\\\x80"              },
        {"overlong NUL",       {"\xc0\x80", 2},                 "\\\\xC0\\\\x80"                     },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct buf out;

        buf_init(&out, 1000);
        buf_add_text(&out, "\"");
        str_escape_json(&out, rows[i].input, 900);
        UNIT_CHECK_ROW(rows[i].name, span_is(span_skip(buf_span(&out), 1), rows[i].expected));
        buf_clear(&out);
    }
}

static void
test_json_cut(void)
{
    static const struct {
        const char *name, *input;
        size_t max;
        const char *expected;
    } rows[] = {
        {"fits",               "abcdef",   6, "abcdef"  },
        {"one above",          "abcdefg",  6, "abc..."  },
        {"not in a quote",     "ab\"cde",  6, "ab..."   },
        {"behind a quote",     "a\"cdefg", 6, "a\\\"..."},
        {"not in a control",   "ab\ncdef", 9, "ab..."   },
        {"not in a bad byte",
         "ab\xff"
         "cd",                             7, "ab..."   },
        {"not in a character",
         "ab\xc3\xbc"
         "cd",                             5, "ab..."   },
        {"dots only",          "\"\"\"",   3, "..."     },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct buf out;

        buf_init(&out, 1000);
        str_escape_json(&out, span_of(rows[i].input), rows[i].max);
        UNIT_CHECK_ROW(rows[i].name, span_is(buf_span(&out), rows[i].expected));
        buf_clear(&out);
    }
}

static const struct unit_test tests[] = {
    {"escape",          test_escape    },
    {"escape and cut",  test_escape_cut},
    {"escape anything", test_escape_any},
    {"JSON",            test_json      },
    {"JSON and cut",    test_json_cut  },
};

UNIT_MAIN("base/str_escape", tests)
