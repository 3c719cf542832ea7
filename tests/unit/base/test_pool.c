// SPDX-License-Identifier: BSD-2-Clause
#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

#include "tests/unit/harness.h"

enum { JOBS = 2000 };

struct job {
    struct pool_job job;
    struct fixture *fixture;
    unsigned works, dones, wanted;
    bool has_signals_blocked;
};

struct fixture {
    struct loop *loop;
    struct pool *pool;
    struct job jobs[JOBS];
    unsigned count;             // jobs to be waited for
    unsigned order[JOBS], next; // of the works, one thread only
    pthread_barrier_t barrier;
    bool is_submitting;
};

static struct fixture fixture;

static void
work(struct pool_job *job)
{
    struct job *own = (struct job *)job;

    own->works++;
}

static void
done(struct pool_job *job)
{
    struct job *own = (struct job *)job;

    CU_ASSERT_FALSE(fixture.is_submitting);
    own->dones++;
    CU_ASSERT_EQUAL(own->works, own->dones);
    if (own->dones < own->wanted)
        pool_submit(fixture.pool, job);
    else if (--fixture.count == 0)
        loop_stop(fixture.loop);
}

static void
set_up(unsigned threads)
{
    struct err err;

    memset(&fixture, 0, sizeof fixture);
    fixture.loop = loop_new(&err);
    fixture.pool = pool_new(fixture.loop, threads, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fixture.pool);
}

static void
submit(unsigned count, unsigned times, void (*work_to_do)(struct pool_job *))
{
    fixture.count += count;
    fixture.is_submitting = true;
    for (unsigned i = 0; i < count; i++) {
        fixture.jobs[i].job.work = work_to_do;
        fixture.jobs[i].job.done = done;
        fixture.jobs[i].wanted = times;
        pool_submit(fixture.pool, &fixture.jobs[i].job);
    }
    fixture.is_submitting = false;
}

static void
tear_down(void)
{
    pool_free(&fixture.pool);
    CU_ASSERT_PTR_NULL(fixture.pool);
    loop_free(&fixture.loop);
}

static void
check_all_done(unsigned count, unsigned times)
{
    unsigned wrong = 0;

    for (unsigned i = 0; i < count; i++)
        wrong += fixture.jobs[i].works != times || fixture.jobs[i].dones != times;
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(pool_pending(fixture.pool), 0);
}

static void
test_each_is_done_once(void)
{
    static const unsigned threads[] = {1, 2, 4, 64};

    for (size_t i = 0; i < UNIT_COUNT(threads); i++) {
        set_up(threads[i]);
        submit(JOBS, 1, work);
        CU_ASSERT_EQUAL(pool_pending(fixture.pool), JOBS);
        loop_run(fixture.loop);
        check_all_done(JOBS, 1);
        tear_down();
    }
}

static void
test_submitted_again_in_done(void)
{
    set_up(3);
    submit(20, 50, work);
    loop_run(fixture.loop);
    check_all_done(20, 50);
    tear_down();
}

static void
work_in_order(struct pool_job *job)
{
    struct job *own = (struct job *)job;

    own->works++;
    fixture.order[fixture.next++] = (unsigned)(own - fixture.jobs);
}

static void
test_order_of_submission(void)
{
    unsigned wrong = 0;

    set_up(1);
    submit(JOBS, 1, work_in_order);
    loop_run(fixture.loop);
    for (unsigned i = 0; i < JOBS; i++)
        wrong += fixture.order[i] != i;
    CU_ASSERT_EQUAL(wrong, 0);
    tear_down();
}

static void
work_with_others(struct pool_job *job)
{
    ((struct job *)job)->works++;
    pthread_barrier_wait(&fixture.barrier);
}

static void
test_several_at_once(void)
{
    set_up(4);
    pthread_barrier_init(&fixture.barrier, NULL, 4);
    // Each waits for the three others: one thread too few awake, and this would hang.
    for (unsigned round = 0; round < 50; round++) {
        memset(fixture.jobs, 0, sizeof fixture.jobs[0] * 4);
        submit(4, 1, work_with_others);
        loop_run(fixture.loop);
        check_all_done(4, 1);
    }
    tear_down();
    pthread_barrier_destroy(&fixture.barrier);
}

