// SPDX-License-Identifier: BSD-2-Clause
#include "spool/slots.h"

#include "tests/unit/spool/faults.h"
#include "tests/unit/spool/kit.h"
#include "tests/unit/spool/minute.h"

static struct kit kit;
static char folder[64];

static void
begin(void)
{
    memset(faults, 0, sizeof faults);
    minute_is_short = false;
    kit_folder(folder);
    kit_open(&kit, folder, true);
    kit_run(&kit, kit_is_idle);
}

static void
end(void)
{
    kit_close(&kit);
    CU_ASSERT_EQUAL(kit_count(folder, ""), 0); // free ones are removed, and the instance with them
    kit_remove(folder);
}

static void
test_made_ahead(void)
{
    struct slot *slot;
    struct stat info;
    char head[FORMAT_HEAD_LEN];
    struct format_seal seal;

    begin();
    CU_ASSERT_EQUAL(slots_count(kit.spool->slots), SLOTS_FIRST);
    CU_ASSERT_EQUAL(kit_count(folder, "slot-"), SLOTS_FIRST);
    slot = slots_take(kit.spool->slots);
    CU_ASSERT_PTR_NOT_NULL_FATAL(slot);
    CU_ASSERT_EQUAL(fstat(slot->fd, &info), 0);
    CU_ASSERT_EQUAL(info.st_size, STORE_SLOT_SIZE);
    CU_ASSERT(info.st_blocks * 512 >= STORE_SLOT_SIZE);
    CU_ASSERT_EQUAL(pread(slot->fd, head, sizeof head, 0), (ssize_t)sizeof head);
    CU_ASSERT_EQUAL(format_head_read(span_from(head, sizeof head), &seal), FORMAT_UNSEALED);
    slots_give_back(kit.spool->slots, slot);
    end();
}

static void
test_last_freed_first(void)
{
    struct slots *slots;
    struct slot *a, *b;

    begin();
    slots = kit.spool->slots;
    a = slots_take(slots);
    b = slots_take(slots);
    CU_ASSERT(a != b);
    slots_give_back(slots, a);
    slots_give_back(slots, b);
    CU_ASSERT_PTR_EQUAL(slots_take(slots), b);
    CU_ASSERT_PTR_EQUAL(slots_take(slots), a);
    slots_give_back(slots, a);
    slots_give_back(slots, b);
    CU_ASSERT_EQUAL(slots_idle(slots), SLOTS_FIRST);
    end();
}

static bool
has_512(struct kit *it)
{
    return slots_idle(it->spool->slots) > 0 || slots_count(it->spool->slots) == SLOTS_MAX;
}

static void
test_grows(void)
{
    static struct slot *taken[SLOTS_MAX];
    char name[SLOTS_NAME_MAX];
    struct slots *slots;
    size_t count = 0;

    begin();
    slots = kit.spool->slots;
    while (count < SLOTS_MAX) {
        struct slot *slot = slots_take(slots);

        if (slot != NULL)
            taken[count++] = slot;
        else
            kit_run(&kit, has_512);
    }
    CU_ASSERT_PTR_NULL(slots_take(slots)); // and no more
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL(slots_count(slots), SLOTS_MAX);
    CU_ASSERT_EQUAL(kit_count(folder, "slot-"), SLOTS_MAX);
    // One leaves by rename: its number is used again.
    snprintf(name, sizeof name, "%s", taken[5]->name);
    CU_ASSERT_EQUAL(store_remove(kit.spool->homes.own->top.fd, taken[5]->name, NULL), 0);
    slots_let_go(slots, taken[5], true);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL(slots_count(slots), SLOTS_MAX);
    taken[5] = slots_take(slots);
    CU_ASSERT_PTR_NOT_NULL_FATAL(taken[5]);
    CU_ASSERT_STRING_EQUAL(taken[5]->name, name);
    while (count > 0)
        slots_give_back(slots, taken[--count]);
    end();
}

// Fewer than the first: where the removing takes longer than so short a minute.
static bool
has_shrunk(struct kit *it)
{
    return it->spool->tasks.pending == 0 && slots_count(it->spool->slots) <= SLOTS_FIRST;
}

// What a crowd needed goes when nobody has needed it for a minute, and may come again.
static void
test_shrinks(void)
{
    enum { CROWD = SLOTS_FIRST + 40 };
    struct slot *taken[CROWD];
    struct slots *slots;

    begin();
    slots = kit.spool->slots;
    minute_is_short = true; // what goes while the crowd gathers is made again
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < CROWD; i++) {
            for (int try = 0; (taken[i] = slots_take(slots)) == NULL && try < 1000; try++)
                kit_run(&kit, kit_is_idle);
            CU_ASSERT_PTR_NOT_NULL_FATAL(taken[i]);
        }
        kit_run(&kit, kit_is_idle);
        for (size_t i = 0; i < CROWD; i++)
            slots_give_back(slots, taken[i]);
        kit_run(&kit, has_shrunk);
        CU_ASSERT_EQUAL(slots_idle(slots), slots_count(slots));
        CU_ASSERT_EQUAL(kit_count(folder, "slot-"), slots_count(slots));
    }
    end();
}

