// SPDX-License-Identifier: BSD-2-Clause
#include "base/histogram.h"

const uint64_t histogram_bounds_us[HISTOGRAM_BUCKETS] = {
    100,   250,    500,    1000,    2500,    5000,     10000,     25000,
    50000, 100000, 250000, 1000000, 5000000, 30000000, 120000000, 300000000,
};

void
histogram_add(struct histogram *histogram, uint64_t us)
{
    size_t bucket = 0;

    while (bucket < HISTOGRAM_BUCKETS && us > histogram_bounds_us[bucket])
        bucket++;
    histogram->counts[bucket]++;
    histogram->count++;
    histogram->sum_us += us;
}
