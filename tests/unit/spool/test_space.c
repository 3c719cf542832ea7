// SPDX-License-Identifier: BSD-2-Clause
#include "spool/space.h"

#include "tests/unit/spool/kit.h"

static struct loop *loop;
static struct tasks tasks;
static struct loop_timer *stop;

static void
stop_loop(void *arg)
{
    (void)arg;
    loop_stop(loop);
}

static void
run_for(uint64_t ms)
{
    loop_timer_start(stop, ms);
    loop_run(loop);
}

// What is being received is taken off, and what was received since the last look, too.
static void
test_reserve(void)
{
    enum { MUCH = 1 << 30 };
    struct err err;
    struct space *space;
    uint64_t before, after;
    int fd = open("/tmp", O_RDONLY | O_DIRECTORY);

    loop = loop_new(&err);
    tasks = (struct tasks){.pool = pool_new(loop, 1, &err)};
    stop = loop_timer_new(loop, stop_loop, NULL);
    space = space_new(loop, &tasks, fd, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(space);
    before = space_left(space).free_bytes;
    CU_ASSERT_FATAL(before > MUCH);
    space_reserve(space, MUCH);
    CU_ASSERT_EQUAL(space_left(space).free_bytes, before - MUCH);
    space_settle(space, MUCH);
    CU_ASSERT_EQUAL(space_left(space).free_bytes, before - MUCH);
    CU_ASSERT_EQUAL(tasks.pending, 0); // not looked at again so soon
    run_for(1100);
    (void)space_left(space);
    CU_ASSERT_EQUAL(tasks.pending, 1);
    (void)space_left(space);
    CU_ASSERT_EQUAL(tasks.pending, 1);
    while (tasks.pending > 0)
        run_for(1);
    after = space_left(space).free_bytes;
    CU_ASSERT(after > before - MUCH / 2); // others use the disk as well
    space_reserve(space, UINT64_MAX / 2);
    CU_ASSERT_EQUAL(space_left(space).free_bytes, 0);
    space_settle(space, UINT64_MAX / 2);
    space_free(&space);
    CU_ASSERT_PTR_NULL(space);
    pool_free(&tasks.pool);
    loop_timer_free(&stop);
    loop_free(&loop);
    close(fd);
}

static void
test_no_folder(void)
{
    struct err err = {0};

    loop = loop_new(&err);
    CU_ASSERT_PTR_NULL(space_new(loop, &tasks, -1, &err));
    CU_ASSERT_EQUAL(err.kind, ERR_TEMP);
    loop_free(&loop);
}

static const struct unit_test tests[] = {
    {"taken off",        test_reserve  },
    {"cannot be looked", test_no_folder},
};

UNIT_MAIN("spool/space", tests)
