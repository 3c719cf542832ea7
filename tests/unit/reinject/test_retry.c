// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/retry.h"

#include "tests/unit/harness.h"

static const uint64_t delays[] = {30000, 120000, 3600000};

static const struct {
    const char *name;
    uint32_t tries, random;
    int64_t delay_ms;
} rows[] = {
    {"first",             1,          0,          30000  },
    {"second",            2,          0,          120000 },
    {"last",              3,          0,          3600000},
    {"the last repeats",  4,          0,          3600000},
    {"for ever",          UINT32_MAX, 0,          3600000},
    {"spread by a tenth", 1,          UINT32_MAX, 33000  },
    {"spread by a 20th",  2,          1U << 31,   126000 },
};

static void
test_schedule(void)
{
    struct setting_list schedule = {(void *)(uintptr_t)delays, UNIT_COUNT(delays)};

    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        UNIT_CHECK_ROW(rows[i].name, retry_next_ms(&schedule, rows[i].tries, 1000,
                                                   rows[i].random) == 1000 + rows[i].delay_ms);
}

static void
test_odd_schedules(void)
{
    uint64_t longest = UINT64_MAX;
    struct setting_list none = {NULL, 0}, huge = {&longest, 1};
    int64_t now = INT64_C(1800000000000);

    CU_ASSERT(retry_next_ms(&none, 7, now, 0) > now);
    CU_ASSERT(retry_next_ms(&huge, 1, now, UINT32_MAX) > now);
}

static void
test_expiry(void)
{
    CU_ASSERT(!retry_is_expired(1000, 500, 1499));
    CU_ASSERT(retry_is_expired(1000, 500, 1500));
    CU_ASSERT(!retry_is_expired(1000, 500, 900));
    CU_ASSERT(!retry_is_expired(1000, UINT64_MAX, INT64_MAX));
    CU_ASSERT(retry_is_expired(1000, 0, 1001));
}

static const struct unit_test tests[] = {
    {"schedule",      test_schedule     },
    {"odd schedules", test_odd_schedules},
    {"expiry",        test_expiry       },
};

UNIT_MAIN("reinject/retry", tests)
