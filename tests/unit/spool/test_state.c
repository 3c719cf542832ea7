// SPDX-License-Identifier: BSD-2-Clause
#include "spool/state.h"

#include "tests/unit/harness.h"

static void
test_names(void)
{
    static const char *const statuses[] = {"open",    "deferred", "failed",   "sent",
                                           "bounced", "moved",    "discarded"};
    static const char *const verdicts[] = {"none",    "accept", "quarantine", "reject",
                                           "discard", "defer",  "hold",       "redirect"};

    for (size_t i = 0; i < UNIT_COUNT(statuses); i++)
        CU_ASSERT_STRING_EQUAL(rcpt_status_name((enum rcpt_status)i), statuses[i]);
    for (size_t i = 0; i < UNIT_COUNT(verdicts); i++) {
        CU_ASSERT_STRING_EQUAL(verdict_name((enum verdict)i), verdicts[i]);
        CU_ASSERT_EQUAL(verdict_find(span_of(verdicts[i])), (enum verdict)i);
    }
    CU_ASSERT_EQUAL(verdict_find(span_of("Accept")), VERDICT_NONE);
    CU_ASSERT_EQUAL(verdict_find(span_of("")), VERDICT_NONE);
    CU_ASSERT_EQUAL(verdict_find((struct span){NULL, 0}), VERDICT_NONE);
}

static void
test_retired(void)
{
    static const bool expected[] = {false, false, false, true, true, true, true};

    for (size_t i = 0; i < UNIT_COUNT(expected); i++) {
        struct rcpt_state rcpt = {.status = (enum rcpt_status)i};

        UNIT_CHECK_ROW(rcpt_status_name(rcpt.status), state_rcpt_is_retired(&rcpt) == expected[i]);
    }
}

static void
test_new(void)
{
    struct spool_state state;

    state_init(&state, 3);
    CU_ASSERT_EQUAL(state_open_count(&state), 3);
    CU_ASSERT_FALSE(state_is_retired(&state));
    CU_ASSERT_EQUAL(state_next_try_ms(&state), 0);
    CU_ASSERT_EQUAL(state.next_seq, 1);
    CU_ASSERT_FALSE(state.attempt_open);
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(state.rcpts[i].status, RCPT_OPEN);
        CU_ASSERT_EQUAL(state.rcpts[i].group, -1);
    }
    state_clear(&state);
    state_clear(&state);
    CU_ASSERT_EQUAL(state.rcpt_count, 0);
    state_init(&state, 0);
    CU_ASSERT_TRUE(state_is_retired(&state));
    state_clear(&state);
}

static void
test_next_try(void)
{
    static const struct {
        const char *name;
        enum rcpt_status statuses[3];
        int64_t until_ms[3];
        int64_t expected;
    } rows[] = {
        {"all open",        {RCPT_OPEN, RCPT_OPEN, RCPT_OPEN},             {0, 0, 0}, 0},
        {"one open",        {RCPT_DEFERRED, RCPT_DEFERRED, RCPT_OPEN},     {5, 6, 0}, 0},
        {"one failed",      {RCPT_DEFERRED, RCPT_FAILED, RCPT_SENT},       {5, 0, 0}, 0},
        {"the earliest",    {RCPT_DEFERRED, RCPT_DEFERRED, RCPT_DEFERRED}, {7, 5, 6}, 5},
        {"retired do not",  {RCPT_SENT, RCPT_DEFERRED, RCPT_BOUNCED},      {1, 9, 2}, 9},
        {"at once",         {RCPT_DEFERRED, RCPT_DEFERRED, RCPT_MOVED},    {0, 9, 0}, 0},
        {"nothing is left", {RCPT_SENT, RCPT_MOVED, RCPT_DISCARDED},       {4, 5, 6}, 0},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct spool_state state;

        state_init(&state, 3);
        for (size_t j = 0; j < 3; j++) {
            state.rcpts[j].status = rows[i].statuses[j];
            state.rcpts[j].until_ms = rows[i].until_ms[j];
        }
        UNIT_CHECK_ROW(rows[i].name, state_next_try_ms(&state) == rows[i].expected);
        state_clear(&state);
    }
}

static const struct unit_test tests[] = {
    {"names",    test_names   },
    {"retired",  test_retired },
    {"new",      test_new     },
    {"next try", test_next_try},
};

UNIT_MAIN("spool/state", tests)
