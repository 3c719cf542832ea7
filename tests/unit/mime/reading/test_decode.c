// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/decode.h"

#include "base/mem.h"
#include "tests/unit/harness.h"

enum { CEILING = 1 << 16 };

#define B64 DECODE_BASE64
#define QP DECODE_QUOTED_PRINTABLE
#define UU DECODE_UUENCODE
#define TEXT(text) text, sizeof(text) - 1

struct row {
    const char *name;
    enum decode_encoding encoding;
    const char *in;
    size_t in_len;
    const char *out;
    size_t out_len;
    uint64_t junk, inner_padding;
    bool is_unpadded;
};

#define UU_CAT "#0V%T\n"

static const struct row rows[] = {
    {"identity",                  DECODE_IDENTITY,   TEXT("a=41\0b"),                                                  TEXT("a=41\0b"),                  0, 0, false},
    {"nothing",                   B64,               TEXT(""),                                                         TEXT(""),                         0, 0, false},
    {"whole group",               B64,               TEXT("Zm9v"),                                                     TEXT("foo"),                      0, 0, false},
    {"one pad",                   B64,               TEXT("Zm8="),                                                     TEXT("fo"),                       0, 0, false},
    {"two pads",                  B64,               TEXT("Zg=="),                                                     TEXT("f"),                        0, 0, false},
    {"no padding, 3",             B64,               TEXT("Zm8"),                                                      TEXT("fo"),                       0, 0, true },
    {"no padding, 2",             B64,               TEXT("Zg"),                                                       TEXT("f"),                        0, 0, true },
    {"a letter alone",            B64,               TEXT("Zm9vZ"),                                                    TEXT("foo"),                      0, 0, true },
    {"one pad of two",            B64,               TEXT("Zg="),                                                      TEXT("f"),                        0, 0, false},
    {"inner padding",             B64,               TEXT("Zg==Zm8=Zm9v"),                                             TEXT("ffofoo"),                   0, 2, false},
    {"joined files",              B64,               TEXT("Zg==\r\nZg==\r\n"),                                         TEXT("ff"),                       0, 1, false},
    {"junk",                      B64,               TEXT("Z!m*9\x80v\0"),                                             TEXT("foo"),                      4, 0, false},
    {"junk in a group's padding", B64,               TEXT("Zg=!="),                                                    TEXT("f"),                        1, 0, false},
    {"split over lines",          B64,               TEXT(" Z\r\nm\n\t9\r\n \r\nv\r\n"),                               TEXT("foo"),                      0, 0, false},
    {"URL-safe",                  DECODE_BASE64_URL, TEXT("-_-_+/+/"),                                                 TEXT("\xfb\xff\xbf\xfb\xff\xbf"), 0, 0,
     false                                                                                                                                                          },
    {"URL-safe, padded",          DECODE_BASE64_URL, TEXT("-_8=!"),                                                    TEXT("\xfb\xff"),                 1, 0, false},
    {"URL's letters are junk",    B64,               TEXT("Zm-_9v"),                                                   TEXT("foo"),                      2, 0, false},
    {"pads alone",                B64,               TEXT("===="),                                                     TEXT(""),                         1, 0, false},
    {"pads in front",             B64,               TEXT("====Zm9v"),                                                 TEXT("foo"),                      1, 1, false},
    {"four pads",                 B64,               TEXT("Zg====Zg=="),                                               TEXT("ff"),                       0, 1, false},
    {"a dot's line behind",       B64,               TEXT("Zm9v\r\n.\r\n"),                                            TEXT("foo"),                      1, 0, false},
    {"text behind",               B64,               TEXT("Zg==\r\n-- \r\n"),                                          TEXT("f"),                        2, 0, false},
    {"plain",                     QP,                TEXT("abc \r\n"),                                                 TEXT("abc \r\n"),                 0, 0, false},
    {"upper case",                QP,                TEXT("=3D=41"),                                                   TEXT("=A"),                       0, 0, false},
    {"lower case",                QP,                TEXT("=3d=c3=A4"),                                                TEXT("=\xc3\xa4"),                0, 0, false},
    {"soft break CRLF",           QP,                TEXT("a=\r\nb"),                                                  TEXT("ab"),                       0, 0, false},
    {"soft break LF",             QP,                TEXT("a=\nb"),                                                    TEXT("ab"),                       0, 0, false},
    {"soft break, blanks",        QP,                TEXT("a= \t \r\nb"),                                              TEXT("ab"),                       0, 0, false},
    {"soft break, 100 blanks",    QP,
     TEXT("a=                                                  "
          "                                                  \nb"),
     TEXT("ab"),                                                                                                                                         0, 0, false},
    {"soft break at the end",     QP,                TEXT("a="),                                                       TEXT("a"),                        0, 0, false},
    {"soft break, blank, end",    QP,                TEXT("a= "),                                                      TEXT("a"),                        0, 0, false},
    {"soft break, CR, end",       QP,                TEXT("a=\r"),                                                     TEXT("a"),                        0, 0, false},
    {"line end by escapes",       QP,                TEXT("=0D=0A"),                                                   TEXT("\r\n"),                     0, 0, false},
    {"one digit",                 QP,                TEXT("=4x"),                                                      TEXT("=4x"),                      1, 0, false},
    {"one digit, line end",       QP,                TEXT("=4\r\n"),                                                   TEXT("=4\r\n"),                   1, 0, false},
    {"one digit, end",            QP,                TEXT("a=4"),                                                      TEXT("a=4"),                      1, 0, true },
    {"no digit",                  QP,                TEXT("=xy=zz"),                                                   TEXT("=xy=zz"),                   2, 0, false},
    {"blank, then text",          QP,                TEXT("= b"),                                                      TEXT("= b"),                      1, 0, false},
    {"CR, then text",             QP,                TEXT("=\rb"),                                                     TEXT("=\rb"),                     1, 0, false},
    {"escape behind a bad one",   QP,                TEXT("==41=4=41"),                                                TEXT("=A=4A"),                    2, 0, false},
    {"NUL",                       QP,                TEXT("a\0=00"),                                                   TEXT("a\0\0"),                    0, 0, false},
    {"uuencode",                  UU,                TEXT("begin 644 cat.txt\n" UU_CAT "`\nend\n"),                    TEXT("Cat"),                      0, 0, false},
    {"uuencode, CRLF",            UU,                TEXT("begin 644 x\r\n#0V%T\r\n`\r\nend\r\n"),                     TEXT("Cat"),                      0, 0, false},
    {"text around",               UU,                TEXT("hello\n\nbegin 0644 x\n" UU_CAT "end\nbye"),                TEXT("Cat"),                      0, 0,
     false                                                                                                                                                          },
    {"two files",                 UU,                TEXT("begin 644 x\n" UU_CAT "end\nbegin 644 y\n" UU_CAT "end\n"),
     TEXT("CatCat"),                                                                                                                                     0, 0, false},
    {"no end",                    UU,                TEXT("begin 644 x\n" UU_CAT),                                     TEXT("Cat"),                      0, 0, true },
    {"no last line end",          UU,                TEXT("begin 644 x\n#0V%T"),                                       TEXT("Cat"),                      0, 0, true },
    {"no begin",                  UU,                TEXT(UU_CAT "end\n"),                                             TEXT(""),                         0, 0, false},
    {"blanks lost",               UU,                TEXT("begin 644 x\n#00\nend\n"),                                  TEXT("A\0\0"),                    0, 0, false},
    {"letters behind",            UU,                TEXT("begin 644 x\n#0V%TXX\nend\n"),                              TEXT("Cat"),                      0, 0, false},
    {"two bytes of three",        UU,                TEXT("begin 644 x\n\"0V%T\nend\n"),                               TEXT("Ca"),                       0, 0, false},
    {"bad letters",               UU,                TEXT("begin 644 x\n#0V%~\nxx\nend\n"),                            TEXT("Ca^"),                      2, 0, false},
    {"no mode",                   UU,                TEXT("begin x\n" UU_CAT "end\n"),                                 TEXT(""),                         0, 0, false},
};