// After a failure the pool waits before it tries again; who needs a slot gets none meanwhile.
static void
test_cannot_grow(void)
{
    struct slot *taken[SLOTS_FIRST];
    struct slots *slots;
    int tried;

    begin();
    slots = kit.spool->slots;
    fault_set(FAULT_PWRITE, 0, 1000000);
    for (int i = 0; i < SLOTS_FIRST; i++)
        taken[i] = slots_take(slots);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_PTR_NULL(slots_take(slots));
    kit_run(&kit, kit_is_idle);
    tried = fault_calls(FAULT_PWRITE);
    CU_ASSERT(tried > 0);
    CU_ASSERT_PTR_NULL(slots_take(slots));
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL(fault_calls(FAULT_PWRITE), tried);
    CU_ASSERT_EQUAL(slots_count(slots), SLOTS_FIRST);
    fault_set(FAULT_PWRITE, 0, 0);
    for (int i = 0; i < SLOTS_FIRST; i++)
        slots_give_back(slots, taken[i]);
    end();
}

// The fifth of a batch cannot be synced: four are there, and nothing is left of the others.
static void
test_one_fails(void)
{
    enum { GOOD = 4 };
    struct slot *taken[SLOTS_FIRST];
    struct slots *slots;
    int count = 0;

    begin();
    slots = kit.spool->slots;
    fault_set(FAULT_FSYNC, GOOD, 1);
    while (count < SLOTS_FIRST && slots_count(slots) == SLOTS_FIRST)
        taken[count++] = slots_take(slots);
    kit_run(&kit, kit_is_idle);
    fault_set(FAULT_FSYNC, 0, 0);
    CU_ASSERT_EQUAL(slots_count(slots), SLOTS_FIRST + GOOD);
    CU_ASSERT_EQUAL(kit_count(folder, "slot-"), SLOTS_FIRST + GOOD);
    while (count > 0)
        slots_give_back(slots, taken[--count]);
    end();
}

// A folder that cannot be synced: slots that a power cut would take away are never used.
static void
test_folder_fails(void)
{
    struct err err = {0};
    struct kit second;

    begin();
    kit_close(&kit);
    memset(&second, 0, sizeof second);
    // instance, bucket and its folder's are the first three; each slot has one, then the folder
    fault_set(FAULT_FSYNC, 3 + SLOTS_FIRST, 1);
    setting_defaults(spool_rows, spool_row_count, &second.settings);
    mem_free(&second.settings.path);
    second.settings.path = mem_strdup(folder);
    second.loop = loop_new(&err);
    second.pool = pool_new(second.loop, 1, &err);
    second.spool = spool_open(second.loop, second.pool, &second.settings, &second.counters, &err);
    CU_ASSERT_PTR_NULL(second.spool);
    CU_ASSERT_EQUAL(err.kind, ERR_TEMP);
    CU_ASSERT_EQUAL(kit_count(folder, ""), 0);
    pool_free(&second.pool);
    loop_free(&second.loop);
    setting_clear(spool_rows, spool_row_count, &second.settings);
    kit_remove(folder);
}

static bool
has_synced(struct kit *it)
{
    return it->spool->tasks.pending == 0 && fault_calls(FAULT_FDATASYNC) > 0;
}

// An idle freed slot is synced; one whose sync fails goes, so that its message does not come back.
static void
test_idle_sync(void)
{
    struct slots *slots;
    char name[SLOTS_NAME_MAX];
    struct slot *slot;

    begin();
    slots = kit.spool->slots;
    slot = slots_take(slots);
    snprintf(name, sizeof name, "%s", slot->name);
    fault_set(FAULT_FDATASYNC, 0, 1);
    slots_give_back(slots, slot);
    kit_run(&kit, has_synced);
    CU_ASSERT_EQUAL(slots_count(slots), SLOTS_FIRST - 1);
    CU_ASSERT_EQUAL(kit_count(folder, name), 0);
    fault_set(FAULT_FDATASYNC, 0, 0);
    slots_give_back(slots, slots_take(slots));
    kit_run(&kit, has_synced);
    CU_ASSERT_EQUAL(fault_calls(FAULT_FDATASYNC), 1);
    CU_ASSERT_EQUAL(slots_count(slots), SLOTS_FIRST - 1);
    end();
}

static const struct unit_test tests[] = {
    {"made ahead of use",       test_made_ahead      },
    {"last freed, first taken", test_last_freed_first},
    {"grows to its bound",      test_grows           },
    {"shrinks after a crowd",   test_shrinks         },
    {"a disk that refuses",     test_cannot_grow     },
    {"one of them fails",       test_one_fails       },
    {"a folder not synced",     test_folder_fails    },
    {"idle ones are synced",    test_idle_sync       },
};

UNIT_MAIN("spool/slots", tests)
