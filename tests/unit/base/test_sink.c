// SPDX-License-Identifier: BSD-2-Clause
#include "base/sink.h"

#include <ctype.h>
#include <sys/stat.h>

#include "tests/unit/base/syslogd.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

static struct tempdir dir;
static struct err err;
static char path_syslog[200], path_file[200], path_errors[200];

static struct sink_settings
set_up(void)
{
    struct sink_settings settings = {.program = "prog",
                                     .facility = "mail",
                                     .syslog_path = path_syslog,
                                     .file = path_file,
                                     .error_file = path_errors};

    memset(&err, 0, sizeof err);
    tempdir_make(&dir);
    snprintf(path_syslog, sizeof path_syslog, "%s/log", dir.path);
    snprintf(path_file, sizeof path_file, "%s/file", dir.path);
    snprintf(path_errors, sizeof path_errors, "%s/errors", dir.path);
    return settings;
}

// Does text look like shape? 'A' a letter, '9' a digit, '#' one or more digits, '_' a digit or
// blank, '+' a sign; anything else stands for itself.
static bool
has_shape(const char *text, const char *shape)
{
    for (; *shape != '\0'; shape++, text++) {
        bool is_digit = isdigit((unsigned char)*text) != 0;
        bool fits = *shape == 'A'                    ? isalpha((unsigned char)*text) != 0
                    : *shape == '_'                  ? is_digit || *text == ' '
                    : *shape == '+'                  ? *text == '+' || *text == '-'
                    : *shape == '9' || *shape == '#' ? is_digit
                                                     : *text == *shape;

        if (!fits)
            return false;
        while (*shape == '#' && isdigit((unsigned char)text[1]))
            text++;
    }
    return *text == '\0';
}

static size_t
count_lines(const char *name)
{
    char *text = tempdir_read(&dir, name);
    size_t lines = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    for (const char *at = text; *at != '\0'; at++)
        lines += *at == '\n';
    free(text);
    return lines;
}

static void
test_forms(void)
{
    struct sink sink = SINK_INITIAL;
    struct sink_settings settings = set_up();
    struct stat info;
    char line[1000];
    char *text;
    int fd = syslogd_open(path_syslog);

    CU_ASSERT_EQUAL_FATAL(sink_set(&sink, &settings, &err), 0);
    sink_put(&sink, 6, "smtp", SPAN_LITERAL("ID: key=value"));
    // PRI 22: mail is 2, info 6. No host name, no line feed.
    CU_ASSERT_TRUE(has_shape(syslogd_next(fd, line, sizeof line),
                             "<22>AAA _9 99:99:99 prog/smtp[#]: ID: key=value"));
    text = tempdir_read(&dir, "file");
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_TRUE(
        has_shape(text, "9999-99-99T99:99:99.999999+99:99 prog/smtp[#]: ID: key=value\n"));
    free(text);
    CU_ASSERT_EQUAL(count_lines("errors"), 0);
    sink_put(&sink, 4, "smtp", SPAN_LITERAL("odd"));
    sink_put(&sink, 5, "smtp", SPAN_LITERAL("well"));
    CU_ASSERT_EQUAL(count_lines("file"), 3);
    CU_ASSERT_EQUAL(count_lines("errors"), 1);
    CU_ASSERT_EQUAL(stat(path_file, &info), 0);
    CU_ASSERT_EQUAL(info.st_mode & 0137, 0);
    CU_ASSERT_EQUAL(sink.dropped, 0);
    sink_clear(&sink);
    close(fd);
    tempdir_remove(&dir);
}

