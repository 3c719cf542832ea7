// SPDX-License-Identifier: BSD-2-Clause
#include "spool/state.h"

#include "tests/unit/harness.h"
#include "tests/unit/spool/sample.h"

enum { KEY = SAMPLE_KEY, STATUSES = RCPT_DISCARDED + 1 };

static struct journal_reader reader;

// How recipient 0 comes into each status.
static const char *const ways[STATUSES] = {
    [RCPT_OPEN] = "found",
    [RCPT_DEFERRED] = "deferred r=0 until=1000 code=451 reply=later",
    [RCPT_FAILED] = "failed r=0 code=550 reply=never",
    [RCPT_SENT] = "sent r=0 code=250 reply=thanks",
    [RCPT_BOUNCED] = "bounced r=0 child=4X2k9QzT7mB.1",
    [RCPT_MOVED] = "moved r=0 child=4X2k9QzT7mB.2",
    [RCPT_DISCARDED] = "discarded r=0 reason=unwanted",
};

#define O RCPT_OPEN
#define W RCPT_DEFERRED
#define F RCPT_FAILED
#define S RCPT_SENT
#define B RCPT_BOUNCED
#define M RCPT_MOVED
#define D RCPT_DISCARDED

static void
test_every_event_in_every_status(void)
{
    static const struct {
        const char *line;
        enum rcpt_status expected[STATUSES]; // from O W F S B M D
        const char *odd;                     // the same
    } rows[] = {
        {"sent r=0",                     {S, S, S, S, B, M, D}, "...!!!!"},
        {"deferred r=0 until=2000",      {W, W, F, S, B, M, D}, "..!!!!!"},
        {"failed r=0",                   {F, F, F, S, B, M, D}, "..!!!!!"},
        {"bounced r=0 child=x",          {B, B, B, S, B, M, D}, "...!!!!"},
        {"moved r=0 child=x",            {M, M, M, S, B, M, D}, "...!!!!"},
        {"discarded r=0 reason=x",       {D, D, D, S, B, M, D}, "...!!!!"},
        {"attempt g=0 r=0",              {O, W, F, S, B, M, D}, "..!!!!!"},
        {"decided g=0 verdict=hold r=0", {O, W, F, S, B, M, D}, "...!!!!"},
        {"delayed r=0 child=x",          {O, W, F, S, B, M, D}, "......."},
        {"relayed r=0 child=x",          {O, W, F, S, B, M, D}, "......."},
        {"found",                        {O, W, F, S, B, M, D}, "......."},
        {"crashed n=1",                  {O, W, F, S, B, M, D}, "......."},
        {"result filter=x",              {O, W, F, S, B, M, D}, "......."},
        {"result took=1",                {O, W, F, S, B, M, D}, "!!!!!!!"},
        {"copied to=x rule=y",           {O, W, F, S, B, M, D}, "......."},
        {"rescan",                       {O, O, O, S, B, M, D}, "......."},
        {"quarantined rule=x reason=y",  {O, W, F, S, B, M, D}, "......."},
        {"release r=0 child=x",          {O, W, F, S, B, M, D}, "...!!!!"},
        {"released r=0 child=x by=y",    {O, W, F, S, B, M, D}, "...!!!!"},
        {"held reason=x",                {O, W, F, S, B, M, D}, "......."},
        {"unheld",                       {O, W, O, S, B, M, D}, "......."},
        {"retry",                        {O, W, F, S, B, M, D}, "......."},
        {"done",                         {O, W, F, S, B, M, D}, "!!!...."},
        {"exploded r=0",                 {O, W, F, S, B, M, D}, "!!!!!!!"},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        for (size_t from = 0; from < STATUSES; from++) {
            struct spool_state state;
            enum rcpt_status expected = rows[i].expected[from];

            state_init(&state, 1);
            sample_apply_one(&state, ways[from]);
            CU_ASSERT_EQUAL(state.odd, 0);
            sample_apply_one(&state, rows[i].line);
            UNIT_CHECK_ROW(rows[i].line, state.rcpts[0].status == expected);
            UNIT_CHECK_ROW(rows[i].line, state.odd == (rows[i].odd[from] == '!' ? 1 : 0));
            UNIT_CHECK_ROW(rows[i].line, state_open_count(&state) == (expected < S ? 1 : 0));
            UNIT_CHECK_ROW(rows[i].line, state_is_retired(&state) == (expected >= S));
            state_clear(&state);
        }
    }
}

