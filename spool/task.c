// SPDX-License-Identifier: BSD-2-Clause
#include "spool/task.h"

#include <stddef.h>

static void
run_work(struct pool_job *job)
{
    struct task *task = (struct task *)job;

    task->work(task);
}

static void
run_done(struct pool_job *job)
{
    struct task *task = (struct task *)job;
    struct tasks *tasks = task->tasks;

    task->done(task);
    tasks->pending--;
    if (tasks->pending == 0 && tasks->on_idle != NULL)
        tasks->on_idle(tasks->arg);
}

static void
start(struct tasks *tasks, struct task *task, task_step *work, task_step *done)
{
    task->job.work = run_work;
    task->job.done = run_done;
    task->tasks = tasks;
    task->work = work;
    task->done = done;
    tasks->pending++;
    pool_submit(tasks->pool, &task->job);
}

void
task_start(struct tasks *tasks, struct task *task, task_step *work, task_step *done)
{
    task->job.is_quick = false;
    start(tasks, task, work, done);
}

void
task_start_quick(struct tasks *tasks, struct task *task, task_step *work, task_step *done)
{
    task->job.is_quick = true;
    start(tasks, task, work, done);
}
