// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/charset.h"

#include "base/mem.h"
#include "tests/unit/harness.h"

#define TEXT(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
#define BAD "\xef\xbf\xbd"

struct row {
    const char *charset;
    struct span in, out;
    int result;
};

static const struct row rows[] = {
    {"utf-8",                                                                 TEXT("gr\xc3\xbcn"),          TEXT("gr\xc3\xbcn"),           0},
    {"UTF8",                                                                  TEXT("a\0b"),                 TEXT("a\0b"),                  0},
    {"utf-8",                                                                 TEXT("a\xff\xc3z\xe2\x82"),   TEXT("a" BAD BAD "z" BAD BAD), 0},
    {"utf-8",                                                                 TEXT("\xc0\xaf\xed\xa0\x80"), TEXT(BAD BAD BAD BAD BAD),     0},
    {"us-ascii",                                                              TEXT("abc"),                  TEXT("abc"),                   0},
    {"US-ASCII",                                                              TEXT("\xc3\xbc\xfc"),         TEXT("\xc3\xbc" BAD),          0},
    {"iso-8859-1",                                                            TEXT("gr\xfcn\x80"),          TEXT("gr\xc3\xbcn\xc2\x80"),   0},
    {"ISO_8859-1:1987",                                                       TEXT("\xe9"),                 TEXT("\xc3\xa9"),              0},
    {" \"Latin1\" ",                                                          TEXT("\xe9"),                 TEXT("\xc3\xa9"),              0},
    {"windows-1252",                                                          TEXT("\x80\x81z"),            TEXT("\xe2\x82\xac" BAD "z"),  0},
    {"iso-8859-15",                                                           TEXT("\xa4"),                 TEXT("\xe2\x82\xac"),          0},
    {"koi8-r",                                                                TEXT("\xf0\xd2"),             TEXT("\xd0\x9f\xd1\x80"),      0},
    {"windows-1251",                                                          TEXT("\xcf"),                 TEXT("\xd0\x9f"),              0},
    {"windows-1255",                                                          TEXT("\xe0"),                 TEXT("\xd7\x90"),              0}, // kept back by iconv until its end
    {"gb2312",                                                                TEXT("\xd6\xd0\xff!"),        TEXT("\xe4\xb8\xad" BAD "!"),  0},
    {"GBK",                                                                   TEXT("\x81\x40"),             TEXT("\xe4\xb8\x82"),          0},
    {"big5",                                                                  TEXT("\xa4\xa4"),             TEXT("\xe4\xb8\xad"),          0},
    {"Shift_JIS",                                                             TEXT("\x93\xfa"),             TEXT("\xe6\x97\xa5"),          0},
    {"euc-jp",                                                                TEXT("\xc6\xfc"),             TEXT("\xe6\x97\xa5"),          0},
    {"iso-2022-jp",                                                           TEXT("\x1b$BF|\x1b(Bx"),      TEXT("\xe6\x97\xa5x"),         0},
    {"iso-2022-jp",                                                           TEXT("\x1b$BF|"),             TEXT("\xe6\x97\xa5"),          0},
    {"iso-2022-jp",                                                           TEXT("F|"),                   TEXT("F|"),                    0}, // nothing is left of the one before
    {"ks_c_5601-1987",                                                        TEXT("\xb0\xa1"),             TEXT("\xea\xb0\x80"),          0},
    {"utf-7",                                                                 TEXT("+AGUAdgBpAGw-.exe"),    TEXT("evil.exe"),              0},
    {"utf-16",
     TEXT("\xff\xfe"
          "a\0"),
     TEXT("a"),                                                                                                                            0},
    {"utf-16",                                                                TEXT("\xfe\xff\0a"),          TEXT("a"),                     0},
    {"utf-16le",                                                              TEXT("a\0b\0\0"),             TEXT("ab" BAD),                0},
    {"utf-16be",                                                              TEXT("\xdc\x00\0a"),          TEXT(BAD "a"),                 0},
    {"utf-32be",                                                              TEXT("\0\xff\0\0\0\0\0a"),    TEXT(BAD "a"),                 0},
    {"ibm037",                                                                TEXT("\x85\xa5\x89\x93"),     TEXT("evil"),                  0},
    {"x-unknown",                                                             TEXT("gr\xc3\xbcn"),          TEXT("gr\xc3\xbcn"),           1},
    {"x-unknown",                                                             TEXT("gr\xfcn"),              TEXT("gr\xc3\xbcn"),           1},
    {"",                                                                      TEXT("\xfc"),                 TEXT("\xc3\xbc"),              1},
    {"---",                                                                   TEXT("\xfc"),                 TEXT("\xc3\xbc"),              1},
    {"88591 latin1",                                                          TEXT("x"),                    TEXT("x"),                     1},
    {"utf-8-is-a-name-far-too-long-to-be-one-of-those-that-anybody-knows-of", TEXT("x"),                    TEXT("x"),
     1                                                                                                                                      },
    {"utf-8",                                                                 TEXT(""),                     TEXT(""),                      0},
    {"nonsense",                                                              TEXT(""),                     TEXT(""),                      1},
};

