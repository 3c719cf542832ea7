// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/spool/minute.h - what is done each minute is done at once, where a test wants it.
//
// Linked with --wrap=loop_timer_start.
#ifndef POSTERN_TESTS_SPOOL_MINUTE_H
#define POSTERN_TESTS_SPOOL_MINUTE_H

#include "base/loop.h"

static bool minute_is_short;

void __real_loop_timer_start(struct loop_timer *timer, uint64_t after_ms);
void __wrap_loop_timer_start(struct loop_timer *timer, uint64_t after_ms);

void
__wrap_loop_timer_start(struct loop_timer *timer, uint64_t after_ms)
{
    bool is_minute = after_ms == (uint64_t)60 * 1000;

    __real_loop_timer_start(timer, minute_is_short && is_minute ? 5 : after_ms);
}

#endif