static void
test_json_forms(void)
{
    struct sink sink = SINK_INITIAL;
    struct sink_settings settings = set_up();
    char line[1000];
    char *text;
    int fd = syslogd_open(path_syslog);

    settings.is_json = true;
    CU_ASSERT_EQUAL_FATAL(sink_set(&sink, &settings, &err), 0);
    sink_put(&sink, 6, "smtp", SPAN_LITERAL("\"level\":\"info\""));
    CU_ASSERT_TRUE(has_shape(syslogd_next(fd, line, sizeof line),
                             "<22>AAA _9 99:99:99 prog/smtp[#]: {\"program\":\"prog\","
                             "\"component\":\"smtp\",\"pid\":#,\"level\":\"info\"}"));
    text = tempdir_read(&dir, "file");
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_TRUE(has_shape(text, "{\"time\":\"9999-99-99T99:99:99.999999+99:99\","
                                   "\"program\":\"prog\",\"component\":\"smtp\",\"pid\":#,"
                                   "\"level\":\"info\"}\n"));
    free(text);
    sink_clear(&sink);
    close(fd);
    tempdir_remove(&dir);
}

static void
test_facilities(void)
{
    static const struct {
        const char *name, *pri; // NULL: refused
    } rows[] = {
        {"mail",   "<22>" },
        {"daemon", "<30>" },
        {"local0", "<134>"},
        {"local7", "<190>"},
        {"local8", NULL   },
        {"MAIL",   NULL   },
        {"",       NULL   },
    };
    struct sink_settings settings = set_up();
    struct sink sink = SINK_INITIAL;
    int fd = syslogd_open(path_syslog);

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char line[1000];
        int result;

        settings.facility = rows[i].name;
        result = sink_set(&sink, &settings, &err);
        UNIT_CHECK_ROW(rows[i].name, (result == 0) == (rows[i].pri != NULL));
        UNIT_CHECK_ROW(rows[i].name, result == 0 || err.kind == ERR_PERM);
        if (result < 0)
            continue;
        sink_put(&sink, 6, "x", SPAN_LITERAL("y"));
        syslogd_next(fd, line, sizeof line);
        UNIT_CHECK_ROW(rows[i].name, strncmp(line, rows[i].pri, strlen(rows[i].pri)) == 0);
    }
    sink_clear(&sink);
    close(fd);
    tempdir_remove(&dir);
}

static void
test_full_socket_loses_and_counts(void)
{
    struct sink sink = SINK_INITIAL;
    struct sink_settings settings = set_up();
    char line[1000];
    unsigned sent = 0;
    int fd = syslogd_open(path_syslog);

    settings.file = settings.error_file = NULL;
    CU_ASSERT_EQUAL_FATAL(sink_set(&sink, &settings, &err), 0);
    while (sink.dropped == 0 && sent < 100000) {
        sink_put(&sink, 6, "x", SPAN_LITERAL("line"));
        sent++;
    }
    CU_ASSERT_EQUAL(sink.dropped, 1);
    while (syslogd_next(fd, line, sizeof line)[0] != '\0')
        sent--;
    CU_ASSERT_EQUAL(sent, 1);
    sink_put(&sink, 6, "x", SPAN_LITERAL("again"));
    CU_ASSERT_PTR_NOT_NULL(strstr(syslogd_next(fd, line, sizeof line), "again"));
    sink_clear(&sink);
    close(fd);
    tempdir_remove(&dir);
}

static void
test_syslogd_restarts(void)
{
    struct sink sink = SINK_INITIAL;
    struct sink_settings settings = set_up();
    char line[1000];
    int fd;

    // Not there yet at the start.
    CU_ASSERT_EQUAL_FATAL(sink_set(&sink, &settings, &err), 0);
    sink_put(&sink, 6, "x", SPAN_LITERAL("lost"));
    CU_ASSERT_EQUAL(sink.dropped, 1);
    for (unsigned i = 0; i < 3; i++) {
        fd = syslogd_open(path_syslog);
        sink_put(&sink, 6, "x", SPAN_LITERAL("there"));
        CU_ASSERT_PTR_NOT_NULL(strstr(syslogd_next(fd, line, sizeof line), "there"));
        CU_ASSERT_EQUAL(sink.dropped, 1 + i);
        close(fd);
        unlink(path_syslog);
        sink_put(&sink, 6, "x", SPAN_LITERAL("gone"));
        CU_ASSERT_EQUAL(sink.dropped, 2 + i);
    }
    sink_clear(&sink);
    tempdir_remove(&dir);
}

