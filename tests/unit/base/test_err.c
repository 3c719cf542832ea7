// SPDX-License-Identifier: BSD-2-Clause
#include "base/err.h"

#include <errno.h>

#include "tests/unit/harness.h"

static void
test_set(void)
{
    static const struct {
        const char *name;
        enum err_kind kind;
        const char *argument;
        const char *expected;
    } rows[] = {
        {"plain",        ERR_TEMP, "disk full",          "spool: disk full"         },
        {"permanent",    ERR_PERM, "no such hop",        "spool: no such hop"       },
        {"empty",        ERR_TEMP, "",                   "spool: "                  },
        {"newlines",     ERR_TEMP, "a\r\nb\nc",          "spool: a  b c"            },
        {"percent sign", ERR_TEMP, "100%s %n",           "spool: 100%s %n"          },
        {"UTF-8",        ERR_PERM, "gr\xc3\xbc\xc3\x9f", "spool: gr\xc3\xbc\xc3\x9f"},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct err err = {.kind = ERR_NONE};

        UNIT_CHECK_ROW(rows[i].name,
                       err_set(&err, rows[i].kind, "spool: %s", rows[i].argument) == -1);
        UNIT_CHECK_ROW(rows[i].name, err.kind == rows[i].kind);
        UNIT_CHECK_ROW(rows[i].name, strcmp(err.text, rows[i].expected) == 0);
    }
}

static void
test_null(void)
{
    CU_ASSERT(err_set(NULL, ERR_TEMP, "%d", 1) == -1);
    CU_ASSERT(err_sys(NULL, ERR_TEMP, ENOSPC, "%d", 1) == -1);
    CU_ASSERT(err_prefix(NULL, "%d", 1) == -1);
}

static void
test_too_long(void)
{
    char text[2000];
    struct err err;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    err_set(&err, ERR_TEMP, "%s", text);
    CU_ASSERT_EQUAL(strlen(err.text), sizeof(err.text) - 1);
    err_prefix(&err, "spool");
    CU_ASSERT_EQUAL(strlen(err.text), sizeof(err.text) - 1);
    CU_ASSERT(strncmp(err.text, "spool: xxx", 10) == 0);
    err_prefix(&err, "%s", text);
    CU_ASSERT_EQUAL(strlen(err.text), sizeof(err.text) - 1);
}

static void
test_sys(void)
{
    char text[2000];
    struct err err;

    CU_ASSERT(err_sys(&err, ERR_TEMP, ENOSPC, "write %s", "/x") == -1);
    CU_ASSERT_STRING_EQUAL(err.text, "write /x: No space left on device");
    CU_ASSERT_EQUAL(err.kind, ERR_TEMP);
    err_sys(&err, ERR_PERM, 99999, "x");
    CU_ASSERT_STRING_EQUAL(err.text, "x: Unknown error 99999");
    CU_ASSERT_EQUAL(err.kind, ERR_PERM);

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    err_sys(&err, ERR_TEMP, ENOENT, "%s", text);
    CU_ASSERT_EQUAL(strlen(err.text), sizeof(err.text) - 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "xxx: No such file or directory"));
}

static void
test_prefix(void)
{
    struct err err;

    err_set(&err, ERR_PERM, "max_size: bad");
    CU_ASSERT(err_prefix(&err, "%s:%d", "main.conf", 7) == -1);
    CU_ASSERT_STRING_EQUAL(err.text, "main.conf:7: max_size: bad");
    CU_ASSERT_EQUAL(err.kind, ERR_PERM);
    err_prefix(&err, "a\nb");
    CU_ASSERT_STRING_EQUAL(err.text, "a b: main.conf:7: max_size: bad");
}

static void
test_own_text(void)
{
    struct err err;

    err_set(&err, ERR_TEMP, "down");
    err_set(&err, ERR_PERM, "hop: %s, %s", err.text, err.text);
    CU_ASSERT_STRING_EQUAL(err.text, "hop: down, down");
    err_prefix(&err, "%s", err.text);
    CU_ASSERT_STRING_EQUAL(err.text, "hop: down, down: hop: down, down");
    err_sys(&err, ERR_PERM, ENOENT, "<%s>", err.text);
    CU_ASSERT_STRING_EQUAL(err.text,
                           "<hop: down, down: hop: down, down>: No such file or directory");
}

static void
test_kind_name(void)
{
    CU_ASSERT_STRING_EQUAL(err_kind_name(ERR_NONE), "none");
    CU_ASSERT_STRING_EQUAL(err_kind_name(ERR_TEMP), "temporary");
    CU_ASSERT_STRING_EQUAL(err_kind_name(ERR_PERM), "permanent");
    CU_ASSERT_STRING_EQUAL(err_kind_name((enum err_kind)77), "unknown");
}

static const struct unit_test tests[] = {
    {"set",                             test_set      },
    {"no err to fill",                  test_null     },
    {"too long",                        test_too_long },
    {"errno",                           test_sys      },
    {"prefix",                          test_prefix   },
    {"arguments out of the same error", test_own_text },
    {"kind name",                       test_kind_name},
};

UNIT_MAIN("base/err", tests)
