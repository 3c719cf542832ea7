// SPDX-License-Identifier: BSD-2-Clause
#include "base/notify.h"

#include <stdbool.h>
#include <stddef.h>

#include "tests/unit/base/syslogd.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

static void
set(const char *name, const char *value)
{
    if (value == NULL)
        unsetenv(name);
    else
        setenv(name, value, 1);
}

static void
test_send(void)
{
    struct tempdir dir;
    char message[200];
    int fd;

    tempdir_make(&dir);
    fd = syslogd_open(tempdir_name(&dir, "notify"));
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    set("NOTIFY_SOCKET", tempdir_name(&dir, "notify"));
    notify_send("READY=1\nSTATUS=serving");
    CU_ASSERT_STRING_EQUAL(syslogd_next(fd, message, sizeof message), "READY=1\nSTATUS=serving");
    notify_send("WATCHDOG=1");
    CU_ASSERT_STRING_EQUAL(syslogd_next(fd, message, sizeof message), "WATCHDOG=1");
    // Nobody reads: it must not block. Nobody is there: it must not fail.
    for (unsigned i = 0; i < 10000; i++)
        notify_send("WATCHDOG=1");
    close(fd);
    notify_send("STOPPING=1");
    set("NOTIFY_SOCKET", NULL);
    tempdir_remove(&dir);
}

static void
test_abstract_socket(void)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    char name[60], message[200];
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    snprintf(name, sizeof name, "@postern-unit-%d", (int)getpid());
    memcpy(sa.sun_path, name, strlen(name));
    sa.sun_path[0] = '\0';
    CU_ASSERT_EQUAL_FATAL(bind(fd, (const struct sockaddr *)&sa,
                               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
                          0);
    set("NOTIFY_SOCKET", name);
    notify_send("READY=1");
    CU_ASSERT_STRING_EQUAL(syslogd_next(fd, message, sizeof message), "READY=1");
    set("NOTIFY_SOCKET", NULL);
    close(fd);
}

// Nothing to send to: nothing may happen, and no descriptor may be left open.
static void
test_no_socket(void)
{
    static const char *const rows[] = {
        NULL,
        "",
        "/",
        "@",
        "relative/path",
        "vsock:2:1234",
        "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    };
    int next = dup(0);

    close(next);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        int now;

        set("NOTIFY_SOCKET", rows[i]);
        notify_send("READY=1");
        now = dup(0);
        CU_ASSERT_EQUAL(now, next);
        close(now);
    }
    set("NOTIFY_SOCKET", NULL);
}

static void
test_watchdog(void)
{
    static const struct {
        const char *name, *usec, *pid; // "own": this process
        uint64_t expected;
    } rows[] = {
        {"not set",          NULL,       NULL,  0    },
        {"30 s",             "30000000", NULL,  30000},
        {"for us",           "30000000", "own", 30000},
        {"for another",      "30000000", "1",   0    },
        {"pid is no number", "30000000", "x",   0    },
        {"zero",             "0",        NULL,  0    },
        {"nonsense",         "30s",      NULL,  0    },
        {"negative",         "-1",       NULL,  0    },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char own[20];

        snprintf(own, sizeof own, "%d", (int)getpid());
        set("WATCHDOG_USEC", rows[i].usec);
        set("WATCHDOG_PID",
            rows[i].pid != NULL && strcmp(rows[i].pid, "own") == 0 ? own : rows[i].pid);
        UNIT_CHECK_ROW(rows[i].name, notify_watchdog_ms() == rows[i].expected);
    }
    set("WATCHDOG_USEC", NULL);
    set("WATCHDOG_PID", NULL);
}

static void
test_listen_count(void)
{
    static const struct {
        const char *name, *fds;
        bool is_own;
        int expected;
    } rows[] = {
        {"not set",     NULL,                   true,  0},
        {"two",         "2",                    true,  2},
        {"for another", "2",                    false, 0},
        {"nonsense",    "2x",                   true,  0},
        {"too large",   "99999999999999999999", true,  0},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char pid[20];

        snprintf(pid, sizeof pid, "%d", (int)getpid() + (rows[i].is_own ? 0 : 1));
        set("LISTEN_PID", pid);
        set("LISTEN_FDS", rows[i].fds);
        UNIT_CHECK_ROW(rows[i].name, notify_listen_count() == rows[i].expected);
    }
    set("LISTEN_PID", NULL);
    CU_ASSERT_EQUAL(notify_listen_count(), 0);
    set("LISTEN_FDS", NULL);
}

static const struct unit_test tests[] = {
    {"send",               test_send           },
    {"an abstract socket", test_abstract_socket},
    {"no socket",          test_no_socket      },
    {"watchdog",           test_watchdog       },
    {"listen count",       test_listen_count   },
};

UNIT_MAIN("base/notify", tests)