static void
test_rows(void)
{
    struct charsets *charsets = charsets_new(NULL);

    CU_ASSERT_PTR_NOT_NULL_FATAL(charsets);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct buf out;

        buf_init(&out, 1000);
        UNIT_CHECK_ROW(rows[i].charset, charset_decode(charsets, span_of(rows[i].charset),
                                                       rows[i].in, &out) == rows[i].result);
        UNIT_CHECK_ROW(rows[i].charset,
                       out.len == rows[i].out.len &&
                           (out.len == 0 || memcmp(out.data, rows[i].out.data, out.len) == 0));
        buf_clear(&out);
    }
    charsets_free(&charsets);
    CU_ASSERT_PTR_NULL(charsets);
    charsets_free(&charsets);
}

// As much as fits is always whole characters, from the front.
static void
test_ceiling(void)
{
    struct charsets *charsets = charsets_new(NULL);

    CU_ASSERT_PTR_NOT_NULL_FATAL(charsets);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        for (size_t ceiling = 0; ceiling < rows[i].out.len; ceiling++) {
            struct buf out;

            buf_init(&out, ceiling);
            UNIT_CHECK_ROW(rows[i].charset, charset_decode(charsets, span_of(rows[i].charset),
                                                           rows[i].in, &out) == -1);
            UNIT_CHECK_ROW(rows[i].charset, out.len + 3 >= ceiling || ceiling < 3);
            UNIT_CHECK_ROW(rows[i].charset, str_is_utf8(buf_span(&out)));
            UNIT_CHECK_ROW(rows[i].charset,
                           out.len == 0 || memcmp(out.data, rows[i].out.data, out.len) == 0);
            buf_clear(&out);
        }
    }
    charsets_free(&charsets);
}

static void
test_large(void)
{
    enum { LEN = 2000000 };

    static const char *const names[] = {"utf-8", "iso-8859-1", "cp1252",   "gb18030",
                                        "utf-7", "utf-16",     "utf-32le", "iso-2022-jp",
                                        "big5",  "nonsense",   "us-ascii"};
    struct charsets *charsets = charsets_new(NULL);
    char *in = mem_zalloc(LEN);

    CU_ASSERT_PTR_NOT_NULL_FATAL(charsets);
    memset(in, '\x81', LEN);
    for (size_t i = 0; i < UNIT_COUNT(names); i++) {
        struct buf out;

        buf_init(&out, (size_t)3 * LEN);
        UNIT_CHECK_ROW(names[i],
                       charset_decode(charsets, span_of(names[i]), span_from(in, LEN), &out) >= 0);
        UNIT_CHECK_ROW(names[i], str_is_utf8(buf_span(&out)));
        buf_clear(&out);
    }
    mem_free(&in);
    charsets_free(&charsets);
}

static const struct unit_test tests[] = {
    {"rows",    test_rows   },
    {"ceiling", test_ceiling},
    {"large",   test_large  },
};

UNIT_MAIN("mime/reading/charset", tests)
