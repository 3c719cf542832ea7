// SPDX-License-Identifier: BSD-2-Clause
// One table with job.c (test_job.c): what a relaying client is answered, and what is remembered.
#include "src/job/job.h"

#include "tests/unit/harness.h"
#include "tests/unit/src/job/fake_line.h"
#include "tests/unit/src/job/fake_verdict.h"
#include "tests/unit/src/job/job_stand.h"

struct heard {
    int codes[8];
    size_t count, calls;
    bool is_deaf; // has left, and remembers nothing
};

static bool
on_answer(void *arg, const struct smtp_reply *replies, size_t count)
{
    struct heard *heard = arg;

    heard->calls++;
    heard->count = count;
    for (size_t i = 0; i < count && i < 8; i++)
        heard->codes[i] = replies[i].code;
    return !heard->is_deaf;
}

static void
test_relay(void)
{
    static const struct {
        const char *name, *answers;
        enum smtp_protocol protocol;
        size_t rcpts;
        bool is_full, is_loop;
        size_t replies;
        int first, last;
        const char *end, *children;
    } rows[] = {
        {"smtp, sent",                 "s",   SMTP_PROTOCOL_SMTP, 2, false, false, 1, 250, 250, "discard ", ""       },
        {"smtp, 4xx",                  "t",   SMTP_PROTOCOL_SMTP, 2, false, false, 1, 450, 450, "discard ", ""       },
        {"smtp, 5xx",                  "p",   SMTP_PROTOCOL_SMTP, 2, false, false, 1, 550, 550, "discard ", ""       },
        {"smtp, 4xx before 5xx",       "ptp", SMTP_PROTOCOL_SMTP, 3, false, false, 1, 450, 450,
         "discard ",                                                                                        ""       },
        {"smtp, taken over, bounce",   "sp",  SMTP_PROTOCOL_SMTP, 2, false, false, 1, 250, 250,
         "finish ",                                                                                         "bounce "},
        {"smtp, taken over, retry",    "st",  SMTP_PROTOCOL_SMTP, 2, false, false, 1, 250, 250, "wait ",
         ""                                                                                                          },
        {"smtp, cannot be taken over", "st",  SMTP_PROTOCOL_SMTP, 2, true,  false, 2, 250, 451,
         "discard ",                                                                                        ""       },
        {"lmtp, each its own",         "stp", SMTP_PROTOCOL_LMTP, 3, false, false, 3, 250, 550, "discard ",
         ""                                                                                                          },
        {"lmtp, loop: kept, then 250", "s",   SMTP_PROTOCOL_LMTP, 2, false, true,  2, 250, 250,
         "hold ",                                                                                           ""       },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct jobs *jobs = job_stand_new();
        struct heard heard = {0};
        struct job_arrival arrival = {.is_loop = rows[i].is_loop};
        struct fake_message message = {.protocol = rows[i].protocol,
                                       .from = "a@b",
                                       .rcpt_params = "",
                                       .rcpt_count = rows[i].rcpts,
                                       .next_hop = "r"};

        fake_answers = rows[i].answers;
        fake_disk_is_full = rows[i].is_full;
        (void)job_start_relay(jobs, fake_file(&message), &arrival, on_answer, &heard);
        job_stand_turn();
        UNIT_CHECK_ROW(rows[i].name, heard.calls == 1);
        UNIT_CHECK_ROW(rows[i].name, heard.count == rows[i].replies);
        UNIT_CHECK_ROW(rows[i].name, heard.codes[0] == rows[i].first);
        UNIT_CHECK_ROW(rows[i].name, heard.codes[rows[i].replies - 1] == rows[i].last);
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&fake_end), rows[i].end) == 0);
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&fake_children), rows[i].children) == 0);
        jobs_free(&jobs);
    }
    fake_clear();
}

