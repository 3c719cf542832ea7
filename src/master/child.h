// SPDX-License-Identifier: BSD-2-Clause
// src/master/child.h - the table of the master's children: who runs, for which generation, over
// which line.
//
// Plain bookkeeping; master.c decides. A generation is one configuration's set of children; at most
// two live side by side, the older one draining.
#ifndef POSTERN_SRC_CHILD_H
#define POSTERN_SRC_CHILD_H

#include "base/counter.h"
#include "base/loop.h"
#include <sys/types.h>

enum child_kind { CHILD_WORKER, CHILD_SCRIBE, CHILD_NURSERY };

const char *child_kind_name(enum child_kind kind);

struct child {
    struct child *next;
    void *owner; // the master
    enum child_kind kind;
    unsigned generation;
    size_t index; // of a worker, in its generation
    size_t row;   // of a worker, in the counter page; SIZE_MAX: none
    pid_t pid;
    int channel;
    struct loop_io *io;
    uint64_t started_ms;
    bool is_ready, is_draining;
};

struct child *child_add(struct child **list, enum child_kind kind, unsigned generation, pid_t pid);
struct child *child_find(struct child *list, pid_t pid);
// The generation's only one of that kind; NULL: none.
struct child *child_single(struct child *list, enum child_kind kind, unsigned generation);
size_t child_count(const struct child *list, unsigned generation);
bool child_all_ready(const struct child *list, unsigned generation);
void child_remove(struct child **list, struct child *child); // closes its channel
void child_kill(const struct child *list, int signal_number,
                bool (*which)(const struct child *, unsigned), unsigned generation);
bool child_is_of(const struct child *child, unsigned generation);
bool child_is_older(const struct child *child, unsigned generation);
void child_tell(const struct child *list, int type,
                unsigned generation); // a channel message without text

#endif
