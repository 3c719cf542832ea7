// SPDX-License-Identifier: BSD-2-Clause
#include "mime/dissector_line.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parcel.h"
#include "mime/parts_file.h"

enum { KEPT = 256 << 10 }; // of a buffer between two queries

struct dissector_line {
    struct loop *loop;
    dissector_callback *callback;
    void *arg;
    int socket;
    struct loop_io *io;
    struct parcel_reader in;
    struct buf out;
    size_t sent;
    int fds[2];         // go with the first byte of out
    size_t fd_count;    // 0: none, or gone already
    uint64_t asked_len; // of the message
    uint64_t parts_max; // 0: none were asked for
    int parts_fd;
    bool is_asked; // an answer is due
    bool is_ready;
    bool is_freed; // in a callback of its own: the memory goes at the end of the turn
};

void
dissector_line_free(struct dissector_line **line)
{
    if (*line == NULL)
        return;
    loop_io_free(&(*line)->io);
    (void)close((*line)->socket);
    parcel_reader_clear(&(*line)->in);
    buf_clear(&(*line)->out);
    (*line)->is_freed = true;
    loop_free_later((*line)->loop, *line);
    *line = NULL;
}

static void
tell_nonsense(struct dissector_line *line, const char *what)
{
    struct err err = {0};

    err_set(&err, ERR_PERM, "dissector answered nonsense: %s", what);
    loop_io_want(line->io, false, false);
    line->callback(line->arg, DISSECTOR_NONSENSE, NULL, &err);
}

static void
tell_ended(struct dissector_line *line)
{
    loop_io_want(line->io, false, false);
    line->callback(line->arg, DISSECTOR_ENDED, NULL, NULL);
}

// From then on nobody changes the parts that came with it.
static int
check_findings(const struct dissector_line *line, const struct findings *findings, struct err *err)
{
    if (findings->len != line->asked_len)
        return err_set(err, ERR_PERM, "of another message");
    if (findings->parts_len > line->parts_max)
        return err_set(err, ERR_PERM, "more parts than were asked for");
    return line->parts_max == 0 ? 0 : parts_file_seal(line->parts_fd, findings->parts_len, err);
}

static void
take_answer(struct dissector_line *line, const struct frame *frame)
{
    struct findings *findings = NULL;
    struct err err = {0};
    struct span text = frame->payload;

    if (frame->type != QUERY_FOUND && frame->type != QUERY_FAILED) {
        tell_nonsense(line, "no answer");
        return;
    }
    if (frame->type == QUERY_FOUND) {
        findings = findings_read(frame->payload, &err);
        if (findings == NULL || check_findings(line, findings, &err) != 0) {
            findings_free(&findings);
            tell_nonsense(line, err.text);
            return;
        }
    } else {
        err_set(&err, ERR_TEMP, "%.*s", (int)(text.len < 300 ? text.len : 300), text.data);
    }
    if (!parcel_is_empty(&line->in)) {
        findings_free(&findings);
        tell_nonsense(line, "more than was asked for");
        return;
    }
    parcel_reader_clear(&line->in);
    line->is_asked = false;
    line->callback(line->arg, findings != NULL ? DISSECTOR_ANSWER : DISSECTOR_FAILED, findings,
                   &err);
}

// It is asked nothing before, and has nothing to answer.
static void
on_hello(struct dissector_line *line, enum frame_result result)
{
    if (result != FRAME_NEED_MORE || !parcel_is_empty(&line->in)) {
        tell_nonsense(line, "it was not asked");
        return;
    }
    line->is_ready = true;
    line->callback(line->arg, DISSECTOR_READY, NULL, NULL);
}

static void
on_readable(struct dissector_line *line)
{
    int got = parcel_receive(&line->in);
    enum frame_result result;
    struct frame frame;

    result = parcel_next(&line->in, &frame);
    if (line->in.has_hello && !line->is_ready) {
        on_hello(line, result);
        return;
    }
    // It cannot answer what it has not been told to the end.
    if (line->is_ready && got > 0 && (!line->is_asked || line->out.len > 0)) {
        tell_nonsense(line, "it was not asked");
        return;
    }
    if (result == FRAME_DONE)
        take_answer(line, &frame);
    else if (result == FRAME_BAD || line->in.fd_count > 0)
        tell_nonsense(line, "no frame of this build");
    else if (got < 0)
        tell_ended(line);
}

// -1: the other end is gone.
static int
flush(struct dissector_line *line)
{
    while (line->sent < line->out.len) {
        struct span rest = span_skip(buf_span(&line->out), line->sent);
        ssize_t taken = pass_send(line->socket, rest, line->fds, line->fd_count);

        if (taken < 0 && errno != EAGAIN)
            return -1;
        if (taken < 0) {
            loop_io_want(line->io, true, true);
            return 0;
        }
        line->fd_count = 0;
        line->sent += (size_t)taken;
    }
    loop_io_want(line->io, true, false);
    line->sent = 0;
    if (line->out.size > KEPT)
        buf_clear(&line->out);
    else
        buf_reset(&line->out);
    return 0;
}

static void
on_io(void *arg, bool readable, bool writable)
{
    struct dissector_line *line = arg;

    // What it said before it was gone counts, so the reading side tells of the end.
    if (writable && flush(line) != 0)
        loop_io_want(line->io, true, false);
    if (readable)
        on_readable(line);
}

struct dissector_line *
dissector_line_new(struct loop *loop, const char *build_id, dissector_callback *callback, void *arg,
                   int *end_out, struct err *err)
{
    struct dissector_line *line;
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        err_sys(err, ERR_TEMP, errno, "socketpair");
        return NULL;
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    line = mem_zalloc(sizeof *line);
    *line =
        (struct dissector_line){.loop = loop, .callback = callback, .arg = arg, .socket = ends[0]};
    parcel_reader_init(&line->in, line->socket, build_id, FRAME_PAYLOAD_MAX);
    buf_init(&line->out, (size_t)2 * FRAME_PAYLOAD_MAX);
    (void)parcel_send_hello(line->socket, build_id); // a new socket has room for it
    line->io = loop_io_new(loop, line->socket, on_io, line);
    loop_io_want(line->io, true, false);
    *end_out = ends[1];
    return line;
}

int
dissector_line_ask(struct dissector_line *line, const struct dissect_query *query, int fd,
                   struct err *err)
{
    struct buf payload;
    int failed;

    assert(line->is_ready && !line->is_asked && line->out.len == 0);
    buf_init(&payload, FRAME_PAYLOAD_MAX);
    failed = query_write(query, &payload);
    if (failed == 0)
        failed = frame_add(&line->out, QUERY_LOOK, buf_span(&payload));
    buf_clear(&payload);
    if (failed != 0)
        return err_set(err, ERR_PERM, "envelope and content are more than a dissector can be told");
    line->parts_max = query->parts_max;
    line->parts_fd = query->parts_fd;
    line->fd_count = 0;
    if (query->parts_max > 0)
        line->fds[line->fd_count++] = query->parts_fd;
    if (query->content.data == NULL && fd >= 0)
        line->fds[line->fd_count++] = fd;
    line->asked_len = query->len;
    line->is_asked = true;
    // Once it has the first byte, what becomes of it counts.
    if (flush(line) == 0 || line->sent > 0)
        return 0;
    return err_set(err, ERR_TEMP, "dissector is gone");
}