static bool
is_expected(const struct row *row, const struct decode *decode, const struct buf *out)
{
    return out->len == row->out_len &&
           (out->len == 0 || memcmp(out->data, row->out, out->len) == 0) &&
           decode->junk == row->junk && decode->inner_padding == row->inner_padding &&
           decode->is_unpadded == row->is_unpadded;
}

// In two bites, split at cut; or byte by byte where cut is behind the end.
static bool
is_read(const struct row *row, size_t cut)
{
    struct span in = span_from(row->in, row->in_len);
    struct decode decode;
    struct buf out;
    bool good = true;

    decode_init(&decode, row->encoding);
    buf_init(&out, CEILING);
    if (cut <= in.len) {
        good &= decode_add(&decode, span_from(in.data, cut), &out) == 0;
        good &= decode_add(&decode, span_skip(in, cut), &out) == 0;
    } else {
        for (size_t i = 0; i < in.len; i++)
            good &= decode_add(&decode, span_from(in.data + i, 1), &out) == 0;
    }
    good &= decode_end(&decode, &out) == 0;
    good &= is_expected(row, &decode, &out);
    buf_clear(&out);
    return good;
}

static void
test_rows(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        for (size_t cut = 0; cut <= rows[i].in_len + 1; cut++)
            UNIT_CHECK_ROW(rows[i].name, is_read(&rows[i], cut));
    }
}

static void
test_ceiling(void)
{
    static const enum decode_encoding encodings[] = {DECODE_IDENTITY, B64, QP, UU};

    static const char *const ins[] = {"foofoo", "Zm9vZm9v", "=66oof=6Fo",
                                      "begin 644 x\n&9F]O9F]O\nend\n"};

    for (size_t i = 0; i < UNIT_COUNT(ins); i++) {
        for (size_t ceiling = 0; ceiling <= 6; ceiling++) {
            struct decode decode;
            struct buf out;
            int result;

            decode_init(&decode, encodings[i]);
            buf_init(&out, ceiling);
            result = decode_add(&decode, span_of(ins[i]), &out);
            result |= decode_end(&decode, &out);
            UNIT_CHECK_ROW(ins[i], result == (ceiling == 6 ? 0 : -1));
            UNIT_CHECK_ROW(ins[i], out.len == ceiling);
            UNIT_CHECK_ROW(ins[i], ceiling == 0 || memcmp(out.data, "foofoo", ceiling) == 0);
            buf_clear(&out);
        }
    }
}

