// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/policy/fake_scan.h - dissectors, filters, content and timers that do what a test says.
//
// Linked in place of the real ones: nothing is started, nothing waits.
#ifndef POSTERN_TESTS_UNIT_POLICY_FAKE_SCAN_H
#define POSTERN_TESTS_UNIT_POLICY_FAKE_SCAN_H

#include "filters/runner.h"
#include "mime/dissect.h"

struct fake_scan {
    struct filter_settings *filters;
    size_t filter_count;
    uint64_t now_ms;
    size_t contents, timers; // alive
    struct content_source source;
    struct content_source parts; // decoded
    bool is_looking, is_asking;
    size_t looks, asks, look_cancels; // so far
    struct dissect_request look;
    dissect_done *look_done;
    void *look_arg;
    struct runner_request ask;
    uint64_t timer_ms; // running for so long; 0: not
    loop_callback *timer;
    void *timer_arg;
};

extern struct fake_scan fake_scan;

// The look ends so; findings are handed over.
void fake_scan_looked(enum dissect_end end, struct findings *findings_take);
void fake_scan_answered(struct result *results);
void fake_scan_time_out(void);

#endif
