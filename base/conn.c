// SPDX-License-Identifier: BSD-2-Clause
#include "base/conn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/dial.h"
#include "base/farewell.h"
#include "base/idle.h"
#include "base/mem.h"
#include "base/tls.h"

enum { READ_SIZE = 16383 }; // one less than a round size: buf keeps a byte for NUL

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
    int fd; // -1: not yet connected
    struct addr peer;
    struct dial *dial;         // while connecting
    struct loop_io *io;        // from then on
    struct loop_deferred turn; // flushes, then tells the owner
    struct idle silence;

    struct buf in;   // plaintext
    size_t in_start; // consumed
    size_t input_max;
    size_t read_size; // how much to ask the socket for
    struct buf wire;  // as it goes out
    size_t wire_start;
    struct tls_session *tls;
    struct buf plain; // output that TLS has not seen yet

    bool is_paused, is_eof;
    bool is_read_watched;
    bool is_blocked;                       // the socket takes no more until it is writable
    bool is_broken;                        // nothing can be written any more
    bool is_tls_full;                      // the session may hold input that in had no room for
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

static size_t
input_len(const struct conn *conn)
{
    return conn->in.len - conn->in_start;
}

static size_t
wire_len(const struct conn *conn)
{
    return conn->wire.len - conn->wire_start;
}

static bool
can_take_input(const struct conn *conn)
{
    return conn->state == STATE_OPEN && !conn->is_paused && input_len(conn) < conn->input_max;
}

static bool
wants_read(const struct conn *conn)
{
    return can_take_input(conn) && !conn->is_eof && !conn->is_tls_full;
}

// A pause is mostly short and nothing comes meanwhile, so the socket stays watched until something
// does come that is not wanted (see on_io): that saves two system calls a message.
static void
update(struct conn *conn)
{
    if (conn->state == STATE_CONNECTING || conn->state == STATE_CLOSED)
        return;
    if (conn->state != STATE_OPEN || conn->is_eof)
        conn->is_read_watched = false;
    else if (wants_read(conn))
        conn->is_read_watched = true;
    if (conn->io != NULL)
        loop_io_want(conn->io, conn->is_read_watched,
                     conn->state == STATE_OPEN && conn->is_blocked && wire_len(conn) > 0);
    idle_watch(&conn->silence,
               conn->state == STATE_OPEN && (wants_read(conn) || conn_unsent(conn) > 0));
}

static void
end_soon(struct conn *conn, enum conn_end end)
{
    conn->end = end;
    set_state(conn, STATE_ENDING);
    loop_defer(conn->loop, &conn->turn);
}

static void
drop_output(struct conn *conn)
{
    buf_clear(&conn->wire);
    buf_clear(&conn->plain);
    conn->wire_start = 0;
}

static void
break_off(struct conn *conn, enum conn_end end)
{
    conn->is_broken = true;
    drop_output(conn);
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
    tls_session_free(&conn->tls);
    buf_clear(&conn->in);
    drop_output(conn);
    if (conn->fd >= 0)
        close(conn->fd);
    loop_free_later(conn->loop, conn);
}

static int
encrypt(struct conn *conn)
{
    int result;

    if (conn->tls == NULL || conn->plain.len == 0 || !tls_session_is_open(conn->tls))
        return 0;
    result = tls_session_send(conn->tls, buf_span(&conn->plain), &conn->wire, &conn->err);
    buf_clear(&conn->plain);
    return result;
}

static void
drop_sent(struct conn *conn)
{
    if (wire_len(conn) == 0)
        buf_clear(&conn->wire);
    else if (conn->wire_start > conn->wire.len / 2) // not each time: that would be quadratic
        buf_drop(&conn->wire, conn->wire_start);
    else
        return;
    conn->wire_start = 0;
}

// One call: if the socket takes but a part, it is full.
static int
send_wire(struct conn *conn)
{
    size_t len = wire_len(conn);
    ssize_t sent;

    if (len == 0 || conn->is_blocked)
        return 0;
    do
        sent = send(conn->fd, conn->wire.data + conn->wire_start, len, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno != EAGAIN)
        return err_sys(&conn->err, ERR_TEMP, errno, "write");
    conn->is_blocked = sent < (ssize_t)len;
    if (sent < 0)
        return 0;
    idle_touch(&conn->silence);
    conn->wire_start += (size_t)sent;
    drop_sent(conn);
    // What a TLS handshake sends is none of the owner's output.
    conn->drained_due = !conn->is_blocked && (conn->tls == NULL || tls_session_is_open(conn->tls));
    return 0;
}

