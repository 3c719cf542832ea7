// SPDX-License-Identifier: BSD-2-Clause
#include "base/dial.h"

#include <errno.h>
#include <sys/un.h>

#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

struct fixture {
    struct tempdir dir;
    struct loop *loop;
    struct dial *dial;
    struct loop_timer *helper;
    struct addr addr;
    int listener;
    int filler; // takes the backlog's only place
    int fd, errnum;
    unsigned told;
    bool is_starting;
};

static void
on_done(void *arg, int fd, int errnum)
{
    struct fixture *f = arg;

    CU_ASSERT_FALSE(f->is_starting);
    f->told++;
    f->fd = fd;
    f->errnum = errnum;
    dial_free(&f->dial);
    loop_stop(f->loop);
}

static void
on_helper(void *arg)
{
    struct fixture *f = arg;

    close(accept(f->listener, NULL, NULL));
}

static void
set_up(struct fixture *f)
{
    struct sockaddr_un *sa = (struct sockaddr_un *)&f->addr.sa;
    struct err err;

    memset(f, 0, sizeof *f);
    tempdir_make(&f->dir);
    f->loop = loop_new(&err);
    f->helper = loop_timer_new(f->loop, on_helper, f);
    sa->sun_family = AF_UNIX;
    snprintf(sa->sun_path, sizeof sa->sun_path, "%s/socket", f->dir.path);
    f->addr.len = sizeof *sa;
    f->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    f->filler = -1;
    f->fd = -1;
    CU_ASSERT_EQUAL_FATAL(bind(f->listener, (struct sockaddr *)sa, sizeof *sa), 0);
    CU_ASSERT_EQUAL_FATAL(listen(f->listener, 0), 0);
}

static void
tear_down(struct fixture *f)
{
    dial_free(&f->dial);
    loop_timer_free(&f->helper);
    loop_free(&f->loop);
    close(f->listener);
    if (f->filler >= 0)
        close(f->filler);
    if (f->fd >= 0)
        close(f->fd);
    tempdir_remove(&f->dir);
}

static void
start(struct fixture *f, uint64_t timeout_ms)
{
    f->is_starting = true;
    f->dial = dial_start(f->loop, &f->addr, timeout_ms, on_done, f);
    f->is_starting = false;
}

static void
fill_backlog(struct fixture *f)
{
    f->filler = socket(AF_UNIX, SOCK_STREAM, 0);
    CU_ASSERT_EQUAL(connect(f->filler, (struct sockaddr *)&f->addr.sa, f->addr.len), 0);
}

static void
test_connects(void)
{
    struct fixture f;
    int peer;

    set_up(&f);
    start(&f, 1000);
    loop_run(f.loop);
    CU_ASSERT_TRUE(f.fd >= 0);
    CU_ASSERT_EQUAL(f.errnum, 0);
    CU_ASSERT_EQUAL(fcntl(f.fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    CU_ASSERT_EQUAL(fcntl(f.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    peer = accept(f.listener, NULL, NULL);
    CU_ASSERT_EQUAL(write(f.fd, "x", 1), 1);
    close(peer);
    tear_down(&f);
    CU_ASSERT_EQUAL(f.told, 1);
}

static void
test_nobody_there(void)
{
    struct fixture f;

    set_up(&f);
    unlinkat(f.dir.fd, "socket", 0);
    start(&f, 1000);
    loop_run(f.loop);
    CU_ASSERT_EQUAL(f.fd, -1);
    CU_ASSERT_EQUAL(f.errnum, ENOENT);
    tear_down(&f);
    CU_ASSERT_EQUAL(f.told, 1);
}

static void
test_no_socket_to_be_had(void)
{
    struct fixture f;

    set_up(&f);
    f.addr.sa.ss_family = AF_MAX;
    start(&f, 1000);
    loop_run(f.loop);
    CU_ASSERT_EQUAL(f.fd, -1);
    CU_ASSERT_EQUAL(f.errnum, EAFNOSUPPORT);
    tear_down(&f);
}

static void
test_full_backlog_gets_room(void)
{
    struct fixture f;

    set_up(&f);
    fill_backlog(&f);
    start(&f, 5000);
    loop_timer_start(f.helper, 50);
    loop_run(f.loop);
    CU_ASSERT_TRUE(f.fd >= 0);
    CU_ASSERT_EQUAL(f.errnum, 0);
    tear_down(&f);
}

static void
test_full_backlog_until_time_is_up(void)
{
    struct fixture f;
    uint64_t began_ms;

    set_up(&f);
    fill_backlog(&f);
    began_ms = loop_now_ms(f.loop);
    start(&f, 60);
    loop_run(f.loop);
    CU_ASSERT_EQUAL(f.fd, -1);
    CU_ASSERT_EQUAL(f.errnum, ETIMEDOUT);
    CU_ASSERT_TRUE(loop_now_ms(f.loop) - began_ms >= 60);
    tear_down(&f);
    CU_ASSERT_EQUAL(f.told, 1);
}

static void
on_stop(void *arg)
{
    loop_stop(((struct fixture *)arg)->loop);
}

static void
test_cancelled(void)
{
    struct fixture f;
    struct loop_timer *stopper;

    set_up(&f);
    stopper = loop_timer_new(f.loop, on_stop, &f);
    start(&f, 1000);
    dial_free(&f.dial);
    CU_ASSERT_PTR_NULL(f.dial);
    dial_free(&f.dial);
    close(accept(f.listener, NULL, NULL));
    fill_backlog(&f);
    start(&f, 1000); // is waiting for room
    loop_timer_start(stopper, 5);
    loop_run(f.loop);
    dial_free(&f.dial);
    loop_timer_start(stopper, 50);
    loop_run(f.loop);
    CU_ASSERT_EQUAL(f.told, 0);
    loop_timer_free(&stopper);
    tear_down(&f);
}

static const struct unit_test tests[] = {
    {"connects",                        test_connects                     },
    {"nobody is there",                 test_nobody_there                 },
    {"no socket to be had",             test_no_socket_to_be_had          },
    {"a full backlog that gets room",   test_full_backlog_gets_room       },
    {"a full backlog until time is up", test_full_backlog_until_time_is_up},
    {"cancelled",                       test_cancelled                    },
};

UNIT_MAIN("base/dial", tests)
