// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/filters/fake_loop.h - a loop whose time goes by when a test says so.
//
// Stands in for base/loop.c at link time, as far as the runner needs it: timers and what is
// deferred. What is still there when it is freed is reported.
#ifndef POSTERN_TESTS_UNIT_FILTERS_FAKE_LOOP_H
#define POSTERN_TESTS_UNIT_FILTERS_FAKE_LOOP_H

#include "base/loop.h"

struct loop *fake_loop_new(void); // at 0 ms
// Gives what is due, in order of time, until it is at_ms.
void fake_loop_run_to(struct loop *loop, uint64_t at_ms);
void fake_loop_free(struct loop **loop);

#endif
