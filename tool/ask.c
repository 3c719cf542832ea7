// SPDX-License-Identifier: BSD-2-Clause
#include "tool/ask.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct line {
    int fd;
    int64_t deadline_ms;
};

static int64_t
now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int
wait_for(const struct line *line, short events, struct err *err)
{
    for (;;) {
        struct pollfd poll_fd = {.fd = line->fd, .events = events};
        int64_t left = line->deadline_ms - now_ms();
        int ready = left <= 0 ? 0 : poll(&poll_fd, 1, (int)left);

        if (ready > 0)
            return 0;
        if (ready == 0)
            return err_set(err, ERR_TEMP, "the daemon does not answer in time");
        if (errno != EINTR)
            return err_sys(err, ERR_TEMP, errno, "poll");
    }
}

static int
send_all(const struct line *line, struct span text, struct err *err)
{
    while (text.len > 0) {
        ssize_t sent = send(line->fd, text.data, text.len, MSG_NOSIGNAL);

        if (sent > 0)
            text = span_skip(text, (size_t)sent);
        else if (errno != EAGAIN && errno != EINTR)
            return err_sys(err, ERR_TEMP, errno, "cannot ask the daemon");
        else if (wait_for(line, POLLOUT, err) != 0)
            return -1;
    }
    return 0;
}

// Up to its line feed.
static int
receive_line(const struct line *line, struct buf *answer, struct err *err)
{
    while (answer->len == 0 || answer->data[answer->len - 1] != '\n') {
        char block[8192];
        ssize_t got = recv(line->fd, block, sizeof block, 0);

        if (got > 0) {
            if (buf_add(answer, block, (size_t)got) != 0)
                return err_set(err, ERR_PERM, "the daemon's answer is too long");
        } else if (got == 0) {
            return err_set(err, ERR_TEMP, "the daemon closed the line without an answer");
        } else if (errno != EAGAIN && errno != EINTR) {
            return err_sys(err, ERR_TEMP, errno, "cannot read the daemon's answer");
        } else if (wait_for(line, POLLIN, err) != 0) {
            return -1;
        }
    }
    return 0;
}

// A UNIX socket connects at once, or its backlog is full.
static enum ask_result
dial(const struct line *line, const struct addr *addr, struct err *err)
{
    while (connect(line->fd, (const struct sockaddr *)&addr->sa, addr->len) != 0) {
        char text[ADDR_TEXT_MAX];
        int reason = errno;

        if (reason == EINTR)
            continue;
        if (reason == EAGAIN && now_ms() < line->deadline_ms) {
            (void)poll(NULL, 0, 50);
            continue;
        }
        addr_format(addr, text);
        (void)err_sys(err, ERR_TEMP, reason, "nobody answers at %s", text);
        if (reason == ENOENT || reason == ECONNREFUSED)
            return ASK_NOBODY;
        return reason == EACCES || reason == EPERM ? ASK_FORBIDDEN : ASK_BROKEN;
    }
    return ASK_ANSWERED;
}

static int
talk(const struct line *line, const struct request *request, struct response *response,
     struct err *err)
{
    struct buf question, answer;
    int result;

    buf_init(&question, REQUEST_LINE_MAX);
    buf_init(&answer, RESPONSE_LINE_MAX + 1);
    if (request_write(request, &question) != 0)
        result = err_set(err, ERR_PERM, "the request is too long");
    else
        result = send_all(line, buf_span(&question), err);
    if (result == 0)
        result = receive_line(line, &answer, err);
    if (result == 0)
        result = response_read(buf_span(&answer), response, err);
    buf_clear(&question);
    buf_clear(&answer);
    return result;
}

enum ask_result
ask_daemon(const struct addr *socket_addr, const struct request *request, int timeout_ms,
           struct response *response_out, struct err *err)
{
    struct line line = {.deadline_ms = now_ms() + timeout_ms};
    enum ask_result result;

    line.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (line.fd < 0) {
        (void)err_sys(err, ERR_TEMP, errno, "socket");
        return ASK_BROKEN;
    }
    result = dial(&line, socket_addr, err);
    if (result == ASK_ANSWERED && talk(&line, request, response_out, err) != 0)
        result = ASK_BROKEN;
    close(line.fd);
    return result;
}

void
ask_to_adopt(const struct addr *socket_addr)
{
    struct request request = {.command = REQUEST_ADOPT};
    struct response response;
    struct err err;

    if (ask_daemon(socket_addr, &request, ASK_TIMEOUT_MS, &response, &err) == ASK_ANSWERED)
        response_clear(&response);
}
