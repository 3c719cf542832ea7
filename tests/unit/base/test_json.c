// SPDX-License-Identifier: BSD-2-Clause
#include "base/json.h"

#include "base/mem.h"
#include "tests/unit/harness.h"

static bool
prints(const struct json *json, const char *expected)
{
    struct buf out;
    bool is_same;

    buf_init(&out, 100000);
    is_same = json_print(json, &out) == 0 && span_is(buf_span(&out), expected);
    if (!is_same)
        fprintf(stderr, "%s\n", buf_text(&out));
    buf_clear(&out);
    return is_same;
}

static void
test_texts(void)
{
    static const struct {
        const char *name;
        struct span value;
        const char *expected;
    } rows[] = {
        {"empty",        {"", 0},                 ""                     },
        {"null",         {NULL, 0},               ""                     },
        {"plain",        {"a b", 3},              "a b"                  },
        {"quotes",       {"\"a\\b\"", 5},         "\\\"a\\\\b\\\""       },
        {"controls",     {"\n\x1b\0", 3},         "\\n\\u001B\\u0000"    },
        {"UTF-8",        {"\xc3\xbc", 2},         "\\u00FC"              },
        {"beyond BMP",   {"\xf0\x9f\x98\x80", 4}, "\\uD83D\\uDE00"       },
        {"DEL",
         {"\x7f"
          "a\x7f",
          3},
         "\\u007Fa\\u007F"                                               },
        {"C1 control",   {"\xc2\x9b", 2},         "\\u009B"              },
        {"separator",    {"\xe2\x80\xa8", 3},     "\\u2028"              },
        {"Latin-1",      {"caf\xe9!", 5},         "caf\\uFFFD!"          },
        {"two bad ones", {"\xff\xfe", 2},         "\\uFFFD\\uFFFD"       },
        {"cut",          {"x\xe2\x82", 3},        "x\\uFFFD\\uFFFD"      },
        {"bad and good", {"\xc3\xc3\xbc", 3},     "\\uFFFD\\u00FC"       },
        {"surrogate",    {"\xed\xa0\x80", 3},     "\\uFFFD\\uFFFD\\uFFFD"},
        {"NUL and bad",  {"\0\xff", 2},           "\\u0000\\uFFFD"       },
        {"part",         {"\xc3\xbc", 1},         "\\uFFFD"              },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct json *object = json_object_new();
        struct json *array = json_array_new();
        char *expected = mem_printf("{\"k\":\"%s\"}", rows[i].expected);
        char *item = mem_printf("[\"%s\"]", rows[i].expected);

        json_set_text(object, "k", rows[i].value);
        json_add_text(array, rows[i].value);
        UNIT_CHECK_ROW(rows[i].name, prints(object, expected));
        UNIT_CHECK_ROW(rows[i].name, prints(array, item));
        json_free(&object);
        json_free(&array);
        mem_free(&expected);
        mem_free(&item);
    }
}

static void
test_build(void)
{
    struct json *object = json_object_new();
    struct json *array = json_array_new();
    struct json *inner = json_object_new();

    json_set_number(object, "z", INT64_MIN);
    json_set_number(object, "a", INT64_MAX);
    json_set_bool(object, "yes", true);
    json_set_bool(object, "no", false);
    json_set_number(object, "z", 7);
    json_set_text(inner, "x", span_of("y"));
    json_add_take(array, &inner);
    CU_ASSERT_PTR_NULL(inner);
    json_set_take(object, "list", &array);
    CU_ASSERT_PTR_NULL(array);
    CU_ASSERT(prints(object, "{\"z\":7,\"a\":9223372036854775807,\"yes\":true,\"no\":false,"
                             "\"list\":[{\"x\":\"y\"}]}"));
    json_free(&object);
    CU_ASSERT_PTR_NULL(object);
    json_free(&object);
}

static void
test_print_ceiling(void)
{
    struct json *object = json_object_new();

    json_set_text(object, "key", span_of("value"));
    for (size_t room = 0; room < 15; room++) {
        struct buf out;

        buf_init(&out, 2 + room);
        buf_add_text(&out, "x=");
        CU_ASSERT(json_print(object, &out) == -1);
        CU_ASSERT(span_is(buf_span(&out), "x="));
        buf_clear(&out);
    }
    CU_ASSERT(prints(object, "{\"key\":\"value\"}"));
    json_free(&object);
}

