// SPDX-License-Identifier: BSD-2-Clause
#include "spool/space.h"

#include <assert.h>

#include "base/log.h"
#include "base/mem.h"

enum { FRESH_MS = 1000 };

struct space {
    struct task task; // first
    struct loop *loop;
    struct tasks *tasks;
    int fd;
    bool is_looking;
    uint64_t looked_ms;
    struct fs_space left;
    uint64_t reserved; // being received; perhaps on disk already, perhaps not
    uint64_t settled;  // received since the last look
    uint64_t settled_before;
    // of the look under way
    struct fs_space seen;
    struct err err;
    int result;
};

struct space *
space_new(struct loop *loop, struct tasks *tasks, int fd, struct err *err)
{
    struct space *space = mem_zalloc(sizeof *space);

    space->loop = loop;
    space->tasks = tasks;
    space->fd = fd;
    space->looked_ms = loop_now_ms(loop);
    if (fs_get_space(fd, &space->left, err) < 0)
        mem_free(&space);
    return space;
}

void
space_free(struct space **space)
{
    mem_free(space);
}

void
space_reserve(struct space *space, uint64_t len)
{
    space->reserved += len;
}

void
space_settle(struct space *space, uint64_t len)
{
    assert(space->reserved >= len);
    space->reserved -= len;
    space->settled += len;
}

static void
work(struct task *task)
{
    struct space *space = (struct space *)task;

    space->result = fs_get_space(space->fd, &space->seen, &space->err);
}

static void
done(struct task *task)
{
    struct space *space = (struct space *)task;

    space->is_looking = false;
    if (space->result < 0) {
        log_error("spool", "cannot tell the free space: %s", space->err.text);
        return;
    }
    space->left = space->seen;
    space->settled -= space->settled_before;
}

struct fs_space
space_left(struct space *space)
{
    uint64_t now = loop_now_ms(space->loop);
    struct fs_space left = space->left;
    uint64_t gone = space->reserved + space->settled;

    if (!space->is_looking && now - space->looked_ms >= FRESH_MS) {
        space->is_looking = true;
        space->looked_ms = now;
        space->settled_before = space->settled;
        task_start(space->tasks, &space->task, work, done);
    }
    left.free_bytes = left.free_bytes > gone ? left.free_bytes - gone : 0;
    return left;
}
