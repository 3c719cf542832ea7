// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/filters/fake.h - a server that does as it is told, and what a scanner's test needs.
//
// It hears until its input ends in `until`, then says `reply`, bite bytes a time, and does what
// comes then. One connection at a time; what it heard and the descriptor that came along are kept.
#ifndef POSTERN_TESTS_UNIT_FILTERS_FAKE_H
#define POSTERN_TESTS_UNIT_FILTERS_FAKE_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/pass.h"
#include "filters/content.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/filters/cached.h"
#include "tests/unit/harness.h"

enum { FAKE_WATCHDOG_MS = 20000 };

enum fake_kind { FAKE_UNIX, FAKE_INET };

enum fake_then { FAKE_CLOSE, FAKE_STAY };

struct fake {
    struct span until; // empty: at once
    struct span reply;
    struct span later_reply; // to all connections but the first; data NULL: the same
    size_t bite;             // 0: all
    enum fake_then then;
    bool is_deaf; // what comes is left unread

    struct loop *loop;
    struct loop_timer *watchdog;
    struct addr addr;
    struct tempdir dir;
    int listener, fd;
    struct loop_io *listener_io, *io;
    struct loop_timer *pause;
    struct buf input;
    int passed; // -1: no descriptor came
    size_t sent;
    unsigned accepted;
};

static inline void
fake_hang_up(struct fake *fake)
{
    loop_io_free(&fake->io);
    if (fake->fd >= 0)
        close(fake->fd);
    fake->fd = -1;
}

static inline void
fake_say(void *arg)
{
    struct fake *fake = arg;
    size_t len = fake->reply.len - fake->sent;
    ssize_t taken = 0;

    if (fake->fd < 0)
        return;
    if (fake->bite > 0 && len > fake->bite)
        len = fake->bite;
    if (len > 0)
        taken = send(fake->fd, fake->reply.data + fake->sent, len, MSG_NOSIGNAL);
    if (taken > 0)
        fake->sent += (size_t)taken;
    if (fake->sent < fake->reply.len && taken >= 0)
        loop_timer_start(fake->pause, 0);
    else if (fake->then == FAKE_CLOSE)
        fake_hang_up(fake);
}

static inline void
fake_hear(void *arg, bool readable, bool writable)
{
    struct fake *fake = arg;
    size_t had = fake->input.len, count = 1;
    char *room = buf_space(&fake->input, 65536);
    int passed = -1;
    ssize_t got = pass_receive(fake->fd, room, 65536, &passed, &count);

    (void)readable;
    (void)writable;
    if (got <= 0) {
        fake_hang_up(fake);
        return;
    }
    if (count > 0 && fake->passed >= 0)
        close(fake->passed);
    if (count > 0)
        fake->passed = passed;
    buf_filled(&fake->input, (size_t)got);
    if (fake->until.len > 0 && fake->input.len >= fake->until.len &&
        memcmp(fake->input.data + fake->input.len - fake->until.len, fake->until.data,
               fake->until.len) == 0)
        loop_timer_start(fake->pause, 0);
    CU_ASSERT(fake->input.len > had);
}

static inline void
fake_accept(void *arg, bool readable, bool writable)
{
    struct fake *fake = arg;

    (void)readable;
    (void)writable;
    fake_hang_up(fake);
    fake->fd = accept4(fake->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    fake->accepted++;
    if (fake->accepted > 1 && fake->later_reply.data != NULL)
        fake->reply = fake->later_reply;
    fake->sent = 0;
    buf_reset(&fake->input);
    fake->io = loop_io_new(fake->loop, fake->fd, fake_hear, fake);
    loop_io_want(fake->io, !fake->is_deaf, false);
    if (fake->until.len == 0)
        loop_timer_start(fake->pause, 1);
}

static inline void
fake_watchdog(void *arg)
{
    struct fake *fake = arg;

    CU_FAIL("nothing happens");
    loop_stop(fake->loop);
}

static inline void
fake_listen(struct fake *fake, enum fake_kind kind)
{
    struct sockaddr_un *local = (struct sockaddr_un *)&fake->addr.sa;
    struct sockaddr_in *inet = (struct sockaddr_in *)&fake->addr.sa;

    if (kind == FAKE_UNIX) {
        local->sun_family = AF_UNIX;
        snprintf(local->sun_path, sizeof(local->sun_path), "%s/socket", fake->dir.path);
        fake->addr.len = sizeof(*local);
    } else {
        inet->sin_family = AF_INET;
        inet->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        fake->addr.len = sizeof(*inet);
    }
    fake->listener = socket(fake->addr.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(bind(fake->listener, (struct sockaddr *)&fake->addr.sa, fake->addr.len),
                          0);
    CU_ASSERT_EQUAL_FATAL(listen(fake->listener, 16), 0);
    CU_ASSERT_EQUAL(getsockname(fake->listener, (struct sockaddr *)&fake->addr.sa, &fake->addr.len),
                    0);
}

static inline void
fake_start(struct fake *fake, enum fake_kind kind)
{
    struct err err;

    memset(fake, 0, sizeof(*fake));
    tempdir_make(&fake->dir);
    fake->loop = loop_new(&err);
    fake->fd = -1;
    fake->passed = -1;
    buf_init(&fake->input, 64 << 20);
    fake_listen(fake, kind);
    fake->listener_io = loop_io_new(fake->loop, fake->listener, fake_accept, fake);
    loop_io_want(fake->listener_io, true, false);
    fake->pause = loop_timer_new(fake->loop, fake_say, fake);
    fake->watchdog = loop_timer_new(fake->loop, fake_watchdog, fake);
    loop_timer_start(fake->watchdog, FAKE_WATCHDOG_MS);
}

// Nobody listens any more, and the address stays.
static inline void
fake_vanish(struct fake *fake)
{
    loop_io_free(&fake->listener_io);
    close(fake->listener);
    fake->listener = -1;
}

static inline void
fake_stop(struct fake *fake)
{
    fake_hang_up(fake);
    loop_io_free(&fake->listener_io);
    loop_timer_free(&fake->pause);
    loop_timer_free(&fake->watchdog);
    loop_free(&fake->loop);
    if (fake->listener >= 0)
        close(fake->listener);
    if (fake->passed >= 0)
        close(fake->passed);
    buf_clear(&fake->input);
    tempdir_remove(&fake->dir);
}

// len bytes that differ from place to place and end in the end.
static inline char *
fake_text(size_t len)
{
    char *text = mem_zarray(len + 1, 1);

    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + (i * 2654435761U >> 20) % 26);
    return text;
}

// The text as a message, from memory or from the middle of a file.
static inline struct content *
fake_content(struct fake *fake, struct pool *pool, struct span text, bool is_file)
{
    struct content_source source = {.memory = text, .fd_take = -1, .dir_fd = fake->dir.fd};
    char path[ADDR_TEXT_MAX];
    FILE *file;

    if (is_file) {
        snprintf(path, sizeof(path), "%s/message", fake->dir.path);
        file = fopen(path, "w+e");
        CU_ASSERT_PTR_NOT_NULL_FATAL(file);
        fprintf(file, "in front of it");
        fwrite(text.data, 1, text.len, file);
        fprintf(file, "behind it");
        fflush(file);
        source = (struct content_source){.fd_take = dup(fileno(file)),
                                         .offset = strlen("in front of it"),
                                         .len = text.len,
                                         .dir_fd = fake->dir.fd};
        fclose(file);
        unlink(path);
    }
    return content_new(fake->loop, pool, &source);
}

#endif
