// SPDX-License-Identifier: BSD-2-Clause
#include "tool/postconf.h"

#include "tests/unit/harness.h"
#include "tests/unit/tool/fake_postconf.h"

static const struct {
    const char *name, *option, *word;
    int result;
    const char *out; // or the error's text
} rows[] = {
    {"a value",          "-nh", "myhostname",  0,  "mx"                             },
    {"none",             "-nh", "relayhost",   0,  ""                               },
    {"fails",            "-nh", "fatal",       -1, "postconf: fatal: no way"        },
    {"is killed",        "-nh", "killed",      -1, "postconf was killed by signal 9"},
    {"fails silently",   "-nh", "silent",      -1, "postconf ended with status 3"   },
    {"blanks in a word", "-e",  "a=b  c; 'd'", 0,  ""                               },
    {"stays one word",   "-nh", "a",           0,  "b  c; 'd'"                      },
};

static void
rows_hold(void)
{
    struct scratch scratch;
    char folder[1024];

    fake_postconf_make(&scratch);
    scratch_name(&scratch, "conf", folder);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const char *arguments[] = {rows[i].option, rows[i].word, NULL};
        struct err err = {.kind = ERR_NONE};
        struct buf out;

        buf_init(&out, 1 << 16);
        UNIT_CHECK_ROW(rows[i].name, postconf_run(folder, arguments, &out, &err) == rows[i].result);
        UNIT_CHECK_ROW(rows[i].name,
                       strcmp(rows[i].result == 0 ? buf_text(&out) : err.text, rows[i].out) == 0);
        UNIT_CHECK_ROW(rows[i].name, (rows[i].result == 0) == (err.kind == ERR_NONE));
        buf_clear(&out);
    }
    scratch_remove(&scratch);
}

static void
folder_may_come_with_the_environment(void)
{
    static const char *const arguments[] = {"-h", "config_directory", NULL};
    struct scratch scratch;
    struct buf out;

    fake_postconf_make(&scratch);
    setenv("MAIL_CONFIG", scratch.path, 1);
    buf_init(&out, 1 << 16);
    CU_ASSERT(postconf_run(NULL, arguments, &out, NULL) == 0);
    CU_ASSERT(strcmp(buf_text(&out), scratch.path) == 0);
    unsetenv("MAIL_CONFIG");
    buf_clear(&out);
    scratch_remove(&scratch);
}

static void
none_is_told(void)
{
    static const char *const arguments[] = {"-n", NULL};
    struct err err;
    struct buf out;

    setenv("PATH", "/nonexistent", 1);
    buf_init(&out, 1 << 16);
    CU_ASSERT(postconf_run(NULL, arguments, &out, &err) == -1);
    CU_ASSERT(strstr(err.text, "cannot run postconf") != NULL);
    CU_ASSERT(err.kind == ERR_PERM);
    buf_clear(&out);
}

static const struct unit_test tests[] = {
    {"rows hold",                            rows_hold                           },
    {"folder may come with the environment", folder_may_come_with_the_environment},
    {"none is told",                         none_is_told                        },
};

UNIT_MAIN("tool/postconf", tests)
