// SPDX-License-Identifier: BSD-2-Clause
#include "base/histogram.h"

#include "tests/unit/harness.h"

static void
test_bounds(void)
{
    CU_ASSERT_EQUAL(histogram_bounds_us[0], 100);
    CU_ASSERT_EQUAL(histogram_bounds_us[HISTOGRAM_BUCKETS - 1], UINT64_C(300) * 1000000);
    for (size_t i = 1; i < HISTOGRAM_BUCKETS; i++)
        CU_ASSERT_TRUE(histogram_bounds_us[i] > histogram_bounds_us[i - 1]);
}

static void
test_buckets(void)
{
    static const struct {
        const char *name;
        uint64_t us;
        size_t bucket;
    } rows[] = {
        {"nothing",              0,                   0                },
        {"100 us is within",     100,                 0                },
        {"101 us is above",      101,                 1                },
        {"250 us",               250,                 1                },
        {"1 ms",                 1000,                3                },
        {"just above 1 ms",      1001,                4                },
        {"250 ms",               250000,              10               },
        {"half a second",        500000,              11               },
        {"5 s",                  5000000,             12               },
        {"31 s",                 31000000,            14               },
        {"300 s",                UINT64_C(300000000), 15               },
        {"above all",            UINT64_C(300000001), HISTOGRAM_BUCKETS},
        {"as long as it can be", UINT64_MAX,          HISTOGRAM_BUCKETS},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct histogram histogram = {0};

        histogram_add(&histogram, rows[i].us);
        for (size_t j = 0; j <= HISTOGRAM_BUCKETS; j++)
            UNIT_CHECK_ROW(rows[i].name, histogram.counts[j] == (j == rows[i].bucket));
        UNIT_CHECK_ROW(rows[i].name, histogram.count == 1);
        UNIT_CHECK_ROW(rows[i].name, histogram.sum_us == rows[i].us);
    }
}

static void
test_sums(void)
{
    struct histogram histogram = {0};
    uint64_t all = 0;

    for (uint64_t us = 0; us < 3000; us++)
        histogram_add(&histogram, us);
    for (size_t i = 0; i <= HISTOGRAM_BUCKETS; i++)
        all += histogram.counts[i];
    CU_ASSERT_EQUAL(all, 3000);
    CU_ASSERT_EQUAL(histogram.count, 3000);
    CU_ASSERT_EQUAL(histogram.sum_us, 2999 * 3000 / 2);
    CU_ASSERT_EQUAL(histogram.counts[0], 101);
    CU_ASSERT_EQUAL(histogram.counts[4], 1500);
}

static const struct unit_test tests[] = {
    {"bounds",  test_bounds },
    {"buckets", test_buckets},
    {"sums",    test_sums   },
};

UNIT_MAIN("base/histogram", tests)
