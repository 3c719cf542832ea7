// SPDX-License-Identifier: BSD-2-Clause
// spool/task.h - one piece of blocking work for the pool, counted, so that nothing is freed under
// it.
//
// A task is embedded first in its owner. work runs in a thread and touches only what the task owns;
// done runs on the loop and may free the task or start it again. on_idle comes when the last done
// has returned: then no thread knows anything of ours any more.
#ifndef POSTERN_SPOOL_TASK_H
#define POSTERN_SPOOL_TASK_H

#include "base/pool.h"

struct tasks {
    struct pool *pool;
    unsigned pending;
    loop_callback *on_idle; // NULL: nobody asks
    void *arg;
};

struct task;

typedef void task_step(struct task *task);

struct task {
    struct pool_job job;
    struct tasks *tasks;
    task_step *work, *done;
};

void task_start(struct tasks *tasks, struct task *task, task_step *work, task_step *done);
// work waits for no disk (base/pool.h).
void task_start_quick(struct tasks *tasks, struct task *task, task_step *work, task_step *done);

#endif