static void
receive_tls(struct conn *conn, struct span received)
{
    bool was_open = tls_session_is_open(conn->tls);
    size_t before = conn->in.len;
    struct err err;

    if (tls_session_receive(conn->tls, received, &conn->in, &conn->wire, &err) < 0) {
        (void)send_wire(conn); // the alert, if the socket takes it
        conn->err = err;
        break_off(conn, CONN_ERROR);
        return;
    }
    conn->open_due = conn->open_due || (!was_open && tls_session_is_open(conn->tls));
    conn->is_eof = conn->is_eof || tls_session_is_ended(conn->tls);
    conn->input_due = conn->input_due || conn->is_eof || conn->in.len > before;
    conn->is_tls_full = input_len(conn) >= conn->input_max;
    if (conn_unsent(conn) > 0)
        loop_defer(conn->loop, &conn->turn);
}

static ssize_t
receive_clear(struct conn *conn)
{
    size_t room = conn->input_max - input_len(conn);
    size_t size = room < conn->read_size ? room : conn->read_size;
    ssize_t got = recv(conn->fd, buf_space(&conn->in, size), size, 0);

    if (got <= 0)
        return got;
    buf_filled(&conn->in, (size_t)got);
    conn->input_due = true;
    // A stream of data is read in large pieces; a dialogue does not keep memory for that.
    if ((size_t)got == conn->read_size)
        conn->read_size = CONN_INPUT_MAX;
    else if (got < READ_SIZE)
        conn->read_size = READ_SIZE;
    return got;
}

static ssize_t
receive(struct conn *conn)
{
    char wire[READ_SIZE];
    ssize_t got;

    if (conn->tls == NULL)
        return receive_clear(conn);
    got = recv(conn->fd, wire, sizeof wire, 0);
    if (got > 0)
        receive_tls(conn, span_from(wire, (size_t)got));
    return got;
}

static void
drop_consumed(struct conn *conn)
{
    buf_drop(&conn->in, conn->in_start);
    conn->in_start = 0;
}

static void
read_some(struct conn *conn)
{
    ssize_t got;

    drop_consumed(conn);
    do
        got = receive(conn);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        idle_touch(&conn->silence);
    } else if (got == 0 && conn->tls != NULL && !tls_session_is_open(conn->tls)) {
        err_set(&conn->err, ERR_TEMP, "connection closed during the TLS handshake");
        break_off(conn, CONN_ERROR);
    } else if (got == 0) {
        conn->is_eof = true;
        conn->input_due = true; // once more, for the owner to see that there will be no rest
    } else if (errno != EAGAIN) {
        err_sys(&conn->err, ERR_TEMP, errno, "read");
        break_off(conn, CONN_ERROR);
    }
}

// A peer that told why it hangs up, and did so, may have let our write fail before we read the why.
static void
fail_write(struct conn *conn)
{
    struct err err = conn->err;

    if (wants_read(conn))
        read_some(conn);
    conn->err = err;
    break_off(conn, CONN_ERROR);
}

static void
flush(struct conn *conn)
{
    if (conn->is_broken || conn->state == STATE_CONNECTING)
        return;
    if (encrypt(conn) < 0 || send_wire(conn) < 0)
        fail_write(conn);
}

static void
tell_input(struct conn *conn)
{
    conn->input_due = false;
    if (input_len(conn) > 0)
        conn->callbacks.on_input(conn->arg);
}

