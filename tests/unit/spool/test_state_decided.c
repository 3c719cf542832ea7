// SPDX-License-Identifier: BSD-2-Clause
#include "spool/state_decided.h"

#include "tests/unit/harness.h"
#include "tests/unit/spool/sample.h"

static void
test_groups(void)
{
    struct spool_state state;
    const struct decided_group *group;

    state_init(&state, 6);
    sample_apply(&state, (const char *const[]){
                             "decided g=0 verdict=accept r=0,2",
                             "decided g=1 verdict=redirect rule=x r=1,3 reason=why from=<a@b> "
                             "to=<c@d> to=<e@f> edit=one edit=two received=Received:\r\n\tx\r\n",
                             "decided g=3 verdict=hold r=4", NULL});
    CU_ASSERT_EQUAL(state.odd, 0);
    CU_ASSERT_EQUAL_FATAL(state.group_count, 4);
    group = &state.groups[0];
    CU_ASSERT_EQUAL(group->verdict, VERDICT_ACCEPT);
    CU_ASSERT_PTR_NULL(group->rule);
    CU_ASSERT_PTR_NULL(group->from);
    CU_ASSERT_PTR_NULL(group->to);
    CU_ASSERT_PTR_NULL(group->received);
    group = &state.groups[1];
    CU_ASSERT_EQUAL(group->verdict, VERDICT_REDIRECT);
    CU_ASSERT_STRING_EQUAL(group->rule, "x");
    CU_ASSERT_STRING_EQUAL(group->reason, "why");
    CU_ASSERT_STRING_EQUAL(group->from, "<a@b>");
    CU_ASSERT_STRING_EQUAL(group->received, "Received:\r\n\tx\r\n");
    CU_ASSERT_EQUAL_FATAL(group->to_count, 2);
    CU_ASSERT_STRING_EQUAL(group->to[1], "<e@f>");
    CU_ASSERT_EQUAL_FATAL(group->edit_count, 2);
    CU_ASSERT_STRING_EQUAL(group->edits[0], "one");
    CU_ASSERT_STRING_EQUAL(group->edits[1], "two");
    // A damaged line's group is nobody's; its recipients are not decided.
    CU_ASSERT_EQUAL(state.groups[2].verdict, VERDICT_NONE);
    CU_ASSERT_EQUAL(state.rcpts[0].group, 0);
    CU_ASSERT_EQUAL(state.rcpts[1].group, 1);
    CU_ASSERT_EQUAL(state.rcpts[2].group, 0);
    CU_ASSERT_EQUAL(state.rcpts[4].group, 3);
    CU_ASSERT_EQUAL(state.rcpts[5].group, -1);
    CU_ASSERT_PTR_NULL(state.rcpts[0].to);
    CU_ASSERT_STRING_EQUAL(state.rcpts[1].to, "<c@d>");
    CU_ASSERT_STRING_EQUAL(state.rcpts[3].to, "<e@f>");
    // A new look: a group of its own number takes over whoever is open.
    sample_apply(&state, (const char *const[]){"sent r=1",
                                               "decided g=4 verdict=accept r=0,1 "
                                               "to=<x@y> to=<z@y>",
                                               NULL});
    CU_ASSERT_EQUAL(state.odd, 1);
    CU_ASSERT_EQUAL(state.rcpts[0].group, 4);
    CU_ASSERT_STRING_EQUAL(state.rcpts[0].to, "<x@y>");
    CU_ASSERT_EQUAL(state.rcpts[1].group, 1);
    CU_ASSERT_STRING_EQUAL(state.rcpts[1].to, "<c@d>");
    state_clear(&state);
}

static void
test_bad_decisions(void)
{
    static const char *const rows[] = {
        "decided g=0 r=0",
        "decided g=0 verdict=none r=0",
        "decided g=0 verdict=perhaps r=0",
        "decided verdict=accept r=0",
        "decided g=-1 verdict=accept r=0",
        "decided g=16384 verdict=accept r=0",
        "decided g=0 verdict=accept r=0-1 to=<a@b>",
        "decided g=0 verdict=accept r=0 to=<a@b> to=<c@d>",
        "decided g=9 verdict=accept r=0", // decided already
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct spool_state state;

        state_init(&state, 4);
        sample_apply_one(&state, "decided g=9 verdict=hold r=3");
        sample_apply_one(&state, rows[i]);
        UNIT_CHECK_ROW(rows[i], state.odd == 1);
        UNIT_CHECK_ROW(rows[i], state.rcpts[0].group == -1);
        UNIT_CHECK_ROW(rows[i], state.groups[0].verdict == VERDICT_NONE);
        UNIT_CHECK_ROW(rows[i], state.groups[9].verdict == VERDICT_HOLD);
        UNIT_CHECK_ROW(rows[i], state.group_count == 10);
        state_clear(&state);
    }
}

