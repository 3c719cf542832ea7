// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/track/web_stand.h - a web server on a socket of ours, and its clients.
#ifndef POSTERN_TESTS_UNIT_TRACK_WEB_STAND_H
#define POSTERN_TESTS_UNIT_TRACK_WEB_STAND_H

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"
#include "track/web/web.h"

enum { ANSWER_MAX = 1 << 16, PATIENCE_MS = 20000, BIG = 3 << 20 };

static struct loop *loop;
static struct tempdir dir;
static unsigned shown;

static inline int
write_hello(void *arg, struct buf *body)
{
    shown++;
    CU_ASSERT_PTR_EQUAL(arg, &shown);
    (void)buf_add_text(body, "hello");
    return 200;
}

static inline int
write_ill(void *arg, struct buf *body)
{
    (void)arg;
    (void)buf_add_text(body, "ill\n");
    return 503;
}

static inline int
write_big(void *arg, struct buf *body)
{
    (void)arg;
    memset(buf_space(body, BIG), 'x', BIG);
    buf_filled(body, BIG);
    return 200;
}

static const struct web_page pages[] = {
    {"/metrics", "text/x-hello", write_hello},
    {"/healthz", "text/plain",   write_ill  },
    {"/big",     "text/plain",   write_big  },
};

struct stand {
    struct web *web;
    struct sockaddr_storage addr;
    socklen_t len;
    int fd;
};

static inline void
open_stand(struct stand *stand, const struct sockaddr *addr, socklen_t len,
           const struct setting_list *clients)
{
    struct err err = {0};

    stand->fd = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(bind(stand->fd, addr, len) == 0 && listen(stand->fd, 1024) == 0);
    stand->len = sizeof stand->addr;
    CU_ASSERT_FATAL(getsockname(stand->fd, (struct sockaddr *)&stand->addr, &stand->len) == 0);
    stand->web = web_new(loop, stand->fd, clients, pages, UNIT_COUNT(pages), &shown, &err);
    CU_ASSERT_FATAL(stand->web != NULL);
}

static inline void
open_unix(struct stand *stand)
{
    static const struct setting_list nobody = {NULL, 0};
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    (void)snprintf(addr.sun_path, sizeof addr.sun_path, "%s/web", dir.path);
    (void)unlink(addr.sun_path);
    open_stand(stand, (struct sockaddr *)&addr, sizeof addr, &nobody);
}

static inline void
close_stand(struct stand *stand)
{
    web_free(&stand->web);
    CU_ASSERT(fcntl(stand->fd, F_GETFD) >= 0); // it stays ours
    (void)close(stand->fd);
}

static inline int
call(const struct stand *stand)
{
    int fd = socket(stand->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_FATAL(connect(fd, (const struct sockaddr *)&stand->addr, stand->len) == 0);
    return fd;
}

static inline void
stop(void *arg)
{
    loop_stop(arg);
}

static inline void
run_for(uint64_t ms)
{
    struct loop_timer *timer = loop_timer_new(loop, stop, loop);

    loop_timer_start(timer, ms);
    loop_run(loop);
    loop_timer_free(&timer);
}

// How many bytes it takes before it will not, at most max.
static inline size_t
pump(int fd, const char *data, size_t len, size_t max)
{
    size_t sent = 0;
    ssize_t now;

    while (sent < max && (now = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
        sent += (size_t)now;
    return sent;
}

// What has come by now; *ended: the server has closed.
static inline size_t
listen_to(int fd, char *out, size_t len, bool *ended)
{
    ssize_t got = recv(fd, out + len, ANSWER_MAX - 1 - len, MSG_DONTWAIT);

    *ended = got == 0 || (got < 0 && errno != EAGAIN);
    len += got > 0 ? (size_t)got : 0;
    out[len] = '\0';
    return len;
}

// Until the server closes.
static inline const char *
hear(int fd)
{
    static char answer[ANSWER_MAX];
    uint64_t start = loop_now_ms(loop);
    bool ended = false;
    size_t len = 0;

    answer[0] = '\0';
    while (!ended && loop_now_ms(loop) - start < PATIENCE_MS) {
        run_for(1);
        len = listen_to(fd, answer, len, &ended);
    }
    CU_ASSERT(ended);
    return answer;
}

static inline bool
is_closed(int fd)
{
    static char waste[ANSWER_MAX];
    bool ended;

    (void)listen_to(fd, waste, 0, &ended);
    return ended;
}

#endif
