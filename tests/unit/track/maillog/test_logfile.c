// SPDX-License-Identifier: BSD-2-Clause
#include "track/maillog/logfile.h"

#include <sys/stat.h>

#include "tests/unit/track/log_kit.h"

#define LONG "Nov  3 04:05:06 mx postfix/smtpd[1]: connect from unknown[127.0.0.1]\n"

static struct tempdir dir;

static int
open_log(const char *name)
{
    struct err err = {0};

    return logfile_open(tempdir_name(&dir, name), &err);
}

static struct logplace
place_in(const char *name, uint64_t offset)
{
    struct logplace place = {.offset = offset};
    int fd = open_log(name);

    CU_ASSERT_FATAL(fd >= 0);
    logfile_describe(fd, offset, &place);
    close(fd);
    return place;
}

static bool
is_name(int fd, const char *name)
{
    struct stat a, b;

    return fd >= 0 && fstat(fd, &a) == 0 && fstatat(dir.fd, name, &b, 0) == 0 &&
           a.st_ino == b.st_ino;
}

static bool
is_in(const char *name, const struct logplace *place, uint64_t len)
{
    int fd = open_log(name);
    bool answer = fd >= 0 && logfile_is(fd, place, len);

    close(fd);
    return answer;
}

static void
only_files_are_opened(void)
{
    struct err err = {0};
    int fd;

    tempdir_make(&dir);
    log_append(&dir, "log", LONG);
    log_must(mkdirat(dir.fd, "folder", 0700) == 0, "folder");
    log_must(mkfifoat(dir.fd, "fifo", 0600) == 0, "fifo");
    log_must(symlinkat("log", dir.fd, "link") == 0, "link");
    log_must(symlinkat("nothing", dir.fd, "dangling") == 0, "dangling");
    fd = open_log("log");
    CU_ASSERT(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    close(fd);
    fd = open_log("link");
    CU_ASSERT(is_name(fd, "log"));
    close(fd);
    CU_ASSERT(open_log("folder") < 0 && open_log("fifo") < 0);
    CU_ASSERT(open_log("missing") < 0 && open_log("dangling") < 0);
    CU_ASSERT(logfile_open("/dev/zero", &err) < 0 && err.kind == ERR_TEMP);
    CU_ASSERT(strstr(err.text, "/dev/zero is not a regular file") != NULL);
    tempdir_remove(&dir);
}

static void
a_file_is_known_by_its_first_bytes(void)
{
    struct logplace place;

    tempdir_make(&dir);
    log_append(&dir, "log", LONG LONG);
    place = place_in("log", sizeof LONG - 1);
    CU_ASSERT(place.inode != 0 && place.written_ns > 0 && place.head_len == sizeof LONG - 1);
    CU_ASSERT(is_in("log", &place, 2 * (sizeof LONG - 1)));
    CU_ASSERT(!is_in("log", &place, 2 * (sizeof LONG - 1) + 1));
    log_append(&dir, "log", "more\n");
    CU_ASSERT(is_in("log", &place, place.offset));
    log_copy(&dir, "log", "log.1");
    CU_ASSERT(is_in("log.1", &place, place.offset));
    log_append(&dir, "other", "Dec" LONG LONG);
    CU_ASSERT(!is_in("other", &place, place.offset));
    log_truncate(&dir, "log");
    CU_ASSERT(!is_in("log", &place, place.offset) && !is_in("log", &place, 0));
    log_append(&dir, "log", "x" LONG LONG);
    CU_ASSERT(!is_in("log", &place, 0));
    tempdir_remove(&dir);
}

static void
few_bytes_need_the_inode_too(void)
{
    struct logplace place;

    tempdir_make(&dir);
    log_append(&dir, "log", "short\n");
    log_append(&dir, "log.1", "short\n");
    place = place_in("log", 6);
    CU_ASSERT(is_in("log", &place, 6) && !is_in("log.1", &place, 6));
    place = place_in("log", 0);
    CU_ASSERT(place.head_len == 0);
    CU_ASSERT(is_in("log", &place, 0) && !is_in("log.1", &place, 0));
    tempdir_remove(&dir);
}

static void
the_head_has_an_end(void)
{
    struct logplace place;
    char text[3 * LOGPLACE_HEAD_MAX];

    tempdir_make(&dir);
    memset(text, 'a', sizeof text);
    log_write(&dir, "log", 0, text, sizeof text);
    place = place_in("log", sizeof text);
    CU_ASSERT(place.head_len == LOGPLACE_HEAD_MAX && is_in("log", &place, sizeof text));
    text[LOGPLACE_HEAD_MAX] = 'b';
    log_write(&dir, "log", 0, text, sizeof text);
    CU_ASSERT(is_in("log", &place, sizeof text));
    text[LOGPLACE_HEAD_MAX - 1] = 'b';
    log_write(&dir, "log", 0, text, sizeof text);
    CU_ASSERT(!is_in("log", &place, sizeof text));
    tempdir_remove(&dir);
}

static void
lines_begin_behind_line_feeds(void)
{
    static const struct {
        uint64_t offset;
        bool is_start;
    } rows[] = {
        {0, true },
        {1, false},
        {2, false},
        {3, true },
        {4, true },
        {5, false},
        {6, false},
        {9, false},
    };

    int fd;

    tempdir_make(&dir);
    log_append(&dir, "log", "ab\n\nc");
    fd = open_log("log");
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        CU_ASSERT(logfile_is_line_start(fd, rows[i].offset) == rows[i].is_start);
    close(fd);
    tempdir_remove(&dir);
}

static bool
finds(const char *path, const struct logplace *place, const char *name)
{
    int fd = logfile_find_rotated(tempdir_name(&dir, path), place);
    bool answer = name == NULL ? fd < 0 : is_name(fd, name);

    if (fd >= 0)
        close(fd);
    return answer;
}

static void
rotated_files_are_found(void)
{
    static const char *const names[] = {"log.1", "log.12", "log-20261121", "log-20261121-0400",
                                        "log.old"};
    struct logplace place;

    tempdir_make(&dir);
    log_append(&dir, "log", LONG LONG);
    place = place_in("log", sizeof LONG - 1);
    log_append(&dir, "log.7", "Dec" LONG LONG LONG);
    log_must(mkdirat(dir.fd, "log.d", 0700) == 0, "log.d");
    log_must(mkfifoat(dir.fd, "log.fifo", 0600) == 0, "log.fifo");
    CU_ASSERT(finds("log", &place, NULL));
    for (size_t i = 0; i < UNIT_COUNT(names); i++) {
        log_rename(&dir, "log", names[i]);
        UNIT_CHECK_ROW(names[i], finds("log", &place, names[i]));
        log_rename(&dir, names[i], "log");
    }
    // A copy will do, the file itself is better.
    log_copy(&dir, "log", "log.copy");
    CU_ASSERT(finds("log", &place, "log.copy"));
    log_rename(&dir, "log", "log.1");
    log_copy(&dir, "log.1", "log.2");
    CU_ASSERT(finds("log", &place, "log.1"));
    // One that ends before the place has nothing to go on with.
    log_remove(&dir, "log.1");
    log_remove(&dir, "log.2");
    log_remove(&dir, "log.copy");
    log_write(&dir, "log.3", O_TRUNC, LONG, sizeof LONG - 2);
    CU_ASSERT(finds("log", &place, NULL));
    // Other names are other logs.
    log_append(&dir, "logx.1", LONG LONG);
    log_append(&dir, "alog.1", LONG LONG);
    log_append(&dir, "log1", LONG LONG);
    CU_ASSERT(finds("log", &place, NULL));
    CU_ASSERT(logfile_find_rotated("/nowhere/at/all", &place) < 0);
    tempdir_remove(&dir);
}

static void
behind_a_link_too(void)
{
    struct logplace place;

    tempdir_make(&dir);
    log_must(mkdirat(dir.fd, "real", 0700) == 0, "real");
    log_append(&dir, "real/mail", LONG LONG);
    log_must(symlinkat("real/mail", dir.fd, "log") == 0, "log");
    place = place_in("log", sizeof LONG - 1);
    log_rename(&dir, "real/mail", "real/mail.1");
    log_append(&dir, "real/mail", "Dec" LONG);
    CU_ASSERT(finds("log", &place, "real/mail.1"));
    tempdir_remove(&dir);
}

static bool
finds_next(const struct logplace *place, const char *name)
{
    int fd = logfile_find_next(tempdir_name(&dir, "log"), place);
    bool answer = name == NULL ? fd < 0 : is_name(fd, name);

    if (fd >= 0)
        close(fd);
    return answer;
}

static void
what_was_rotated_next_is_found(void)
{
    static const struct {
        const char *name;
        int seconds;
    } rows[] = {
        {"log.3",        100},
        {"log.2",        200},
        {"log-20261121", 300},
        {"log.1",        400},
        {"log.old",      250},
        {"log.2.gz",     250},
        {"log.1~",       250},
        {"log.d1",       250},
    };
    struct logplace place;

    tempdir_make(&dir);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        log_append(&dir, rows[i].name, rows[i].name);
        log_append(&dir, rows[i].name, LONG);
        log_set_time(&dir, rows[i].name, rows[i].seconds);
    }
    place = place_in("log.3", 70);
    CU_ASSERT(finds_next(&place, "log.2"));
    log_copy(&dir, "log.3", "log.30");
    log_set_time(&dir, "log.30", 150);
    CU_ASSERT(finds_next(&place, "log.2")); // a copy is not what comes next
    place = place_in("log.2", 70);
    CU_ASSERT(finds_next(&place, "log-20261121"));
    place = place_in("log-20261121", 70);
    CU_ASSERT(finds_next(&place, "log.1"));
    place = place_in("log.1", 70);
    CU_ASSERT(finds_next(&place, NULL));
    tempdir_remove(&dir);
}

static const struct unit_test tests[] = {
    {"only files are opened",              only_files_are_opened             },
    {"a file is known by its first bytes", a_file_is_known_by_its_first_bytes},
    {"few bytes need the inode too",       few_bytes_need_the_inode_too      },
    {"the head has an end",                the_head_has_an_end               },
    {"lines begin behind line feeds",      lines_begin_behind_line_feeds     },
    {"rotated files are found",            rotated_files_are_found           },
    {"behind a link too",                  behind_a_link_too                 },
    {"what was rotated next is found",     what_was_rotated_next_is_found    },
};

UNIT_MAIN("track/maillog/logfile", tests)
