// SPDX-License-Identifier: BSD-2-Clause
#include "base/setting_value.h"

#include "base/mem.h"
#include "tests/unit/harness.h"

#define TEN "0123456789"

static const char *const hops[] = {"smtp", "lmtp", "both", NULL};
static const char *const two[] = {"spool", "relay", NULL};

static const struct setting_row bool_row = {.name = "sync", .type = SETTING_BOOL};
static const struct setting_row number_row = {.name = "count", .type = SETTING_NUMBER};
static const struct setting_row few_row = {
    .name = "few", .type = SETTING_NUMBER, .min = 1, .max = 10};
static const struct setting_row least_row = {.name = "least", .type = SETTING_NUMBER, .min = 2};
static const struct setting_row time_row = {
    .name = "idle", .type = SETTING_TIME, .min = 1000, .max = 3600000};
static const struct setting_row size_row = {
    .name = "max_size", .type = SETTING_SIZE, .min = 1024, .max = 1 << 30};
static const struct setting_row any_size_row = {.name = "any_size", .type = SETTING_SIZE};
static const struct setting_row text_row = {.name = "path", .type = SETTING_TEXT};
static const struct setting_row short_row = {
    .name = "name", .type = SETTING_TEXT, .min = 2, .max = 4};
static const struct setting_row choice_row = {
    .name = "protocol", .type = SETTING_CHOICE, .choices = hops};
static const struct setting_row two_row = {
    .name = "handoff", .type = SETTING_CHOICE, .choices = two};
static const struct setting_row mode_row = {.name = "mode", .type = SETTING_MODE};
static const struct setting_row addr_row = {.name = "addr", .type = SETTING_ADDR};
static const struct setting_row texts_row = {.name = "names", .type = SETTING_TEXTS, .max = 2};
static const struct setting_row times_row = {.name = "retry", .type = SETTING_TIMES, .max = 2};
static const struct setting_row nets_row = {.name = "clients", .type = SETTING_NETS, .max = 2};
static const struct setting_row addrs_row = {.name = "backup", .type = SETTING_ADDRS, .max = 2};

union value {
    bool yes;
    uint64_t number;
    char *text;
    int choice;
    struct addr addr;
    struct net net;
};

// What is accepted, and how it is written then.
static void
test_good(void)
{
    static const struct {
        const struct setting_row *row;
        const char *text, *written;
    } rows[] = {
        {&bool_row,   "yes",                  "yes"                   },
        {&bool_row,   "no",                   "no"                    },
        {&bool_row,   "true",                 "yes"                   },
        {&bool_row,   "false",                "no"                    },
        {&bool_row,   "on",                   "yes"                   },
        {&bool_row,   "off",                  "no"                    },
        {&bool_row,   "Yes",                  "yes"                   },
        {&number_row, "0",                    "0"                     },
        {&number_row, "18446744073709551615", "18446744073709551615"  },
        {&few_row,    "1",                    "1"                     },
        {&few_row,    "10",                   "10"                    },
        {&least_row,  "2",                    "2"                     },
        {&time_row,   "1s",                   "\"1s\""                },
        {&time_row,   "60",                   "\"1m\""                },
        {&time_row,   "1h",                   "\"1h\""                },
        {&size_row,   "1K",                   "\"1K\""                },
        {&size_row,   "1073741824",           "\"1G\""                },
        {&size_row,   "1025",                 "\"1025\""              },
        {&text_row,   "",                     "\"\""                  },
        {&text_row,   "/var/spool",           "\"/var/spool\""        },
        {&text_row,   "gr\xc3\xbc\xc3\x9f",   "\"gr\xc3\xbc\xc3\x9f\""},
        {&text_row,   "a\"b\\c${D}",          "\"a\\\"b\\\\c\\${D}\"" },
        {&short_row,  "ab",                   "\"ab\""                },
        {&short_row,  "abcd",                 "\"abcd\""              },
        {&choice_row, "both",                 "both"                  },
        {&mode_row,   "0660",                 "0660"                  },
        {&mode_row,   "0",                    "0000"                  },
        {&mode_row,   "7777",                 "7777"                  },
        {&addr_row,   "",                     "\"\""                  },
        {&addr_row,   "inet:[::1]:25",        "\"inet:[::1]:25\""     },
        {&addr_row,   "unix:/a\"$b",          "\"unix:/a\\\"\\$b\""   },
        {&texts_row,  "abc",                  "\"abc\""               },
        {&times_row,  "1d",                   "\"1d\""                },
        {&nets_row,   "10.0.0.0/8",           "\"10.0.0.0/8\""        },
        {&addrs_row,  "unix:/a",              "\"unix:/a\""           },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const struct setting_value_type *type = setting_value_type(rows[i].row->type);
        union value value;
        struct err err;
        struct buf out;

        buf_init(&out, 1000);
        UNIT_CHECK_ROW(rows[i].text,
                       type->parse(rows[i].row, span_of(rows[i].text), &value, &err) == 0);
        type->format(rows[i].row, &value, &out);
        UNIT_CHECK_ROW(rows[i].text, span_is(buf_span(&out), rows[i].written));
        if (type->is_owned)
            mem_free(&value.text);
        buf_clear(&out);
    }
}

