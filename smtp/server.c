// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/server.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "smtp/session_private.h"

enum {
    BATCH = 4,          // accepted in one turn; the rest may go to a sibling
    SHARE_WAIT_MS = 50, // another listener's session may end: nobody tells us
    ERROR_WAIT_MS = 1000,
    REFUSAL_LINGER_MS = 2000,
};

struct smtp_server {
    struct loop *loop;
    const struct smtp_server_config *config;
    struct smtp_session_config session_config; // with our own on_closed
    int fd;
    struct loop_io *io; // NULL once draining
    struct loop_timer *pause;
    struct loop_deferred empty;
    struct smtp_session *sessions;
    size_t count;
    bool is_draining;
};

static bool
is_in(const struct setting_list *nets, const struct addr *addr)
{
    const struct net *items = nets->items;

    for (size_t i = 0; i < nets->count; i++) {
        if (net_has(&items[i], addr))
            return true;
    }
    return false;
}

static void
pause_for(struct smtp_server *server, uint64_t ms)
{
    loop_io_want(server->io, false, false);
    loop_timer_start(server->pause, ms);
}

static void
on_pause_over(void *arg)
{
    struct smtp_server *server = arg;

    if (server->io != NULL)
        loop_io_want(server->io, true, false);
}

static void
tell_empty(void *arg)
{
    struct smtp_server *server = arg;

    if (server->config->on_empty != NULL)
        server->config->on_empty(server->config->empty_arg);
}

static void
on_closed(void *arg, struct smtp_session *session)
{
    struct smtp_server *server = arg;

    if (session->prev != NULL)
        session->prev->next = session->next;
    else
        server->sessions = session->next;
    if (session->next != NULL)
        session->next->prev = session->prev;
    server->count--;
    assert(server->config->share->connections > 0);
    server->config->share->connections--;
    if (server->is_draining && server->count == 0)
        loop_defer(server->loop, &server->empty);
}

static void
refuse(struct smtp_server *server, int fd, const struct addr *peer)
{
    static const struct conn_callbacks none = {.on_open = NULL};
    struct conn *conn = conn_new(server->loop, fd, &none, NULL);
    struct smtp_reply reply;
    struct log_line line;
    struct buf text;
    char client[ADDR_TEXT_MAX];

    reply_set(&reply, 554, "5.7.1", "%s: client not allowed",
              server->config->session.settings->hostname);
    session_count_reject(&server->config->session, &reply);
    buf_init(&text, 512);
    reply_write(&reply, &text);
    conn_write(conn, text.data, text.len);
    buf_clear(&text);
    conn_close(&conn, REFUSAL_LINGER_MS);
    addr_format_host(peer, client);
    log_begin(&line, LOG_NOTICE_, "smtp", NULL);
    log_text(&line, "reject", "connect");
    log_text(&line, "client", client);
    log_number(&line, "code", (uint64_t)reply.code);
    log_text(&line, "enhanced", reply.enhanced);
    log_end(&line);
}

static void
welcome(struct smtp_server *server, int fd, const struct addr *peer)
{
    const struct smtp_listener_settings *listener = server->config->session.listener;
    bool is_unix = addr_is_unix(&listener->addr); // who may open it, its mode and group tell
    struct smtp_session *session;

    if (!is_unix && !is_in(&listener->clients, peer)) {
        refuse(server, fd, peer);
        return;
    }
    session = session_new(server->loop, fd, &server->session_config,
                          is_unix || is_in(&listener->xforward_clients, peer));
    session->next = server->sessions;
    if (server->sessions != NULL)
        server->sessions->prev = session;
    server->sessions = session;
    server->count++;
    server->config->share->connections++;
}

static void
fail(struct smtp_server *server, int errnum)
{
    if (errnum == EAGAIN || errnum == EINTR || errnum == ECONNABORTED)
        return;
    log_warning("smtp", "accept: errno %d, listener paused for %d ms", errnum, ERROR_WAIT_MS);
    pause_for(server, ERROR_WAIT_MS);
}

static void
on_readable(void *arg, bool readable, bool writable)
{
    struct smtp_server *server = arg;
    const struct smtp_share *share = server->config->share;

    (void)readable;
    (void)writable;
    for (int i = 0; i < BATCH; i++) {
        struct addr peer = {.len = sizeof(peer.sa)};
        int fd;

        if (share->connections >= share->max) {
            pause_for(server, SHARE_WAIT_MS);
            return;
        }
        fd = accept4(server->fd, (struct sockaddr *)&peer.sa, &peer.len,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            fail(server, errno);
            return;
        }
        welcome(server, fd, &peer);
    }
}

struct smtp_server *
smtp_server_new(struct loop *loop, int fd, const struct smtp_server_config *config)
{
    struct smtp_server *server = mem_zalloc(sizeof(*server));

    server->loop = loop;
    server->fd = fd;
    server->config = config;
    server->session_config = config->session;
    server->session_config.on_closed = on_closed;
    server->session_config.closed_arg = server;
    server->empty = (struct loop_deferred){.run = tell_empty, .arg = server};
    server->pause = loop_timer_new(loop, on_pause_over, server);
    server->io = loop_io_new(loop, fd, on_readable, server);
    loop_io_want(server->io, true, false);
    return server;
}

void
smtp_server_drain(struct smtp_server *server)
{
    struct smtp_session *session = server->sessions;
    struct smtp_session *next;

    if (server->is_draining)
        return;
    server->is_draining = true;
    loop_io_free(&server->io);
    loop_timer_stop(server->pause);
    if (session == NULL)
        loop_defer(server->loop, &server->empty);
    for (; session != NULL; session = next) {
        next = session->next;
        session_drain(session);
    }
}

size_t
smtp_server_session_count(const struct smtp_server *server)
{
    return server->count;
}

void
smtp_server_free(struct smtp_server **server_in)
{
    struct smtp_server *server = *server_in;

    *server_in = NULL;
    if (server == NULL)
        return;
    while (server->sessions != NULL)
        session_abort(server->sessions);
    loop_io_free(&server->io);
    loop_timer_free(&server->pause);
    loop_undefer(server->loop, &server->empty);
    loop_free_later(server->loop, server);
}
