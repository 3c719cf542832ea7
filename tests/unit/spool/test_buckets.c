// SPDX-License-Identifier: BSD-2-Clause
#include "spool/buckets.h"

#include "tests/unit/spool/kit.h"

static struct kit kit;
static char folder[64];

static void
begin(void)
{
    kit_folder(folder);
    kit_open(&kit, folder, true);
    kit_run(&kit, kit_is_idle);
}

static void
end(void)
{
    kit_close(&kit);
    kit_remove(folder);
}

static size_t
bucket_count(void)
{
    size_t count = 0;

    for (struct bucket *bucket = kit.spool->homes.own->buckets; bucket; bucket = bucket->next)
        count++;
    return count;
}

// A folder is filled to 1,000 files, then the next, made before; empty ones go.
static void
test_running(void)
{
    enum { COUNT = 2500 };
    static struct bucket *buckets[COUNT];
    struct homes *homes;

    begin();
    homes = &kit.spool->homes;
    for (int i = 0; i < COUNT; i++) {
        buckets[i] = homes_reserve(homes);
        if (i % 100 == 0)
            kit_run(&kit, kit_is_idle);
    }
    CU_ASSERT_EQUAL(buckets[0]->files, PLACE_BUCKET_FILES);
    CU_ASSERT_PTR_EQUAL(buckets[0], buckets[PLACE_BUCKET_FILES - 1]);
    CU_ASSERT_EQUAL(buckets[PLACE_BUCKET_FILES]->files, PLACE_BUCKET_FILES);
    CU_ASSERT_EQUAL(buckets[COUNT - 1]->files, COUNT - 2 * PLACE_BUCKET_FILES);
    CU_ASSERT_EQUAL(bucket_count(), 5); // two full, one running, two made ahead
    for (int i = 0; i < COUNT; i++)
        bucket_leave(buckets[i]);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL(bucket_count(), 3);
    CU_ASSERT_EQUAL(homes->running->files, 0);
    end();
}

// More at once than the pool can make folders for: the running one takes them all the same.
static void
test_burst(void)
{
    enum { COUNT = 1500 };
    struct homes *homes;
    struct bucket *last = NULL;

    begin();
    homes = &kit.spool->homes;
    for (int i = 0; i < COUNT; i++)
        last = homes_reserve(homes);
    CU_ASSERT_EQUAL(last->files, COUNT);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT(homes_reserve(homes) != last);
    end();
}

struct wait {
    struct bucket_waiter waiter; // first
    struct bucket *bucket;
    struct wait *then;
    bool is_told;
};

static unsigned told;

static void
on_synced(struct bucket_waiter *waiter, const struct err *err)
{
    struct wait *wait = (struct wait *)waiter;

    CU_ASSERT_PTR_NULL(err);
    CU_ASSERT(!wait->is_told);
    wait->is_told = true;
    told++;
    if (wait->then != NULL)
        bucket_sync(wait->bucket, &wait->then->waiter);
}

static bool
all_told(struct kit *it)
{
    (void)it;
    return told == 4;
}

// One fsync serves all that wait; who asks in between is served by the next.
static void
test_shared(void)
{
    struct wait waits[4];
    struct bucket *bucket;

    begin();
    told = 0;
    memset(waits, 0, sizeof waits);
    bucket = homes_reserve(&kit.spool->homes);
    for (int i = 0; i < 4; i++) {
        waits[i].waiter.done = on_synced;
        waits[i].bucket = bucket;
    }
    waits[0].then = &waits[3];
    for (int i = 0; i < 3; i++)
        bucket_sync(bucket, &waits[i].waiter);
    CU_ASSERT_EQUAL(kit.spool->tasks.pending, 1);
    CU_ASSERT_EQUAL(told, 0);
    kit_run(&kit, all_told);
    bucket_leave(bucket);
    CU_ASSERT_EQUAL(bucket->files, 0);
    end();
}

static void
test_adopted_goes(void)
{
    struct place_instance instance;
    struct home *home;
    struct bucket *bucket;
    char path[256];
    int fd;

    begin();
    CU_ASSERT_EQUAL_FATAL(place_instance_new(&kit.spool->root, &instance, NULL), 0);
    snprintf(path, sizeof path, "%s/active/%s", folder, instance.name);
    CU_ASSERT_EQUAL(fs_make_dir(instance.fd, "0001", 0700, NULL), 0);
    fd = fs_open_dir(instance.fd, "0001", NULL);
    home = homes_adopt(&kit.spool->homes, &instance);
    bucket = home_add_bucket(home, "0001", fd);
    bucket_enter(bucket);
    bucket_enter(&home->top);
    bucket_mark(bucket);
    home_walked(home);
    bucket_leave(&home->top);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL(access(path, F_OK), 0);
    bucket_leave(bucket);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL(access(path, F_OK), -1);
    CU_ASSERT_PTR_NULL(kit.spool->homes.adopted);
    end();
}

static const struct unit_test tests[] = {
    {"filled one after the other",     test_running     },
    {"a burst",                        test_burst       },
    {"one fsync for all",              test_shared      },
    {"an empty adopted instance goes", test_adopted_goes},
};

UNIT_MAIN("spool/buckets", tests)
