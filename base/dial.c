// SPDX-License-Identifier: BSD-2-Clause
#include "base/dial.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

enum { RETRY_MS = 20 };

struct dial {
    struct loop *loop;
    struct addr addr;
    dial_callback *done;
    void *arg;
    int fd; // -1: none, or handed over
    int errnum;
    uint64_t deadline_ms;
    bool is_retrying; // connect told EAGAIN
    struct loop_io *io;
    struct loop_timer *timer;
    struct loop_deferred finish;
};

static void
on_finish(void *arg)
{
    struct dial *dial = arg;
    int fd = dial->fd;

    loop_io_free(&dial->io);
    loop_timer_stop(dial->timer);
    if (dial->errnum != 0 && fd >= 0) {
        close(fd);
        fd = -1;
    }
    dial->fd = -1;
    dial->done(dial->arg, fd, dial->errnum);
}

static void
finish_soon(struct dial *dial, int errnum)
{
    dial->errnum = errnum;
    loop_defer(dial->loop, &dial->finish);
}

static void
start_timer(struct dial *dial, uint64_t longest_ms)
{
    uint64_t now_ms = loop_now_ms(dial->loop);
    uint64_t left_ms = dial->deadline_ms > now_ms ? dial->deadline_ms - now_ms : 0;

    loop_timer_start(dial->timer, left_ms < longest_ms ? left_ms : longest_ms);
}

static void
try_connect(struct dial *dial)
{
    dial->is_retrying = false;
    if (connect(dial->fd, (const struct sockaddr *)&dial->addr.sa, dial->addr.len) == 0) {
        finish_soon(dial, 0);
    } else if (errno == EINPROGRESS || errno == EINTR) {
        loop_io_want(dial->io, false, true);
        start_timer(dial, UINT64_MAX);
    } else if (errno == EAGAIN) {
        // Nothing tells when the backlog has room again.
        dial->is_retrying = true;
        start_timer(dial, RETRY_MS);
    } else {
        finish_soon(dial, errno);
    }
}

static void
on_io(void *arg, bool readable, bool writable)
{
    struct dial *dial = arg;
    int errnum = 0;
    socklen_t len = sizeof errnum;

    (void)readable;
    (void)writable;
    if (getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &errnum, &len) < 0)
        errnum = errno;
    dial->errnum = errnum;
    loop_undefer(dial->loop, &dial->finish);
    on_finish(dial);
}

static void
on_timer(void *arg)
{
    struct dial *dial = arg;

    if (loop_now_ms(dial->loop) >= dial->deadline_ms)
        finish_soon(dial, ETIMEDOUT);
    else if (dial->is_retrying)
        try_connect(dial);
    else
        start_timer(dial, UINT64_MAX);
}

struct dial *
dial_start(struct loop *loop, const struct addr *addr, uint64_t timeout_ms, dial_callback *done,
           void *arg)
{
    struct dial *dial = mem_zalloc(sizeof *dial);

    dial->loop = loop;
    dial->addr = *addr;
    dial->done = done;
    dial->arg = arg;
    dial->deadline_ms = loop_now_ms(loop) + timeout_ms;
    dial->finish.run = on_finish;
    dial->finish.arg = dial;
    dial->timer = loop_timer_new(loop, on_timer, dial);
    dial->fd = socket(addr->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (dial->fd < 0) {
        finish_soon(dial, errno);
        return dial;
    }
    dial->io = loop_io_new(loop, dial->fd, on_io, dial);
    try_connect(dial);
    return dial;
}

void
dial_free(struct dial **dial_in)
{
    struct dial *dial = *dial_in;

    if (dial == NULL)
        return;
    loop_undefer(dial->loop, &dial->finish);
    loop_io_free(&dial->io);
    loop_timer_free(&dial->timer);
    if (dial->fd >= 0)
        close(dial->fd);
    loop_free_later(dial->loop, dial);
    *dial_in = NULL;
}
