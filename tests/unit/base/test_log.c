// SPDX-License-Identifier: BSD-2-Clause
#include "base/log.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "tests/unit/base/logged.h"
#include "tests/unit/harness.h"

// A value is what the world sends: none may end its field, its line, or hide the next field.
static void
test_values(void)
{
    static const struct {
        const char *name;
        enum kind kind;
        struct span value;
        const char *expected;
    } rows[] = {
        {"plain",                                 VALUE,  SPAN_LITERAL("mail.example.org[192.0.2.7]"),
         "key=mail.example.org[192.0.2.7]"                                                                                                   },
        {"empty",                                 VALUE,  SPAN_LITERAL(""),                                 "key="                           },
        {"another field",                         VALUE,  SPAN_LITERAL("x, status=sent"),                   "key=x\\x2C status=sent"         },
        {"a line",                                VALUE,  SPAN_LITERAL("a\r\nposternd/x[1]: b"),            "key=a\\x0D\\x0Aposternd/x[1]: b"},
        {"NUL, escape, delete",                   VALUE,  SPAN_LITERAL("a\0b\033[2J\177"),                  "key=a\\x00b\\x1B[2J\\x7F"       },
        {"quotes and brackets",                   VALUE,  SPAN_LITERAL("\"<x>\""),                          "key=\\x22\\x3Cx\\x3E\\x22"      },
        {"backslash",                             VALUE,  SPAN_LITERAL("\\x2C"),                            "key=\\\\x2C"                    },
        {"UTF-8 and what is none",                VALUE,  SPAN_LITERAL("\303\274\377"),                     "key=\303\274\\xFF"              },
        {"C1 and line separator",                 VALUE,  SPAN_LITERAL("\302\205\342\200\250"),
         "key=\\xC2\\x85\\xE2\\x80\\xA8"                                                                                                     },
        {"path",                                  PATH,   SPAN_LITERAL("a@example.org"),                    "key=<a@example.org>"            },
        {"null path",                             PATH,   SPAN_LITERAL(""),                                 "key=<>"                         },
        {"path that would end itself",            PATH,   SPAN_LITERAL("a>, to=<b"),
         "key=<a\\x3E\\x2C to=\\x3Cb>"                                                                                                       },
        {"quoted path",                           PATH,   SPAN_LITERAL("\"a b\"@c"),                        "key=<\\x22a b\\x22@c>"          },
        {"status",                                STATUS, SPAN_LITERAL("250 2.0.0 Ok: queued as 4Zb1"),
         "status=sent (250 2.0.0 Ok: queued as 4Zb1)"                                                                                        },
        {"status keeps commas, quotes, brackets", STATUS, SPAN_LITERAL("450 <a>, \"b\""),
         "status=sent (450 <a>, \"b\")"                                                                                                      },
        {"status with pairs",                     STATUS, SPAN_LITERAL("550 no (in reply to RCPT (x)) ()"),
         "status=sent (550 no (in reply to RCPT (x)) ())"                                                                                    },
        {"status that would end itself",          STATUS, SPAN_LITERAL("250 ok), queue_id=FORGED (x"),
         "status=sent (250 ok\\x29, queue_id=FORGED \\x28x)"                                                                                 },
        {"status that would swallow the next",    STATUS, SPAN_LITERAL("250 (("),
         "status=sent (250 \\x28\\x28)"                                                                                                      },
        {"status with a line",                    STATUS, SPAN_LITERAL("250-a\r\n250 b"),
         "status=sent (250-a\\x0D\\x0A250 b)"                                                                                                },
    };

    set_up(0);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct log_line line;
        char expected[400];

        log_begin(&line, LOG_INFO_, "test", "4X2k9QzT7mB");
        if (rows[i].kind == VALUE)
            log_value(&line, "key", rows[i].value);
        else if (rows[i].kind == PATH)
            log_path(&line, "key", rows[i].value);
        else
            log_status(&line, "sent", rows[i].value);
        log_number(&line, "last", 1);
        log_end(&line);
        snprintf(expected, sizeof expected, "4X2k9QzT7mB: %s, last=1", rows[i].expected);
        UNIT_CHECK_ROW(rows[i].name, strcmp(next_text(), expected) == 0);
    }
    tear_down();
}

static void
test_durations(void)
{
    static const struct {
        const char *name;
        uint64_t us;
    } rows[] = {
        {"0.0ms",             0                    },
        {"0.0ms",             49                   },
        {"0.1ms",             50                   },
        {"3.1ms",             3100                 },
        {"9.9ms",             9949                 },
        {"10ms",              9950                 },
        {"14ms",              14499                },
        {"999ms",             999499               },
        {"1.0s",              999500               },
        {"2.5s",              2500000              },
        {"86400.0s",          UINT64_C(86400000000)},
        {"18446744073709.6s", UINT64_MAX           },
    };

    set_up(0);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct log_line line;
        const char *text;

        log_begin(&line, LOG_INFO_, "test", NULL);
        log_duration(&line, "delay", rows[i].us);
        log_end(&line);
        text = next_text();
        UNIT_CHECK_ROW(rows[i].name, strncmp(text, "delay=", 6) == 0);
        UNIT_CHECK_ROW(rows[i].name, strcmp(text + 6, rows[i].name) == 0);
    }
    tear_down();
}

