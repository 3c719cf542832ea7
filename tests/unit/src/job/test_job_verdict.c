// SPDX-License-Identifier: BSD-2-Clause
// Decisions that were not made here, or cannot be made or told: by a worker that has died, for a
// journal that has no room, of a file that cannot be read.
#include "src/job/job.h"

#include "tests/unit/harness.h"
#include "tests/unit/src/job/fake_line.h"
#include "tests/unit/src/job/fake_verdict.h"
#include "tests/unit/src/job/job_stand.h"

// Who decided has died before he told what came of it.
static void
test_decided_before(void)
{
    static const struct {
        const char *verdict, *journal, *end;
    } rows[] = {
        {"accept",     "attempt sent ",                 "finish "    },
        {"redirect",   "attempt sent ",                 "finish "    },
        {"reject",     "failed bounced ",               "finish "    },
        {"discard",    "discarded ",                    "finish "    },
        {"defer",      "looking decided attempt sent ", "finish "    },
        {"quarantine", "",                              "quarantine "},
        {"hold",       "",                              "hold "      },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct jobs *jobs = job_stand_new();
        struct fake_message message = {
            .is_durable = true, .from = "a@b", .rcpt_params = "", .rcpt_count = 1, .next_hop = "r"};
        struct spool_file *file = fake_file(&message);
        struct journal_writer writer;

        fake_answers = "s";
        spool_note_begin(file, &writer, "decided");
        journal_field_text(&writer, "g", "0");
        journal_field_text(&writer, "verdict", rows[i].verdict);
        journal_field_text(&writer, "r", "0");
        spool_note_end(file, &writer);
        buf_reset(&fake_journal);
        job_start(jobs, file, JOB_ADOPTED, NULL);
        job_stand_turn();
        UNIT_CHECK_ROW(rows[i].verdict, strcmp(buf_text(&fake_journal), rows[i].journal) == 0);
        UNIT_CHECK_ROW(rows[i].verdict, strcmp(buf_text(&fake_end), rows[i].end) == 0);
        jobs_free(&jobs);
    }
    fake_clear();
}

static void
test_full_journal(void)
{
    struct jobs *jobs = job_stand_new();
    struct fake_message message = {
        .is_durable = true, .from = "a@b", .rcpt_params = "", .rcpt_count = 1, .next_hop = "r"};

    fake_answers = "s";
    fake_is_crowded = true;
    job_start(jobs, fake_file(&message), JOB_DUE, NULL);
    job_stand_turn();
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_journal), "");
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_end), "hold ");
    jobs_free(&jobs);
    fake_clear();
}

static unsigned calls;
static int code;
static bool is_deaf; // nobody hears it, or remembers it

static bool
on_answer(void *arg, const struct smtp_reply *replies, size_t count)
{
    (void)arg;
    CU_ASSERT(count == 1 || replies[0].code == replies[1].code);
    calls++;
    code = replies[0].code;
    return !is_deaf;
}

// Its file cannot be opened: who relays is told, and not before he knows whom he asked.
// A child whose name would be too long: no time mends that.
static void
test_childless(void)
{
    static const struct {
        const char *name, *verdicts;
        int copies;
    } rows[] = {
        {"a split", "aq", 0},
        {"a copy",  "a",  1},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct jobs *jobs = job_stand_new();
        struct fake_message message = {
            .is_durable = true, .from = "a@b", .rcpt_params = "", .rcpt_count = 2, .next_hop = "r"};

        fake_verdicts = rows[i].verdicts;
        fake_copies = rows[i].copies;
        fake_is_childless = true;
        job_start(jobs, fake_file(&message), JOB_FRESH, NULL);
        job_stand_turn();
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&fake_end), "hold ") == 0);
        jobs_free(&jobs);
    }
    fake_clear();
}

static void
test_cannot_open(void)
{
    static const struct fake_message relayed = {
        .from = "a@b", .rcpt_params = "", .rcpt_count = 1, .next_hop = "r"};
    struct jobs *jobs = job_stand_new();
    struct job *job;

    calls = 0;
    is_deaf = false;
    fake_is_large = true;
    (void)job_start_relay(jobs, fake_file(&relayed), NULL, on_answer, NULL);
    CU_ASSERT(calls == 0);
    job_stand_turn();
    CU_ASSERT(calls == 1 && code == 451);
    job = job_start_relay(jobs, fake_file(&relayed), NULL, on_answer, NULL);
    job_leave(job);
    job_stand_turn();
    CU_ASSERT(calls == 2 && code == 451);
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_end), "discard discard ");
    jobs_free(&jobs);
    fake_clear();
}

// More addresses than a line takes, with parameters that their sender chose: lines enough.
static void
test_redirected_crowd(void)
{
    static char params[1000] = "ORCPT=rfc822;";
    struct fake_message message = {.is_durable = true,
                                   .from = "a@b",
                                   .rcpt_params = params,
                                   .rcpt_count = 200,
                                   .next_hop = "r"};
    struct jobs *jobs = job_stand_new();

    memset(params + strlen(params), 'a', sizeof params - strlen(params) - 1);
    fake_answers = "s";
    fake_verdicts = "n";
    job_start(jobs, fake_file(&message), JOB_FRESH, NULL);
    job_stand_turn();
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_journal),
                           "decided decided decided decided decided decided attempt sent ");
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_end), "finish ");
    jobs_free(&jobs);
    fake_clear();
}

// A client that is told to come again will ask for the same copy again.
static void
test_relayed_copies(void)
{
    static const struct {
        const char *name, *verdicts, *answers, *end;
        int code;
        bool leaves, is_deaf;
    } rows[] = {
        {"sent",                 "a",  "s", "discard finish ",       250, false, false},
        {"later",                "a",  "t", "discard discard ",      450, false, false},
        {"refused",              "a",  "p", "discard finish ",       550, false, false},
        {"taken over",           "aq", "s", "finish finish finish ", 250, false, false},
        {"the client left",      "a",  "s", "discard discard ",      451, true,  false},
        {"sent, not remembered", "a",  "s", "discard discard ",      250, false, true },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct fake_message relayed = {.from = "a@b",
                                       .rcpt_params = "",
                                       .rcpt_count = strlen(rows[i].verdicts),
                                       .next_hop = "r"};
        struct jobs *jobs = job_stand_new();
        struct job *job;

        calls = 0;
        code = 0;
        is_deaf = rows[i].is_deaf;
        fake_copies = 1;
        fake_gives_copies = true;
        fake_verdicts = rows[i].verdicts;
        fake_answers = rows[i].answers;
        job = job_start_relay(jobs, fake_file(&relayed), NULL, on_answer, NULL);
        CU_ASSERT_TRUE(fake_turn() && fake_turn());
        if (rows[i].leaves)
            job_leave(job);
        job_stand_turn();
        UNIT_CHECK_ROW(rows[i].name, code == rows[i].code);
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&fake_end), rows[i].end) == 0);
        jobs_free(&jobs);
    }
    fake_clear();
}

static const struct unit_test tests[] = {
    {"a crowd is redirected",        test_redirected_crowd},
    {"copies of what is relayed",    test_relayed_copies  },
    {"decided before",               test_decided_before  },
    {"no room in the journal",       test_full_journal    },
    {"no child can be made",         test_childless       },
    {"a file that cannot be opened", test_cannot_open     },
};

int
main(void)
{
    int status = unit_run("src/job/job_verdict", tests, UNIT_COUNT(tests));

    job_stand_end();
    return status;
}