// What a decision alone answers, and what it makes us keep.
static void
test_relay_verdicts(void)
{
    static const struct {
        const char *name, *verdicts, *answers;
        enum smtp_protocol protocol;
        size_t rcpts, replies;
        int codes[4];
        const char *end, *children;
    } rows[] = {
        {"smtp, all rejected",     "r",  "s", SMTP_PROTOCOL_SMTP, 2, 1, {550},                "discard ",    ""           },
        {"smtp, all put off",      "l",  "s", SMTP_PROTOCOL_SMTP, 2, 1, {451},                "discard ",    ""           },
        {"smtp, all discarded",    "d",  "s", SMTP_PROTOCOL_SMTP, 2, 1, {250},                "discard ",    ""           },
        {"smtp, all quarantined",  "q",  "s", SMTP_PROTOCOL_SMTP, 2, 1, {250},                "quarantine ", ""           },
        {"smtp, one is discarded", "da", "t", SMTP_PROTOCOL_SMTP, 2, 1, {450},                "discard ",    ""           },
        {"smtp, one is rejected",  "ra", "s", SMTP_PROTOCOL_SMTP, 2, 1, {250},                "finish ",     "bounce "    },
        {"smtp, two transactions", "ae", "s", SMTP_PROTOCOL_SMTP, 2, 1, {250},                "finish ",     ""           },
        {"lmtp, each its own",
         "rld",                          "s",
         SMTP_PROTOCOL_LMTP,                                      3,
         3,                                                             {550, 451, 250},
         "discard ",                                                                                         ""           },
        {"lmtp, one is sent",
         "rlda",                         "t",
         SMTP_PROTOCOL_LMTP,                                      4,
         4,                                                             {550, 451, 250, 450},
         "discard ",                                                                                         ""           },
        {"lmtp, one is kept",
         "rqa",                          "s",
         SMTP_PROTOCOL_LMTP,                                      3,
         3,                                                             {550, 250, 250},
         "finish ",                                                                                          "quarantine "},
        {"lmtp, a dead dissector", "a",  "s", SMTP_PROTOCOL_LMTP, 1, 1, {250},                "hold ",       ""           },
        {"smtp, too long to tell", "m",  "s", SMTP_PROTOCOL_SMTP, 1, 1, {250},                "hold ",       ""           },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct jobs *jobs = job_stand_new();
        struct heard heard = {0};
        struct fake_message message = {.protocol = rows[i].protocol,
                                       .from = "a@b",
                                       .rcpt_params = "",
                                       .rcpt_count = rows[i].rcpts,
                                       .next_hop = "r"};

        fake_answers = rows[i].answers;
        fake_verdicts = rows[i].verdicts;
        fake_crashes = strstr(rows[i].name, "dead") != NULL ? 9 : 0;
        (void)job_start_relay(jobs, fake_file(&message), NULL, on_answer, &heard);
        job_stand_turn();
        UNIT_CHECK_ROW(rows[i].name, heard.calls == 1);
        UNIT_CHECK_ROW(rows[i].name, heard.count == rows[i].replies);
        for (size_t k = 0; k < rows[i].replies; k++)
            UNIT_CHECK_ROW(rows[i].name, heard.codes[k] == rows[i].codes[k]);
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&fake_end), rows[i].end) == 0);
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&fake_children), rows[i].children) == 0);
        jobs_free(&jobs);
    }
    fake_clear();
}

static const struct fake_message relayed = {
    .from = "a@b", .rcpt_params = "", .rcpt_count = 1, .next_hop = "r"};

static void
test_client_leaves(void)
{
    struct jobs *jobs = job_stand_new();
    struct heard heard = {0};
    struct job *job;

    fake_answers = "s";
    job = job_start_relay(jobs, fake_file(&relayed), NULL, on_answer, &heard);
    job_leave(job); // it is being looked into
    job_stand_turn();
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_end), "discard ");
    CU_ASSERT(heard.calls == 1 && heard.codes[0] == 451);
    fake_send_is_held = true;
    job = job_start_relay(jobs, fake_file(&relayed), NULL, on_answer, &heard);
    job_stand_turn();
    job_leave(job); // the dot has not left: taken back
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_end), "discard discard ");
    CU_ASSERT(heard.calls == 2 && heard.codes[0] == 451);
    job = job_start_relay(jobs, fake_file(&relayed), NULL, on_answer, &heard);
    job_stand_turn();
    fake_answer();
    job_leave(job); // too late: finished, and told to the memory of it
    job_stand_turn();
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_end), "discard discard discard ");
    CU_ASSERT(heard.calls == 3 && heard.codes[0] == 250);
    jobs_free(&jobs);
    fake_clear();
}