static void
test_line(void)
{
    struct log_line line;

    set_up(0);
    log_begin(&line, LOG_INFO_, "test", "ID, x=<\n>");
    log_text(&line, "a", "b");
    log_text(&line, "left-out", NULL);
    log_number(&line, "n", UINT64_MAX);
    log_end(&line);
    CU_ASSERT_STRING_EQUAL(next_text(),
                           "ID\\x2C\\x20x\\x3D\\x3C\\x0A\\x3E: a=b, n=18446744073709551615");
    tear_down();
}

static void
test_long_values_are_cut(void)
{
    char *value = mem_zalloc(100000);
    struct log_line line;
    const char *text;

    set_up(0);
    memset(value, '(', 99999);
    for (enum kind kind = VALUE; kind <= STATUS; kind++) {
        log_begin(&line, LOG_INFO_, "test", NULL);
        if (kind == VALUE)
            log_text(&line, "key", value);
        else if (kind == PATH)
            log_path(&line, "key", span_of(value));
        else
            log_status(&line, "sent", span_of(value));
        log_number(&line, "last", 1);
        log_end(&line);
        text = next_text();
        CU_ASSERT_PTR_NOT_NULL(strstr(text, "..."));
        CU_ASSERT_PTR_NOT_NULL(strstr(text, ", last=1"));
        CU_ASSERT_TRUE(strlen(text) < 700);
        CU_ASSERT_TRUE(kind != STATUS || strstr(text, "((") == NULL);
    }
    mem_free(&value);
    tear_down();
}

// Status text whose closing parenthesis falls behind the cut.
static void
test_cut_status_has_no_open_parenthesis(void)
{
    char value[1000];
    struct log_line line;
    const char *text;

    set_up(0);
    memset(value, 'x', sizeof value);
    value[0] = '(';
    value[999] = ')';
    log_begin(&line, LOG_INFO_, "test", NULL);
    log_status(&line, "sent", span_from(value, sizeof value));
    log_end(&line);
    text = next_text();
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "status=sent (\\x28xxx"));
    CU_ASSERT_EQUAL(text[strlen(text) - 1], ')');
    tear_down();
}

static void
test_full_line_is_cut_between_fields(void)
{
    char value[250];
    struct log_line line;
    const char *text;

    set_up(0);
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    log_begin(&line, LOG_INFO_, "test", "ID");
    for (unsigned i = 0; i < 200; i++)
        log_text(&line, "key", value);
    log_number(&line, "last", 1);
    log_end(&line);
    text = next_text();
    CU_ASSERT_TRUE(strlen(text) > 7000 && strlen(text) <= 8000);
    CU_ASSERT_STRING_EQUAL(text + strlen(text) - 6, "x, ...");
    tear_down();
}

static void
test_free_text(void)
{
    char longest[5000];

    set_up(0);
    log_info("test", "a %s b, c=<%d>", "\n\\", 7);
    CU_ASSERT_STRING_EQUAL(next_text(), "a \\x0A\\\\ b, c=<7>");
    log_alarm("test", "spool %s", "full");
    CU_ASSERT_STRING_EQUAL(next_text(), "alarm: spool full");
    CU_ASSERT_EQUAL(strncmp(received, "<18>", 4), 0);
    memset(longest, '\n', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    log_warning("test", "%s", longest);
    CU_ASSERT_EQUAL(strlen(next_text()), 1996 + 3); // 499 line feeds of four, and the dots
    tear_down();
}

static void
test_levels(void)
{
    static const struct {
        const char *name, *pri;
        enum log_level level;
        void (*log)(const char *component, const char *format, ...);
    } rows[] = {
        {"debug",   "<23>", LOG_DEBUG_,   log_debug  },
        {"info",    "<22>", LOG_INFO_,    log_info   },
        {"notice",  "<21>", LOG_NOTICE_,  NULL       },
        {"warning", "<20>", LOG_WARNING_, log_warning},
        {"error",   "<19>", LOG_ERROR_,   log_error  },
        {"alarm",   "<18>", LOG_ALARM_,   log_alarm  },
    };

    for (int round = 0; round < 6; round++) {
        int verbosity = round % 3;

        set_up_as(round < 3 ? text_format : json_format, verbosity);
        for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
            bool is_wanted = verbosity > 0 || rows[i].level > LOG_DEBUG_;
            struct log_line line;

            UNIT_CHECK_ROW(rows[i].name, log_is_wanted(rows[i].level) == is_wanted);
            UNIT_CHECK_ROW(rows[i].name, strcmp(log_level_name(rows[i].level), rows[i].name) == 0);
            log_begin(&line, rows[i].level, "test", "ID");
            log_text(&line, "key", "value");
            log_path(&line, "path", span_of("x"));
            log_duration(&line, "delay", 1);
            log_status(&line, "sent", span_of("x"));
            log_end(&line);
            UNIT_CHECK_ROW(rows[i].name, (next_text()[0] != '\0') == is_wanted);
            UNIT_CHECK_ROW(rows[i].name, !is_wanted || strncmp(received, rows[i].pri, 4) == 0);
            if (rows[i].log == NULL)
                continue;
            rows[i].log("test", "%s", "text");
            UNIT_CHECK_ROW(rows[i].name, (next_text()[0] != '\0') == is_wanted);
            UNIT_CHECK_ROW(rows[i].name, !is_wanted || strncmp(received, rows[i].pri, 4) == 0);
        }
        tear_down();
    }
}