static void
test_rotation(void)
{
    struct sink sink = SINK_INITIAL;
    struct sink_settings settings = set_up();

    settings.syslog_path = "";
    CU_ASSERT_EQUAL_FATAL(sink_set(&sink, &settings, &err), 0);
    sink_put(&sink, 3, "x", SPAN_LITERAL("one"));
    CU_ASSERT_EQUAL(renameat(dir.fd, "file", dir.fd, "file.1"), 0);
    sink_put(&sink, 3, "x", SPAN_LITERAL("two"));
    CU_ASSERT_EQUAL(sink_reopen(&sink, &err), 0);
    sink_put(&sink, 3, "x", SPAN_LITERAL("three"));
    CU_ASSERT_EQUAL(count_lines("file.1"), 2);
    CU_ASSERT_EQUAL(count_lines("file"), 1);
    CU_ASSERT_EQUAL(count_lines("errors"), 3);
    // A directory is in the way: the former file is kept, the other one is opened anew.
    CU_ASSERT_EQUAL(renameat(dir.fd, "file", dir.fd, "file.2"), 0);
    CU_ASSERT_EQUAL(renameat(dir.fd, "errors", dir.fd, "errors.2"), 0);
    CU_ASSERT_EQUAL(mkdirat(dir.fd, "file", 0700), 0);
    CU_ASSERT_EQUAL(sink_reopen(&sink, &err), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, path_file));
    sink_put(&sink, 3, "x", SPAN_LITERAL("four"));
    CU_ASSERT_EQUAL(count_lines("file.2"), 2);
    CU_ASSERT_EQUAL(count_lines("errors"), 1);
    sink_clear(&sink);
    tempdir_remove(&dir);
}

static uid_t
owner_of(const char *name)
{
    struct stat info = {.st_uid = (uid_t)-1};

    CU_ASSERT_EQUAL(fstatat(dir.fd, name, &info, 0), 0);
    return info.st_uid;
}

// What was there keeps its owner, whoever that is.
static void
test_given_away(void)
{
    struct sink sink = SINK_INITIAL;
    struct sink_settings settings = set_up();
    int there = openat(dir.fd, "errors", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    bool is_root = getuid() == 0; // else it can be given to nobody

    CU_ASSERT_TRUE_FATAL(there >= 0);
    close(there);
    CU_ASSERT_EQUAL(symlinkat("beyond", dir.fd, "file"), 0);
    settings.syslog_path = "";
    CU_ASSERT_EQUAL_FATAL(sink_set(&sink, &settings, &err), 0);
    sink_give(&sink, 1, 1);
    CU_ASSERT_EQUAL(owner_of("errors"), getuid());
    CU_ASSERT_EQUAL(owner_of("beyond"), getuid());
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(unlinkat(dir.fd, "file", 0), 0);
        CU_ASSERT_EQUAL(sink_reopen(&sink, &err), 0);
        CU_ASSERT_EQUAL(owner_of("file"), getuid());
        sink_give(&sink, 1, 1);
        CU_ASSERT_EQUAL(owner_of("file"), is_root ? 1 : getuid());
        CU_ASSERT_EQUAL(owner_of("errors"), getuid());
    }
    CU_ASSERT_EQUAL(sink_reopen(&sink, &err), 0);
    sink_give(&sink, 2, 2);
    CU_ASSERT_EQUAL(owner_of("file"), is_root ? 1 : getuid());
    sink_clear(&sink);
    tempdir_remove(&dir);
}