static void
test_bad(void)
{
    static const struct {
        const struct setting_row *row;
        struct span text;
        const char *said;
    } rows[] = {
        {&bool_row,     SPAN_LITERAL("maybe"),                             "sync: expected yes or no, not \"maybe\""             },
        {&bool_row,     SPAN_LITERAL("1"),                                 "sync: expected yes or no, not \"1\""                 },
        {&bool_row,     SPAN_LITERAL(""),                                  "sync: expected yes or no, not \"\""                  },
        {&bool_row,     {NULL, 0},                                         "sync: expected yes or no, not \"\""                  },
        {&bool_row,     SPAN_LITERAL("yes\0"),                             "sync: expected yes or no, not \"yes\""               },
        {&number_row,   SPAN_LITERAL("-1"),                                "count: expected a number, not \"-1\""                },
        {&number_row,   SPAN_LITERAL("18446744073709551616"),
         "count: expected a number, not \"18446744073709551616\""                                                                },
        {&few_row,      SPAN_LITERAL("0"),                                 "few: expected a number between 1 and 10, not \"0\""  },
        {&few_row,      SPAN_LITERAL("11"),                                "few: expected a number between 1 and 10, not \"11\"" },
        {&few_row,      SPAN_LITERAL("x"),                                 "few: expected a number between 1 and 10, not \"x\""  },
        {&least_row,    SPAN_LITERAL("1"),                                 "least: expected a number of at least 2, not \"1\""   },
        {&time_row,     SPAN_LITERAL("999ms"),
         "idle: expected a time such as 30s between 1s and 1h, not \"999ms\""                                                    },
        {&time_row,     SPAN_LITERAL("3600001ms"),
         "idle: expected a time such as 30s between 1s and 1h, not \"3600001ms\""                                                },
        {&time_row,     SPAN_LITERAL("5 s"),
         "idle: expected a time such as 30s between 1s and 1h, not \"5 s\""                                                      },
        {&size_row,     SPAN_LITERAL("12Q"),
         "max_size: expected a size such as 10M between 1K and 1G, not \"12Q\""                                                  },
        {&size_row,     SPAN_LITERAL("1023"),
         "max_size: expected a size such as 10M between 1K and 1G, not \"1023\""                                                 },
        {&size_row,     SPAN_LITERAL("1073741825"),
         "max_size: expected a size such as 10M between 1K and 1G, not \"1073741825\""                                           },
        {&any_size_row, SPAN_LITERAL("10 M"),
         "any_size: expected a size such as 10M, not \"10 M\""                                                                   },
        {&text_row,     SPAN_LITERAL("a\nb"),
         "path: expected a text without control characters, not \"a b\""                                                         },
        {&text_row,     SPAN_LITERAL("a\0b"),
         "path: expected a text without control characters, not \"a\""                                                           },
        {&text_row,     SPAN_LITERAL("\x7f"),
         "path: expected a text without control characters, not \"\x7f\""                                                        },
        {&short_row,    SPAN_LITERAL(""),                                  "name: expected a text that is not empty, not \"\""   },
        {&short_row,    SPAN_LITERAL("a"),                                 "name: expected a text of 2 to 4 bytes, not \"a\""    },
        {&short_row,    SPAN_LITERAL("abcde"),                             "name: expected a text of 2 to 4 bytes, not \"abcde\""},
        {&short_row,    SPAN_LITERAL(TEN TEN TEN TEN TEN TEN TEN TEN "x"),
         "name: expected a text of 2 to 4 bytes, not \"" TEN TEN TEN TEN TEN TEN TEN TEN "...\""                                 },
        {&choice_row,   SPAN_LITERAL("SMTP"),                              "protocol: expected smtp, lmtp or both, not \"SMTP\"" },
        {&choice_row,   SPAN_LITERAL(""),                                  "protocol: expected smtp, lmtp or both, not \"\""     },
        {&two_row,      SPAN_LITERAL("spoo"),                              "handoff: expected spool or relay, not \"spoo\""      },
        {&mode_row,     SPAN_LITERAL("0668"),
         "mode: expected an octal mode such as 0660, not \"0668\""                                                               },
        {&mode_row,     SPAN_LITERAL("10000"),
         "mode: expected an octal mode such as 0660, not \"10000\""                                                              },
        {&mode_row,     SPAN_LITERAL("0777777777777777777777777"),
         "mode: expected an octal mode such as 0660, not \"0777777777777777777777777\""                                          },
        {&mode_row,     SPAN_LITERAL(""),                                  "mode: expected an octal mode such as 0660, not \"\"" },
        {&addr_row,     SPAN_LITERAL("inet:x:25"),
         "addr: expected a numeric address, not \"x\" (IPv6 stands in brackets)"                                                 },
        {&texts_row,    SPAN_LITERAL(""),                                  "names: expected texts of 1 to 4096 bytes, not \"\""  },
        {&texts_row,    SPAN_LITERAL("a\rb"),
         "names: expected a text without control characters, not \"a b\""                                                        },
        {&times_row,    SPAN_LITERAL("x"),                                 "retry: expected a time such as 30s, not \"x\""       },
        {&nets_row,     SPAN_LITERAL("10.1.0.0/8"),
         "clients: \"10.1.0.0/8\" has bits set behind its first 8"                                                               },
        {&addrs_row,    SPAN_LITERAL(""),
         "backup: expected inet:HOST:PORT, inet:[::1]:PORT or unix:/path, not \"\""                                              },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        union value value;
        struct err err = {.kind = ERR_NONE};

        UNIT_CHECK_ROW(
            rows[i].said,
            setting_value_type(rows[i].row->type)->parse(rows[i].row, rows[i].text, &value, &err) ==
                -1);
        UNIT_CHECK_ROW(rows[i].said, err.kind == ERR_PERM);
        UNIT_CHECK_ROW(rows[i].said, strcmp(err.text, rows[i].said) == 0);
    }
}

static void
test_long_text(void)
{
    static const struct setting_row *const rows[] = {&text_row, &texts_row};
    static char data[4097];

    memset(data, 'x', sizeof(data));
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const struct setting_value_type *type = setting_value_type(rows[i]->type);
        char *text = NULL;

        UNIT_CHECK_ROW(rows[i]->name,
                       type->parse(rows[i], span_from(data, sizeof(data)), &text, NULL) == -1);
        UNIT_CHECK_ROW(rows[i]->name, text == NULL);
        UNIT_CHECK_ROW(rows[i]->name,
                       type->parse(rows[i], span_from(data, sizeof(data) - 1), &text, NULL) == 0);
        UNIT_CHECK_ROW(rows[i]->name, text != NULL && strlen(text) == 4096);
        mem_free(&text);
    }
}

static const struct unit_test tests[] = {
    {"good values", test_good     },
    {"bad values",  test_bad      },
    {"long texts",  test_long_text},
};

UNIT_MAIN("base/setting_value", tests)