static void
test_open(void)
{
    static char xml[] = "xml", file[200];
    struct log_settings settings = set_up(0);
    struct log_settings bad = settings;
    struct err err;
    char *text;

    bad.format = xml;
    CU_ASSERT_EQUAL(log_open("x", &bad, false, 0, &err), -1);
    CU_ASSERT_EQUAL(err.kind, ERR_PERM);
    log_info("test", "as before");
    CU_ASSERT_STRING_EQUAL(next_text(), "as before");
    // From text to JSON and back.
    settings.format = json_format;
    CU_ASSERT_EQUAL(log_open("x", &settings, false, 0, &err), 0);
    log_info("test", "as JSON");
    CU_ASSERT_PTR_NOT_NULL(strstr(next_text(), "\"message\":\"as JSON\"}"));
    settings.format = text_format;
    settings.syslog = false;
    snprintf(file, sizeof file, "%s/file", dir.path);
    settings.file = file;
    CU_ASSERT_EQUAL(log_open("x", &settings, false, 0, &err), 0);
    log_info("test", "one");
    CU_ASSERT_STRING_EQUAL(next_text(), "");
    CU_ASSERT_EQUAL(renameat(dir.fd, "file", dir.fd, "file.1"), 0);
    CU_ASSERT_EQUAL(mkdirat(dir.fd, "file", 0700), 0);
    log_reopen_files();
    CU_ASSERT_EQUAL(unlinkat(dir.fd, "file", AT_REMOVEDIR), 0);
    log_reopen_files();
    log_info("test", "three");
    text = tempdir_read(&dir, "file.1");
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "one\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "the former file is kept\n"));
    free(text);
    text = tempdir_read(&dir, "file");
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, " x/test["));
    free(text);
    tear_down();
}

static void
abort_from_outside(void)
{
    (void)kill(getpid(), SIGABRT);
    _exit(EXIT_SUCCESS);
}

static void
test_gathered_lines_survive_an_abort(void)
{
    static const struct {
        const char *name;
        void (*end)(void);
    } rows[] = {
        {"of its own",   abort             },
        {"from outside", abort_from_outside},
    };

    static char file[200];

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct log_settings settings = set_up(0);
        struct err err;
        char *text;
        int status = 0;
        pid_t pid;

        snprintf(file, sizeof file, "%s/file", dir.path);
        settings.file = file;
        CU_ASSERT_EQUAL_FATAL(log_open("x", &settings, false, 0, &err), 0);
        pid = fork();
        if (pid == 0) {
            (void)prctl(PR_SET_DUMPABLE, 0);
            log_gather();
            log_info("test", "last words");
            rows[i].end();
        }
        CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
        UNIT_CHECK_ROW(rows[i].name, WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
        text = tempdir_read(&dir, "file");
        CU_ASSERT_PTR_NOT_NULL_FATAL(text);
        UNIT_CHECK_ROW(rows[i].name, strstr(text, "]: last words\n") != NULL);
        free(text);
        tear_down();
    }
}

static void
test_dropped(void)
{
    uint64_t before;

    set_up(0);
    before = log_dropped();
    close(syslogd);
    syslogd = -1;
    unlink(path);
    log_info("test", "lost");
    CU_ASSERT_EQUAL(log_dropped(), before + 1);
    tear_down();
}

static const struct unit_test tests[] = {
    {"values cannot forge",               test_values                            },
    {"durations",                         test_durations                         },
    {"a line",                            test_line                              },
    {"long values are cut",               test_long_values_are_cut               },
    {"a status that is cut",              test_cut_status_has_no_open_parenthesis},
    {"a full line is cut between fields", test_full_line_is_cut_between_fields   },
    {"free text",                         test_free_text                         },
    {"levels",                            test_levels                            },
    {"open, reopen",                      test_open                              },
    {"gathered lines survive an abort",   test_gathered_lines_survive_an_abort   },
    {"dropped",                           test_dropped                           },
};

UNIT_MAIN("base/log", tests)
