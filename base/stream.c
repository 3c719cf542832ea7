// SPDX-License-Identifier: BSD-2-Clause
#include "base/stream.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/tls.h"

// One less than a round size: buf keeps a byte for NUL.
enum { READ_SMALL = 16383, READ_LARGE = 65535 };

void
stream_init(struct stream *stream, size_t input_max)
{
    *stream = (struct stream){.fd = -1, .input_max = input_max, .read_size = READ_SMALL};
    buf_init(&stream->in, input_max);
    buf_init(&stream->wire, SIZE_MAX / 4); // the owner is the bound
    buf_init(&stream->plain, SIZE_MAX / 4);
}

void
stream_clear(struct stream *stream)
{
    tls_session_free(&stream->tls);
    buf_clear(&stream->in);
    stream->in_start = 0;
    stream_drop_output(stream);
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
}

void
stream_set_input_max(struct stream *stream, size_t max)
{
    stream->input_max = max;
    stream->in.ceiling = max > stream->in.len ? max : stream->in.len;
}

size_t
stream_input_len(const struct stream *stream)
{
    return stream->in.len - stream->in_start;
}

struct span
stream_input(const struct stream *stream)
{
    return span_skip(buf_span(&stream->in), stream->in_start);
}

void
stream_consume(struct stream *stream, size_t len)
{
    assert(len <= stream_input_len(stream));
    stream->in_start += len;
}

void
stream_free_idle_input(struct stream *stream)
{
    if (stream_input_len(stream) > 0 || (stream->read_size > READ_SMALL && !stream->is_emptied))
        return;
    buf_clear(&stream->in);
    stream->in_start = 0;
}

// Consumed bytes go before more is read, not with each command that is consumed.
static void
make_room(struct stream *stream)
{
    buf_drop(&stream->in, stream->in_start);
    stream->in_start = 0;
}

static int
receive_tls(struct stream *stream, struct span received, struct err *err)
{
    if (tls_session_receive(stream->tls, received, &stream->in, &stream->wire, err) < 0)
        return -1;
    stream->is_eof = stream->is_eof || tls_session_is_ended(stream->tls);
    stream->is_held = stream_input_len(stream) >= stream->input_max;
    return 1;
}

static ssize_t
receive_clear(struct stream *stream)
{
    size_t room = stream->input_max - stream_input_len(stream);
    size_t size = room < stream->read_size ? room : stream->read_size;
    ssize_t got = recv(stream->fd, buf_space(&stream->in, size), size, 0);

    if (got <= 0)
        return got;
    buf_filled(&stream->in, (size_t)got);
    stream->is_emptied = (size_t)got < size;
    // A stream of data is read in large pieces; a dialogue does not keep memory for that.
    if ((size_t)got == stream->read_size)
        stream->read_size = READ_LARGE;
    else if (got < READ_SMALL)
        stream->read_size = READ_SMALL;
    return got;
}

static int
end_input(struct stream *stream, struct err *err)
{
    if (stream->tls != NULL && !tls_session_is_open(stream->tls))
        return err_set(err, ERR_TEMP, "connection closed during the TLS handshake");
    // Without TLS's close_notify as well: SMTP tells by itself where a message ends.
    stream->is_eof = true;
    return 1;
}

int
stream_read(struct stream *stream, struct err *err)
{
    char wire[READ_SMALL];
    ssize_t got;

    make_room(stream);
    assert(stream->in.len < stream->input_max);
    do
        got = stream->tls == NULL ? receive_clear(stream) : recv(stream->fd, wire, sizeof wire, 0);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return end_input(stream, err);
    if (got < 0)
        return errno == EAGAIN ? 0 : err_sys(err, ERR_TEMP, errno, "read");
    return stream->tls == NULL ? 1 : receive_tls(stream, span_from(wire, (size_t)got), err);
}

int
stream_unhold(struct stream *stream, struct err *err)
{
    make_room(stream);
    return receive_tls(stream, span_from(NULL, 0), err);
}

void
stream_write(struct stream *stream, const void *data, size_t len)
{
    int failed = buf_add(stream->tls != NULL ? &stream->plain : &stream->wire, data, len);

    assert(failed == 0);
}

static size_t
wire_len(const struct stream *stream)
{
    return stream->wire.len - stream->wire_start;
}

