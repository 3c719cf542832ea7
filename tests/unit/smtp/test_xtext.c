// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/xtext.h"

#include "tests/unit/harness.h"

struct encode_row {
    const char *name;
    struct span raw;
    const char *text;
};

static const struct encode_row encode_rows[] = {
    {"empty",      SPAN_LITERAL(""),             ""           },
    {"plain",      SPAN_LITERAL("4BzQxy1abc"),   "4BzQxy1abc" },
    {"plus",       SPAN_LITERAL("a+b"),          "a+2Bb"      },
    {"equals",     SPAN_LITERAL("a=b"),          "a+3Db"      },
    {"blank",      SPAN_LITERAL("a b"),          "a+20b"      },
    {"newline",    SPAN_LITERAL("a\r\nRSET"),    "a+0D+0ARSET"},
    {"nul",        SPAN_LITERAL("\0"),           "+00"        },
    {"del",        SPAN_LITERAL("\x7f"),         "+7F"        },
    {"8-bit",      SPAN_LITERAL("\xc3\xbc\xff"), "+C3+BC+FF"  },
    {"edge chars", SPAN_LITERAL("!~"),           "!~"         },
    {"address",    SPAN_LITERAL("<a@b>;\"x\""),  "<a@b>;\"x\""},
};

struct decode_row {
    const char *text;
    bool is_valid;
    struct span raw;
};

static const struct decode_row decode_rows[] = {
    {"",         true,  SPAN_LITERAL("")        },
    {"abc",      true,  SPAN_LITERAL("abc")     },
    {"a=b",      true,  SPAN_LITERAL("a=b")     },
    {"a+2Bb",    true,  SPAN_LITERAL("a+b")     },
    {"a+2bb",    true,  SPAN_LITERAL("a+b")     },
    {"+00",      true,  SPAN_LITERAL("\0")      },
    {"+C3+BC",   true,  SPAN_LITERAL("\xc3\xbc")},
    {"+",        false, SPAN_LITERAL("")        },
    {"+2",       false, SPAN_LITERAL("")        },
    {"a+2",      false, SPAN_LITERAL("")        },
    {"+2G",      false, SPAN_LITERAL("")        },
    {"+G2",      false, SPAN_LITERAL("")        },
    {"++41",     false, SPAN_LITERAL("")        },
    {"a b",      false, SPAN_LITERAL("")        },
    {"a\tb",     false, SPAN_LITERAL("")        },
    {"a\r",      false, SPAN_LITERAL("")        },
    {"\x7f",     false, SPAN_LITERAL("")        },
    {"\xc3\xbc", false, SPAN_LITERAL("")        },
};

static void
test_encode(void)
{
    for (size_t i = 0; i < UNIT_COUNT(encode_rows); i++) {
        const struct encode_row *row = &encode_rows[i];
        struct buf out, back;

        buf_init(&out, 100);
        buf_init(&back, 100);
        UNIT_CHECK_ROW(row->name, xtext_encode(&out, row->raw) == 0);
        UNIT_CHECK_ROW(row->name, span_is(buf_span(&out), row->text));
        UNIT_CHECK_ROW(row->name, xtext_is_valid(buf_span(&out)));
        UNIT_CHECK_ROW(row->name, xtext_decode(&back, buf_span(&out)) == 0);
        UNIT_CHECK_ROW(row->name,
                       back.len == row->raw.len &&
                           (back.len == 0 || memcmp(back.data, row->raw.data, back.len) == 0));
        buf_clear(&out);
        buf_clear(&back);
    }
}

static void
test_decode(void)
{
    for (size_t i = 0; i < UNIT_COUNT(decode_rows); i++) {
        const struct decode_row *row = &decode_rows[i];
        struct buf out;

        buf_init(&out, 100);
        UNIT_CHECK_ROW(row->text, xtext_is_valid(span_of(row->text)) == row->is_valid);
        UNIT_CHECK_ROW(row->text, (xtext_decode(&out, span_of(row->text)) == 0) == row->is_valid);
        UNIT_CHECK_ROW(row->text,
                       !row->is_valid ||
                           (out.len == row->raw.len &&
                            (out.len == 0 || memcmp(out.data, row->raw.data, out.len) == 0)));
        buf_clear(&out);
    }
}

struct printable_row {
    const char *text;
    bool is_printable;
};

static const struct printable_row printable_rows[] = {
    {"",       false},
    {"abc",    true },
    {"a=b+20", true },
    {"+C3+BC", true },
    {"a+0Ab",  false},
    {"a+00",   false},
    {"a+7F",   false},
    {"a+2",    false},
    {"a b",    false},
};

static void
test_printable(void)
{
    for (size_t i = 0; i < UNIT_COUNT(printable_rows); i++)
        UNIT_CHECK_ROW(printable_rows[i].text,
                       xtext_is_printable(span_of(printable_rows[i].text)) ==
                           printable_rows[i].is_printable);
}

static void
test_every_byte(void)
{
    for (int byte = 0; byte < 256; byte++) {
        char raw = (char)byte;
        struct buf out, back;
        bool is_plain = byte > 32 && byte < 127 && byte != '+' && byte != '=';

        buf_init(&out, 3);
        buf_init(&back, 1);
        CU_ASSERT(xtext_encode(&out, span_from(&raw, 1)) == 0);
        CU_ASSERT(out.len == (is_plain ? 1u : 3u));
        CU_ASSERT(xtext_decode(&back, buf_span(&out)) == 0);
        CU_ASSERT(back.len == 1 && back.data[0] == raw);
        buf_clear(&out);
        buf_clear(&back);
    }
}

static void
test_ceiling(void)
{
    struct buf out;

    buf_init(&out, 4);
    CU_ASSERT(xtext_encode(&out, SPAN_LITERAL("ab+")) == -1);
    buf_reset(&out);
    CU_ASSERT(xtext_decode(&out, SPAN_LITERAL("abcde")) == -1);
    buf_reset(&out);
    CU_ASSERT(xtext_decode(&out, SPAN_LITERAL("+41+42+43+44")) == 0);
    buf_clear(&out);
}

static const struct unit_test tests[] = {
    {"encode",     test_encode    },
    {"decode",     test_decode    },
    {"printable",  test_printable },
    {"every byte", test_every_byte},
    {"ceiling",    test_ceiling   },
};

UNIT_MAIN("smtp/xtext", tests)
