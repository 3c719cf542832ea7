// SPDX-License-Identifier: BSD-2-Clause
#include "base/setting.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/harness.h"

struct section {
    bool sync;
    uint64_t count, idle, max_size, mode;
    char *path;
    int protocol;
    struct addr addr;
    struct setting_list names, retry, clients, backup;
};

static const char *const protocols[] = {"smtp", "lmtp", NULL};

#define ROW(member, its_type, its_initial)                                                         \
    .name = #member, .type = (its_type), .offset = offsetof(struct section, member),               \
    .initial = (its_initial), .help = "Help."

static const struct setting_row rows[] = {
    {ROW(sync,     SETTING_BOOL,       "yes")       },
    {ROW(count,    SETTING_NUMBER,     "5"),          .min = 1, .max = 10},
    {ROW(idle,   SETTING_TIME,                     "90s")                          },
    {ROW(max_size,      SETTING_SIZE,    "10M"),.min = 1024, .max = 1 << 30},
    {ROW(mode,      SETTING_MODE,          "0660")                             },
    {ROW(path,     SETTING_TEXT,      "/a,b")  },
    {ROW(protocol,     SETTING_CHOICE,       "lmtp"),        .choices = protocols},
    {ROW(addr, SETTING_ADDR, "")},
    {ROW(names,            SETTING_TEXTS,                       "")                       },
    {ROW(retry,            SETTING_TIMES,                      "30s, 2m ,1h"),           .min = 1, .max = 4},
    {ROW(clients,            SETTING_NETS,                      "127.0.0.0/8,::1")},
    {ROW(backup,    SETTING_ADDRS,              "inet:127.0.0.1:25")                },
};

enum { ROWS = UNIT_COUNT(rows) };

static bool
is_written(const char *name, const struct section *section, const char *expected)
{
    const struct setting_row *row = setting_find(rows, ROWS, span_of(name));
    struct buf out;
    bool is_same;

    buf_init(&out, 100000);
    setting_format(row, section, &out);
    is_same = span_is(buf_span(&out), expected);
    buf_clear(&out);
    return is_same;
}

static void
test_defaults(void)
{
    static const char *const written[] = {"yes",
                                          "5",
                                          "\"90s\"",
                                          "\"10M\"",
                                          "0660",
                                          "\"/a,b\"",
                                          "lmtp",
                                          "\"\"",
                                          "{}",
                                          "{\"30s\", \"2m\", \"1h\"}",
                                          "{\"127.0.0.0/8\", \"::1\"}",
                                          "{\"inet:127.0.0.1:25\"}"};
    struct section section;

    memset(&section, 0xff, sizeof(section));
    setting_defaults(rows, ROWS, &section);
    for (size_t i = 0; i < ROWS; i++) {
        UNIT_CHECK_ROW(rows[i].name, is_written(rows[i].name, &section, written[i]));
        UNIT_CHECK_ROW(rows[i].name, setting_is_default(&rows[i], &section));
    }
    CU_ASSERT(section.sync && section.count == 5 && section.idle == 90000);
    CU_ASSERT(section.max_size == 10 << 20 && section.mode == 0660 && section.protocol == 1);
    CU_ASSERT_STRING_EQUAL(section.path, "/a,b");
    CU_ASSERT(section.addr.len == 0 && section.names.count == 0 && section.names.items == NULL);
    CU_ASSERT_EQUAL_FATAL(section.retry.count, 3);
    CU_ASSERT_EQUAL(((const uint64_t *)section.retry.items)[1], 120000);
    CU_ASSERT_EQUAL(((const struct net *)section.clients.items)[0].bits, 104);
    setting_clear(rows, ROWS, &section);
    CU_ASSERT(section.path == NULL && section.retry.items == NULL && section.retry.count == 0);
    setting_clear(rows, ROWS, &section);
}

static void
test_find(void)
{
    CU_ASSERT_PTR_EQUAL(setting_find(rows, ROWS, span_of("sync")), &rows[0]);
    CU_ASSERT_PTR_EQUAL(setting_find(rows, ROWS, span_of("backup")), &rows[ROWS - 1]);
    CU_ASSERT_PTR_NULL(setting_find(rows, ROWS, span_of("Sync")));
    CU_ASSERT_PTR_NULL(setting_find(rows, ROWS, span_of("syn")));
    CU_ASSERT_PTR_NULL(setting_find(rows, ROWS, span_of("")));
    CU_ASSERT_PTR_NULL(setting_find(rows, 0, span_of("sync")));
}

