// SPDX-License-Identifier: BSD-2-Clause
#include "base/parcel.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 64 << 10, KEPT = 128 << 10 };

void
parcel_reader_init(struct parcel_reader *reader, int socket, const char *build_id,
                   size_t payload_max)
{
    *reader =
        (struct parcel_reader){.socket = socket, .build_id = build_id, .payload_max = payload_max};
    // A frame, and what one call read of the next.
    buf_init(&reader->in, FRAME_HEAD + payload_max + CHUNK);
}

static void
close_all(struct parcel_reader *reader)
{
    while (reader->fd_count > 0)
        (void)close(reader->fds[--reader->fd_count]);
}

void
parcel_reader_clear(struct parcel_reader *reader)
{
    close_all(reader);
    buf_clear(&reader->in);
    reader->used = 0;
}

static void
drop_used(struct parcel_reader *reader)
{
    buf_drop(&reader->in, reader->used);
    reader->used = 0;
    if (reader->in.len == 0 && reader->in.size > KEPT)
        buf_clear(&reader->in);
}

int
parcel_receive(struct parcel_reader *reader)
{
    size_t fd_count = PASS_FDS_MAX - reader->fd_count;
    char *space;
    ssize_t got;

    drop_used(reader);
    space = buf_space(&reader->in, CHUNK);
    if (space == NULL)
        return -1; // whoever calls takes whole frames out first
    got = pass_receive(reader->socket, space, CHUNK, reader->fds + reader->fd_count, &fd_count);
    if (got < 0)
        return errno == EAGAIN ? 0 : -1;
    reader->fd_count += fd_count;
    buf_filled(&reader->in, (size_t)got);
    return got == 0 ? -1 : 1;
}

enum frame_result
parcel_next(struct parcel_reader *reader, struct frame *frame_out)
{
    struct span rest = span_skip(buf_span(&reader->in), reader->used);
    enum frame_result result;
    size_t used = 0;

    if (!reader->has_hello) {
        result = frame_hello_read(rest, reader->build_id, &used);
        if (result != FRAME_DONE)
            return result;
        reader->has_hello = true;
        reader->used += used;
        rest = span_skip(rest, used);
    }
    result = frame_read(rest, reader->payload_max, frame_out, &used);
    if (result == FRAME_DONE)
        reader->used += used;
    return result;
}

int
parcel_take_fd(struct parcel_reader *reader)
{
    int fd;

    if (reader->fd_count == 0)
        return -1;
    fd = reader->fds[0];
    reader->fd_count--;
    memmove(reader->fds, reader->fds + 1, reader->fd_count * sizeof reader->fds[0]);
    return fd;
}

bool
parcel_is_empty(const struct parcel_reader *reader)
{
    return reader->in.len == reader->used && reader->fd_count == 0;
}

// A short message goes into one piece of the socket's buffer as a whole, or not at all.
static int
send_short(int socket, struct span bytes, int fd)
{
    return pass_send(socket, bytes, &fd, fd >= 0 ? 1 : 0) == (ssize_t)bytes.len ? 0 : -1;
}

int
parcel_send_hello(int socket, const char *build_id)
{
    struct buf out;
    int result = -1;

    buf_init(&out, (size_t)2 * FRAME_BUILD_ID_MAX);
    if (frame_hello_add(&out, build_id) == 0)
        result = send_short(socket, buf_span(&out), -1);
    buf_clear(&out);
    return result;
}

int
parcel_send(int socket, uint16_t type, struct span payload, int fd)
{
    struct buf out;
    int result = -1;

    buf_init(&out, FRAME_HEAD + PARCEL_SHORT_MAX);
    if (frame_add(&out, type, payload) == 0)
        result = send_short(socket, buf_span(&out), fd);
    buf_clear(&out);
    return result;
}
