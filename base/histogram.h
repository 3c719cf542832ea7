// SPDX-License-Identifier: BSD-2-Clause
// base/histogram.h - durations counted in fixed buckets, as Prometheus wants them. Pure.
#ifndef POSTERN_BASE_HISTOGRAM_H
#define POSTERN_BASE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 16 };

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS + 1]; // not cumulative; the last one is above all bounds
    uint64_t sum_us, count;
};

extern const uint64_t
    histogram_bounds_us[HISTOGRAM_BUCKETS]; // inclusive, ascending: 100 us .. 300 s

void histogram_add(struct histogram *histogram, uint64_t us);

#endif
