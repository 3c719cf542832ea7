// SPDX-License-Identifier: BSD-2-Clause
#include "mime/edits.h"

#include "tests/unit/harness.h"

static const struct {
    const char *text;   // as edit_format writes it
    const char *before; // as it was given to edit_parse, NULL: the same
    enum edit_op op;
    int32_t position;
    uint64_t offset, len;
    const char *name, *value;
} good_rows[] = {
    {"add 0 X-Spam:YES",                NULL,                          EDIT_ADD,     0,         0,  0,          "X-Spam",    "YES"              },
    {"add -1 X:",                       NULL,                          EDIT_ADD,     -1,        0,  0,          "X",         ""                 },
    {"add 2147483647 X:a: b:",          NULL,                          EDIT_ADD,     INT32_MAX, 0,  0,          "X",         "a: b:"            },
    {"add 0 X:a b",                     "add 0 X: \t a b \t\r\n\r\n",  EDIT_ADD,     0,         0,  0,          "X",         "a b"              },
    {"add 0 X:a\r\n\tb\r\n c",          "add 0 X:a\n\tb\r c",          EDIT_ADD,     0,         0,  0,          "X",         "a\r\n\tb\r\n c"   },
    {"add 0 X:\r\n b",                  "add 0 X: \n b\n",             EDIT_ADD,     0,         0,  0,          "X",         "\r\n b"           },
    {"add 0 X:\xff\x01\xc3\xbc",        NULL,                          EDIT_ADD,     0,         0,  0,          "X",         "\xff\x01\xc3\xbc" },
    {"set 0 !#$%&'*;~:x",               "set 7 !#$%&'*;~:x",           EDIT_SET,     0,         0,  0,          "!#$%&'*;~", "x"                },
    {"remove -3 X:",                    "remove -3 X:value",           EDIT_REMOVE,  -3,        0,  0,          "X",         NULL               },
    {"remove 0 X:",                     NULL,                          EDIT_REMOVE,  0,         0,  0,          "X",         NULL               },
    {"prefix 0 Subject: [SPAM] ",       NULL,                          EDIT_PREFIX,  0,         0,  0,          "Subject",   " [SPAM] "         },
    {"prefix 0 subject:",               NULL,                          EDIT_PREFIX,  0,         0,  0,          "subject",   ""                 },
    {"replace 12 34: a\r\n\r\nb:c\r\n", "replace 12 34: a\n\rb:c\r\n", EDIT_REPLACE, 0,         12, 34,
     NULL,                                                                                                                   " a\r\n\r\nb:c\r\n"},
    {"replace 0 18446744073709551615:", NULL,                          EDIT_REPLACE, 0,         0,  UINT64_MAX, NULL,        ""                 },
};

static bool
is_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
test_good(void)
{
    for (size_t i = 0; i < UNIT_COUNT(good_rows); i++) {
        const char *text = good_rows[i].text;
        const char *before = good_rows[i].before == NULL ? text : good_rows[i].before;
        struct edit_list list = {0}, again = {0};
        struct buf out;

        buf_init(&out, EDIT_TEXT_MAX);
        CU_ASSERT_FATAL(edit_parse(span_of(before), &list, NULL) == 0 && list.count == 1);
        UNIT_CHECK_ROW(text, list.items[0].op == good_rows[i].op);
        UNIT_CHECK_ROW(text, list.items[0].position == good_rows[i].position);
        UNIT_CHECK_ROW(text, list.items[0].offset == good_rows[i].offset);
        UNIT_CHECK_ROW(text, list.items[0].len == good_rows[i].len);
        UNIT_CHECK_ROW(text, is_text(list.items[0].name, good_rows[i].name));
        UNIT_CHECK_ROW(text, is_text(list.items[0].value, good_rows[i].value));
        edit_format(&list.items[0], &out);
        UNIT_CHECK_ROW(text, strcmp(buf_text(&out), text) == 0);
        UNIT_CHECK_ROW(text, edit_parse(buf_span(&out), &again, NULL) == 0);
        UNIT_CHECK_ROW(text, edit_list_equal(&list, &again));
        edit_list_clear(&list);
        edit_list_clear(&again);
        buf_clear(&out);
    }
}

