// SPDX-License-Identifier: BSD-2-Clause
// mime/nursery_line.h - a worker's line to the nursery: asks for dissectors, hears of their ends.
//
// Owns: the socket. Every callback runs from the loop; the line may be freed in each.
#ifndef POSTERN_MIME_NURSERY_LINE_H
#define POSTERN_MIME_NURSERY_LINE_H

#include "base/loop.h"
#include <sys/types.h>

struct nursery_line;

struct nursery_line_events {
    void *arg;
    // One of the two for each nursery_line_spawn.
    void (*on_spawned)(void *arg, uint64_t number, pid_t pid, int pidfd_take);
    void (*on_refused)(void *arg, uint64_t number, const char *why);
    void (*on_ended)(void *arg, pid_t pid, const char *how); // "was killed by signal 11"
    void (*on_lost)(void *arg); // the nursery is gone, or talks nonsense: the last event
};

struct nursery_line *nursery_line_new(struct loop *loop, const char *build_id, int socket_take,
                                      const struct nursery_line_events *events);
void nursery_line_free(struct nursery_line **line);
// number: the caller's name for it. end: the dissector's end of a new line; stays the caller's to
// close. -1: the nursery does not read. on_lost will come where it is gone.
int nursery_line_spawn(struct nursery_line *line, uint64_t number, int end);

#endif
