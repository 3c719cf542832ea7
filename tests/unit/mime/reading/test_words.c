// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/words.h"

#include "base/mem.h"
#include "tests/unit/harness.h"

#define BAD "\xef\xbf\xbd"

struct row {
    const char *raw, *decoded;
    bool bad_word, unknown_charset;
};

static const struct row rows[] = {
    {"",                                        "",                  false, false},
    {" plain text\r\n",                         "plain text",        false, false},
    {" folded\r\n\t text",                      "folded\t text",     false, false},
    {" folded\n text\r\n  more",                "folded text  more", false, false},
    {"a\rb",                                    "a\rb",              false, false},
    {"gr\xc3\xbcn \xff",                        "gr\xc3\xbcn " BAD,  false, false},
    {"=?utf-8?Q?a_b=20c?=",                     "a b c",             false, false},
    {"=?UTF-8?q?gr=C3=BCn?=",                   "gr\xc3\xbcn",       false, false},
    {"=?utf-8?q?gr=c3=bcn?=",                   "gr\xc3\xbcn",       false, false},
    {"=?iso-8859-1?Q?gr=FCn?=",                 "gr\xc3\xbcn",       false, false},
    {"=?iso-8859-1*de?Q?gr=FCn?=",              "gr\xc3\xbcn",       false, false},
    {"=?utf-8?B?Zm9v?=",                        "foo",               false, false},
    {"=?utf-8?b?Zm8=?=",                        "fo",                false, false},
    {"=?utf-8?B?Zm8?=",                         "fo",                true,  false},
    {"=?utf-8?B?Zg==Zg==?=",                    "ff",                true,  false},
    {"=?utf-8?B?YWI=?= =?utf-8?B?Y2Q=?=",       "abcd",              false, false},
    {"=?utf-8?B?YWI=?=\r\n =?utf-8?Q?cd?=",     "abcd",              false, false},
    {"=?utf-8?B?4oI=?= =?UTF-8?B?rA==?=",       "\xe2\x82\xac",      false, false}, // a character in two
    {"=?utf-8?Q?=E2=82?= x =?utf-8?Q?=AC?=",    BAD BAD " x " BAD,   false, false},
    {"=?iso-8859-1?Q?=FC?= =?utf-8?Q?=C3=BC?=", "\xc3\xbc\xc3\xbc",  false, false},
    {"x =?utf-8?Q?a?= y",                       "x a y",             false, false},
    {"x=?utf-8?Q?a?=y=?utf-8?Q?b?=",            "xayb",              false, false},
    {"\"=?utf-8?Q?a?=\" <a@b>",                 "\"a\" <a@b>",       false, false},
    {"=?utf-8?Q?"
     "?=x",                                "x",                 false, false},
    {"=?utf-8?Q?=41?=",                         "A",                 false, false},
    {"=?utf-8?Q?a b?=",                         "a b",               true,  false},
    {"=?utf-8?Q?a=4?=",                         "a=4",               true,  false},
    {"=?utf-8?Q?a=zz?=",                        "a=zz",              true,  false},
    {"=?utf-8?Q?=0D=0Ab?=",                     "\r\nb",             false, false},
    {"=?utf-8?X?a?=",                           "=?utf-8?X?a?=",     true,  false},
    {"=?utf-8?Q?abc",                           "=?utf-8?Q?abc",     true,  false},
    {"=?utf-8?Q?a?= =?utf-8?Q?b",               "a =?utf-8?Q?b",     true,  false},
    {"=?utf-8?Q",                               "=?utf-8?Q",         false, false},
    {"=?utf-8",                                 "=?utf-8",           false, false},
    {"=?",                                      "=?",                false, false},
    {"=?"
     "?Q?a?=",                             "=?"
     "?Q?a?=",                                    false, false},
    {"a =? b ?= c",                             "a =? b ?= c",       false, false},
    {"=?none?Q?=FC?=",                          "\xc3\xbc",          false, true },
    {"=?utf-7?Q?+AGE-?=",                       "a",                 false, false},
    {"=?iso-2022-jp?B?GyRCRnwbKEI=?=",          "\xe6\x97\xa5",      false, false},
};

static void
test_decode(void)
{
    struct charsets *charsets = charsets_new(NULL);

    CU_ASSERT_PTR_NOT_NULL_FATAL(charsets);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct words_oddities oddities = {.gap = false};
        struct buf out;

        buf_init(&out, 1000);
        UNIT_CHECK_ROW(rows[i].raw,
                       words_decode(charsets, span_of(rows[i].raw), &out, &oddities) == 0);
        UNIT_CHECK_ROW(rows[i].raw, span_is(buf_span(&out), rows[i].decoded));
        UNIT_CHECK_ROW(rows[i].raw, oddities.bad_word == rows[i].bad_word);
        UNIT_CHECK_ROW(rows[i].raw, oddities.unknown_charset == rows[i].unknown_charset);
        buf_clear(&out);
    }
    charsets_free(&charsets);
}

