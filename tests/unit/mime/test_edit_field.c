// SPDX-License-Identifier: BSD-2-Clause
#include "mime/edit_field.h"

#include "tests/unit/harness.h"

#define TEN "123456789 "
#define UE "\xc3\xbc"       // w7w=
#define EURO "\xe2\x82\xac" // 4oKs
#define EUROS_13 EURO EURO EURO EURO EURO EURO EURO EURO EURO EURO EURO EURO EURO
#define LONG "0123456789012345678901234567890123456789012345678901234567890123456789012345678901"
#define FACE "\xf0\x9f\x98\x80"

static const struct {
    const char *name, *value;
    bool is_utf8;
    const char *field;
} write_rows[] = {
    {"X",                                                                 "",                                                     false, "X:\r\n"                              },
    {"X",                                                                 "a",                                                    false, "X: a\r\n"                            },
    {"X",                                                                 "\r\n a",                                               false, "X:\r\n a\r\n"                        },
    {"X",                                                                 TEN TEN TEN TEN TEN TEN TEN "12345",                    false,
     "X: " TEN TEN TEN TEN TEN TEN TEN "12345\r\n"                                                                                                                             },
    {"X",                                                                 TEN TEN TEN TEN TEN TEN TEN "123456",                   false,
     "X: " TEN TEN TEN TEN TEN TEN "123456789\r\n 123456\r\n"                                                                                                                  },
    {"X",                                                                 TEN TEN TEN TEN TEN TEN TEN "  \t123456",               false,
     "X: " TEN TEN TEN TEN TEN TEN "123456789\r\n   \t123456\r\n"                                                                                                              },
    {"X",                                                                 TEN TEN TEN TEN TEN TEN TEN TEN "\r\n a",               false,
     "X: " TEN TEN TEN TEN TEN TEN TEN TEN "\r\n a\r\n"                                                                                                                        },
    {"X",                                                                 UE,                                                     false, "X: =?UTF-8?B?w7w=?=\r\n"             },
    {"X",                                                                 UE,                                                     true,  "X: " UE "\r\n"                       },
    {"X",                                                                 "\xff",                                                 true,  "X: =?UTF-8?B?/w==?=\r\n"             },
    {"From",                                                              "J" UE "rg M" UE "ller <a@b>",                          false,
     "From: =?UTF-8?B?SsO8cmcgTcO8bGxlcg==?= <a@b>\r\n"                                                                                                                        },
    {"From",                                                              "a b" UE " c d" UE "\r\n\te",                           false,
     "From: a =?UTF-8?B?YsO8?= c =?UTF-8?B?ZMO8?=\te\r\n"                                                                                                                      },
    {"From",                                                              UE "\r\n " UE,                                          false, "From: =?UTF-8?B?w7wgw7w=?=\r\n"      },
    {"From",                                                              "\r\n " UE,                                             false, "From: =?UTF-8?B?w7w=?=\r\n"          },
    {"X",                                                                 TEN TEN TEN TEN TEN "12345 " UE,                        false,
     "X: " TEN TEN TEN TEN TEN "12345\r\n =?UTF-8?B?w7w=?=\r\n"                                                                                                                },
    {"Abcdefghij-abcdefghij-abcdefghij-abcdefghij-abcdefghij-abcdefghij", UE,                                                     false,
     "Abcdefghij-abcdefghij-abcdefghij-abcdefghij-abcdefghij-abcdefghij:\r\n =?UTF-8?B?w7w=?=\r\n"                                                                             },
    {"X",                                                                 UE " " TEN TEN TEN TEN TEN "123456",                    false,
     "X: =?UTF-8?B?w7w=?= " TEN TEN TEN TEN TEN "123456\r\n"                                                                                                                   },
    {"X",                                                                 UE " " TEN TEN TEN TEN TEN "1234567",                   false,
     "X: =?UTF-8?B?w7w=?= " TEN TEN TEN TEN "123456789\r\n 1234567\r\n"                                                                                                        },
 // 39 octets fill the line: one word; an octet more makes two.
    {"Subject",                                                           EUROS_13,                                               false,
     "Subject: =?UTF-8?B?4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs?=\r\n"                                                                                           },
    {"Subject",                                                           EUROS_13 UE,                                            false,
     "Subject: =?UTF-8?B?4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs?=\r\n "
     "=?UTF-8?B?w7w=?=\r\n"                                                                                                                                                    },
 // What comes first is not folded: there is no blank to fold at.
    {"X",                                                                 LONG " " UE,                                            false, "X: " LONG "\r\n =?UTF-8?B?w7w=?=\r\n"},
    {"Subject",                                                           FACE FACE FACE FACE FACE FACE FACE FACE FACE FACE FACE, false,
     "Subject: =?UTF-8?B?8J+YgPCfmIDwn5iA8J+YgPCfmIDwn5iA8J+YgPCfmIDwn5iA?=\r\n "
     "=?UTF-8?B?8J+YgPCfmIA=?=\r\n"                                                                                                                                            },
};

