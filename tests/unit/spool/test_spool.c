// SPDX-License-Identifier: BSD-2-Clause
#include "spool/spool.h"

#include "spool/remember_file.h"
#include "tests/unit/spool/kit.h"
#include "tests/unit/spool/minute.h"

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

static void
test_room(void)
{
    struct err err = {0};
    struct counter_page *page = counter_page_new(2, &err);
    struct spool_file *file;

    begin();
    CU_ASSERT_EQUAL(spool_check_room(kit.spool, NULL, 1000, &err), 0);
    CU_ASSERT_EQUAL(spool_check_room(kit.spool, page, 1000, &err), 0);
    CU_ASSERT_EQUAL(spool_check_room(kit.spool, NULL, UINT64_MAX, &err), -1);
    CU_ASSERT_EQUAL(err.kind, ERR_TEMP);
    kit.settings.min_free = UINT64_MAX;
    CU_ASSERT_EQUAL(spool_check_room(kit.spool, NULL, 1, &err), -1);
    kit.settings.min_free = 1;
    kit.settings.min_inodes = UINT64_MAX;
    CU_ASSERT_EQUAL(spool_check_room(kit.spool, NULL, 1, &err),
                    space_left(kit.spool->space).free_inodes == UINT64_MAX ? 0 : -1);
    kit.settings.min_inodes = 1;
    kit.settings.max_messages = 1;
    CU_ASSERT_EQUAL(spool_check_room(kit.spool, NULL, 1, &err), 0);
    file = kit_write(&kit, WRITER_SPOOL, "4X2k9QzT7mB", 100);
    CU_ASSERT_EQUAL(spool_check_room(kit.spool, NULL, 1, &err), -1);
    CU_ASSERT_EQUAL(spool_check_room(kit.spool, page, 1, &err), 0);
    atomic_store(&page->worker[1].messages, 1); // a sibling's count too
    atomic_store(&page->worker[1].pid, 1);
    CU_ASSERT_EQUAL(spool_check_room(kit.spool, page, 1, &err), -1);
    spool_file_finish(&file);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL(spool_check_room(kit.spool, NULL, 1, &err), 0);
    counter_page_free(&page);
    end();
}

// An instance that holds nothing leaves nothing behind; one that does stays, unlocked.
static void
test_leaves_nothing(void)
{
    struct place_root root;
    struct place_instance instance;
    struct spool_file *file;
    char active[300], name[64];

    begin();
    snprintf(active, sizeof active, "%s/active", folder);
    file = kit_write(&kit, WRITER_SPOOL, "4X2k9QzT7mB", 100);
    spool_file_finish(&file);
    spool_stop(kit.spool);
    kit_close(&kit); // the finishing is still in the pool
    CU_ASSERT_EQUAL(rmdir(active), 0);
    kit_open(&kit, folder, true);
    file = kit_write(&kit, WRITER_SPOOL, "4X2k9QzT7mB", 100);
    spool_file_wait(&file, loop_realtime_ms(kit.loop) + 3600000);
    kit_run(&kit, kit_is_idle);
    snprintf(name, sizeof name, "%s", kit.spool->homes.own->instance.name);
    CU_ASSERT_EQUAL_FATAL(place_root_open(&root, folder, false, NULL), 0);
    CU_ASSERT_EQUAL(place_instance_try(&root, name, &instance, NULL), 0);
    CU_ASSERT_EQUAL(kit.counters.messages, 1);
    kit_close(&kit);
    CU_ASSERT_EQUAL(kit.counters.messages, 0); // it is the next owner's
    CU_ASSERT_EQUAL(place_instance_try(&root, name, &instance, NULL), 1);
    place_instance_close(&instance);
    place_root_close(&root);
    CU_ASSERT_EQUAL(kit_count(active, "slot-"), 0);
    CU_ASSERT_EQUAL(kit_count(active, "4X"), 1);
    kit_remove(folder);
}

static void
test_no_folder(void)
{
    struct spool_settings settings;
    struct err err = {0};
    struct loop *loop = loop_new(&err);
    struct pool *pool = pool_new(loop, 1, &err);

    setting_defaults(spool_rows, spool_row_count, &settings);
    mem_free(&settings.path);
    settings.path = mem_strdup("/proc/no/such/place");
    CU_ASSERT_PTR_NULL(spool_open(loop, pool, &settings, NULL, &err));
    CU_ASSERT_EQUAL(err.kind, ERR_TEMP);
    pool_free(&pool);
    loop_free(&loop);
    setting_clear(spool_rows, spool_row_count, &settings);
}

static unsigned calls;

static void
never(void *arg, struct spool_file *file, bool adopted)
{
    (void)arg;
    (void)file;
    (void)adopted;
    calls++;
}

static bool
always(void *arg)
{
    (void)arg;
    return true;
}

// After stop nothing is handed over, whatever becomes due.
static void
test_stop(void)
{
    static const struct spool_handler handler = {.on_file = never, .is_ready = always};
    struct spool_file *file;

    begin();
    spool_start(kit.spool, &handler, NULL);
    kit_run(&kit, kit_is_idle);
    file = kit_write(&kit, WRITER_SPOOL, "4X2k9QzT7mB", 100);
    spool_file_wait(&file, loop_realtime_ms(kit.loop) + 3600000);
    kit_run(&kit, kit_is_idle);
    spool_retry_all(kit.spool);
    spool_stop(kit.spool);
    spool_poke(kit.spool);
    spool_adopt(kit.spool);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL(calls, 0);
    CU_ASSERT_EQUAL(spool_waiting_count(kit.spool), 1);
    end();
}

static bool
owes_nothing(struct kit *kit_in)
{
    return kit_in->spool->remember->owed == NULL;
}

// What is remembered and could not be written is written without anybody's coming again.
static void
test_minute(void)
{
    struct remember_claim claim = {.key = {.high = 1}, .id = "4X2k9QzT7mB", .now_ms = 2000000000};
    struct remember_told told;
    struct remember *remember;
    int fd;

    minute_is_short = true;
    kit_remember_ms = 3600000;
    begin();
    remember = kit.spool->remember;
    CU_ASSERT_FATAL(remember_claim(remember, &claim, &told) == REMEMBER_OURS);
    fd = remember->fd;
    remember->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    remember_forget(remember, claim.key, told.row);
    CU_ASSERT(remember_flush(remember));
    close(remember->fd);
    remember->fd = fd;
    CU_ASSERT_FALSE(owes_nothing(&kit));
    kit_run(&kit, owes_nothing);
    kit_remember_ms = 0;
    minute_is_short = false;
    end();
}

static const struct unit_test tests[] = {
    {"room",                test_room          },
    {"what is left behind", test_leaves_nothing},
    {"no such folder",      test_no_folder     },
    {"stop",                test_stop          },
    {"each minute",         test_minute        },
};

UNIT_MAIN("spool/spool", tests)
