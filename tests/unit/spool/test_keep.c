// SPDX-License-Identifier: BSD-2-Clause
#include "spool/keep.h"

#include "tests/unit/spool/kit.h"
#include "tests/unit/spool/quarantined.h"

static struct kit kit;
static char folder[64];
static const struct quarantine_settings settings = {.keep = 60000, .max_size = 1 << 20};

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
test_at_start(void)
{
    int64_t now;

    begin();
    now = loop_realtime_ms(kit.loop);
    quarantined_put(&kit.spool->root, "4X2k9QzT7mA", now, 1000, NULL);
    quarantined_put(&kit.spool->root, "4X2k9QzT7mB", now - 61000, 1000, NULL);
    spool_keep_quarantine(kit.spool, NULL);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT(quarantined_has(&kit.spool->root, "4X2k9QzT7mB"));
    spool_keep_quarantine(kit.spool, &settings);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT(quarantined_has(&kit.spool->root, "4X2k9QzT7mA"));
    CU_ASSERT(!quarantined_has(&kit.spool->root, "4X2k9QzT7mB"));
    end();
}

// More than it may hold, by far: the oldest go before their time.
static void
test_full(void)
{
    static const struct quarantine_settings small = {.keep = 60000, .max_size = 5000};
    int64_t now;

    begin();
    now = loop_realtime_ms(kit.loop);
    quarantined_put(&kit.spool->root, "4X2k9QzT7mA", now, 1000, NULL);
    quarantined_put(&kit.spool->root, "4X2k9QzT7mB", now - 30000, 9000, NULL);
    spool_keep_quarantine(kit.spool, &small);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT(quarantined_has(&kit.spool->root, "4X2k9QzT7mA"));
    CU_ASSERT(!quarantined_has(&kit.spool->root, "4X2k9QzT7mB"));
    end();
}

// The spool ends while a sweep is in the pool: it is worked off first.
static void
test_end(void)
{
    begin();
    spool_keep_quarantine(kit.spool, &settings);
    CU_ASSERT_EQUAL(kit.spool->tasks.pending, 1);
    end();
}

static const struct unit_test tests[] = {
    {"at start", test_at_start},
    {"full",     test_full    },
    {"end",      test_end     },
};

UNIT_MAIN("spool/keep", tests)
