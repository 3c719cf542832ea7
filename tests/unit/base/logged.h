// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/base/logged.h - the log, opened on a syslog of the test's own, and what it says there.
#ifndef POSTERN_TESTS_UNIT_BASE_LOGGED_H
#define POSTERN_TESTS_UNIT_BASE_LOGGED_H

#include "base/log.h"
#include "tests/unit/base/syslogd.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

enum kind { VALUE, PATH, STATUS };

static char text_format[] = "text", json_format[] = "json";
static struct tempdir dir;
static char path[200], received[10000];
static int syslogd;

static inline struct log_settings
set_up_as(char *format, int verbosity)
{
    static char mail[] = "mail", none[] = "";
    struct log_settings settings = {
        .syslog = true,
        .facility = mail,
        .file = none,
        .error_file = none,
        .format = format,
        .syslog_path = path,
    };
    struct err err;

    tempdir_make(&dir);
    snprintf(path, sizeof path, "%s/log", dir.path);
    syslogd = syslogd_open(path);
    CU_ASSERT_EQUAL_FATAL(log_open("posternd", &settings, false, verbosity, &err), 0);
    return settings;
}

static inline struct log_settings
set_up(int verbosity)
{
    return set_up_as(text_format, verbosity);
}

static inline void
tear_down(void)
{
    log_close();
    close(syslogd);
    tempdir_remove(&dir);
}

// What stands behind "posternd/test[pid]: " in the next line; "" if there is none.
static inline const char *
next_text(void)
{
    const char *text = strstr(syslogd_next(syslogd, received, sizeof received), "/test[");

    text = text == NULL ? NULL : strstr(text, "]: ");
    return text == NULL ? "" : text + 3;
}

#endif