static const struct {
    const char *text;
    size_t len; // 0: strlen
} bad_rows[] = {
    {"",                                 0 },
    {"add",                              0 },
    {"add 0 X",                          0 },
    {"add 0 :x",                         0 },
    {"add 0 X Y:x",                      0 },
    {"add 0  X:x",                       0 },
    {"add 0 X\xc3\xbc:x",                0 },
    {"add 0 X\x7f:x",                    0 },
    {"add 0 X\ty:x",                     0 },
    {"add -2 X:x",                       0 },
    {"add 2147483648 X:x",               0 },
    {"add x X:x",                        0 },
    {"add - X:x",                        0 },
    {"add --1 X:x",                      0 },
    {"add  X:x",                         0 },
    {"ADD 0 X:x",                        0 },
    {"burn 0 X:x",                       0 },
    {"add 0 X:a\nb",                     0 },
    {"add 0 X:a\rb",                     0 },
    {"add 0 X:a\r\nBcc: c",              0 },
    {"add 0 X:a\n\n b",                  0 },
    {"add 0 X:a\r\r\n b",                0 },
    {"add 0 X:a\n \t\n b",               0 },
    {"add 0 X:a\0b",                     11},
    {"add 0 X:a\0",                      10},
    {"add 0 X\0Y:a",                     11},
    {"set 0 X:a\nb",                     0 },
    {"prefix 0 To:x",                    0 },
    {"prefix 0 Subject:x\n y",           0 },
    {"prefix 0 Subject:\n",              0 },
    {"replace 1:x",                      0 },
    {"replace -1 2:x",                   0 },
    {"replace 1 2 3:x",                  0 },
    {"replace 18446744073709551616 0:x", 0 },
    {"replace 1 2:\0",                   13},
};

static void
test_bad(void)
{
    struct edit_list list = {0};

    for (size_t i = 0; i < UNIT_COUNT(bad_rows); i++) {
        const char *text = bad_rows[i].text;
        size_t len = bad_rows[i].len == 0 ? strlen(text) : bad_rows[i].len;
        struct err err = {0};

        UNIT_CHECK_ROW(text, edit_parse(span_from(text, len), &list, &err) == -1);
        UNIT_CHECK_ROW(text, err.kind == ERR_PERM && err.text[0] != '\0');
        UNIT_CHECK_ROW(text, list.count == 0);
    }
    CU_ASSERT(edit_list_add(&list, EDIT_ADD, NULL, span_of("x"), 0, NULL) == -1);
    CU_ASSERT(edit_list_add(&list, EDIT_REMOVE, "X", span_of(""), INT32_MIN, NULL) == -1);
    edit_list_clear(&list);
}

// Every byte that a value may hold comes back; the others are refused.
static void
test_every_byte(void)
{
    for (int byte = 0; byte < 256; byte++) {
        char text[] = {'a', (char)byte, 'b'};
        bool is_good = byte != '\0' && byte != '\r' && byte != '\n';
        struct edit_list list = {0};
        int result = edit_list_add(&list, EDIT_ADD, "X", span_from(text, 3), 0, NULL);

        CU_ASSERT(result == (is_good ? 0 : -1));
        if (is_good)
            CU_ASSERT(memcmp(list.items[0].value, text, 3) == 0);
        edit_list_clear(&list);
    }
}