// Whatever comes, nobody retired is opened again, and what was told of him stays.
static void
test_retired_stay(void)
{
    for (size_t way = S; way < STATUSES; way++) {
        struct spool_state state;
        char *reply;

        state_init(&state, 2);
        sample_apply_one(&state, ways[way]);
        reply = mem_strdup(state.rcpts[0].reply);
        for (size_t other = 0; other < STATUSES; other++)
            sample_apply_one(&state, ways[other]);
        sample_apply(&state, (const char *const[]){"attempt r=0-1 alone=1", "retry", "unheld",
                                                   "decided g=0 verdict=accept r=0-1", NULL});
        CU_ASSERT_EQUAL(state.rcpts[0].status, (enum rcpt_status)way);
        CU_ASSERT_EQUAL(state.rcpts[0].group, -1);
        CU_ASSERT((reply == NULL && state.rcpts[0].reply == NULL) ||
                  strcmp(reply, state.rcpts[0].reply) == 0);
        CU_ASSERT_EQUAL(state.rcpts[1].group, 0);
        CU_ASSERT_EQUAL(state_open_count(&state), 1);
        mem_free(&reply);
        state_clear(&state);
    }
}

static void
test_what_is_kept_of_outcomes(void)
{
    struct spool_state state;
    const struct rcpt_state *rcpts;

    state_init(&state, 6);
    rcpts = state.rcpts;
    sample_apply(&state,
                 (const char *const[]){
                     "deferred r=0-1 until=1000 code=451 reply=4.3.0 relay=x",
                     "deferred r=1 until=2000 code=452", "failed r=2 code=550 reply=5.1.1",
                     "sent r=3 code=250 reply=2.0.0 qid=4Zb", "bounced r=2 child=4X2k9QzT7mB.1",
                     "discarded r=4 reason=unwanted", "failed r=5 code=1000", NULL});
    CU_ASSERT_EQUAL(state.odd, 0);
    CU_ASSERT_EQUAL(rcpts[0].until_ms, 1000);
    CU_ASSERT_EQUAL(rcpts[0].tries, 1);
    CU_ASSERT_EQUAL(rcpts[0].code, 451);
    CU_ASSERT_STRING_EQUAL(rcpts[0].reply, "4.3.0");
    CU_ASSERT_EQUAL(rcpts[1].until_ms, 2000);
    CU_ASSERT_EQUAL(rcpts[1].tries, 2);
    CU_ASSERT_EQUAL(rcpts[1].code, 452);
    CU_ASSERT_STRING_EQUAL(rcpts[1].reply, "4.3.0");
    CU_ASSERT_EQUAL(rcpts[2].failed_seq, 3);
    CU_ASSERT_EQUAL(rcpts[2].code, 550);
    CU_ASSERT_STRING_EQUAL(rcpts[2].reply, "5.1.1");
    CU_ASSERT_STRING_EQUAL(rcpts[2].child, "4X2k9QzT7mB.1");
    CU_ASSERT_EQUAL(rcpts[3].code, 250);
    CU_ASSERT_STRING_EQUAL(rcpts[4].reply, "unwanted");
    CU_ASSERT_EQUAL(rcpts[5].code, 0);
    CU_ASSERT_EQUAL(state.next_seq, 8);
    state_clear(&state);
}