static void
test_get(void)
{
    static const char text[] =
        " {\"t\": \"a\\u00fc\", \"n\": -5, \"yes\": true, \"no\": false, \"real\": 1.0, \"null\": "
        "null,"
        " \"list\": [\"one\", 2, {\"x\": \"y\"}, \"four\"], \"object\": {\"x\": 1}}\n";
    struct err err;
    struct json *json = json_parse(SPAN_LITERAL(text), &err);

    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "t"), "a\xc3\xbc");
    CU_ASSERT_PTR_NULL(json_get_text(json, "n"));
    CU_ASSERT_PTR_NULL(json_get_text(json, "absent"));
    CU_ASSERT_EQUAL(json_get_number(json, "n", 9), -5);
    CU_ASSERT_EQUAL(json_get_number(json, "t", 9), 9);
    CU_ASSERT_EQUAL(json_get_number(json, "real", 9), 9);
    CU_ASSERT_EQUAL(json_get_number(json, "absent", 9), 9);
    CU_ASSERT(json_get_bool(json, "yes", false) && !json_get_bool(json, "no", true));
    CU_ASSERT(json_get_bool(json, "n", true) && !json_get_bool(json, "null", false));
    CU_ASSERT_EQUAL(json_get_count(json, "list"), 4);
    CU_ASSERT_EQUAL(json_get_count(json, "object"), 0);
    CU_ASSERT_EQUAL(json_get_count(json, "absent"), 0);
    CU_ASSERT_STRING_EQUAL(json_get_item_text(json, "list", 0), "one");
    CU_ASSERT_PTR_NULL(json_get_item_text(json, "list", 1));
    CU_ASSERT_STRING_EQUAL(json_get_item_text(json, "list", 3), "four");
    CU_ASSERT_PTR_NULL(json_get_item_text(json, "list", 4));
    CU_ASSERT_PTR_NULL(json_get_item_text(json, "list", SIZE_MAX));
    CU_ASSERT_PTR_NULL(json_get_item_text(json, "object", 0));
    CU_ASSERT_PTR_NULL(json_get_item(json, "list", 0));
    CU_ASSERT_PTR_NULL(json_get_item(json, "absent", 0));
    CU_ASSERT_PTR_NOT_NULL_FATAL(json_get_item(json, "list", 2));
    CU_ASSERT_STRING_EQUAL(json_get_text(json_get_item(json, "list", 2), "x"), "y");
    json_free(&json);
}

