// SPDX-License-Identifier: BSD-2-Clause
#include "base/pass.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/harness.h"

static int ends[2];

static void
set_up(void)
{
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
                          0);
}

static void
tear_down(void)
{
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static int
open_count(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    return count;
}

static void
test_counts(void)
{
    static const struct {
        const char *name;
        size_t sent, room;
        bool arrives;
    } rows[] = {
        {"none",             0,            0,            true },
        {"none, with room",  0,            4,            true },
        {"one",              1,            1,            true },
        {"all",              PASS_FDS_MAX, PASS_FDS_MAX, true },
        {"one more",         2,            1,            false},
        {"none was awaited", 1,            0,            false},
        {"many, no room",    PASS_FDS_MAX, 1,            false},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        int fds[PASS_FDS_MAX], got[PASS_FDS_MAX];
        size_t count = rows[i].room;
        char text[8] = "";
        ssize_t len;
        int before;

        set_up();
        for (size_t k = 0; k < PASS_FDS_MAX; k++)
            fds[k] = ends[0];
        before = open_count();
        UNIT_CHECK_ROW(rows[i].name,
                       pass_send(ends[0], SPAN_LITERAL("hello"), fds, rows[i].sent) == 5);
        errno = 0;
        len = pass_receive(ends[1], text, sizeof text, got, &count);
        UNIT_CHECK_ROW(rows[i].name, len == (rows[i].arrives ? 5 : -1));
        UNIT_CHECK_ROW(rows[i].name, rows[i].arrives || errno == EBADMSG);
        UNIT_CHECK_ROW(rows[i].name, !rows[i].arrives || count == rows[i].sent);
        for (size_t k = 0; rows[i].arrives && k < count; k++) {
            UNIT_CHECK_ROW(rows[i].name, (fcntl(got[k], F_GETFD) & FD_CLOEXEC) != 0);
            (void)close(got[k]);
        }
        // None leaks, whatever was wrong.
        UNIT_CHECK_ROW(rows[i].name, open_count() == before);
        tear_down();
    }
}

// A descriptor comes with the first of its bytes, never with those of an earlier call.
static void
test_order(void)
{
    char text[100];
    int got[PASS_FDS_MAX];
    size_t count = PASS_FDS_MAX;

    set_up();
    CU_ASSERT_EQUAL(pass_send(ends[0], SPAN_LITERAL("ab"), NULL, 0), 2);
    CU_ASSERT_EQUAL(pass_send(ends[0], SPAN_LITERAL("cd"), &ends[0], 1), 2);
    CU_ASSERT_EQUAL(pass_receive(ends[1], text, 1, got, &count), 1);
    CU_ASSERT_EQUAL(count, 0);
    count = PASS_FDS_MAX;
    CU_ASSERT_EQUAL(pass_receive(ends[1], text, 1, got, &count), 1);
    CU_ASSERT_EQUAL(count, 0);
    count = PASS_FDS_MAX;
    CU_ASSERT_EQUAL(pass_receive(ends[1], text, 1, got, &count), 1);
    CU_ASSERT_EQUAL(text[0], 'c');
    CU_ASSERT_EQUAL_FATAL(count, 1);
    (void)close(got[0]);
    count = PASS_FDS_MAX;
    CU_ASSERT_EQUAL(pass_receive(ends[1], text, sizeof text, got, &count), 1);
    CU_ASSERT_EQUAL(count, 0);
    tear_down();
}

static void
test_nobody_there(void)
{
    static const char much[1 << 16];
    char text[4];
    size_t count = 0;
    ssize_t sent;

    set_up();
    CU_ASSERT_EQUAL(pass_receive(ends[1], text, sizeof text, NULL, &count), -1);
    CU_ASSERT_EQUAL(errno, EAGAIN);
    do
        sent = pass_send(ends[0], span_from(much, sizeof much), NULL, 0);
    while (sent > 0);
    CU_ASSERT_EQUAL(errno, EAGAIN);
    (void)close(ends[1]);
    CU_ASSERT_EQUAL(pass_send(ends[0], SPAN_LITERAL("x"), NULL, 0), -1);
    CU_ASSERT_EQUAL(errno, EPIPE); // and no signal
    (void)close(ends[0]);
    set_up();
    (void)close(ends[0]);
    CU_ASSERT_EQUAL(pass_receive(ends[1], text, sizeof text, NULL, &count), 0);
    (void)close(ends[1]);
}

static const struct unit_test tests[] = {
    {"counts",       test_counts      },
    {"order",        test_order       },
    {"nobody there", test_nobody_there},
};

UNIT_MAIN("base/pass", tests)