static void
tell_drained(struct conn *conn)
{
    conn->drained_due = false;
    if (conn->callbacks.on_drained != NULL && conn_unsent(conn) == 0 && !conn->is_broken)
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
    if (conn->state == STATE_OPEN && conn->is_eof && !conn->is_paused && !conn->input_due &&
        !conn->is_tls_full) {
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
    if (conn->is_tls_full && can_take_input(conn)) {
        drop_consumed(conn);
        receive_tls(conn, span_from(NULL, 0));
    }
    // An idle connection holds no memory, one in the middle of much data keeps it.
    if (input_len(conn) == 0 && conn->read_size == READ_SIZE) {
        buf_clear(&conn->in);
        conn->in_start = 0;
    }
    deliver(conn);
}

static void
on_io(void *arg, bool readable, bool writable)
{
    struct conn *conn = arg;

    if (writable) {
        conn->is_blocked = false;
        flush(conn);
    }
    if (readable && !wants_read(conn))
        conn->is_read_watched = false;
    else if (readable)
        read_some(conn);
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
    conn->fd = -1;
    conn->turn.run = on_turn;
    conn->turn.arg = conn;
    idle_init(&conn->silence, loop, on_silence, conn);
    conn->input_max = CONN_INPUT_MAX;
    conn->read_size = READ_SIZE;
    buf_init(&conn->in, CONN_INPUT_MAX);
    buf_init(&conn->wire, SIZE_MAX / 4); // the owner is the bound
    buf_init(&conn->plain, SIZE_MAX / 4);
    return conn;
}

static void
be_open(struct conn *conn, int fd)
{
    int on = 1;

    conn->fd = fd;
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
    conn->input_max = max;
    conn->in.ceiling = max > conn->in.len ? max : conn->in.len;
    update(conn);
}

struct span
conn_input(const struct conn *conn)
{
    return span_skip(buf_span(&conn->in), conn->in_start);
}

void
conn_consume(struct conn *conn, size_t len)
{
    assert(len <= input_len(conn));
    conn->in_start += len;
    if (conn->is_tls_full || input_len(conn) == 0)
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
    if (input_len(conn) > 0 || conn->is_eof || conn->is_tls_full)
        loop_defer(conn->loop, &conn->turn);
    update(conn);
}

bool
conn_input_is_ended(const struct conn *conn)
{
    return conn->is_eof;
}

void
conn_write(struct conn *conn, const void *data, size_t len)
{
    bool was_empty = conn_unsent(conn) == 0;
    int failed;

    if (conn->is_broken || len == 0)
        return;
    failed = buf_add(conn->tls != NULL ? &conn->plain : &conn->wire, data, len);
    assert(failed == 0);
    if (!was_empty)
        return;
    idle_touch(&conn->silence);
    loop_defer(conn->loop, &conn->turn);
    update(conn);
}

size_t
conn_unsent(const struct conn *conn)
{
    return wire_len(conn) + conn->plain.len;
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
    size_t dropped = input_len(conn);

    assert(conn->tls == NULL && conn->state != STATE_CONNECTING);
    buf_clear(&conn->in);
    conn->in_start = 0;
    conn->tls = tls_session_new(context, server_name);
    if (tls_session_handshake(conn->tls, &conn->wire, &conn->err) < 0)
        break_off(conn, CONN_ERROR);
    loop_defer(conn->loop, &conn->turn);
    update(conn);
    return dropped;
}

bool
conn_is_tls(const struct conn *conn)
{
    return conn->tls != NULL && tls_session_is_open(conn->tls);
}

const char *
conn_tls_description(const struct conn *conn)
{
    return conn_is_tls(conn) ? tls_session_description(conn->tls) : "";
}

const struct addr *
conn_peer(const struct conn *conn)
{
    return &conn->peer;
}

int
conn_fd(const struct conn *conn)
{
    return conn->fd;
}

void
conn_close(struct conn **conn_in, uint64_t linger_ms)
{
    struct conn *conn = *conn_in;

    *conn_in = NULL;
    if (conn == NULL)
        return;
    if (conn->is_broken || conn->fd < 0 || encrypt(conn) < 0) {
        destroy(conn);
        return;
    }
    if (conn_is_tls(conn))
        tls_session_shutdown(conn->tls, &conn->wire);
    buf_drop(&conn->wire, conn->wire_start);
    conn->wire_start = 0;
    loop_io_free(&conn->io); // before the descriptor is watched anew
    farewell_start(conn->loop, conn->fd, &conn->wire, conn->is_eof, linger_ms);
    conn->fd = -1;
    destroy(conn);
}

void
conn_abort(struct conn **conn)
{
    if (*conn != NULL)
        destroy(*conn);
    *conn = NULL;
}