static void
test_get_inside(void)
{
    static const char text[] = "{\"b\": {\"x\": -1.5, \"y\": {}}, \"a\": 7, \"c\": 1e400000}";
    static const char sound[] = "{\"b\": {\"x\": -1.5, \"y\": {}}, \"a\": 7, \"c\": null}";
    struct json *json = json_parse(SPAN_LITERAL(text), NULL);
    const struct json *inner;
    const char *key;

    CU_ASSERT_PTR_NULL(json); // beyond a double
    json = json_parse(SPAN_LITERAL(sound), NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    inner = json_get_object(json, "b");
    CU_ASSERT_PTR_NOT_NULL_FATAL(inner);
    CU_ASSERT_EQUAL(json_get_real(inner, "x", 9), -1.5);
    CU_ASSERT_EQUAL(json_get_real(json, "a", 9), 7);
    CU_ASSERT_EQUAL(json_get_real(json, "b", 9), 9);
    CU_ASSERT_EQUAL(json_get_real(json, "c", 9), 9);
    CU_ASSERT_EQUAL(json_get_real(json, "absent", 9), 9);
    CU_ASSERT_PTR_NULL(json_get_object(json, "a"));
    CU_ASSERT_PTR_NULL(json_get_object(json, "c"));
    CU_ASSERT_PTR_NULL(json_get_object(json, "absent"));
    key = json_next_key(json, NULL);
    CU_ASSERT_STRING_EQUAL_FATAL(key, "b");
    key = json_next_key(json, key);
    CU_ASSERT_STRING_EQUAL_FATAL(key, "a");
    key = json_next_key(json, key);
    CU_ASSERT_STRING_EQUAL_FATAL(key, "c");
    CU_ASSERT_PTR_NULL(json_next_key(json, key));
    CU_ASSERT_PTR_NULL(json_next_key(json, "absent"));
    CU_ASSERT_PTR_NULL(json_next_key(json_get_object(inner, "y"), NULL));
    CU_ASSERT_PTR_NULL(json_next_key(NULL, NULL));
    json_free(&json);
}

static void
test_bad(void)
{
    static const struct {
        const char *name;
        struct span text;
    } rows[] = {
        {"empty",          SPAN_LITERAL("")                           },
        {"null",           {NULL, 0}                                  },
        {"blanks",         SPAN_LITERAL("  \n")                       },
        {"array",          SPAN_LITERAL("[]")                         },
        {"text",           SPAN_LITERAL("\"x\"")                      },
        {"cut",            SPAN_LITERAL("{\"a\":1")                   },
        {"two",            SPAN_LITERAL("{}{}")                       },
        {"garbage behind", SPAN_LITERAL("{}x")                        },
        {"NUL behind",     SPAN_LITERAL("{}\0")                       },
        {"a key twice",    SPAN_LITERAL("{\"a\":1,\"a\":2}")          },
        {"NUL in a text",  SPAN_LITERAL("{\"a\":\"x\\u0000y\"}")      },
        {"raw NUL",        SPAN_LITERAL("{\"a\":\"x\0y\"}")           },
        {"NUL in a key",   SPAN_LITERAL("{\"a\\u0000\":1}")           },
        {"raw newline",    SPAN_LITERAL("{\"a\":\"x\ny\"}")           },
        {"not UTF-8",      SPAN_LITERAL("{\"a\":\"\xff\"}")           },
        {"surrogate",      SPAN_LITERAL("{\"a\":\"\\ud800\"}")        },
        {"too large",      SPAN_LITERAL("{\"a\":9223372036854775808}")},
        {"NaN",            SPAN_LITERAL("{\"a\":NaN}")                },
        {"single quotes",  SPAN_LITERAL("{'a':1}")                    },
        {"comma",          SPAN_LITERAL("{\"a\":1,}")                 },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct err err = {.kind = ERR_NONE};
        struct json *json = json_parse(rows[i].text, &err);

        UNIT_CHECK_ROW(rows[i].name, json == NULL);
        UNIT_CHECK_ROW(rows[i].name, err.kind == ERR_PERM && err.text[0] != '\0');
        json_free(&json);
    }
    CU_ASSERT_PTR_NULL(json_parse(SPAN_LITERAL("x"), NULL));
}

// A whole object ends only at its end: no shorter part of it is one.
static void
test_each_length(void)
{
    static const char text[] = "{\"a\":[\"\xc3\xbc\",{\"b\":-1.5e3}],\"c\":null}";

    for (size_t len = 0; len <= sizeof(text) - 1; len++) {
        char *copy = mem_strndup(text, len);
        struct json *json = json_parse(span_from(copy, len), NULL);

        CU_ASSERT_EQUAL(json != NULL, len == sizeof(text) - 1);
        json_free(&json);
        mem_free(&copy);
    }
}

static void
test_size_and_depth(void)
{
    size_t len = JSON_TEXT_MAX + 1;
    char *text = mem_zalloc(len);
    struct json *json;
    struct err err;

    memset(text, '[', len);
    snprintf(text, len, "{\"a\":");
    text[5] = '[';
    CU_ASSERT_PTR_NULL(json_parse(span_from(text, len - 1), &err));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no JSON: maximum parsing depth reached"));
    memset(text, ' ', len);
    text[0] = '{';
    text[1] = '}';
    json = json_parse(span_from(text, len - 1), &err);
    CU_ASSERT_PTR_NOT_NULL(json);
    json_free(&json);
    CU_ASSERT_PTR_NULL(json_parse(span_from(text, len), &err));
    CU_ASSERT_STRING_EQUAL(err.text, "expected JSON of at most 1048576 bytes, not 1048577");
    json = json_parse_up_to(span_from(text, len), len, &err);
    CU_ASSERT_PTR_NOT_NULL(json);
    json_free(&json);
    CU_ASSERT_PTR_NULL(json_parse_up_to(span_from(text, 3), 2, &err));
    mem_free(&text);
}

static const struct unit_test tests[] = {
    {"texts",            test_texts         },
    {"build",            test_build         },
    {"print to a bound", test_print_ceiling },
    {"get",              test_get           },
    {"get inside",       test_get_inside    },
    {"bad",              test_bad           },
    {"each length",      test_each_length   },
    {"size and depth",   test_size_and_depth},
};

UNIT_MAIN("base/json", tests)
