// SPDX-License-Identifier: BSD-2-Clause
#include "spool/syncer.h"

#include "tests/unit/spool/faults.h"
#include "tests/unit/spool/kit.h"

// A bare loop with a pool: no spool.
static struct loop *loop;
static struct tasks tasks;
static struct syncer *syncer;
static struct loop_timer *stop;
static char folder[64];
static unsigned failures;
static char failed_text[400];

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

static void
on_failed(void *arg, const struct err *err)
{
    (void)arg;
    failures++;
    snprintf(failed_text, sizeof failed_text, "%s", err->text);
}

static void
begin(bool is_real)
{
    struct err err;

    kit_folder(folder);
    memset(faults, 0, sizeof faults);
    failures = 0;
    loop = loop_new(&err);
    tasks = (struct tasks){.pool = pool_new(loop, 2, &err)};
    stop = loop_timer_new(loop, stop_loop, NULL);
    syncer = syncer_new(loop, &tasks, is_real);
}

static void
end(void)
{
    syncer_flush(syncer);
    syncer_free(&syncer);
    pool_free(&tasks.pool);
    loop_timer_free(&stop);
    loop_free(&loop);
    kit_remove(folder);
}

static int
make_file(const char *name)
{
    int dir = open(folder, O_RDONLY | O_DIRECTORY);
    int fd = fs_create(dir, name, 0600, NULL);

    close(dir);
    return fd;
}

// Marked twice, synced once, within 100 ms; then it is clean.
static void
test_once(void)
{
    struct syncer_item item;
    int fd;

    begin(true);
    fd = make_file("a");
    syncer_item_init(&item, SYNCER_FILE, fd, on_failed, NULL);
    syncer_mark(syncer, &item);
    syncer_mark(syncer, &item);
    CU_ASSERT_EQUAL(fault_calls(FAULT_FDATASYNC), 0);
    run_for(100);
    CU_ASSERT_EQUAL(fault_calls(FAULT_FDATASYNC), 1);
    CU_ASSERT(!item.is_dirty && !item.is_taken);
    run_for(100);
    CU_ASSERT_EQUAL(fault_calls(FAULT_FDATASYNC), 1);
    syncer_mark(syncer, &item);
    run_for(100);
    CU_ASSERT_EQUAL(fault_calls(FAULT_FDATASYNC), 2);
    CU_ASSERT_EQUAL(failures, 0);
    close(fd);
    end();
}

// What was marked while a slow disk was at another waits for that one only.
static void
test_slow_disk(void)
{
    struct syncer_item slow, next;
    int fd;

    begin(true);
    fd = make_file("a");
    syncer_item_init(&slow, SYNCER_FILE, fd, on_failed, NULL);
    syncer_item_init(&next, SYNCER_FILE, fd, on_failed, NULL);
    fault_slow_us = 100 * 1000;
    syncer_mark(syncer, &slow);
    while (!slow.is_taken)
        run_for(1);
    syncer_mark(syncer, &next);
    while (slow.is_taken)
        run_for(1);
    run_for(10);
    CU_ASSERT(!next.is_dirty);
    fault_slow_us = 0;
    while (next.is_dirty || next.is_taken)
        run_for(1);
    close(fd);
    end();
}

static void
test_forgotten(void)
{
    struct syncer_item item;
    int fd;

    begin(true);
    fd = make_file("a");
    syncer_item_init(&item, SYNCER_FILE, fd, on_failed, NULL);
    syncer_mark(syncer, &item);
    syncer_forget(syncer, &item);
    close(fd);
    run_for(100);
    CU_ASSERT_EQUAL(fault_calls(FAULT_FDATASYNC), 0);
    end();
}

// Forgotten and closed while a thread is at it: the failure is told to nobody.
static void
test_forgotten_late(void)
{
    struct syncer_item item;
    int fd;

    begin(true);
    fd = make_file("a");
    fault_set(FAULT_FDATASYNC, 0, 1);
    syncer_item_init(&item, SYNCER_FILE, fd, on_failed, NULL);
    syncer_mark(syncer, &item);
    while (!item.is_taken)
        run_for(1);
    syncer_forget(syncer, &item);
    close(fd);
    run_for(50);
    CU_ASSERT_EQUAL(fault_calls(FAULT_FDATASYNC), 1);
    CU_ASSERT_EQUAL(failures, 0);
    end();
}

static void
test_fails(void)
{
    struct syncer_item good, bad;
    int good_fd, bad_fd;

    begin(true);
    good_fd = make_file("good");
    bad_fd = make_file("bad");
    fault_set(FAULT_FDATASYNC, 0, 1);
    syncer_item_init(&bad, SYNCER_FILE, bad_fd, on_failed, NULL);
    syncer_item_init(&good, SYNCER_FILE, good_fd, on_failed, NULL);
    syncer_mark(syncer, &bad);
    syncer_mark(syncer, &good);
    run_for(100);
    CU_ASSERT_EQUAL(failures, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(failed_text, "bad"));
    run_for(100);
    CU_ASSERT_EQUAL(fault_calls(FAULT_FDATASYNC), 2); // it is not repeated
    close(good_fd);
    close(bad_fd);
    end();
}

static void
test_taken(void)
{
    enum { COUNT = 600 };

    begin(true);
    CU_ASSERT(!syncer_is_full(syncer));
    for (int i = 0; i < COUNT; i++) {
        char name[16];

        snprintf(name, sizeof name, "%d", i);
        syncer_take(syncer, make_file(name));
    }
    CU_ASSERT(syncer_is_full(syncer));
    while (syncer_is_full(syncer) || tasks.pending > 0)
        run_for(5);
    CU_ASSERT_EQUAL(fault_calls(FAULT_FDATASYNC), COUNT);
    syncer_take(syncer, make_file("last"));
    end(); // flushes it
    CU_ASSERT_EQUAL(fault_calls(FAULT_FDATASYNC), COUNT + 1);
}

// `sync = no`: nothing is ever synced, what is taken is closed.
static void
test_not_real(void)
{
    struct syncer_item item;
    int fd, other;

    begin(false);
    fd = make_file("a");
    other = dup(fd);
    syncer_item_init(&item, SYNCER_FILE, fd, on_failed, NULL);
    syncer_mark(syncer, &item);
    syncer_take(syncer, other);
    CU_ASSERT_EQUAL(fcntl(other, F_GETFD), -1);
    run_for(100);
    CU_ASSERT_EQUAL(fault_calls(FAULT_FDATASYNC), 0);
    close(fd);
    end();
}

static void
test_folders(void)
{
    struct syncer_item item;
    int fd;

    begin(true);
    fd = open(folder, O_RDONLY | O_DIRECTORY);
    syncer_item_init(&item, SYNCER_BUCKET, fd, on_failed, NULL);
    syncer_mark(syncer, &item);
    run_for(100);
    CU_ASSERT_EQUAL(fault_calls(FAULT_FSYNC), 1);
    CU_ASSERT_EQUAL(fault_calls(FAULT_FDATASYNC), 0);
    close(fd);
    end();
}

static const struct unit_test tests[] = {
    {"once within 100 ms",      test_once          },
    {"a slow disk",             test_slow_disk     },
    {"forgotten",               test_forgotten     },
    {"forgotten under way",     test_forgotten_late},
    {"a failure is told",       test_fails         },
    {"taken files",             test_taken         },
    {"sync = no",               test_not_real      },
    {"folders are fsynced too", test_folders       },
};

UNIT_MAIN("spool/syncer", tests)
