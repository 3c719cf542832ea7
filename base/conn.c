// SPDX-License-Identifier: BSD-2-Clause
#include "base/conn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/dial.h"
#include "base/farewell.h"
#include "base/idle.h"
#include "base/mem.h"
#include "base/stream.h"
#include "base/tls.h"

enum conn_state {
    STATE_CONNECTING,
    STATE_OPEN,
    STATE_ENDING, // the end is known, on_end is to come
    STATE_OVER,   // on_end has come
    STATE_CLOSED, // memory goes at the end of the turn
};

struct conn {
    struct loop *loop;
    struct conn_callbacks callbacks;
    void *arg;
    enum conn_state state;
    struct addr peer;
    struct dial *dial;  // while connecting
    struct loop_io *io; // from then on
    struct stream stream;
    struct loop_deferred turn; // flushes, then tells the owner
    struct idle silence;
    bool is_paused;
    bool is_read_watched;
    bool is_broken;                        // nothing can be written any more
    bool has_written;                      // since on_drained
    bool open_due, input_due, drained_due; // to be told
    enum conn_end end;
    struct err err;
};

static const char *const end_names[] = {
    [CONN_EOF] = "eof",
    [CONN_TIMEOUT] = "timeout",
    [CONN_ERROR] = "error",
};

const char *
conn_end_name(enum conn_end end)
{
    return end_names[end];
}

static void
set_state(struct conn *conn, enum conn_state state)
{
    assert(state > conn->state);
    conn->state = state;
}

static bool
can_take_input(const struct conn *conn)
{
    return conn->state == STATE_OPEN && !conn->is_paused &&
           stream_input_len(&conn->stream) < conn->stream.input_max;
}

static bool
wants_read(const struct conn *conn)
{
    return can_take_input(conn) && !conn->stream.is_eof && !conn->stream.is_held;
}

// A pause is mostly short and nothing comes meanwhile, so the socket stays watched until something
// does come that is not wanted (see on_io): that saves two system calls a message.
static void
update(struct conn *conn)
{
    bool is_open = conn->state == STATE_OPEN;

    if (conn->io == NULL)
        return;
    if (!is_open || conn->stream.is_eof)
        conn->is_read_watched = false;
    else if (wants_read(conn))
        conn->is_read_watched = true;
    loop_io_want(conn->io, conn->is_read_watched, is_open && conn->stream.is_blocked);
    idle_watch(&conn->silence, is_open && (wants_read(conn) || conn_unsent(conn) > 0));
}

static void
end_soon(struct conn *conn, enum conn_end end)
{
    conn->end = end;
    set_state(conn, STATE_ENDING);
    loop_defer(conn->loop, &conn->turn);
}

static void
break_off(struct conn *conn, enum conn_end end)
{
    conn->is_broken = true;
    conn->stream.is_blocked = false;
    stream_drop_output(&conn->stream);
    if (conn->state < STATE_ENDING)
        end_soon(conn, end);
}

static void
destroy(struct conn *conn)
{
    set_state(conn, STATE_CLOSED);
    loop_undefer(conn->loop, &conn->turn);
    dial_free(&conn->dial);
    loop_io_free(&conn->io);
    idle_clear(&conn->silence);
    stream_clear(&conn->stream);
    loop_free_later(conn->loop, conn);
}

// After the stream was asked for input (by one of the two that can do it): what is to be told?
static void
take_input(struct conn *conn, int (*ask)(struct stream *stream, struct err *err))
{
    struct stream *stream = &conn->stream;
    bool was_tls = stream_is_tls(stream);
    size_t before = stream_input_len(stream);
    struct err err;
    int result = ask(stream, &err);

    if (result > 0)
        idle_touch(&conn->silence);
    // EOF is told as input once more, for the owner to see that there will be no rest.
    if (stream_input_len(stream) > before || stream->is_eof)
        conn->input_due = true;
    if (!was_tls && stream_is_tls(stream))
        conn->open_due = true;
    if (stream_unsent(stream) > 0)
        loop_defer(conn->loop, &conn->turn);
    if (result < 0) {
        (void)stream_flush(stream, NULL); // TLS's alert, if the socket takes it
        conn->err = err;
        break_off(conn, CONN_ERROR);
    }
}

static void
take_written(struct conn *conn, int result, const struct err *err)
{
    if (result > 0) {
        idle_touch(&conn->silence);
        if (conn->has_written && stream_unsent(&conn->stream) == 0) {
            conn->has_written = false; // else it was TLS's own
            conn->drained_due = true;
        }
    } else if (result < 0) {
        // A peer that hung up may have told why, and we did not read it yet.
        if (wants_read(conn))
            take_input(conn, stream_read);
        conn->err = *err;
        break_off(conn, CONN_ERROR);
    }
}