static void
test_bounds(void)
{
    static char value[EDIT_VALUE_MAX + 2], name[EDIT_NAME_MAX + 2];
    struct edit_list list = {0};
    struct buf out;

    memset(value, 'v', sizeof value);
    memset(name, 'n', sizeof name - 1);
    CU_ASSERT(edit_list_add(&list, EDIT_ADD, name, span_of(""), 0, NULL) == -1);
    buf_init(&out, EDIT_TEXT_MAX);
    CU_ASSERT(buf_printf(&out, "add 0 %s:", name) == 0);
    CU_ASSERT(edit_parse(buf_span(&out), &list, NULL) == -1);
    buf_clear(&out);
    name[EDIT_NAME_MAX] = '\0';
    CU_ASSERT(edit_list_add(&list, EDIT_ADD, name, span_from(value, EDIT_VALUE_MAX + 1), 0, NULL) ==
              -1);
    CU_ASSERT(edit_list_add(&list, EDIT_ADD, name, span_from(value, EDIT_VALUE_MAX), INT32_MAX,
                            NULL) == 0);
    buf_init(&out, EDIT_TEXT_MAX);
    edit_format(&list.items[0], &out);
    CU_ASSERT(edit_parse(buf_span(&out), &list, NULL) == 0);
    CU_ASSERT(list.count == 2 && strlen(list.items[1].value) == EDIT_VALUE_MAX);
    buf_clear(&out);
    CU_ASSERT(edit_list_replace(&list, 1, 2, span_from(value, EDIT_VALUE_MAX + 1), NULL) == -1);
    // It is what is kept that counts: line ends grow.
    value[7] = '\n';
    CU_ASSERT(edit_list_replace(&list, 1, 2, span_from(value, EDIT_VALUE_MAX), NULL) == -1);
    CU_ASSERT(edit_list_replace(&list, 1, 2, span_from(value, EDIT_VALUE_MAX - 1), NULL) == 0);
    edit_list_clear(&list);
}

static void
test_lists(void)
{
    struct edit_list a = {0}, b = {0};

    CU_ASSERT(edit_list_equal(&a, &b));
    for (int i = 0; i < 5; i++) {
        CU_ASSERT(edit_list_add(&a, EDIT_ADD, "X", span_of("x"), i, NULL) == 0);
        CU_ASSERT(!edit_list_equal(&a, &b));
        CU_ASSERT(edit_list_add(&b, EDIT_ADD, "X", span_of("x"), i, NULL) == 0);
        CU_ASSERT(edit_list_equal(&a, &b));
    }
    edit_list_append(&a, &b);
    edit_list_append(&a, &a);
    CU_ASSERT(a.count == 20 && b.count == 5);
    for (size_t i = 0; i < a.count; i++)
        CU_ASSERT(a.items[i].position == (int)i % 5 && strcmp(a.items[i].value, "x") == 0);
    edit_list_clear(&b);
    CU_ASSERT(b.count == 0);
    edit_list_append(&b, &b);
    CU_ASSERT(edit_list_add(&b, EDIT_PREFIX, NULL, span_of("x "), 0, NULL) == 0);
    CU_ASSERT(strcmp(b.items[0].name, "Subject") == 0);
    edit_list_clear(&a);
    edit_list_clear(&b);
}

static const struct {
    const char *a, *b;
} different[] = {
    {"add 0 X:x",     "add 1 X:x"    },
    {"add 0 X:x",     "add 0 X:y"    },
    {"add 0 X:x",     "add 0 Y:x"    },
    {"add 0 X:x",     "set 0 X:x"    },
    {"remove 0 X:",   "set 0 X:"     },
    {"replace 1 2:x", "replace 1 3:x"},
    {"replace 1 2:x", "replace 2 2:x"},
};

static void
test_different(void)
{
    for (size_t i = 0; i < UNIT_COUNT(different); i++) {
        struct edit_list a = {0}, b = {0};

        CU_ASSERT(edit_parse(span_of(different[i].a), &a, NULL) == 0);
        CU_ASSERT(edit_parse(span_of(different[i].b), &b, NULL) == 0);
        UNIT_CHECK_ROW(different[i].a, !edit_list_equal(&a, &b) && !edit_list_equal(&b, &a));
        edit_list_clear(&a);
        edit_list_clear(&b);
    }
}

static const struct unit_test tests[] = {
    {"good",       test_good      },
    {"bad",        test_bad       },
    {"every byte", test_every_byte},
    {"bounds",     test_bounds    },
    {"lists",      test_lists     },
    {"different",  test_different },
};

UNIT_MAIN("mime/edit", tests)
