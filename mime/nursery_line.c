// SPDX-License-Identifier: BSD-2-Clause
#include "mime/nursery_line.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parcel.h"
#include "mime/query.h"

enum { PAYLOAD_MAX = 400 };

struct nursery_line {
    struct nursery_line_events events;
    struct loop *loop;
    int socket;
    struct loop_io *io;
    struct parcel_reader in;
    bool is_freed; // in a callback of its own: the memory goes at the end of the turn
};

void
nursery_line_free(struct nursery_line **line)
{
    if (*line == NULL)
        return;
    loop_io_free(&(*line)->io);
    (void)close((*line)->socket);
    parcel_reader_clear(&(*line)->in);
    (*line)->is_freed = true;
    loop_free_later((*line)->loop, *line);
    *line = NULL;
}

// Cut where it is too long.
static const char *
text_of(struct span span, char out[PAYLOAD_MAX + 1])
{
    (void)snprintf(out, PAYLOAD_MAX + 1, "%.*s", (int)span.len, span.len > 0 ? span.data : "");
    return out;
}

static int
cut_pid(struct span *rest, pid_t *pid_out)
{
    uint64_t pid;

    if (str_parse_u64(span_cut(rest, ' '), INT_MAX, &pid) != 0)
        return -1;
    *pid_out = (pid_t)pid;
    return 0;
}

static int
on_answer(struct nursery_line *line, struct span rest)
{
    const struct nursery_line_events *events = &line->events;
    int fd = parcel_take_fd(&line->in);
    char text[PAYLOAD_MAX + 1];
    uint64_t number;
    pid_t pid;

    if (str_parse_u64(span_cut(&rest, ' '), UINT64_MAX, &number) != 0 ||
        cut_pid(&rest, &pid) != 0 || (fd >= 0) != (pid > 0)) {
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    if (pid > 0)
        events->on_spawned(events->arg, number, pid, fd);
    else
        events->on_refused(events->arg, number, text_of(rest, text));
    return 0;
}

static int
on_frame(struct nursery_line *line, const struct frame *frame)
{
    struct span rest = frame->payload;
    char text[PAYLOAD_MAX + 1];
    pid_t pid;

    if (frame->type == QUERY_SPAWNED)
        return on_answer(line, rest);
    if (frame->type != QUERY_ENDED || cut_pid(&rest, &pid) != 0)
        return -1;
    line->events.on_ended(line->events.arg, pid, text_of(rest, text));
    return 0;
}

static void
on_io(void *arg, bool readable, bool writable)
{
    struct nursery_line *line = arg;
    int got = parcel_receive(&line->in);
    enum frame_result result = FRAME_NEED_MORE;
    bool is_bad = false;
    struct frame frame;

    (void)readable;
    (void)writable;
    while (!is_bad && !line->is_freed && (result = parcel_next(&line->in, &frame)) == FRAME_DONE)
        is_bad = on_frame(line, &frame) != 0;
    if (line->is_freed || (got >= 0 && result != FRAME_BAD && !is_bad))
        return;
    loop_io_want(line->io, false, false);
    line->events.on_lost(line->events.arg);
}

struct nursery_line *
nursery_line_new(struct loop *loop, const char *build_id, int socket_take,
                 const struct nursery_line_events *events)
{
    struct nursery_line *line = mem_zalloc(sizeof *line);

    line->events = *events;
    line->loop = loop;
    line->socket = socket_take;
    (void)fcntl(socket_take, F_SETFL, O_NONBLOCK);
    parcel_reader_init(&line->in, socket_take, build_id, PAYLOAD_MAX);
    // Where this fails the line has ended, and on_lost will tell.
    (void)parcel_send_hello(socket_take, build_id);
    line->io = loop_io_new(loop, socket_take, on_io, line);
    loop_io_want(line->io, true, false);
    return line;
}

int
nursery_line_spawn(struct nursery_line *line, uint64_t number, int end)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%" PRIu64, number);
    return parcel_send(line->socket, QUERY_SPAWN, span_of(text), end);
}