static void
test_parse(void)
{
    static const struct {
        const char *name;
        struct span values[5];
        size_t count;
        const char *written; // NULL: an error, and the default is kept
    } cases[] = {
        {"sync",     {SPAN_LITERAL("no")},                     1, "no"                        },
        {"count",    {SPAN_LITERAL("7")},                      1, "7"                         },
        {"idle",     {SPAN_LITERAL("2h")},                     1, "\"2h\""                    },
        {"path",     {SPAN_LITERAL("")},                       1, "\"\""                      },
        {"protocol", {SPAN_LITERAL("smtp")},                   1, "smtp"                      },
        {"addr",     {SPAN_LITERAL("unix:/x")},                1, "\"unix:/x\""               },
        {"names",    {SPAN_LITERAL("a"), SPAN_LITERAL("b,c")}, 2, "{\"a\", \"b,c\"}"          },
        {"retry",    {SPAN_LITERAL("1s")},                     1, "{\"1s\"}"                  },
        {"clients",  {{NULL, 0}},                              0, "{}"                        },
        {"backup",
         {SPAN_LITERAL("unix:/a"), SPAN_LITERAL("unix:/b")},
         2,                                                       "{\"unix:/a\", \"unix:/b\"}"},
        {"sync",     {SPAN_LITERAL("no"), SPAN_LITERAL("no")}, 2, NULL                        },
        {"sync",     {{NULL, 0}},                              0, NULL                        },
        {"count",    {SPAN_LITERAL("11")},                     1, NULL                        },
        {"path",     {SPAN_LITERAL("/a"), SPAN_LITERAL("/b")}, 2, NULL                        },
        {"path",     {SPAN_LITERAL("a\nb")},                   1, NULL                        },
        {"names",    {SPAN_LITERAL("a"), SPAN_LITERAL("")},    2, NULL                        },
        {"retry",    {{NULL, 0}},                              0, NULL                        },
        {"retry",
         {SPAN_LITERAL("1s"), SPAN_LITERAL("1s"), SPAN_LITERAL("1s"), SPAN_LITERAL("1s"),
          SPAN_LITERAL("1s")},
         5,                                                       NULL                        },
        {"retry",    {SPAN_LITERAL("1s,2s")},                  1, NULL                        },
        {"clients",  {SPAN_LITERAL("::1"), SPAN_LITERAL("x")}, 2, NULL                        },
        {"backup",   {SPAN_LITERAL("")},                       1, NULL                        },
    };

    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        const struct setting_row *row = setting_find(rows, ROWS, span_of(cases[i].name));
        struct err err = {.kind = ERR_NONE};
        bool is_good = cases[i].written != NULL;
        struct section section;

        setting_defaults(rows, ROWS, &section);
        UNIT_CHECK_ROW(cases[i].name, setting_parse(row, cases[i].values, cases[i].count, &section,
                                                    &err) == (is_good ? 0 : -1));
        UNIT_CHECK_ROW(cases[i].name, setting_is_default(row, &section) == !is_good);
        if (is_good)
            UNIT_CHECK_ROW(cases[i].name, is_written(cases[i].name, &section, cases[i].written));
        else
            UNIT_CHECK_ROW(cases[i].name,
                           err.kind == ERR_PERM &&
                               strncmp(err.text, cases[i].name, strlen(cases[i].name)) == 0);
        for (size_t j = 0; j < ROWS; j++)
            UNIT_CHECK_ROW(cases[i].name,
                           &rows[j] == row || setting_is_default(&rows[j], &section));
        setting_clear(rows, ROWS, &section);
    }
}

static void
test_counts(void)
{
    struct span values[257];
    struct section section;
    struct err err;

    for (size_t i = 0; i < UNIT_COUNT(values); i++)
        values[i] = span_of("x");
    setting_defaults(rows, ROWS, &section);
    CU_ASSERT(setting_parse(setting_find(rows, ROWS, span_of("names")), values, 257, &section,
                            &err) == -1);
    CU_ASSERT_STRING_EQUAL(err.text, "names: expected 0 to 256 values, not 257");
    CU_ASSERT(setting_parse(setting_find(rows, ROWS, span_of("names")), values, 256, &section,
                            &err) == 0);
    CU_ASSERT_EQUAL(section.names.count, 256);
    CU_ASSERT(
        setting_parse(setting_find(rows, ROWS, span_of("count")), values, 3, &section, &err) == -1);
    CU_ASSERT_STRING_EQUAL(err.text, "count: expected one value, not 3");
    setting_clear(rows, ROWS, &section);
}

// Written in another way, it is the default still.
static void
test_is_default(void)
{
    struct section section;
    struct span minutes = SPAN_LITERAL("90");
    struct span kilo = SPAN_LITERAL("10240K");

    setting_defaults(rows, ROWS, &section);
    CU_ASSERT(setting_parse(&rows[2], &minutes, 1, &section, NULL) == 0);
    CU_ASSERT(setting_is_default(&rows[2], &section));
    CU_ASSERT(setting_parse(&rows[3], &kilo, 1, &section, NULL) == 0);
    CU_ASSERT(setting_is_default(&rows[3], &section));
    section.max_size++;
    CU_ASSERT(!setting_is_default(&rows[3], &section));
    setting_clear(rows, ROWS, &section);
}

static void
test_bad_default(void)
{
    static const struct setting_row bad = {ROW(count, SETTING_NUMBER, "11"), .max = 10};
    struct section section;
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        setting_defaults(&bad, 1, &section);
        _exit(0);
    }
    CU_ASSERT(pid > 0 && waitpid(pid, &status, 0) == pid);
    CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static const struct unit_test tests[] = {
    {"defaults",          test_defaults   },
    {"find",              test_find       },
    {"parse",             test_parse      },
    {"counts",            test_counts     },
    {"is it the default", test_is_default },
    {"a bad default",     test_bad_default},
};

UNIT_MAIN("base/setting", tests)
