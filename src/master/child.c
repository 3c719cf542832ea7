// SPDX-License-Identifier: BSD-2-Clause
#include "src/master/child.h"

#include <signal.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/mem.h"

const char *
child_kind_name(enum child_kind kind)
{
    static const char *const names[] = {
        [CHILD_WORKER] = "worker", [CHILD_SCRIBE] = "scribe", [CHILD_NURSERY] = "nursery"};

    return names[kind];
}

struct child *
child_add(struct child **list, enum child_kind kind, unsigned generation, pid_t pid)
{
    struct child *child = mem_zalloc(sizeof *child);

    child->kind = kind;
    child->generation = generation;
    child->pid = pid;
    child->row = SIZE_MAX;
    child->channel = -1;
    child->next = *list;
    *list = child;
    return child;
}

struct child *
child_find(struct child *list, pid_t pid)
{
    while (list != NULL && list->pid != pid)
        list = list->next;
    return list;
}

struct child *
child_single(struct child *list, enum child_kind kind, unsigned generation)
{
    while (list != NULL && (list->kind != kind || list->generation != generation))
        list = list->next;
    return list;
}

size_t
child_count(const struct child *list, unsigned generation)
{
    size_t count = 0;

    for (; list != NULL; list = list->next)
        count += list->generation == generation ? 1 : 0;
    return count;
}

bool
child_all_ready(const struct child *list, unsigned generation)
{
    for (; list != NULL; list = list->next) {
        if (list->generation == generation && !list->is_ready)
            return false;
    }
    return true;
}

void
child_remove(struct child **list, struct child *child)
{
    while (*list != child)
        list = &(*list)->next;
    *list = child->next;
    loop_io_free(&child->io);
    if (child->channel >= 0)
        (void)close(child->channel);
    mem_free(&child);
}

bool
child_is_of(const struct child *child, unsigned generation)
{
    return child->generation == generation;
}

bool
child_is_older(const struct child *child, unsigned generation)
{
    return child->generation < generation;
}

void
child_kill(const struct child *list, int signal_number,
           bool (*which)(const struct child *, unsigned), unsigned generation)
{
    for (; list != NULL; list = list->next) {
        if (which(list, generation))
            (void)kill(list->pid, signal_number);
    }
}

void
child_tell(const struct child *list, int type, unsigned generation)
{
    for (; list != NULL; list = list->next) {
        if (list->generation == generation && list->channel >= 0)
            (void)channel_send(list->channel, (enum channel_type)type, "", -1);
    }
}
