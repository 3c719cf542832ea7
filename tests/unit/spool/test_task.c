// SPDX-License-Identifier: BSD-2-Clause
#include "spool/task.h"

#include <pthread.h>

#include "tests/unit/harness.h"

struct chore {
    struct task task; // first
    pthread_t thread;
    unsigned rounds;
    unsigned done;
};

static struct loop *loop;
static struct tasks tasks;
static unsigned idle_calls;
static unsigned pending_at_idle;

static void
work(struct task *task)
{
    ((struct chore *)task)->thread = pthread_self();
}

static void
done(struct task *task)
{
    struct chore *chore = (struct chore *)task;

    chore->done++;
    if (chore->done < chore->rounds)
        task_start(task->tasks, task, task->work, task->done);
}

static void
on_idle(void *arg)
{
    idle_calls++;
    pending_at_idle = ((struct tasks *)arg)->pending;
}

// A task that is started again from its done is never idle in between.
static void
test_rounds(void)
{
    struct err err;
    struct chore chore = {.rounds = 3};

    loop = loop_new(&err);
    tasks = (struct tasks){.pool = pool_new(loop, 2, &err), .on_idle = on_idle, .arg = &tasks};
    task_start(&tasks, &chore.task, work, done);
    CU_ASSERT_EQUAL(tasks.pending, 1);
    CU_ASSERT_EQUAL(chore.done, 0);
    pool_free(&tasks.pool); // works off what there is
    CU_ASSERT_EQUAL(chore.done, 3);
    CU_ASSERT(!pthread_equal(chore.thread, pthread_self()));
    CU_ASSERT_EQUAL(tasks.pending, 0);
    CU_ASSERT_EQUAL(idle_calls, 1);
    CU_ASSERT_EQUAL(pending_at_idle, 0);
    loop_free(&loop);
}

static const struct unit_test tests[] = {
    {"rounds, then idle", test_rounds},
};

UNIT_MAIN("spool/task", tests)
