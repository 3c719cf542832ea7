// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/base/fake_redis.h - a server on a loopback port that answers as scripted, on the same
// loop as what it is asked by.
#ifndef POSTERN_TESTS_UNIT_BASE_FAKE_REDIS_H
#define POSTERN_TESTS_UNIT_BASE_FAKE_REDIS_H

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/conn.h"
#include "base/mem.h"
#include "base/redis_wire.h"

enum fake_then { THEN_STAY, THEN_CLOSE, THEN_RESET };

struct fake_answer {
    struct span text;
    enum fake_then then;
};

struct fake_peer {
    struct fake_redis *server;
    struct conn *conn;
    struct redis_wire *wire; // a command looks like a reply that is a list of texts
    struct buf unsent;       // by dribbling
    struct loop_timer *dribble;
    struct fake_peer *next;
};

struct fake_redis {
    struct loop *loop;
    struct addr addr;
    int listener;
    struct loop_io *io;
    struct fake_peer *peers;
    unsigned accepted, commands;
    bool is_dribbling; // a byte every 2 ms
    struct fake_answer greeting;
    struct fake_answer (*answer)(void *arg, const struct redis_reply *command);
    void *arg;
};

static inline struct fake_answer
fake_say(const char *text)
{
    return (struct fake_answer){.text = span_of(text)};
}

static inline void
fake_peer_part(struct fake_peer *peer, enum fake_then then)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    if (then == THEN_STAY || peer->conn == NULL)
        return;
    if (then == THEN_RESET) {
        (void)conn_flush(peer->conn);
        setsockopt(conn_fd(peer->conn), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        conn_abort(&peer->conn);
    } else {
        conn_close(&peer->conn, 1000);
    }
}

static inline void
fake_peer_dribble(void *arg)
{
    struct fake_peer *peer = arg;

    if (peer->conn == NULL || peer->unsent.len == 0)
        return;
    conn_write(peer->conn, peer->unsent.data, 1);
    buf_drop(&peer->unsent, 1);
    loop_timer_start(peer->dribble, 2);
}

static inline void
fake_peer_say(struct fake_peer *peer, struct fake_answer answer)
{
    if (peer->server->is_dribbling && answer.then == THEN_STAY) {
        buf_add_span(&peer->unsent, answer.text);
        loop_timer_start(peer->dribble, 2);
        return;
    }
    if (answer.text.len > 0)
        conn_write(peer->conn, answer.text.data, answer.text.len);
    fake_peer_part(peer, answer.then);
}

static inline void
fake_peer_input(void *arg)
{
    struct fake_peer *peer = arg;
    struct span input = conn_input(peer->conn);
    const struct redis_reply *command;
    struct err err;

    redis_wire_feed(peer->wire, input);
    conn_consume(peer->conn, input.len);
    while (peer->conn != NULL && redis_wire_next(peer->wire, &command, &err) == REDIS_WIRE_REPLY) {
        peer->server->commands++;
        if (peer->server->answer != NULL)
            fake_peer_say(peer, peer->server->answer(peer->server->arg, command));
    }
}

static inline void
fake_peer_end(void *arg, enum conn_end end, const struct err *err)
{
    (void)end;
    (void)err;
    conn_abort(&((struct fake_peer *)arg)->conn);
}

static inline void
fake_redis_accept(void *arg, bool readable, bool writable)
{
    static const struct conn_callbacks callbacks = {.on_input = fake_peer_input,
                                                    .on_end = fake_peer_end};
    struct fake_redis *server = arg;
    struct fake_peer *peer = mem_zalloc(sizeof *peer);
    int fd = accept(server->listener, NULL, NULL);

    (void)readable;
    (void)writable;
    if (fd < 0)
        abort();
    server->accepted++;
    peer->server = server;
    peer->wire = redis_wire_new();
    peer->dribble = loop_timer_new(server->loop, fake_peer_dribble, peer);
    buf_init(&peer->unsent, 10 << 20);
    peer->next = server->peers;
    server->peers = peer;
    peer->conn = conn_new(server->loop, fd, &callbacks, peer);
    fake_peer_say(peer, server->greeting);
}

static inline void
fake_redis_listen(struct fake_redis *server)
{
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(server->listener, (struct sockaddr *)&server->addr.sa, server->addr.len) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&server->addr.sa, &server->addr.len) ||
        listen(server->listener, 10) != 0)
        abort();
    server->io = loop_io_new(server->loop, server->listener, fake_redis_accept, server);
    loop_io_want(server->io, true, false);
}

// It lives on a port of its own, which it keeps when it is stopped and listens again.
static inline void
fake_redis_init(struct fake_redis *server, struct loop *loop)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    memset(server, 0, sizeof *server);
    server->loop = loop;
    memcpy(&server->addr.sa, &here, sizeof here);
    server->addr.len = sizeof here;
    fake_redis_listen(server);
}

static inline void
fake_redis_hang_up(struct fake_redis *server)
{
    while (server->peers != NULL) {
        struct fake_peer *peer = server->peers;

        server->peers = peer->next;
        conn_abort(&peer->conn);
        redis_wire_free(&peer->wire);
        loop_timer_free(&peer->dribble);
        buf_clear(&peer->unsent);
        loop_free_later(server->loop, peer);
    }
}

// From then on connections are refused.
static inline void
fake_redis_stop(struct fake_redis *server)
{
    fake_redis_hang_up(server);
    if (server->io == NULL)
        return;
    loop_io_free(&server->io);
    close(server->listener);
}

#endif