static void
test_write(void)
{
    for (size_t i = 0; i < UNIT_COUNT(write_rows); i++) {
        struct buf out;

        buf_init(&out, 4096);
        UNIT_CHECK_ROW(write_rows[i].field,
                       edit_field_write(write_rows[i].name, span_of(write_rows[i].value),
                                        write_rows[i].is_utf8, &out) == 0);
        UNIT_CHECK_ROW(write_rows[i].field, strcmp(buf_text(&out), write_rows[i].field) == 0);
        buf_clear(&out);
    }
}

static const struct {
    const char *field, *text;
    bool is_utf8;
    const char *result;
} prefix_rows[] = {
    {"Subject: a\r\n",                                 "[X] ", false, "Subject: [X] a\r\n"                          },
    {"Subject: a\r\n",                                 "[X]",  false, "Subject: [X]a\r\n"                           },
    {"Subject: =?u?q?a?=\r\n",                         "[X] ", false, "Subject: [X] =?u?q?a?=\r\n"                  },
    {"Subject: =?u?q?a?=\r\n",                         "[X]",  false, "Subject: [X] =?u?q?a?=\r\n"                  },
    {"Subject:\r\n =?u?q?a?=\r\n",                     "[X] ", false, "Subject: [X]\r\n =?u?q?a?=\r\n"              },
    {"Subject:\n a\n",                                 "[X] ", false, "Subject: [X]\n a\n"                          },
    {"Subject: a\r\n",                                 UE " ", true,  "Subject: " UE " a\r\n"                       },
    {"Subject: a\r\n",                                 UE " ", false, "Subject: =?UTF-8?B?w7w=?= a\r\n"             },
    {"Subject: a\r\n",                                 UE,     false, "Subject: =?UTF-8?B?w7w=?= a\r\n"             },
    {"Subject: " UE "\r\n",                            UE " ", false, "Subject: =?UTF-8?B?w7w=?= " UE "\r\n"        },
 // What is between two words is not shown, so the blank goes into the first.
    {"Subject: =?u?q?a?=\r\n",                         UE " ", false, "Subject: =?UTF-8?B?w7wg?= =?u?q?a?=\r\n"     },
    {"Subject:\r\n\t=?u?q?a?=\r\n",                    UE " ", false, "Subject: =?UTF-8?B?w7wg?=\r\n\t=?u?q?a?=\r\n"},
    {"Subject: " TEN TEN TEN TEN TEN TEN "123456\r\n", "X ",   false,
     "Subject: X\r\n " TEN TEN TEN TEN TEN TEN "123456\r\n"                                                         },
    {"Subject: " TEN TEN TEN TEN TEN TEN "12345\r\n",  "X ",   false,
     "Subject: X " TEN TEN TEN TEN TEN TEN "12345\r\n"                                                              },
    {"Subject:",                                       "X ",   false, "Subject: X"                                  },
};

static void
test_prefix(void)
{
    for (size_t i = 0; i < UNIT_COUNT(prefix_rows); i++) {
        struct buf out;

        buf_init(&out, 4096);
        UNIT_CHECK_ROW(prefix_rows[i].result, edit_field_prefix(span_of(prefix_rows[i].field),
                                                                span_of(prefix_rows[i].text),
                                                                prefix_rows[i].is_utf8, &out) == 0);
        UNIT_CHECK_ROW(prefix_rows[i].result, strcmp(buf_text(&out), prefix_rows[i].result) == 0);
        buf_clear(&out);
    }
}