static void
test_set_is_all_or_nothing(void)
{
    struct sink sink = SINK_INITIAL;
    struct sink_settings settings = set_up();
    struct sink_settings bad = settings;

    settings.syslog_path = NULL;
    CU_ASSERT_EQUAL_FATAL(sink_set(&sink, &settings, &err), 0);
    bad.file = tempdir_name(&dir, "missing/file");
    CU_ASSERT_EQUAL(sink_set(&sink, &bad, &err), -1);
    CU_ASSERT_EQUAL(err.kind, ERR_PERM);
    bad.file = path_file;
    bad.error_file = tempdir_name(&dir, "missing/file");
    CU_ASSERT_EQUAL(sink_set(&sink, &bad, &err), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "missing/file"));
    sink_put(&sink, 6, "x", SPAN_LITERAL("still here"));
    CU_ASSERT_EQUAL(count_lines("file"), 1);
    sink_clear(&sink);
    sink_clear(&sink);
    tempdir_remove(&dir);
}

static void
test_standard_error(void)
{
    struct sink sink = SINK_INITIAL;
    struct sink_settings settings = set_up();
    char longest[SINK_TEXT_MAX];
    int former = dup(STDERR_FILENO);
    int fd = openat(dir.fd, "stderr", O_WRONLY | O_CREAT | O_APPEND, 0600);
    char *text;

    memset(longest, 'x', sizeof longest);
    CU_ASSERT_TRUE_FATAL(former >= 0 && fd >= 0);
    dup2(fd, STDERR_FILENO);
    sink_put(&sink, 6, "x", SPAN_LITERAL("before"));
    settings.syslog_path = settings.file = settings.error_file = NULL;
    CU_ASSERT_EQUAL(sink_set(&sink, &settings, &err), 0);
    sink_put(&sink, 3, "x", SPAN_LITERAL("nowhere"));
    settings.to_stderr = true;
    CU_ASSERT_EQUAL(sink_set(&sink, &settings, &err), 0);
    sink_put(&sink, 6, "x", span_from(longest, sizeof longest));
    settings.is_json = true;
    CU_ASSERT_EQUAL(sink_set(&sink, &settings, &err), 0);
    sink_put(&sink, 6, "x", span_from(longest, sizeof longest));
    dup2(former, STDERR_FILENO);
    close(former);
    close(fd);
    text = tempdir_read(&dir, "stderr");
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, " postern/x["));
    CU_ASSERT_PTR_NULL(strstr(text, "nowhere"));
    CU_ASSERT_TRUE(strlen(text) > 2 * sizeof longest);
    CU_ASSERT_STRING_EQUAL(text + strlen(text) - 3, "x}\n");
    free(text);
    sink_clear(&sink);
    tempdir_remove(&dir);
}

static void
test_gathered(void)
{
    static char half[SINK_GATHER_MAX / 2], longest[SINK_GATHER_MAX];
    struct sink sink = SINK_INITIAL;
    struct sink_settings settings = set_up();
    char *text;

    memset(half, 'x', sizeof half);
    memset(longest, 'x', sizeof longest);
    settings.syslog_path = "";
    CU_ASSERT_EQUAL_FATAL(sink_set(&sink, &settings, &err), 0);
    sink_gather(&sink);
    sink_put(&sink, 6, "x", SPAN_LITERAL("one"));
    sink_put(&sink, 5, "x", SPAN_LITERAL("two"));
    CU_ASSERT_EQUAL(count_lines("file"), 0);
    sink_put(&sink, 4, "x", SPAN_LITERAL("three"));
    text = tempdir_read(&dir, "file");
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_TRUE(has_shape(text, "9999-99-99T99:99:99.999999+99:99 prog/x[#]: one\n"
                                   "9999-99-99T99:99:99.999999+99:99 prog/x[#]: two\n"
                                   "9999-99-99T99:99:99.999999+99:99 prog/x[#]: three\n"));
    free(text);
    CU_ASSERT_EQUAL(count_lines("errors"), 1);
    sink_put(&sink, 6, "x", SPAN_LITERAL("four"));
    sink_flush(&sink);
    sink_flush(&sink);
    CU_ASSERT_EQUAL(count_lines("file"), 4);
    // The second finds no room beside the first, the third nowhere.
    sink_put(&sink, 6, "x", span_from(half, sizeof half));
    CU_ASSERT_EQUAL(count_lines("file"), 4);
    sink_put(&sink, 6, "x", span_from(half, sizeof half));
    CU_ASSERT_EQUAL(count_lines("file"), 5);
    sink_put(&sink, 6, "x", span_from(longest, sizeof longest));
    CU_ASSERT_EQUAL(count_lines("file"), 7);
    sink_put(&sink, 6, "x", SPAN_LITERAL("eight"));
    CU_ASSERT_EQUAL(renameat(dir.fd, "file", dir.fd, "file.1"), 0);
    CU_ASSERT_EQUAL(sink_reopen(&sink, &err), 0);
    CU_ASSERT_EQUAL(count_lines("file.1"), 8);
    sink_put(&sink, 6, "x", SPAN_LITERAL("nine"));
    sink_clear(&sink);
    CU_ASSERT_EQUAL(count_lines("file"), 1);
    CU_ASSERT_EQUAL(count_lines("errors"), 1);
    tempdir_remove(&dir);
}

