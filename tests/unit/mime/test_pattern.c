// SPDX-License-Identifier: BSD-2-Clause
#include "mime/pattern.h"

#include "base/mem.h"
#include "tests/unit/harness.h"

struct row {
    const char *text;
    bool ignore_case;
    struct span subject;
    enum pattern_result expected;
};

static const struct row rows[] = {
    {"\\.exe$",                         true,  {"a.EXE", 5},                                     PATTERN_YES  },
    {"\\.exe$",                         false, {"a.EXE", 5},                                     PATTERN_NO   },
    {"^$",                              false, {NULL, 0},                                        PATTERN_YES  },
    {"x",                               false, {NULL, 0},                                        PATTERN_NO   },
    {"",                                false, {"abc", 3},                                       PATTERN_YES  },
    {"^Gr.\\xdf",                       false, {"Gr\xc3\xbc\xc3\x9f", 6},                        PATTERN_YES  },
    {"^GR\xc3\x9c",                     true,  {"gr\xc3\xbc\xc3\x9f", 6},                        PATTERN_YES  },
    {"exe",                             false, {"\xff\xfe exe \xff", 8},                         PATTERN_YES  },
    {"a.b",
     false,                                    {"a\xff"
      "b",
      3},
     PATTERN_NO                                                                                               },
    {"a\\x00b",                         false, {"xa\0b", 4},                                     PATTERN_YES  },
    {"(?C1)a",                          false, {"a", 1},                                         PATTERN_YES  },
    {"(a+)+$",                          false, {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 40}, PATTERN_LIMIT},
    {"(*LIMIT_MATCH=4000000000)(a+)+$",
     false,                                    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 40},
     PATTERN_LIMIT                                                                                            },
};

static void
test_match(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct err err = {.kind = ERR_NONE};
        struct pattern *pattern = pattern_new(span_of(rows[i].text), rows[i].ignore_case, &err);

        CU_ASSERT_PTR_NOT_NULL_FATAL(pattern);
        UNIT_CHECK_ROW(rows[i].text, pattern_match(pattern, rows[i].subject) == rows[i].expected);
        UNIT_CHECK_ROW(rows[i].text, pattern_match(pattern, rows[i].subject) == rows[i].expected);
        pattern_free(&pattern);
        CU_ASSERT_PTR_NULL(pattern);
    }
}

static void
test_bad(void)
{
    static const char *const bad[] = {"(", "[a", "a{2,1}", "\\C", "*", "(?<n>a)(?<n>b)", "\xff"};

    for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
        struct err err = {.kind = ERR_NONE};

        UNIT_CHECK_ROW(bad[i], pattern_new(span_of(bad[i]), false, &err) == NULL);
        UNIT_CHECK_ROW(bad[i], err.kind == ERR_PERM && strstr(err.text, "character") != NULL);
    }
}

// A field as long as fields may be is no reason for a limit, nor does a stack overflow.
static void
test_long(void)
{
    static const char *const texts[] = {"^(?:a|b)*$", "(.*)x", "^(a)*$", "(?:.|\\n)*y"};
    size_t len = 64 << 10;
    char *subject = mem_zalloc(len);

    memset(subject, 'a', len);
    for (size_t i = 0; i < UNIT_COUNT(texts); i++) {
        struct err err;
        struct pattern *pattern = pattern_new(span_of(texts[i]), false, &err);

        CU_ASSERT_PTR_NOT_NULL_FATAL(pattern);
        (void)pattern_match(pattern, span_from(subject, len));
        UNIT_CHECK_ROW(texts[i], i % 2 == 1 || pattern_match(pattern, span_from(subject, len)) ==
                                                   PATTERN_YES);
        pattern_free(&pattern);
    }
    mem_free(&subject);
}

static const struct unit_test tests[] = {
    {"match", test_match},
    {"bad",   test_bad  },
    {"long",  test_long },
};

UNIT_MAIN("mime/pattern", tests)
