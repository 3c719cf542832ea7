// SPDX-License-Identifier: BSD-2-Clause
#include "control/include.h"

#include "tests/unit/control/scratch.h"
#include "tests/unit/harness.h"

static const struct {
    const char *name, *from, *pattern;
    const char *expected; // the files, one behind the other, or the error
    bool is_good;
} rows[] = {
    {"one file",           "@/main.conf",       "extra.conf",    "@/extra.conf",                            true },
    {"sorted",             "@/main.conf",       "conf.d/*.conf", "@/conf.d/10.conf@/conf.d/9.conf",         true },
    {"from a subfolder",   "@/conf.d/9.conf",   "../extra.conf", "@/conf.d/../extra.conf",                  true },
    {"absolute",           "main.conf",         "@/extra.conf",  "@/extra.conf",                            true },
    {"nothing matches",    "@/main.conf",       "conf.d/*.none", "",                                        true },
    {"no folder matches",  "@/main.conf",       "none.d/*.conf", "",                                        true },
    {"folder with a star", "@/x*[y]/main.conf", "a*.conf",       "@/x*[y]/a.conf",                          true },
    {"missing file",       "@/main.conf",       "none.conf",     "include: there is no file \"none.conf\"", false},
    {"empty",              "@/main.conf",       "",              "include: expected the name of a file",    false},
};

static void
make_files(struct scratch *scratch)
{
    scratch_make(scratch);
    scratch_folder(scratch, "conf.d");
    scratch_folder(scratch, "x*[y]");
    scratch_write(scratch, "extra.conf", "a\n");
    scratch_write(scratch, "conf.d/9.conf", "b\n");
    scratch_write(scratch, "conf.d/10.conf", "c\n");
    scratch_write(scratch, "conf.d/README", "d\n");
    scratch_write(scratch, "x*[y]/a.conf", "e\n");
}

static void
files_are_found(void)
{
    struct scratch scratch;

    make_files(&scratch);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char from[1024], pattern[1024], expected[2048], got[4096] = "";
        struct include_list list;
        struct err err = {ERR_NONE, ""};
        int result;

        scratch_expand(&scratch, rows[i].from, from, sizeof from);
        scratch_expand(&scratch, rows[i].pattern, pattern, sizeof pattern);
        scratch_expand(&scratch, rows[i].expected, expected, sizeof expected);
        result = include_find(from, pattern, &list, &err);
        UNIT_CHECK_ROW(rows[i].name, (result == 0) == rows[i].is_good);
        for (size_t j = 0; result == 0 && j < list.count; j++)
            strcat(got, list.paths[j]);
        UNIT_CHECK_ROW(rows[i].name, strcmp(result == 0 ? got : err.text, expected) == 0);
        include_list_clear(&list);
    }
    scratch_remove(&scratch);
}

static void
only_plain_files_are_read(void)
{
    struct scratch scratch;
    struct buf out;
    struct err err;
    char path[1024];

    make_files(&scratch);
    buf_init(&out, 2 * INCLUDE_FILE_MAX);
    scratch_name(&scratch, "extra.conf", path);
    CU_ASSERT(include_read(path, &out, &err) == 0);
    CU_ASSERT_STRING_EQUAL(buf_text(&out), "a\n");
    CU_ASSERT(include_read(scratch.path, &out, &err) == -1);
    CU_ASSERT_STRING_EQUAL(err.text, "expected a plain file");
    scratch_name(&scratch, "fifo", path);
    CU_ASSERT_FATAL(mkfifo(path, 0600) == 0);
    CU_ASSERT(include_read(path, &out, &err) == -1); // and does not wait for a writer
    CU_ASSERT_STRING_EQUAL(err.text, "expected a plain file");
    scratch_name(&scratch, "none", path);
    CU_ASSERT(include_read(path, &out, &err) == -1);
    CU_ASSERT_STRING_EQUAL(err.text, "cannot open it: No such file or directory");
    scratch_name(&scratch, "large", path);
    scratch_write(&scratch, "large", "x");
    CU_ASSERT_FATAL(truncate(path, INCLUDE_FILE_MAX) == 0);
    buf_reset(&out);
    CU_ASSERT(include_read(path, &out, &err) == 0);
    CU_ASSERT(out.len == INCLUDE_FILE_MAX);
    CU_ASSERT_FATAL(truncate(path, INCLUDE_FILE_MAX + 1) == 0);
    buf_reset(&out);
    CU_ASSERT(include_read(path, &out, &err) == -1);
    CU_ASSERT_STRING_EQUAL(err.text, "expected at most 1048576 bytes");
    buf_clear(&out);
    scratch_remove(&scratch);
}

static const struct unit_test tests[] = {
    {"files are found",           files_are_found          },
    {"only plain files are read", only_plain_files_are_read},
};

UNIT_MAIN("control/include", tests)