// Where others may make files: what they have put in the log's place is not written to.
static void
test_planted(void)
{
    static const char *const names[] = {"link", "hard", "pipe", "regular", "missing"};
    struct sink_settings settings = set_up();
    struct stat info;
    int fd = openat(dir.fd, "precious", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    CU_ASSERT_FATAL(fd >= 0 && symlinkat("precious", dir.fd, "link") == 0);
    CU_ASSERT_FATAL(linkat(dir.fd, "precious", dir.fd, "hard", 0) == 0);
    CU_ASSERT_FATAL(mkfifoat(dir.fd, "pipe", 0600) == 0);
    (void)close(openat(dir.fd, "regular", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    CU_ASSERT_FATAL(chmod(dir.path, 0777) == 0);
    settings.error_file = settings.syslog_path = NULL;
    for (size_t i = 0; i < UNIT_COUNT(names); i++) {
        struct sink sink = SINK_INITIAL;

        snprintf(path_file, sizeof path_file, "%s/%s", dir.path, names[i]);
        UNIT_CHECK_ROW(names[i], sink_set(&sink, &settings, &err) == (i < 3 ? -1 : 0));
        sink.to_stderr = false;
        sink_put(&sink, 6, "smtp", SPAN_LITERAL("a line"));
        sink_clear(&sink);
    }
    CU_ASSERT(fstat(fd, &info) == 0 && info.st_size == 0);
    CU_ASSERT(fstatat(dir.fd, "regular", &info, 0) == 0 && info.st_size > 0);

    // In a folder of our own a link is the operator's.
    CU_ASSERT_FATAL(chmod(dir.path, 0700) == 0);
    struct sink sink = SINK_INITIAL;
    snprintf(path_file, sizeof path_file, "%s/link", dir.path);
    CU_ASSERT(sink_set(&sink, &settings, &err) == 0);
    sink_clear(&sink);
    (void)close(fd);
    tempdir_remove(&dir);
}

static const struct unit_test tests[] = {
    {"the forms of a line",                       test_forms                       },
    {"the forms as JSON",                         test_json_forms                  },
    {"facilities",                                test_facilities                  },
    {"a full socket loses lines and counts them", test_full_socket_loses_and_counts},
    {"syslogd starts late and restarts",          test_syslogd_restarts            },
    {"rotation",                                  test_rotation                    },
    {"planted by others",                         test_planted                     },
    {"new files are given away, others are not",  test_given_away                  },
    {"set is all or nothing",                     test_set_is_all_or_nothing       },
    {"standard error",                            test_standard_error              },
    {"lines that wait for each other",            test_gathered                    },
};

UNIT_MAIN("base/sink", tests)