// What was deferred, or is looked at anew, is decided again; a retired one is not.
static void
test_another_look(void)
{
    struct spool_state state;

    state_init(&state, 3);
    sample_apply(&state,
                 (const char *const[]){"decided g=0 verdict=defer r=0-2 to=<a@b> to=<c@d> to=<e@f>",
                                       "deferred r=0-1 until=5", "sent r=2",
                                       "decided g=1 verdict=accept r=0", NULL});
    CU_ASSERT_EQUAL(state.odd, 0);
    CU_ASSERT_EQUAL(state.rcpts[0].group, 1);
    CU_ASSERT_PTR_NULL(state.rcpts[0].to);
    CU_ASSERT_EQUAL(state.rcpts[1].group, 0);
    sample_apply_one(&state, "rescan");
    CU_ASSERT_EQUAL(state.rcpts[0].group, -1);
    CU_ASSERT_EQUAL(state.rcpts[1].group, -1);
    CU_ASSERT_PTR_NULL(state.rcpts[1].to);
    CU_ASSERT_EQUAL(state.rcpts[2].group, 0);
    CU_ASSERT_STRING_EQUAL(state.rcpts[2].to, "<e@f>");
    sample_apply(&state, (const char *const[]){"decided g=2 verdict=hold r=0-1", NULL});
    CU_ASSERT_EQUAL(state.rcpts[0].group, 2);
    CU_ASSERT_EQUAL(state.rcpts[1].group, 2);
    CU_ASSERT_EQUAL(state.odd, 0);
    state_clear(&state);
}

// To let go what is held has no effect on a later decision to hold it.
static void
test_held_again(void)
{
    static const struct {
        const char *verdict, *rcpts;
        bool is_unheld;
    } rows[] = {
        {"hold",       "r=0",   false},
        {"hold",       "r=0-1", false},
        {"hold",       "r=1",   true }, // which is retired
        {"accept",     "r=0",   true },
        {"quarantine", "r=0",   true },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct spool_state state;
        char line[80];

        state_init(&state, 2);
        sample_apply(&state, (const char *const[]){"decided g=0 verdict=hold r=0-1", "sent r=1",
                                                   "held reason=x", "unheld", NULL});
        CU_ASSERT_TRUE(state.unheld);
        snprintf(line, sizeof(line), "decided g=1 verdict=%s %s", rows[i].verdict, rows[i].rcpts);
        sample_apply_one(&state, line);
        UNIT_CHECK_ROW(line, state.unheld == rows[i].is_unheld);
        state_clear(&state);
    }
}

// A value that is no xtext must not shift the addresses behind it to other recipients.
static void
test_decision_with_a_bad_value(void)
{
    static const char content[] = "1 2 decided g=0 verdict=accept r=0-1 to=+ZZ to=<c@d>";
    static struct journal_reader reader;
    struct spool_state state;
    struct buf journal;

    buf_init(&journal, 1000);
    buf_printf(&journal, "%s #%016llx\n", content,
               (unsigned long long)digest_sum64(span_of(content), SAMPLE_KEY));
    state_init(&state, 2);
    journal_reader_init(&reader, buf_span(&journal), SAMPLE_KEY);
    state_apply_all(&state, &reader);
    CU_ASSERT_EQUAL(reader.good_end, journal.len);
    CU_ASSERT_EQUAL(state.odd, 1);
    CU_ASSERT_EQUAL(state.rcpts[0].group, -1);
    buf_clear(&journal);
    state_clear(&state);
}

static const struct unit_test tests[] = {
    {"groups",                    test_groups                   },
    {"bad decisions",             test_bad_decisions            },
    {"another look",              test_another_look             },
    {"held again",                test_held_again               },
    {"decision with a bad value", test_decision_with_a_bad_value},
};

UNIT_MAIN("spool/state_decided", tests)