static void
flush(struct conn *conn)
{
    struct err err;

    if (!conn->is_broken && conn->state != STATE_CONNECTING)
        take_written(conn, stream_flush(&conn->stream, &err), &err);
}

static void
tell_input(struct conn *conn)
{
    conn->input_due = false;
    if (stream_input_len(&conn->stream) > 0)
        conn->callbacks.on_input(conn->arg);
}

static void
tell_drained(struct conn *conn)
{
    conn->drained_due = false;
    if (conn->callbacks.on_drained != NULL && conn_unsent(conn) == 0)
        conn->callbacks.on_drained(conn->arg);
}

static void
tell_open(struct conn *conn)
{
    conn->open_due = false;
    if (conn->callbacks.on_open != NULL)
        conn->callbacks.on_open(conn->arg);
}

// Tells the owner what there is to tell, the end last. Any of the calls may close the connection,
// which the state then shows; memory stays until the end of the turn.
static void
deliver(struct conn *conn)
{
    if (conn->open_due && conn->state == STATE_OPEN)
        tell_open(conn);
    if (conn->drained_due && conn->state == STATE_OPEN)
        tell_drained(conn);
    if (conn->input_due && !conn->is_paused &&
        (conn->state == STATE_OPEN || conn->state == STATE_ENDING))
        tell_input(conn);
    if (conn->state == STATE_OPEN && conn->stream.is_eof && !conn->is_paused && !conn->input_due &&
        !conn->stream.is_held) {
        err_set(&conn->err, ERR_TEMP, "the peer closed the connection");
        end_soon(conn, CONN_EOF);
    }
    if (conn->state == STATE_ENDING) {
        set_state(conn, STATE_OVER);
        conn->callbacks.on_end(conn->arg, conn->end, &conn->err);
    }
    update(conn);
}

static void
on_turn(void *arg)
{
    struct conn *conn = arg;

    flush(conn);
    if (conn->stream.is_held && can_take_input(conn))
        take_input(conn, stream_unhold);
    stream_free_idle_input(&conn->stream);
    deliver(conn);
}

static void
on_io(void *arg, bool readable, bool writable)
{
    struct conn *conn = arg;

    if (writable) {
        conn->stream.is_blocked = false;
        flush(conn);
    }
    if (readable && !wants_read(conn))
        conn->is_read_watched = false;
    else if (readable)
        take_input(conn, stream_read);
    deliver(conn);
}

static void
on_silence(void *arg)
{
    struct conn *conn = arg;

    if (conn->state != STATE_OPEN)
        return;
    err_set(&conn->err, ERR_TEMP, "nothing came or went for %llu ms",
            (unsigned long long)conn->silence.timeout_ms);
    end_soon(conn, CONN_TIMEOUT);
}

static struct conn *
new_conn(struct loop *loop, const struct conn_callbacks *callbacks, void *arg)
{
    struct conn *conn = mem_zalloc(sizeof *conn);

    conn->loop = loop;
    conn->callbacks = *callbacks;
    conn->arg = arg;
    conn->turn.run = on_turn;
    conn->turn.arg = conn;
    idle_init(&conn->silence, loop, on_silence, conn);
    stream_init(&conn->stream, CONN_INPUT_MAX);
    return conn;
}

static void
be_open(struct conn *conn, int fd)
{
    int on = 1;

    conn->stream.fd = fd;
    if (conn->peer.len > 0 && !addr_is_unix(&conn->peer))
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    conn->io = loop_io_new(conn->loop, fd, on_io, conn);
    set_state(conn, STATE_OPEN);
    update(conn);
}

struct conn *
conn_new(struct loop *loop, int fd_take, const struct conn_callbacks *callbacks, void *arg)
{
    struct conn *conn = new_conn(loop, callbacks, arg);
    int flags = fcntl(fd_take, F_GETFL);

    assert(flags >= 0);
    if ((flags & O_NONBLOCK) == 0)
        (void)fcntl(fd_take, F_SETFL, flags | O_NONBLOCK);
    conn->peer.len = sizeof conn->peer.sa;
    if (getpeername(fd_take, (struct sockaddr *)&conn->peer.sa, &conn->peer.len) < 0)
        conn->peer.len = 0; // gone already: the first read will tell
    be_open(conn, fd_take);
    return conn;
}