// A worst input for each: what is held back never grows, and the output is as long as it must be.
static void
test_large(void)
{
    static const struct {
        enum decode_encoding encoding;
        const char *unit;
        size_t units, out_len;
    } cases[] = {
        {B64, "=",         4000000, 0      },
        {B64, "Zg==",      1000000, 1000000},
        {B64, "Z",         4000000, 3000000},
        {QP,  "=",         4000000, 3999999},
        {QP,  "= ",        2000000, 3999998},
        {QP,  "=4",        2000000, 4000000},
        {UU,  "begin 6\n", 500000,  0      },
        {UU,  "x",         4000000, 0      },
    };

    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        size_t unit = strlen(cases[i].unit), len = unit * cases[i].units;
        char *in = mem_zalloc(len);
        struct decode decode;
        struct buf out;

        for (size_t at = 0; at < len; at += unit)
            memcpy(in + at, cases[i].unit, unit);
        decode_init(&decode, cases[i].encoding);
        buf_init(&out, len);
        UNIT_CHECK_ROW(cases[i].unit, decode_add(&decode, span_from(in, len), &out) == 0);
        UNIT_CHECK_ROW(cases[i].unit, decode_end(&decode, &out) == 0);
        UNIT_CHECK_ROW(cases[i].unit, out.len == cases[i].out_len);
        buf_clear(&out);
        mem_free(&in);
    }
}

static const struct {
    const char *text;
    ptrdiff_t at; // -1: none
    const char *name;
} inlines[] = {
    {"begin 644 evil.exe\nM",                                   0,  "evil.exe"   },
    {"a\r\n\r\nbegin 0644 evil.exe \r\nM",                      5,  "evil.exe"   },
    {"a\nbegin  644\t two words\n",                             2,  "two words"  },
    {"x\n=ybegin line=128 size=9 name=evil.exe\r\n",            2,  "evil.exe"   },
    {"=ybegin part=1 total=2 line=128 size=9 name=an evil.exe", 0,  "an evil.exe"},
    {"=ybegin line=128\nbegin 644 b",                           17, "b"          },
    {"",                                                        -1, NULL         },
    {"begin",                                                   -1, NULL         },
    {"begin 644",                                               -1, NULL         },
    {"begin 644 \n",                                            -1, NULL         },
    {"begin 999 x\n",                                           -1, NULL         },
    {"begin 64 x\n",                                            -1, NULL         },
    {"begin 644x y\n",                                          -1, NULL         },
    {"I begin 644 x\n",                                         -1, NULL         },
    {"beginning 644 x\n",                                       -1, NULL         },
    {"=ybegin name",                                            -1, NULL         },
};

static void
test_inline(void)
{
    for (size_t i = 0; i < UNIT_COUNT(inlines); i++) {
        struct span name = {NULL, 0};

        UNIT_CHECK_ROW(inlines[i].text,
                       decode_find_inline(span_of(inlines[i].text), NULL, &name) == inlines[i].at);
        UNIT_CHECK_ROW(inlines[i].text,
                       inlines[i].at < 0 ? name.data == NULL : span_is(name, inlines[i].name));
    }
}

// Soft breaks that not every reader knows for what they are.
static void
test_soft_blanks(void)
{
    static const struct {
        const char *text;
        uint64_t count;
    } texts[] = {
        {"a=\r\nb=\nc",            0},
        {"a= \r\nb",               1},
        {"a=\t\nb= \t \r\nc=\r\n", 2},
        {"a= b\r\n",               0},
        {"a=41 \r\n",              0},
    };

    for (size_t i = 0; i < UNIT_COUNT(texts); i++) {
        for (size_t cut = 0; cut <= strlen(texts[i].text); cut++) {
            struct span text = span_of(texts[i].text);
            struct decode decode;
            struct buf out;

            buf_init(&out, CEILING);
            decode_init(&decode, DECODE_QUOTED_PRINTABLE);
            (void)decode_add(&decode, span_from(text.data, cut), &out);
            (void)decode_add(&decode, span_skip(text, cut), &out);
            (void)decode_end(&decode, &out);
            UNIT_CHECK_ROW(texts[i].text, decode.soft_blanks == texts[i].count);
            buf_clear(&out);
        }
    }
}

static const struct unit_test tests[] = {
    {"rows",        test_rows       },
    {"ceiling",     test_ceiling    },
    {"large",       test_large      },
    {"inline",      test_inline     },
    {"soft blanks", test_soft_blanks},
};

UNIT_MAIN("mime/reading/decode", tests)