size_t
stream_unsent(const struct stream *stream)
{
    return wire_len(stream) + stream->plain.len;
}

static int
encrypt(struct stream *stream, struct err *err)
{
    int result;

    if (stream->plain.len == 0 || !stream_is_tls(stream))
        return 0;
    result = tls_session_send(stream->tls, buf_span(&stream->plain), &stream->wire, err);
    buf_clear(&stream->plain);
    return result;
}

static void
drop_sent(struct stream *stream)
{
    if (wire_len(stream) == 0)
        buf_clear(&stream->wire);
    else if (stream->wire_start > stream->wire.len / 2) // each time would be quadratic
        buf_drop(&stream->wire, stream->wire_start);
    else
        return;
    stream->wire_start = 0;
}

// If the socket takes but a part, it is full.
int
stream_flush(struct stream *stream, struct err *err)
{
    size_t len;
    ssize_t sent;

    if (encrypt(stream, err) < 0)
        return -1;
    len = wire_len(stream);
    if (len == 0 || stream->is_blocked)
        return 0;
    do
        sent = send(stream->fd, stream->wire.data + stream->wire_start, len, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno != EAGAIN)
        return err_sys(err, ERR_TEMP, errno, "write");
    stream->is_blocked = sent < (ssize_t)len;
    if (sent < 0)
        return 0;
    stream->wire_start += (size_t)sent;
    drop_sent(stream);
    return 1;
}

// What is queued, then parts. -1 with errno; 0, too, where the socket is full.
static ssize_t
send_parts(struct stream *stream, const struct span *parts, size_t count)
{
    struct iovec list[1 + STREAM_PARTS];
    struct msghdr message = {.msg_iov = list, .msg_iovlen = 1 + count};
    size_t len = wire_len(stream);
    ssize_t sent;

    list[0] = (struct iovec){.iov_base = len > 0 ? stream->wire.data + stream->wire_start : NULL,
                             .iov_len = len};
    for (size_t i = 0; i < count; i++) {
        list[1 + i] =
            (struct iovec){.iov_base = (void *)(uintptr_t)parts[i].data, .iov_len = parts[i].len};
        len += parts[i].len;
    }
    do
        sent = sendmsg(stream->fd, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    stream->is_blocked = sent < (ssize_t)len;
    return sent < 0 && errno == EAGAIN ? 0 : sent;
}

int
stream_send(struct stream *stream, const struct span *parts, size_t count, struct err *err)
{
    size_t queued = wire_len(stream), gone = 0;
    ssize_t sent = 0;

    assert(count <= STREAM_PARTS);
    if (stream->tls == NULL && !stream->is_blocked) {
        sent = send_parts(stream, parts, count);
        if (sent < 0)
            return err_sys(err, ERR_TEMP, errno, "write");
        gone = (size_t)sent;
    }
    stream->wire_start += gone < queued ? gone : queued;
    if (gone > 0)
        drop_sent(stream);
    gone -= gone < queued ? gone : queued;
    for (size_t i = 0; i < count; i++) {
        struct span rest = span_skip(parts[i], gone);

        stream_write(stream, rest.data, rest.len);
        gone -= parts[i].len - rest.len;
    }
    return sent > 0 ? 1 : 0;
}

void
stream_drop_output(struct stream *stream)
{
    buf_clear(&stream->wire);
    buf_clear(&stream->plain);
    stream->wire_start = 0;
}

int
stream_start_tls(struct stream *stream, struct tls_context *context, const char *server_name,
                 struct err *err)
{
    assert(stream->tls == NULL);
    buf_clear(&stream->in);
    stream->in_start = 0;
    stream->tls = tls_session_new(context, server_name);
    return tls_session_handshake(stream->tls, &stream->wire, err);
}

bool
stream_is_tls(const struct stream *stream)
{
    return stream->tls != NULL && tls_session_is_open(stream->tls);
}

int
stream_finish(struct stream *stream, struct err *err)
{
    if (encrypt(stream, err) < 0)
        return -1;
    if (stream->tls != NULL)
        tls_session_shutdown(stream->tls, &stream->wire);
    buf_drop(&stream->wire, stream->wire_start);
    stream->wire_start = 0;
    return 0;
}