static int
digit(char byte)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    return byte == '=' ? -1 : (int)(strchr(digits, byte) - digits);
}

// Each word in text, with the blanks between words left out.
static void
read_words(struct span text, struct buf *out)
{
    while (text.len > 0) {
        struct span word;

        while (text.len > 0 && strchr(" \r\n", text.data[0]) != NULL)
            text = span_skip(text, 1);
        if (text.len == 0)
            return;
        word = span_cut(&text, ' ');
        while (word.len > 0 && strchr("\r\n", word.data[word.len - 1]) != NULL)
            word.len--;
        CU_ASSERT_FATAL(word.len <= 75 && word.len > 12);
        CU_ASSERT_FATAL(memcmp(word.data, "=?UTF-8?B?", 10) == 0);
        CU_ASSERT_FATAL(memcmp(word.data + word.len - 2, "?=", 2) == 0);
        word = span_from(word.data + 10, word.len - 12);
        for (size_t i = 0, start = out->len; i < word.len; i += 4) {
            int a = digit(word.data[i]), b = digit(word.data[i + 1]);
            int c = digit(word.data[i + 2]), d = digit(word.data[i + 3]);

            CU_ASSERT(buf_add_char(out, (char)(a << 2 | b >> 4)) == 0);
            if (c >= 0)
                CU_ASSERT(buf_add_char(out, (char)(b << 4 | c >> 2)) == 0);
            if (d >= 0)
                CU_ASSERT(buf_add_char(out, (char)(c << 6 | d)) == 0);
            if (i + 4 == word.len)
                CU_ASSERT(str_is_utf8(span_from(out->data + start, out->len - start)));
        }
    }
}

static void
check_lines(struct span field)
{
    while (field.len > 0) {
        struct span line = span_cut(&field, '\n');

        CU_ASSERT(line.len >= 2 && line.len <= 77 && line.data[line.len - 1] == '\r');
    }
}

// Text of every length and of characters of one to four bytes comes back whole, and no word or line
// is too long.
static void
test_lengths(void)
{
    static const char *const characters[] = {UE,        "\xe2\x82\xac", FACE,
                                             (UE FACE), (UE " a"),      ("ab" UE)};

    for (size_t i = 0; i < UNIT_COUNT(characters); i++) {
        for (size_t count = 1; count < 120; count++) {
            struct buf value, out, back;

            buf_init(&value, 10000);
            buf_init(&out, 10000);
            buf_init(&back, 10000);
            for (size_t j = 0; j < count; j++)
                CU_ASSERT(buf_add_text(&value, characters[i]) == 0);
            CU_ASSERT(buf_add_text(&value, UE) == 0);
            CU_ASSERT(edit_field_write("Subject", buf_span(&value), false, &out) == 0);
            check_lines(buf_span(&out));
            read_words(span_skip(buf_span(&out), 9), &back);
            CU_ASSERT(strcmp(buf_text(&back), buf_text(&value)) == 0);
            buf_clear(&value);
            buf_clear(&out);
            buf_clear(&back);
        }
    }
}

static void
test_ceiling(void)
{
    struct buf out;

    buf_init(&out, 20);
    CU_ASSERT(edit_field_write("X", span_of("a long, a very long value"), false, &out) == -1);
    buf_clear(&out);
    CU_ASSERT(edit_field_write("X", span_of(UE UE UE UE UE), false, &out) == -1);
    buf_clear(&out);
    CU_ASSERT(edit_field_prefix(span_of("Subject: a long one"), span_of("X "), false, &out) == -1);
    buf_clear(&out);
}

static const struct unit_test tests[] = {
    {"write",   test_write  },
    {"prefix",  test_prefix },
    {"lengths", test_lengths},
    {"ceiling", test_ceiling},
};

UNIT_MAIN("mime/edit_field", tests)
