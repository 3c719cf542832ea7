// SPDX-License-Identifier: BSD-2-Clause
#include "base/idle.h"

#include "tests/unit/harness.h"

struct fixture {
    struct loop *loop;
    struct idle idle;
    struct loop_timer *ticker, *stopper;
    uint64_t began_ms, told_ms;
    unsigned told, ticks;
};

static void
on_idle(void *arg)
{
    struct fixture *f = arg;

    f->told++;
    f->told_ms = loop_now_ms(f->loop) - f->began_ms;
}

// A sign of life each 10 ms.
static void
on_tick(void *arg)
{
    struct fixture *f = arg;

    idle_touch(&f->idle);
    if (--f->ticks > 0)
        loop_timer_start(f->ticker, 10);
}

static void
on_stop(void *arg)
{
    loop_stop(((struct fixture *)arg)->loop);
}

static void
set_up(struct fixture *f)
{
    struct err err;

    memset(f, 0, sizeof *f);
    f->loop = loop_new(&err);
    idle_init(&f->idle, f->loop, on_idle, f);
    f->ticker = loop_timer_new(f->loop, on_tick, f);
    f->stopper = loop_timer_new(f->loop, on_stop, f);
    f->began_ms = loop_now_ms(f->loop);
}

static void
tear_down(struct fixture *f)
{
    idle_clear(&f->idle);
    loop_timer_free(&f->ticker);
    loop_timer_free(&f->stopper);
    loop_free(&f->loop);
}

static void
run_for(struct fixture *f, uint64_t ms)
{
    loop_timer_start(f->stopper, ms);
    loop_run(f->loop);
}

static void
test_told_once(void)
{
    struct fixture f;

    set_up(&f);
    idle_set(&f.idle, 20);
    run_for(&f, 40);
    CU_ASSERT_EQUAL(f.told, 0); // nobody is watching
    idle_watch(&f.idle, true);
    idle_watch(&f.idle, true);
    run_for(&f, 100);
    CU_ASSERT_EQUAL(f.told, 1);
    CU_ASSERT_TRUE(f.told_ms >= 40);
    idle_watch(&f.idle, true); // anew
    run_for(&f, 100);
    CU_ASSERT_EQUAL(f.told, 2);
    tear_down(&f);
}

static void
test_signs_of_life(void)
{
    struct fixture f;

    set_up(&f);
    idle_set(&f.idle, 200);
    idle_watch(&f.idle, true);
    f.ticks = 30;
    loop_timer_start(f.ticker, 10);
    run_for(&f, 1500);
    CU_ASSERT_EQUAL(f.ticks, 0);
    CU_ASSERT_EQUAL(f.told, 1);
    CU_ASSERT_TRUE(f.told_ms >= 400); // 30 ticks of at least 8 ms, and the silence
    tear_down(&f);
}

static void
test_off_and_on(void)
{
    struct fixture f;

    set_up(&f);
    idle_watch(&f.idle, true); // no time is set
    run_for(&f, 10);
    idle_set(&f.idle, 30);
    run_for(&f, 10);
    idle_watch(&f.idle, false);
    run_for(&f, 60);
    CU_ASSERT_EQUAL(f.told, 0);
    idle_watch(&f.idle, true);
    idle_set(&f.idle, 0);
    run_for(&f, 60);
    CU_ASSERT_EQUAL(f.told, 0);
    tear_down(&f);
}

static void
test_time_made_shorter_and_longer(void)
{
    struct fixture f;

    set_up(&f);
    idle_watch(&f.idle, true);
    idle_set(&f.idle, 100000);
    idle_set(&f.idle, 20); // the timer that runs would fire too late
    run_for(&f, 100);
    CU_ASSERT_EQUAL(f.told, 1);
    idle_watch(&f.idle, true);
    idle_set(&f.idle, 20);
    idle_set(&f.idle, 100000); // this one fires early and finds out
    run_for(&f, 60);
    CU_ASSERT_EQUAL(f.told, 1);
    tear_down(&f);
}

static const struct unit_test tests[] = {
    {"told once",                    test_told_once                   },
    {"signs of life put it off",     test_signs_of_life               },
    {"off and on",                   test_off_and_on                  },
    {"time made shorter and longer", test_time_made_shorter_and_longer},
};

UNIT_MAIN("base/idle", tests)
