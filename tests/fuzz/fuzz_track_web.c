// SPDX-License-Identifier: BSD-2-Clause
// Whoever comes to the HTTP door says anything: answers are HTTP, and it is over then.
#include "tests/fuzz/fuzz.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "track/web/web.h"

enum { ANSWER_MAX = 1 << 16 };

struct run {
    struct loop *loop;
    struct web *web;
    int fd;
    size_t len;
    char answer[ANSWER_MAX];
};

static int
write_page(void *arg, struct buf *body)
{
    (void)arg;
    buf_add_text(body, "hello\n");
    return 200;
}

static void
on_answer(void *arg, bool readable, bool writable)
{
    struct run *run = arg;
    ssize_t got = recv(run->fd, run->answer + run->len, sizeof run->answer - run->len, 0);

    (void)readable;
    (void)writable;
    if (got > 0)
        run->len += (size_t)got;
    else
        loop_stop(run->loop);
    FUZZ_CHECK(run->len < sizeof run->answer);
}

static void
on_idle(void *arg)
{
    loop_stop(arg);
}

// An address that has no name in the file system.
static int
listen_at(struct sockaddr_un *name, socklen_t *len_out)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sa_family_t family = AF_UNIX;

    *len_out = sizeof *name;
    FUZZ_CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&family, sizeof family) == 0);
    FUZZ_CHECK(listen(fd, 4) == 0);
    FUZZ_CHECK(getsockname(fd, (struct sockaddr *)name, len_out) == 0);
    return fd;
}

static void
ask(struct run *run, struct span request)
{
    struct sockaddr_un name;
    socklen_t len;
    struct setting_list clients = {.count = 0};
    static const struct web_page page = {"/metrics", "text/plain", write_page};
    int listener = listen_at(&name, &len);
    struct loop_io *io;

    run->web = web_new(run->loop, listener, &clients, &page, 1, NULL, NULL);
    run->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FUZZ_CHECK(connect(run->fd, (struct sockaddr *)&name, len) == 0);
    (void)!write(run->fd, request.data, request.len);
    (void)shutdown(run->fd, SHUT_WR);
    io = loop_io_new(run->loop, run->fd, on_answer, run);
    loop_io_want(io, true, false);
    loop_run(run->loop);
    loop_io_free(&io);
    (void)close(run->fd);
    web_drain(run->web, on_idle, run->loop);
    loop_run(run->loop);
    web_free(&run->web);
    (void)close(listener);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run run;

    if (size == 0 || size > 16384)
        return 0;
    memset(&run, 0, sizeof run);
    run.loop = loop_new(NULL);
    ask(&run, fuzz_span(data, size));
    FUZZ_CHECK(run.len == 0 || (run.len > 12 && memcmp(run.answer, "HTTP/1.", 7) == 0) ||
               memcmp(run.answer, "HTTP/", 5) == 0);
    loop_free(&run.loop);
    return 0;
}