static void
on_dialed(void *arg, int fd, int errnum)
{
    struct conn *conn = arg;
    char text[ADDR_TEXT_MAX];

    dial_free(&conn->dial);
    if (fd >= 0) {
        be_open(conn, fd);
        conn->open_due = true;
        flush(conn);
    } else {
        addr_format(&conn->peer, text);
        err_sys(&conn->err, ERR_TEMP, errnum, "connect to %s", text);
        break_off(conn, errnum == ETIMEDOUT ? CONN_TIMEOUT : CONN_ERROR);
    }
    deliver(conn);
}

struct conn *
conn_connect(struct loop *loop, const struct addr *addr, uint64_t timeout_ms,
             const struct conn_callbacks *callbacks, void *arg)
{
    struct conn *conn = new_conn(loop, callbacks, arg);

    conn->peer = *addr;
    conn->dial = dial_start(loop, addr, timeout_ms, on_dialed, conn);
    return conn;
}

void
conn_set_timeout(struct conn *conn, uint64_t ms)
{
    idle_set(&conn->silence, ms);
}

void
conn_set_input_max(struct conn *conn, size_t max)
{
    stream_set_input_max(&conn->stream, max);
    update(conn);
}

struct span
conn_input(const struct conn *conn)
{
    return stream_input(&conn->stream);
}

void
conn_consume(struct conn *conn, size_t len)
{
    stream_consume(&conn->stream, len);
    if (conn->stream.is_held || stream_input_len(&conn->stream) == 0)
        loop_defer(conn->loop, &conn->turn);
    update(conn);
}

void
conn_pause(struct conn *conn)
{
    conn->is_paused = true;
    update(conn);
}

void
conn_resume(struct conn *conn)
{
    if (!conn->is_paused)
        return;
    conn->is_paused = false;
    conn->input_due = true;
    if (stream_input_len(&conn->stream) > 0 || conn->stream.is_eof || conn->stream.is_held)
        loop_defer(conn->loop, &conn->turn);
    update(conn);
}

bool
conn_input_is_ended(const struct conn *conn)
{
    return conn->stream.is_eof;
}

void
conn_write(struct conn *conn, const void *data, size_t len)
{
    bool was_empty = conn_unsent(conn) == 0;

    if (conn->is_broken || len == 0)
        return;
    stream_write(&conn->stream, data, len);
    conn->has_written = true;
    if (!was_empty)
        return;
    idle_touch(&conn->silence);
    loop_defer(conn->loop, &conn->turn);
    update(conn);
}

void
conn_send(struct conn *conn, const struct span *parts, size_t count)
{
    struct err err;

    assert(conn->state != STATE_CONNECTING);
    if (conn->is_broken)
        return;
    idle_touch(&conn->silence);
    conn->has_written = true;
    take_written(conn, stream_send(&conn->stream, parts, count, &err), &err);
    loop_defer(conn->loop, &conn->turn);
}

size_t
conn_unsent(const struct conn *conn)
{
    return stream_unsent(&conn->stream);
}

int
conn_flush(struct conn *conn)
{
    flush(conn);
    if (conn->drained_due)
        loop_defer(conn->loop, &conn->turn);
    update(conn);
    return conn->is_broken ? -1 : 0;
}

size_t
conn_start_tls(struct conn *conn, struct tls_context *context, const char *server_name)
{
    size_t dropped = stream_input_len(&conn->stream);

    assert(conn->state != STATE_CONNECTING);
    if (stream_start_tls(&conn->stream, context, server_name, &conn->err) < 0)
        break_off(conn, CONN_ERROR);
    loop_defer(conn->loop, &conn->turn);
    update(conn);
    return dropped;
}

bool
conn_is_tls(const struct conn *conn)
{
    return stream_is_tls(&conn->stream);
}

const char *
conn_tls_description(const struct conn *conn)
{
    return conn_is_tls(conn) ? tls_session_description(conn->stream.tls) : "";
}

const struct addr *
conn_peer(const struct conn *conn)
{
    return &conn->peer;
}

int
conn_fd(const struct conn *conn)
{
    return conn->stream.fd;
}

void
conn_close(struct conn **conn_in, uint64_t linger_ms)
{
    struct conn *conn = *conn_in;
    struct err err;

    *conn_in = NULL;
    if (conn == NULL)
        return;
    if (conn->stream.fd >= 0 && !conn->is_broken && stream_finish(&conn->stream, &err) == 0) {
        loop_io_free(&conn->io); // before the descriptor is watched anew
        farewell_start(conn->loop, conn->stream.fd, &conn->stream.wire, conn->stream.is_eof,
                       linger_ms);
        conn->stream.fd = -1;
    }
    destroy(conn);
}

void
conn_abort(struct conn **conn)
{
    if (*conn != NULL)
        destroy(*conn);
    *conn = NULL;
}
