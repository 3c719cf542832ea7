// SPDX-License-Identifier: BSD-2-Clause
// tests/fuzz/peer.h - the other end of a connection: says the input piece by piece.
//
// Pieces are parted by '|'. Each is said when something was heard since the one before, or after a
// moment of silence; behind the last one the connection is closed.
#ifndef POSTERN_TESTS_FUZZ_PEER_H
#define POSTERN_TESTS_FUZZ_PEER_H

#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/conn.h"

enum { PEER_SILENCE_MS = 1, PEER_HEARD_MAX = 1 << 20 };

struct peer {
    struct loop *loop;
    struct loop_io *io;
    struct conn *conn;
    struct loop_timer *silence;
    struct span rest;
    struct buf heard;
    bool was_left; // the other end closed the connection first
};

// One address for all runs of this program.
static struct addr peer_addr;

static inline struct sockaddr_un *
peer_name(void)
{
    return (struct sockaddr_un *)&peer_addr.sa;
}

static inline void
peer_remove(void)
{
    (void)unlink(peer_name()->sun_path);
}

static inline int
peer_listen(struct addr *addr_out)
{
    static int fd = -1;
    struct sockaddr_un *name = peer_name();

    if (fd < 0) {
        name->sun_family = AF_UNIX;
        snprintf(name->sun_path, sizeof name->sun_path, "/tmp/postern-fuzz-%d", (int)getpid());
        peer_addr.len = sizeof *name;
        peer_remove();
        (void)atexit(peer_remove);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        FUZZ_CHECK(fd >= 0 && bind(fd, (struct sockaddr *)name, peer_addr.len) == 0);
        FUZZ_CHECK(listen(fd, 16) == 0);
    }
    *addr_out = peer_addr;
    return fd;
}

static inline void
peer_hang_up(struct peer *peer)
{
    if (peer->silence != NULL)
        loop_timer_stop(peer->silence);
    conn_close(&peer->conn, 10);
}

static inline void
peer_say(void *arg)
{
    struct peer *peer = arg;
    struct span piece = span_cut(&peer->rest, '|');

    if (piece.data == NULL) {
        peer_hang_up(peer);
        return;
    }
    conn_write(peer->conn, piece.data, piece.len);
    loop_timer_start(peer->silence, PEER_SILENCE_MS);
}

static inline void
peer_hear(void *arg)
{
    struct peer *peer = arg;
    struct span in = conn_input(peer->conn);

    FUZZ_CHECK(buf_add_span(&peer->heard, in) == 0);
    conn_consume(peer->conn, in.len);
    peer_say(peer);
}

static inline void
peer_end(void *arg, enum conn_end how, const struct err *err)
{
    struct peer *peer = arg;

    (void)how;
    (void)err;
    peer->was_left = true;
    peer_hang_up(peer);
}

static inline void
peer_accept(void *arg, bool readable, bool writable)
{
    static const struct conn_callbacks callbacks = {.on_input = peer_hear, .on_end = peer_end};
    struct peer *peer = arg;
    struct addr addr;
    int fd = accept4(peer_listen(&addr), NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)readable;
    (void)writable;
    if (fd < 0)
        return;
    FUZZ_CHECK(peer->conn == NULL);
    peer->conn = conn_new(peer->loop, fd, &callbacks, peer);
    peer_say(peer);
}

static inline void
peer_begin(struct peer *peer, struct loop *loop, struct span pieces, struct addr *addr_out)
{
    *peer = (struct peer){.loop = loop, .rest = pieces};
    buf_init(&peer->heard, PEER_HEARD_MAX);
    peer->silence = loop_timer_new(loop, peer_say, peer);
    peer->io = loop_io_new(loop, peer_listen(addr_out), peer_accept, peer);
    loop_io_want(peer->io, true, false);
}

static inline void
peer_clear(struct peer *peer)
{
    struct addr addr;
    int fd;

    conn_abort(&peer->conn);
    loop_timer_free(&peer->silence);
    loop_io_free(&peer->io);
    buf_clear(&peer->heard);
    while ((fd = accept(peer_listen(&addr), NULL, NULL)) >= 0) // nobody was there to take it
        (void)close(fd);
}

#endif
