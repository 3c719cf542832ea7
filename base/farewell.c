// SPDX-License-Identifier: BSD-2-Clause
#include "base/farewell.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

enum { DISCARD_SIZE = 16384, DISCARD_READS = 16 };

struct farewell {
    struct loop *loop;
    int fd;
    struct buf words;
    size_t sent;
    bool input_is_ended;
    bool is_discarding; // all is written and shut, the peer's rest is read
    struct loop_io *io;
    struct loop_timer *timer;
    struct loop_deferred at_free;
};

enum progress { FINISHED, WAIT_WRITABLE, WAIT_READABLE };

static enum progress
write_words(struct farewell *farewell)
{
    while (farewell->sent < farewell->words.len) {
        ssize_t sent = send(farewell->fd, farewell->words.data + farewell->sent,
                            farewell->words.len - farewell->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN ? WAIT_WRITABLE : FINISHED;
        farewell->sent += (size_t)sent;
    }
    return WAIT_READABLE;
}

// In most cases nothing waits to be read, and one look is all.
static enum progress
discard_input(struct farewell *farewell)
{
    char rest[DISCARD_SIZE];

    for (unsigned i = 0; i < DISCARD_READS; i++) {
        ssize_t got = recv(farewell->fd, rest, sizeof rest, MSG_DONTWAIT);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno == EAGAIN && farewell->is_discarding ? WAIT_READABLE : FINISHED;
        if (got == 0)
            return FINISHED;
        if (!farewell->is_discarding)
            (void)shutdown(farewell->fd, SHUT_WR);
        farewell->is_discarding = true;
    }
    return WAIT_READABLE;
}

static enum progress
go_on(struct farewell *farewell)
{
    enum progress progress = write_words(farewell);

    if (progress != WAIT_READABLE)
        return progress;
    return farewell->input_is_ended ? FINISHED : discard_input(farewell);
}

static void
finish(void *arg)
{
    struct farewell *farewell = arg;

    loop_undefer(farewell->loop, &farewell->at_free);
    loop_io_free(&farewell->io);
    loop_timer_free(&farewell->timer);
    close(farewell->fd);
    buf_clear(&farewell->words);
    loop_free_later(farewell->loop, farewell);
}

static void
on_io(void *arg, bool readable, bool writable)
{
    struct farewell *farewell = arg;
    enum progress progress = go_on(farewell);

    (void)readable;
    (void)writable;
    if (progress == FINISHED)
        finish(farewell);
    else
        loop_io_want(farewell->io, progress == WAIT_READABLE, progress == WAIT_WRITABLE);
}

void
farewell_start(struct loop *loop, int fd_take, struct buf *words_take, bool input_is_ended,
               uint64_t linger_ms)
{
    struct farewell first = {.fd = fd_take, .words = *words_take, .input_is_ended = input_is_ended};
    struct farewell *farewell;
    enum progress progress = go_on(&first);

    buf_init(words_take, words_take->ceiling);
    if (progress == FINISHED || linger_ms == 0) {
        close(fd_take);
        buf_clear(&first.words);
        return;
    }
    farewell = mem_zalloc(sizeof *farewell);
    *farewell = first;
    farewell->loop = loop;
    farewell->at_free.run = finish;
    farewell->at_free.arg = farewell;
    loop_at_free(loop, &farewell->at_free);
    farewell->timer = loop_timer_new(loop, finish, farewell);
    loop_timer_start(farewell->timer, linger_ms);
    farewell->io = loop_io_new(loop, fd_take, on_io, farewell);
    loop_io_want(farewell->io, progress == WAIT_READABLE, progress == WAIT_WRITABLE);
}