// A thread at a quick job counts for quick ones alone, one at another for none.
static void
test_beside_quick(void)
{
    static const struct {
        const char *name;
        bool is_quick[3];
    } rows[] = {
        {"quick beside others", {false, false, true}},
        {"others beside quick", {true, false, false}},
        {"in between",          {false, true, false}},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        set_up(3);
        pthread_barrier_init(&fixture.barrier, NULL, 3);
        for (unsigned k = 0; k < 3; k++)
            fixture.jobs[k].job.is_quick = rows[i].is_quick[k];
        submit(3, 1, work_with_others);
        loop_run(fixture.loop);
        check_all_done(3, 1);
        pthread_barrier_destroy(&fixture.barrier);
        tear_down();
    }
}

static struct loop_timer *timer;
static atomic_bool has_begun;

static void
work_held(struct pool_job *job)
{
    atomic_store(&has_begun, true);
    work_with_others(job);
}

// First two that meet, when both threads sleep; then another, when a thread is at the first.
static void
submit_quick(void *arg)
{
    struct job *third = &fixture.jobs[2];

    (void)arg;
    if (fixture.jobs[0].wanted == 0) {
        fixture.jobs[0].job.is_quick = fixture.jobs[1].job.is_quick = true;
        submit(2, 1, work_held);
    }
    if (!atomic_load(&has_begun)) {
        loop_timer_start(timer, 10);
        return;
    }
    third->job = (struct pool_job){.work = work, .done = done, .is_quick = true};
    third->wanted = 1;
    pool_submit(fixture.pool, &third->job);
}

// The first waits, as if for the disk, until the second runs: a later turn wakes a thread for it.
static void
test_quick_held_up(void)
{
    set_up(2);
    atomic_store(&has_begun, false);
    fixture.count = 1;
    pthread_barrier_init(&fixture.barrier, NULL, 2);
    timer = loop_timer_new(fixture.loop, submit_quick, NULL);
    loop_timer_start(timer, 10);
    loop_run(fixture.loop);
    check_all_done(3, 1);
    loop_timer_free(&timer);
    pthread_barrier_destroy(&fixture.barrier);
    tear_down();
}

static void
test_quick_ones(void)
{
    static const unsigned threads[] = {1, 2, 64};

    for (size_t i = 0; i < UNIT_COUNT(threads); i++) {
        set_up(threads[i]);
        for (unsigned k = 0; k < JOBS; k++)
            fixture.jobs[k].job.is_quick = k % 5 != 0;
        submit(JOBS, 3, work);
        loop_run(fixture.loop);
        check_all_done(JOBS, 3);
        tear_down();
    }
}

static void
work_looking_at_signals(struct pool_job *job)
{
    struct job *own = (struct job *)job;
    sigset_t blocked;

    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    own->works++;
    own->has_signals_blocked = sigismember(&blocked, SIGTERM) == 1 &&
                               sigismember(&blocked, SIGUSR1) == 1 &&
                               sigismember(&blocked, SIGHUP) == 1;
}

static void
test_signals_are_blocked(void)
{
    sigset_t blocked;

    set_up(1);
    submit(1, 1, work_looking_at_signals);
    loop_run(fixture.loop);
    CU_ASSERT_TRUE(fixture.jobs[0].has_signals_blocked);
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    CU_ASSERT_EQUAL(sigismember(&blocked, SIGTERM), 0);
    tear_down();
}

static void
test_free_works_off(void)
{
    unsigned wrong = 0;

    set_up(2);
    submit(500, 3, work);
    tear_down();
    for (unsigned i = 0; i < 500; i++)
        wrong += fixture.jobs[i].dones != 3;
    CU_ASSERT_EQUAL(wrong, 0);
    set_up(2);
    tear_down();
}

static const struct unit_test tests[] = {
    {"each is done once, on the loop",    test_each_is_done_once      },
    {"submitted again in done",           test_submitted_again_in_done},
    {"jobs start in order",               test_order_of_submission    },
    {"several at once",                   test_several_at_once        },
    {"beside quick ones",                 test_beside_quick           },
    {"a quick one that the disk holds",   test_quick_held_up          },
    {"quick ones are done once, too",     test_quick_ones             },
    {"signals are blocked in threads",    test_signals_are_blocked    },
    {"free works off what was submitted", test_free_works_off         },
};

UNIT_MAIN("base/pool", tests)
