// SPDX-License-Identifier: BSD-2-Clause
// As test_crash.c, on a file system without unnamed files: each is made under a hidden name.
#include "tests/unit/spool/sweep.h"

static void
test_each_call(void)
{
    static const struct sweep all = {.unnamed = false, .step = 1};

    sweep(&all);
}

static const struct unit_test tests[] = {
    {"killed at each call", test_each_call},
};

UNIT_MAIN("spool/crash_hidden", tests)
