// SPDX-License-Identifier: BSD-2-Clause
#include "base/log_json.h"

#include "base/json.h"
#include "tests/unit/harness.h"

static struct log_json line;

static void
add(const char *key, const char *value)
{
    log_json_text(&line, key, span_of(value), 256);
}

// The line as an object, and what it was made from in *text_out.
static struct json *
end(const char **text_out)
{
    static struct buf text;
    struct json *json;
    struct err err;

    buf_clear(&text);
    buf_init(&text, LOG_JSON_MAX + 2);
    CU_ASSERT_TRUE(log_json_end(&line).len <= LOG_JSON_MAX);
    buf_add_char(&text, '{');
    buf_add_span(&text, buf_span(&line.text));
    buf_add_char(&text, '}');
    log_json_clear(&line);
    json = json_parse(buf_span(&text), &err);
    if (json == NULL)
        fprintf(stderr, "%s: %s\n", err.text, buf_text(&text));
    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    *text_out = buf_text(&text);
    return json;
}

static void
test_lines(void)
{
    static const struct {
        const char *name, *id;
        const char *fields[16]; // key, value
        const char *expected;
    } rows[] = {
        {"nothing",            "",   {NULL},                                                         "{\"level\":\"info\"}"                       },
        {"an id",              "ID", {NULL},                                                         "{\"level\":\"info\",\"id\":\"ID\"}"         },
        {"hostile id",         "\"", {NULL},                                                         "{\"level\":\"info\",\"id\":\"\\\"\"}"       },
        {"fields",             "",   {"a", "1", "b", ""},                                            "{\"level\":\"info\",\"a\":\"1\",\"b\":\"\"}"},
        {"twice",              "",   {"a", "1", "a", "2"},                                           "{\"level\":\"info\",\"a\":[\"1\",\"2\"]}"   },
        {"three times",
         "",                         {"a", "1", "a", "", "a", "3"},
         "{\"level\":\"info\",\"a\":[\"1\",\"\",\"3\"]}"                                                                                          },
        {"interleaved",
         "ID",                       {"a", "1", "bb", "22", "c", "", "a", "4", "bb", "5", "a", "6"},
         "{\"level\":\"info\",\"id\":\"ID\",\"a\":[\"1\",\"4\",\"6\"],\"bb\":[\"22\",\"5\"],\"c\":"
         "\"\"}"                                                                                                                                  },
        {"from the back",
         "",                         {"a", "1", "b", "2", "b", "3", "a", "4", "c", "5", "c", "6"},
         "{\"level\":\"info\",\"a\":[\"1\",\"4\"],\"b\":[\"2\",\"3\"],\"c\":[\"5\",\"6\"]}"                                                       },
        {"brackets in values",
         "",                         {"a", "],\"x\":[", "a", "}", "a", "]"},
         "{\"level\":\"info\",\"a\":[\"],\\\"x\\\":[\",\"}\",\"]\"]}"                                                                             },
        {"names of the head",
         "ID",                       {"id", "1", "time", "2", "cut", "3", "id", "4"},
         "{\"level\":\"info\",\"id\":\"ID\",\"id_\":[\"1\",\"4\"],\"time_\":\"2\",\"cut_\":\"3\"}"                                                },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const char *text;
        struct json *json;

        log_json_begin(&line, "info", span_of(rows[i].id));
        for (const char *const *field = rows[i].fields; *field != NULL; field += 2)
            add(field[0], field[1]);
        json = end(&text);
        UNIT_CHECK_ROW(rows[i].name, strcmp(text, rows[i].expected) == 0);
        json_free(&json);
    }
}

static void
test_numbers(void)
{
    static const struct {
        const char *expected; // of the duration
        uint64_t us;
    } rows[] = {
        {"0",                     0                    },
        {"0.000001",              1                    },
        {"0.003128",              3128                 },
        {"0.014",                 14000                },
        {"0.1",                   100000               },
        {"1",                     1000000              },
        {"2.5",                   2500000              },
        {"86400.000001",          UINT64_C(86400000001)},
        {"18446744073709.551615", UINT64_MAX           },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char expected[200];
        const char *text;
        struct json *json;

        log_json_begin(&line, "info", span_of(NULL));
        log_json_seconds(&line, "delay", rows[i].us);
        log_json_number(&line, "n", i);
        log_json_seconds(&line, "delay", rows[i].us);
        log_json_number(&line, "n", 7);
        json = end(&text);
        snprintf(expected, sizeof expected, "{\"level\":\"info\",\"delay\":[%s,%s],\"n\":[%zu,7]}",
                 rows[i].expected, rows[i].expected, i);
        UNIT_CHECK_ROW(rows[i].expected, strcmp(text, expected) == 0);
        json_free(&json);
    }
}

// Values of each length that end the line at each place: it is valid, and says that it was cut if
// and only if something lacks.
static void
test_full(void)
{
    char value[LOG_JSON_VALUE_MAX + 1];

    for (size_t len = 1; len < LOG_JSON_VALUE_MAX; len += len < 300 ? 1 : 97) {
        static const char *const keys[] = {"a", "to", "b", "to", "c"};
        size_t put = 0;
        const char *text;
        struct json *json;

        memset(value, len % 2 == 0 ? '"' : 'x', len);
        value[len] = '\0';
        log_json_begin(&line, "info", SPAN_LITERAL("ID"));
        for (; !line.is_cut && put < 10000; put++)
            log_json_text(&line, keys[put % UNIT_COUNT(keys)], span_of(value), LOG_JSON_VALUE_MAX);
        log_json_number(&line, "left_out", 1);
        json = end(&text);
        CU_ASSERT_TRUE(put < 10000 && strlen(text) + LOG_JSON_VALUE_MAX > LOG_JSON_MAX - 100);
        CU_ASSERT_TRUE(json_get_bool(json, "cut", false));
        CU_ASSERT_EQUAL(json_get_number(json, "left_out", 0), 0);
        json_free(&json);
    }
}

static void
test_many_keys(void)
{
    static char keys[LOG_JSON_KEYS_MAX + 1][8];

    for (size_t count = LOG_JSON_KEYS_MAX; count <= LOG_JSON_KEYS_MAX + 1; count++) {
        const char *text;
        struct json *json;

        log_json_begin(&line, "info", span_of(NULL));
        for (size_t i = 0; i < count; i++) {
            snprintf(keys[i], sizeof keys[i], "k%zu", i);
            add(keys[i], "v");
        }
        json = end(&text);
        CU_ASSERT_STRING_EQUAL(json_get_text(json, "k63"), "v");
        CU_ASSERT_PTR_NULL(json_get_text(json, "k64"));
        CU_ASSERT_EQUAL(json_get_bool(json, "cut", false), count > LOG_JSON_KEYS_MAX);
        json_free(&json);
    }
}

static const struct unit_test tests[] = {
    {"lines",          test_lines    },
    {"numbers",        test_numbers  },
    {"full lines",     test_full     },
    {"very many keys", test_many_keys},
};

UNIT_MAIN("base/log_json", tests)
