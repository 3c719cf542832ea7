// SPDX-License-Identifier: BSD-2-Clause
// A child is killed at each call that changes the disk, while it opens a spool and while it uses
// it.
#include "tests/unit/spool/sweep.h"

static void
test_each_call(void)
{
    static const struct sweep all = {.unnamed = true, .step = 1};

    sweep(&all);
}

static void
test_opening(void)
{
    static const struct sweep some = {.is_opening = true, .unnamed = true, .step = 3};

    sweep(&some);
}

static const struct unit_test tests[] = {
    {"killed while opening", test_opening  },
    {"killed at each call",  test_each_call},
};

UNIT_MAIN("spool/crash", tests)
