// SPDX-License-Identifier: BSD-2-Clause
// What quarantine, release and rescan do in spool/state_apply.c.
#include "spool/state.h"

#include "tests/unit/harness.h"
#include "tests/unit/spool/sample.h"

static void
test_quarantine(void)
{
    struct spool_state state;

    state_init(&state, 2);
    sample_apply(&state, (const char *const[]){"found", "decided g=0 verdict=quarantine r=0-1",
                                               "quarantined rule=virus reason=Eicar", NULL});
    CU_ASSERT_TRUE(state.quarantined && !state.held);
    CU_ASSERT_STRING_EQUAL(state.caught_rule, "virus");
    CU_ASSERT_STRING_EQUAL(state.held_reason, "Eicar");
    CU_ASSERT_EQUAL(state_open_count(&state), 2);
    sample_apply_one(&state, "quarantined reason=unscannable");
    CU_ASSERT_PTR_NULL(state.caught_rule);
    CU_ASSERT_STRING_EQUAL(state.held_reason, "unscannable");
    sample_apply_one(&state, "rescan");
    CU_ASSERT_FALSE(state.quarantined || state.found);
    CU_ASSERT_PTR_NULL(state.held_reason);
    CU_ASSERT_TRUE(state.rescanned);
    CU_ASSERT_EQUAL(state.odd, 0);
    state_clear(&state);
}

static void
test_rescan(void)
{
    struct spool_state state;

    state_init(&state, 3);
    sample_apply(&state,
                 (const char *const[]){"found", "decided g=0 verdict=hold r=0-2", "crashed n=1",
                                       "attempt r=0 alone=1", "attempt r=0 alone=1",
                                       "deferred r=0 until=5000", "failed r=1", "sent r=2",
                                       "held reason=a", "unheld", "held reason=b", "rescan", NULL});
    CU_ASSERT_EQUAL(state.odd, 0);
    CU_ASSERT_FALSE(state.held || state.unheld || state.found || state.attempt_open);
    CU_ASSERT_PTR_NULL(state.held_reason);
    CU_ASSERT_EQUAL(state.crashes + state.alone_crashes, 0);
    CU_ASSERT_EQUAL(state.rcpts[0].status, RCPT_OPEN);
    CU_ASSERT_EQUAL(state.rcpts[0].until_ms, 0);
    CU_ASSERT_EQUAL(state.rcpts[1].status, RCPT_OPEN);
    CU_ASSERT_EQUAL(state.rcpts[0].group, -1);
    CU_ASSERT_EQUAL(state.rcpts[1].group, -1);
    CU_ASSERT_EQUAL(state.rcpts[2].status, RCPT_SENT);
    CU_ASSERT_EQUAL(state.rcpts[2].group, 0);
    CU_ASSERT_EQUAL(state.group_count, 1);
    CU_ASSERT_EQUAL(state.old_groups, 1);
    state_clear(&state);
}

static void
test_release(void)
{
    struct spool_state state;

    state_init(&state, 4);
    sample_apply(&state,
                 (const char *const[]){"quarantined rule=x", "release r=0-1 child=c1", NULL});
    CU_ASSERT_EQUAL(state.releasing, 2);
    CU_ASSERT_EQUAL(state.releases, 1);
    CU_ASSERT_TRUE(state.rcpts[1].is_releasing);
    CU_ASSERT_PTR_NULL(state.rcpts[0].released);
    sample_apply_one(&state, "released r=0-1 child=c1 by=root");
    CU_ASSERT_EQUAL(state.releasing, 0);
    CU_ASSERT_STRING_EQUAL(state.rcpts[0].released, "c1");
    CU_ASSERT_STRING_EQUAL(state.rcpts[1].released, "c1");
    CU_ASSERT_PTR_NULL(state.rcpts[2].released);
    CU_ASSERT_EQUAL(state_open_count(&state), 4);
    // One that was cut short, and one of somebody else after it: it is remembered.
    sample_apply(&state, (const char *const[]){"release r=1-2 child=c2", "release r=3 child=c3",
                                               "released r=3 child=c3 by=root", NULL});
    CU_ASSERT_EQUAL(state.releasing, 2);
    CU_ASSERT_EQUAL(state.releases, 3);
    CU_ASSERT_TRUE(state.rcpts[2].is_releasing && !state.rcpts[3].is_releasing);
    CU_ASSERT_EQUAL(state.odd, 0);
    // Who is out for certain is not looked at again; of whom it is not known is.
    sample_apply_one(&state, "rescan");
    CU_ASSERT_EQUAL(state.rcpts[0].status, RCPT_MOVED);
    CU_ASSERT_STRING_EQUAL(state.rcpts[0].child, "c1");
    CU_ASSERT_EQUAL(state.rcpts[1].status, RCPT_OPEN);
    CU_ASSERT_EQUAL(state.rcpts[2].status, RCPT_OPEN);
    CU_ASSERT_EQUAL(state.rcpts[3].status, RCPT_MOVED);
    CU_ASSERT_EQUAL(state.retired_count, 2);
    state_clear(&state);
}

static const struct unit_test tests[] = {
    {"quarantine", test_quarantine},
    {"rescan",     test_rescan    },
    {"release",    test_release   },
};

UNIT_MAIN("spool/state_release", tests)