// Lines whose recipients are not well said change nothing at all.
static void
test_bad_recipients(void)
{
    static const char *const events[] = {
        "sent",    "deferred",        "failed",           "bounced",
        "moved",   "attempt",         "discarded",        "delayed",
        "relayed", "release child=x", "released child=x", "decided g=0 verdict=accept"};
    static const char *const bad[] = {"", " r=", " r=2", " r=0-2", " r=1,0", " r=0,,1", " r=x"};

    for (size_t i = 0; i < UNIT_COUNT(events); i++) {
        for (size_t j = 0; j < UNIT_COUNT(bad); j++) {
            struct spool_state state;
            char line[80];

            snprintf(line, sizeof(line), "%s%s", events[i], bad[j]);
            state_init(&state, 2);
            sample_apply_one(&state, line);
            UNIT_CHECK_ROW(line, state.odd == 1);
            UNIT_CHECK_ROW(line, state_open_count(&state) == 2 && state.group_count == 0);
            UNIT_CHECK_ROW(line, state.rcpts[0].status == O && state.rcpts[1].status == O);
            UNIT_CHECK_ROW(line, !state.rcpts[0].delay_told && !state.rcpts[0].relayed_told);
            UNIT_CHECK_ROW(line, !state.attempt_open && state.releases == 0);
            UNIT_CHECK_ROW(line, state.releasing == 0 && state.rcpts[0].released == NULL);
            state_clear(&state);
        }
    }
}

// A line that fits some changes those.
static void
test_partly_fitting(void)
{
    struct spool_state state;

    state_init(&state, 4);
    sample_apply(&state, (const char *const[]){"sent r=1", "failed r=0-3 code=550", NULL});
    CU_ASSERT_EQUAL(state.odd, 1);
    CU_ASSERT_EQUAL(state.rcpts[0].status, F);
    CU_ASSERT_EQUAL(state.rcpts[1].status, S);
    CU_ASSERT_EQUAL(state.rcpts[3].status, F);
    state_clear(&state);
}

static void
test_order(void)
{
    struct spool_state state;
    struct buf journal;

    buf_init(&journal, 1 << 20);
    sample_note(&journal, KEY, 5, "deferred r=0 until=9");
    sample_note(&journal, KEY, 5, "sent r=0");
    sample_note(&journal, KEY, 4, "sent r=0");
    sample_note(&journal, KEY, 90, "crashed n=1");
    journal_reader_init(&reader, buf_span(&journal), KEY);
    state_init(&state, 1);
    state_apply_all(&state, &reader);
    CU_ASSERT_EQUAL(state.odd, 2);
    CU_ASSERT_EQUAL(state.rcpts[0].status, W);
    CU_ASSERT_EQUAL(state.crashes, 1);
    CU_ASSERT_EQUAL(state.next_seq, 91);
    buf_clear(&journal);
    state_clear(&state);
}

static void
test_done(void)
{
    struct spool_state state;

    state_init(&state, 2);
    sample_apply(&state, (const char *const[]){"sent r=0", "done", NULL});
    CU_ASSERT_FALSE(state.done);
    CU_ASSERT_EQUAL(state.odd, 1);
    sample_apply(&state, (const char *const[]){"sent r=1", "done", NULL});
    CU_ASSERT_TRUE(state.done);
    CU_ASSERT_EQUAL(state.odd, 1);
    sample_apply(&state, (const char *const[]){"held reason=x", "retry", NULL});
    CU_ASSERT_FALSE(state.held);
    CU_ASSERT_EQUAL(state.odd, 3);
    state_clear(&state);
}

