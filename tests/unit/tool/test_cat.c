// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/tool/stand.h"

#define TEXT "Subject: \033[31mred\r\nX: \303\244\r\n\r\nbody \007\nlone\r\n"

static const struct {
    const char *name;
    bool is_terminal;
    const char *options[3];
    const char *expected;
} rows[] = {
    {"into a pipe",           false, {NULL},              TEXT                                                      },
    {"raw on a terminal",     true,  {"--raw", NULL},     TEXT                                                      },
    {"on a terminal",         true,  {NULL},              "Subject: \\x1b[31mred\nX: \303\244\n\nbody \\x07\nlone\n"},
    {"headers",               false, {"--headers", NULL}, "Subject: \033[31mred\r\nX: \303\244\r\n\r\n"             },
    {"headers on a terminal", true,  {"--headers", NULL}, "Subject: \\x1b[31mred\nX: \303\244\n\n"                  },
};

static void
rows_hold(void)
{
    struct stand stand;
    int bucket;

    stand_make(&stand);
    stand_put(stand.instance.fd, "slot-0001", STAND_A, TEXT, "", "");
    bucket = stand_bucket(&stand);
    stand_put(bucket, STAND_B, STAND_B, TEXT, "", "");
    close(bucket);
    for (size_t i = 0; i < UNIT_COUNT(rows) * 2; i++) {
        size_t row = i / 2;

        stand.tool.is_terminal = rows[row].is_terminal;
        UNIT_CHECK_ROW(rows[row].name,
                       stand_run(&stand, cat_run, "cat", i % 2 == 0 ? STAND_A : STAND_B,
                                 rows[row].options[0], NULL) == TOOL_DONE);
        UNIT_CHECK_ROW(rows[row].name, strcasecmp(stand.out, rows[row].expected) == 0);
    }
    stand_remove(&stand);
}

// Lines longer than a piece, with characters on every border, and no line end.
static void
long_lines_are_whole(void)
{
    struct stand stand;
    char *text = mem_zalloc(200001);

    for (size_t i = 0; i + 3 <= 200000; i += 3)
        memcpy(text + i, "\342\202\254", 3);
    stand_make(&stand);
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'x', shift * 3);
        stand_put(stand.root.hold_fd, STAND_A, STAND_A, text + shift, "", "");
        stand.tool.is_terminal = true;
        CU_ASSERT(stand_run(&stand, cat_run, "cat", STAND_A, NULL) == TOOL_DONE);
        CU_ASSERT_FATAL(stand.out_len >= strlen(text + shift));
        CU_ASSERT(strstr(stand.out, "\342\202\254\342\202\254") != NULL);
        CU_ASSERT_PTR_NULL(strstr(stand.out + 20, "\\x"));
        stand.tool.is_terminal = false;
        CU_ASSERT(stand_run(&stand, cat_run, "cat", STAND_A, NULL) == TOOL_DONE);
        CU_ASSERT_STRING_EQUAL(stand.out, text + shift);
    }
    mem_free(&text);
    stand_remove(&stand);
}

static void
damage_is_told(void)
{
    struct stand stand;
    int fd;

    stand_make(&stand);
    stand_put(stand.root.hold_fd, STAND_A, STAND_A, "hello world", "", "");
    fd = openat(stand.root.hold_fd, STAND_A, O_WRONLY);
    CU_ASSERT_FATAL(fd >= 0 && pwrite(fd, "X", 1, lseek(fd, 0, SEEK_END) - 3) == 1);
    close(fd);
    CU_ASSERT(stand_run(&stand, cat_run, "cat", STAND_A, NULL) == TOOL_IO);
    CU_ASSERT(stand_has(stand.errors, STAND_A ": checksum does not match"));
    CU_ASSERT(stand.out_len == 0);
    opterr = 0;
    CU_ASSERT(stand_run(&stand, cat_run, "cat", STAND_NONE, NULL) == TOOL_NOTHING);
    CU_ASSERT(stand_run(&stand, cat_run, "cat", NULL) == TOOL_USAGE);
    CU_ASSERT(stand_run(&stand, cat_run, "cat", "--part", "1", STAND_A, NULL) == TOOL_USAGE);
    stand_remove(&stand);
}

static const struct unit_test tests[] = {
    {"rows hold",            rows_hold           },
    {"long lines are whole", long_lines_are_whole},
    {"damage is told",       damage_is_told      },
};

UNIT_MAIN("tool/cat", tests)