// Cut anywhere, and with any ceiling: what is there fits, and is UTF-8.
static void
test_cut(void)
{
    struct charsets *charsets = charsets_new(NULL);

    CU_ASSERT_PTR_NOT_NULL_FATAL(charsets);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        for (size_t len = 0; len <= strlen(rows[i].raw); len++) {
            size_t whole = strlen(rows[i].decoded);
            struct words_oddities oddities = {.gap = false};
            char *copy = mem_strndup(rows[i].raw, len);
            struct span raw;
            struct buf out;

            copy = mem_regrow(copy, len + (len == 0), 1);
            raw = span_from(copy, len);
            buf_init(&out, len < whole ? len : whole);
            words_decode(charsets, raw, &out, &oddities);
            UNIT_CHECK_ROW(rows[i].raw, str_is_utf8(buf_span(&out)));
            if (len == strlen(rows[i].raw) && len < whole)
                UNIT_CHECK_ROW(rows[i].raw, words_decode(charsets, raw, &out, &oddities) == -1);
            buf_clear(&out);
            mem_free(&copy);
        }
    }
    charsets_free(&charsets);
}

static void
test_large(void)
{
    enum { LEN = 1000000 };

    static const char *const units[] = {
        "=?",
        "=?u?q?",
        "=?utf-8?Q?a?= ",
        "=?utf-8?B?Zg==?=",
        "?=",
        "\r\n ",
        "=?x?Q?",
        "=",
        "=?utf-8?Q?=FC?= =?l1?Q?=FC?=",
    };
    struct charsets *charsets = charsets_new(NULL);

    CU_ASSERT_PTR_NOT_NULL_FATAL(charsets);
    for (size_t i = 0; i < UNIT_COUNT(units); i++) {
        struct words_oddities oddities = {.gap = false};
        size_t unit = strlen(units[i]), len = LEN / unit * unit;
        char *raw = mem_zalloc(len);
        struct buf out;

        for (size_t at = 0; at < len; at += unit)
            memcpy(raw + at, units[i], unit);
        buf_init(&out, (size_t)3 * LEN);
        UNIT_CHECK_ROW(units[i], words_decode(charsets, span_from(raw, len), &out, &oddities) == 0);
        UNIT_CHECK_ROW(units[i], str_is_utf8(buf_span(&out)));
        buf_clear(&out);
        mem_free(&raw);
    }
    charsets_free(&charsets);
}

static const struct {
    const char *name;
    size_t len; // 0: as the text is
    bool is_bad;
} names[] = {
    {"",                                                       0,  false},
    {"report.pdf",                                             0,  false},
    {"report (1).tar.gz",                                      0,  false},
    {"gr\xc3\xbcn.txt",                                        0,  false},
    {"\xe6\x97\xa5\xef\xbc\x8e.txt",                           0,  false},
    {"family\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9.jpg", 0,  false}, // with a joiner
    {"../evil.exe",                                            0,  true },
    {"a/b",                                                    0,  true },
    {"C:\\evil.exe",                                           0,  true },
    {"a\\b",                                                   0,  true },
    {"evil.exe:stream",                                        0,  true },
    {"evil.exe ",                                              0,  true },
    {"evil.exe.",                                              0,  true },
    {"a\tb",                                                   0,  true },
    {"a\x7f",                                                  0,  true },
    {"evil.exe\0.txt",                                         13, true },
    {"evil\xe2\x80\xaetxt.exe",                                0,  true },
    {"evil\xe2\x81\xa6txt.exe",                                0,  true },
    {"evil\xe2\x80\x8b.exe",                                   0,  true },
    {"evil\xc2\x85.exe",                                       0,  true },
    {"evil\xc2\xad.exe",                                       0,  true },
    {"evil\xef\xbb\xbf.exe",                                   0,  true },
};

static void
test_bad_name(void)
{
    for (size_t i = 0; i < UNIT_COUNT(names); i++) {
        size_t len = names[i].len > 0 ? names[i].len : strlen(names[i].name);

        UNIT_CHECK_ROW(names[i].name,
                       words_is_bad_name(span_from(names[i].name, len)) == names[i].is_bad);
    }
}

static const struct unit_test tests[] = {
    {"decode",   test_decode  },
    {"cut",      test_cut     },
    {"large",    test_large   },
    {"bad name", test_bad_name},
};

UNIT_MAIN("mime/reading/words", tests)