static void
test_attempts(void)
{
    static const struct {
        const char *name;
        const char *lines[8];
        bool is_open, is_alone;
        uint32_t alone_crashes;
    } rows[] = {
        {"none",                           {"found"},                                               false, false, 0},
        {"begun",                          {"attempt r=0-1"},                                       true,  false, 0},
        {"begun alone",                    {"attempt r=0-1 alone=1"},                               true,  true,  0},
        {"ended",                          {"attempt r=0-1 alone=1", "sent r=0-1"},                 false, false, 0},
        {"half",                           {"attempt r=0-1 alone=1", "sent r=0"},                   true,  true,  0},
        {"in two halves",                  {"attempt r=0-1 alone=1", "sent r=0", "deferred r=1"},   false, false, 0},
        {"ended in failed",                {"attempt r=0", "failed r=0"},                           false, false, 0},
        {"ended in bounced",               {"attempt r=0", "bounced r=0"},                          false, false, 0},
        {"ended in moved",                 {"attempt r=0", "moved r=0"},                            false, false, 0},
        {"ended in discarded",             {"attempt r=0", "discarded r=0"},                        false, false, 0},
        {"a notice ends nothing",          {"attempt r=0", "delayed r=0 child=x"},                  true,  false, 0},
        {"another's outcome ends nothing", {"attempt r=0", "sent r=1"},                             true,  false, 0},
        {"again, not alone",               {"attempt r=0", "attempt r=0"},                          true,  false, 0},
        {"again",                          {"attempt r=0 alone=1", "attempt r=0"},                  true,  false, 1},
        {"again and again",
         {"attempt r=0 alone=1", "attempt r=0 alone=1", "attempt r=0 alone=1"},
         true,                                                                                             true,
         2                                                                                                         },
        {"the innocent's first",           {"attempt r=0", "attempt r=0 alone=1"},                  true,  true,  0},
        {"again after an end",
         {"attempt r=0 alone=1", "deferred r=0", "attempt r=0 alone=1"},
         true,                                                                                             true,
         0                                                                                                         },
        {"half, then again",
         {"attempt r=0-1 alone=1", "sent r=0", "attempt r=1 alone=1"},
         true,                                                                                             true,
         1                                                                                                         },
        {"one death, told by halves",
         {"attempt r=0-3 alone=1", "attempt r=0-1 alone=1", "sent r=0-1", "attempt r=2-3 alone=1"},
         true,                                                                                             true,
         1                                                                                                         },
        {"side by side",                   {"attempt r=0 alone=1", "attempt r=1 alone=1"},          true,  true,  0},
        {"side by side, one ended",
         {"attempt r=0", "attempt r=1 alone=1", "sent r=1"},
         true,                                                                                             true,
         0                                                                                                         },
        {"side by side, both ended",
         {"attempt r=0", "attempt r=1", "sent r=1", "sent r=0"},
         false,                                                                                            false,
         0                                                                                                         },
        {"two at once, one death",
         {"attempt r=0 alone=1", "attempt r=1 alone=1", "attempt r=0-1 alone=1"},
         true,                                                                                             true,
         1                                                                                                         },
        {"retried",                        {"attempt r=0 alone=1", "attempt r=0 alone=1", "retry"}, false, false, 0},
        {"retried, then again",
         {"attempt r=0 alone=1", "retry", "attempt r=0 alone=1"},
         true,                                                                                             true,
         0                                                                                                         },
        {"let go",
         {"attempt r=0 alone=1", "attempt r=0 alone=1", "held", "unheld"},
         false,                                                                                            false,
         0                                                                                                         },
        {"held",                           {"attempt r=0 alone=1", "attempt r=0 alone=1", "held"},  true,  true,  1},
        {"of a retired one",               {"sent r=0", "attempt r=0 alone=1"},                     false, false, 0},
        {"of a failed one",                {"failed r=0", "attempt r=0 alone=1"},                   false, false, 0},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct spool_state state;

        state_init(&state, 4);
        sample_apply(&state, rows[i].lines);
        UNIT_CHECK_ROW(rows[i].name, state.attempt_open == rows[i].is_open);
        UNIT_CHECK_ROW(rows[i].name, state.attempt_alone == rows[i].is_alone);
        UNIT_CHECK_ROW(rows[i].name, state.alone_crashes == rows[i].alone_crashes);
        UNIT_CHECK_ROW(rows[i].name, state.attempt_open == (state.under_way > 0));
        state_clear(&state);
    }
}

static void
test_operators_wishes(void)
{
    static const char *const wishes[] = {"retry", "unheld"};

    for (size_t i = 0; i < UNIT_COUNT(wishes); i++) {
        bool is_unheld = i == 1;
        struct spool_state state;

        state_init(&state, 3);
        sample_apply(&state,
                     (const char *const[]){"crashed n=1", "crashed n=1", "deferred r=0 until=5000",
                                           "deferred r=0 until=6000", "failed r=1 code=550",
                                           "sent r=2", "held reason=a", "held reason=b", NULL});
        CU_ASSERT_TRUE(state.held);
        CU_ASSERT_STRING_EQUAL(state.held_reason, "b");
        CU_ASSERT_EQUAL(state.crashes, 2);
        sample_apply_one(&state, wishes[i]);
        UNIT_CHECK_ROW(wishes[i], state.crashes == 0);
        UNIT_CHECK_ROW(wishes[i], state.rcpts[0].status == W);
        UNIT_CHECK_ROW(wishes[i], state.rcpts[0].until_ms == 0);
        UNIT_CHECK_ROW(wishes[i], state.rcpts[0].tries == 2);
        UNIT_CHECK_ROW(wishes[i], state.rcpts[1].status == (is_unheld ? O : F));
        UNIT_CHECK_ROW(wishes[i], state.rcpts[2].status == S);
        UNIT_CHECK_ROW(wishes[i], state.held == !is_unheld && state.unheld == is_unheld);
        UNIT_CHECK_ROW(wishes[i], (state.held_reason == NULL) == is_unheld);
        UNIT_CHECK_ROW(wishes[i], state_next_try_ms(&state) == 0);
        UNIT_CHECK_ROW(wishes[i], state.odd == 0);
        state_clear(&state);
    }
}

