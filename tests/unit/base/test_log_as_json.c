// SPDX-License-Identifier: BSD-2-Clause
// base/log with the format json.
#include "base/log.h"

#include "base/json.h"
#include "tests/unit/base/logged.h"
#include "tests/unit/harness.h"

// What stands behind the tag of the next line.
static struct json *
next_json(void)
{
    struct err err;
    struct json *json = json_parse(span_of(next_text()), &err);

    if (json == NULL)
        fprintf(stderr, "%s: %s\n", err.text, received);
    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    return json;
}

// Whatever the world sends, it stays within its own string.
static void
test_values(void)
{
    static const struct {
        const char *name;
        enum kind kind;
        struct span value;
        const char *expected;
    } rows[] = {
        {"plain",                  VALUE,  SPAN_LITERAL("mail.example.org[192.0.2.7], x=<y>"),
         "\"key\":\"mail.example.org[192.0.2.7], x=<y>\""                                                                           },
        {"empty",                  VALUE,  SPAN_LITERAL(""),                                   "\"key\":\"\""                       },
        {"another member",         VALUE,  SPAN_LITERAL("x\",\"status\":\"sent"),
         "\"key\":\"x\\\",\\\"status\\\":\\\"sent\""                                                                                },
        {"backslash at the end",   VALUE,  SPAN_LITERAL("x\\"),                                "\"key\":\"x\\\\\""                  },
        {"a line",                 VALUE,  SPAN_LITERAL("a\r\n{\"pid\":1}"),
         "\"key\":\"a\\u000D\\u000A{\\\"pid\\\":1}\""                                                                               },
        {"NUL, escape",            VALUE,  SPAN_LITERAL("a\0b\033[2J"),                        "\"key\":\"a\\\\x00b\\u001B[2J\""    },
        {"UTF-8 and what is none", VALUE,  SPAN_LITERAL("\303\274\377"),
         "\"key\":\"\303\274\\\\xFF\""                                                                                              },
        {"path",                   PATH,   SPAN_LITERAL("\"a b\"@example.org"),                "\"key\":\"\\\"a b\\\"@example.org\""},
        {"null path",              PATH,   SPAN_LITERAL(""),                                   "\"key\":\"\""                       },
        {"status",                 STATUS, SPAN_LITERAL("250 2.0.0 Ok (x), y)"),
         "\"status\":\"sent\",\"reply\":\"250 2.0.0 Ok (x), y)\""                                                                   },
        {"status with a quote",    STATUS, SPAN_LITERAL("450 <a>, \"b\""),
         "\"status\":\"sent\",\"reply\":\"450 <a>, \\\"b\\\"\""                                                                     },
    };

    set_up_as(json_format, 0);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct log_line line;
        char expected[400];

        log_begin(&line, LOG_NOTICE_, "test", "4X2k9QzT7mB");
        if (rows[i].kind == VALUE)
            log_value(&line, "key", rows[i].value);
        else if (rows[i].kind == PATH)
            log_path(&line, "key", rows[i].value);
        else
            log_status(&line, "sent", rows[i].value);
        log_text(&line, "left-out", NULL);
        log_number(&line, "last", UINT64_MAX);
        log_duration(&line, "delay", 3128);
        log_end(&line);
        snprintf(expected, sizeof expected,
                 "{\"program\":\"posternd\",\"component\":\"test\",\"pid\":%d,\"level\":\"notice\","
                 "\"id\":\"4X2k9QzT7mB\",%s,\"last\":18446744073709551615,\"delay\":0.003128}",
                 (int)getpid(), rows[i].expected);
        UNIT_CHECK_ROW(rows[i].name, strcmp(next_text(), expected) == 0);
    }
    tear_down();
}

static void
test_cut(void)
{
    char value[5000];
    struct log_line line;
    struct json *json;

    set_up_as(json_format, 0);
    memset(value, '"', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    log_begin(&line, LOG_INFO_, "test", value);
    log_text(&line, "value", value);
    log_path(&line, "path", span_of(value));
    log_status(&line, value, span_of(value));
    log_end(&line);
    json = next_json();
    CU_ASSERT_EQUAL(strlen(json_get_text(json, "id")), 30 + 3); // of 64 bytes: two each, the dots
    CU_ASSERT_EQUAL(strlen(json_get_text(json, "value")), 126 + 3);
    CU_ASSERT_EQUAL(strlen(json_get_text(json, "path")), 298 + 3);
    CU_ASSERT_EQUAL(strlen(json_get_text(json, "status")), 126 + 3);
    CU_ASSERT_EQUAL(strlen(json_get_text(json, "reply")), 298 + 3);
    CU_ASSERT_FALSE(json_get_bool(json, "cut", false));
    json_free(&json);
    log_begin(&line, LOG_INFO_, "test", NULL);
    for (unsigned i = 0; i < 200; i++)
        log_path(&line, "to", span_of("a@example.org"));
    log_path(&line, "to", span_of(value));
    for (unsigned i = 0; i < 200; i++)
        log_path(&line, "from", span_of(value));
    log_end(&line);
    json = next_json();
    CU_ASSERT_EQUAL(json_get_count(json, "to"), 201);
    CU_ASSERT_TRUE(json_get_count(json, "from") > 3);
    CU_ASSERT_TRUE(json_get_bool(json, "cut", false));
    json_free(&json);
    tear_down();
}

static void
test_free_text(void)
{
    char longest[5000];
    struct json *json;

    set_up_as(json_format, 1);
    log_debug("test", "a %s b \"%d\"", "\n", 7);
    json = next_json();
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "message"), "a \n b \"7\"");
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "level"), "debug");
    CU_ASSERT_PTR_NULL(json_get_text(json, "id"));
    json_free(&json);
    log_alarm("test", "spool %s", "full");
    json = next_json();
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "message"), "alarm: spool full");
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "level"), "alarm");
    json_free(&json);
    memset(longest, '\n', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    log_warning("test", "%s", longest);
    json = next_json();
    CU_ASSERT_EQUAL(strlen(json_get_text(json, "message")), 1997 / 6 + 3);
    json_free(&json);
    tear_down();
}

static const struct unit_test tests[] = {
    {"values",      test_values   },
    {"what is cut", test_cut      },
    {"free text",   test_free_text},
};

UNIT_MAIN("base/log as JSON", tests)