// Behind our dot. Each has his own answer then, over SMTP as well: some may be known, others not.
static void
test_client_leaves_late(void)
{
    static const struct {
        const char *name, *answers;
        bool leaves_early; // before the next hop has answered; else while it is taken over
        bool is_deaf;
        const char *end;
        size_t replies;
        int codes[2];
    } rows[] = {
        {"each his own",                 "sp", true,  false, "discard ", 2, {250, 550}},
        {"taken over, it is remembered", "st", false, false, "wait ",    1, {250}     },
        {"taken over, nothing is",       "st", false, true,  "discard ", 1, {250}     },
        {"nothing to be taken over",     "t",  false, true,  "discard ", 1, {450}     },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct jobs *jobs = job_stand_new();
        struct heard heard = {.is_deaf = rows[i].is_deaf};
        struct fake_message message = relayed;
        struct job *job;

        message.rcpt_count = 2;
        fake_answers = rows[i].answers;
        fake_send_is_held = true;
        job = job_start_relay(jobs, fake_file(&message), NULL, on_answer, &heard);
        job_stand_turn();
        fake_answer();
        if (!rows[i].leaves_early)
            CU_ASSERT_TRUE(fake_turn());
        if (heard.calls == 0)
            job_leave(job);
        job_stand_turn();
        UNIT_CHECK_ROW(rows[i].name, heard.calls == 1 && heard.count == rows[i].replies);
        for (size_t k = 0; k < rows[i].replies; k++)
            UNIT_CHECK_ROW(rows[i].name, heard.codes[k] == rows[i].codes[k]);
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&fake_end), rows[i].end) == 0);
        jobs_free(&jobs);
    }
    fake_clear();
}

// The first of them has moved: another try of the client's has him, and was answered 250. One reply
// must not take that back.
static void
test_partly_accepted(void)
{
    static const struct {
        const char *name, *verdicts, *answers;
        enum smtp_protocol protocol;
        size_t replies;
        int codes[3];
        const char *end, *children;
    } rows[] = {
        {"smtp, sent",      "a", "s", SMTP_PROTOCOL_SMTP, 1, {250},           "discard ", ""       },
        {"smtp, 4xx",       "a", "t", SMTP_PROTOCOL_SMTP, 1, {250},           "wait ",    ""       },
        {"smtp, 5xx",       "a", "p", SMTP_PROTOCOL_SMTP, 1, {250},           "finish ",  "bounce "},
        {"smtp, rejected",  "r", "s", SMTP_PROTOCOL_SMTP, 1, {250},           "finish ",  "bounce "},
        {"smtp, put off",   "l", "s", SMTP_PROTOCOL_SMTP, 1, {451},           "discard ", ""       },
        {"smtp, discarded", "d", "s", SMTP_PROTOCOL_SMTP, 1, {250},           "discard ", ""       },
        {"lmtp, 5xx",       "a", "p", SMTP_PROTOCOL_LMTP, 3, {0, 550, 550},   "discard ", ""       },
        {"lmtp, rejected",  "r", "s", SMTP_PROTOCOL_LMTP, 3, {550, 550, 550}, "discard ", ""       },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct jobs *jobs = job_stand_new();
        struct heard heard = {0};
        struct job_arrival arrival = {.has_accepted = true};
        struct fake_message message = relayed;
        struct spool_file *file;

        message.protocol = rows[i].protocol;
        message.rcpt_count = 3;
        file = fake_file(&message);
        fake_move(file, "0", "4X2k9QzT7mB");
        fake_answers = rows[i].answers;
        fake_verdicts = rows[i].verdicts;
        (void)job_start_relay(jobs, file, &arrival, on_answer, &heard);
        job_stand_turn();
        UNIT_CHECK_ROW(rows[i].name, heard.calls == 1 && heard.count == rows[i].replies);
        for (size_t k = 0; k < rows[i].replies; k++)
            UNIT_CHECK_ROW(rows[i].name, heard.codes[k] == rows[i].codes[k]);
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&fake_end), rows[i].end) == 0);
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&fake_children), rows[i].children) == 0);
        jobs_free(&jobs);
    }
    fake_clear();
}

static const struct unit_test tests[] = {
    {"relayed",                test_relay             },
    {"verdicts that answer",   test_relay_verdicts    },
    {"the client leaves",      test_client_leaves     },
    {"client leaves late",     test_client_leaves_late},
    {"partly accepted before", test_partly_accepted   },
};

int
main(void)
{
    int status = unit_run("src/job/job_relay", tests, UNIT_COUNT(tests));

    job_stand_end();
    return status;
}