static void
test_notices(void)
{
    struct spool_state state;

    state_init(&state, 3);
    sample_apply(&state, (const char *const[]){"sent r=0", "delayed r=1 child=x",
                                               "relayed r=0 child=y", NULL});
    CU_ASSERT_TRUE(state.rcpts[0].relayed_told);
    CU_ASSERT_FALSE(state.rcpts[0].delay_told);
    CU_ASSERT_TRUE(state.rcpts[1].delay_told);
    CU_ASSERT_FALSE(state.rcpts[1].relayed_told);
    CU_ASSERT_EQUAL(state.odd, 0);
    state_clear(&state);
}

static void
test_texts_are_bounded(void)
{
    struct spool_state state;
    char line[STATE_TEXT_MAX + 100];

    state_init(&state, 1);
    snprintf(line, sizeof(line), "deferred r=0 reply=%0*d", STATE_TEXT_MAX + 10, 1);
    sample_apply_one(&state, line);
    CU_ASSERT_EQUAL(strlen(state.rcpts[0].reply), STATE_TEXT_MAX);
    snprintf(line, sizeof(line), "held reason=%0*d", STATE_TEXT_MAX + 10, 1);
    sample_apply_one(&state, line);
    CU_ASSERT_EQUAL(strlen(state.held_reason), STATE_TEXT_MAX);
    state_clear(&state);
}

// Lines of his own for each recipient. Were a line's cost that of all recipients, this would run
// into the time-out.
static void
test_many_recipients(void)
{
    enum { COUNT = 200000 };

    struct spool_state state;
    struct buf journal;
    char line[80];
    uint64_t seq = 1;

    buf_init(&journal, 128 << 20);
    for (size_t i = 0; i < STATE_GROUPS_MAX; i++) {
        snprintf(line, sizeof(line), "decided g=%zu verdict=accept r=%zu to=<a@b>", i, i);
        sample_note(&journal, KEY, seq++, line);
    }
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(line, sizeof(line), "attempt r=%zu alone=1", i);
        sample_note(&journal, KEY, seq++, line);
        snprintf(line, sizeof(line), "sent r=%zu code=250 reply=ok", i);
        sample_note(&journal, KEY, seq++, line);
    }
    sample_note(&journal, KEY, seq++, "done");
    state_init(&state, COUNT);
    journal_reader_init(&reader, buf_span(&journal), KEY);
    state_apply_all(&state, &reader);
    CU_ASSERT_TRUE(state.done);
    CU_ASSERT_EQUAL(state.odd, 0);
    CU_ASSERT_EQUAL(state.group_count, STATE_GROUPS_MAX);
    buf_clear(&journal);
    state_clear(&state);
}

static const struct unit_test tests[] = {
    {"every event in every status", test_every_event_in_every_status},
    {"retired stay",                test_retired_stay               },
    {"what is kept of outcomes",    test_what_is_kept_of_outcomes   },
    {"bad recipients",              test_bad_recipients             },
    {"partly fitting",              test_partly_fitting             },
    {"order",                       test_order                      },
    {"done",                        test_done                       },
    {"attempts",                    test_attempts                   },
    {"operator's wishes",           test_operators_wishes           },
    {"notices",                     test_notices                    },
    {"texts are bounded",           test_texts_are_bounded          },
    {"many recipients",             test_many_recipients            },
};

UNIT_MAIN("spool/state_apply", tests)
