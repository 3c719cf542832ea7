// SPDX-License-Identifier: BSD-2-Clause
// What is told of a message in its life: where it comes to rest, and what the log sums up.
#include "base/log.h"
#include "src/job/job.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/src/job/fake_line.h"
#include "tests/unit/src/job/fake_verdict.h"
#include "tests/unit/src/job/job_stand.h"
#include "track/status.h"

static struct tempdir dir;
static struct buf told;

static void
log_to_file(void)
{
    static char facility[] = "mail", format[] = "text", empty[] = "";
    struct log_settings settings = {.facility = facility,
                                    .file = (char *)tempdir_name(&dir, "log"),
                                    .error_file = empty,
                                    .format = format,
                                    .syslog_path = empty};
    struct err err;

    CU_ASSERT_FATAL(log_open("test", &settings, false, 0, &err) == 0);
}

// "waiting deferred looked sent; " for each record. Each is of a later step than the one before.
static const char *
tellings(void)
{
    struct hearing *hearing = job_stand_hearing();
    const struct record *record = &hearing->record;
    uint64_t last = 0;

    buf_reset(&told);
    while (hearing_next(hearing) == RECORD_MESSAGE) {
        CU_ASSERT(record->step > last);
        last = record->step;
        buf_printf(&told, "%s %s%s%s; ", record_place_name(record->place),
                   status_name(status_of_message(record)), record->is_looked ? " looked" : "",
                   record->is_sent ? " sent" : "");
    }
    return buf_text(&told);
}

// How many summaries the log has; begins a new log.
static int
summaries(void)
{
    char *text = tempdir_read(&dir, "log");
    int count = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    for (const char *at = text; (at = strstr(at, " test/done[")) != NULL; at++)
        count++;
    free(text);
    log_close();
    CU_ASSERT(unlinkat(dir.fd, "log", 0) == 0);
    log_to_file();
    return count;
}

static void
check(const char *name, const char *expected, int expected_summaries)
{
    const char *got = tellings();

    if (strcmp(got, expected) != 0)
        fprintf(stderr, "row \"%s\": expected %s got %s\n", name, expected, got);
    UNIT_CHECK_ROW(name, strcmp(got, expected) == 0);
    UNIT_CHECK_ROW(name, summaries() == expected_summaries);
}

static void
begin(void)
{
    tempdir_make(&dir);
    log_to_file();
    buf_init(&told, 1 << 16);
}

static void
end(void)
{
    fake_clear();
    buf_clear(&told);
    log_close();
    tempdir_remove(&dir);
}

static void
test_rests(void)
{
    static const struct {
        const char *name, *from, *verdicts, *answers, *told;
        size_t rcpts;
        bool is_loop;
    } rows[] = {
        {"sent",                    "a@b", "a",  "s",   "done reinjected looked sent; ",   3, false},
        {"put off by the next hop", "a@b", "a",  "t",   "waiting deferred looked sent; ",  1, false},
        {"put off by a rule",       "a@b", "l",  "s",   "waiting deferred looked; ",       1, false},
        {"refused, and a bounce",   "a@b", "a",  "p",   "done bounced looked sent; ",      1, false},
        {"refused, and no bounce",  "",    "a",  "p",   "hold held looked sent; ",         1, false},
        {"one of each",             "a@b", "a",  "stp", "waiting deferred looked sent; ",  3, false},
        {"quarantined",             "a@b", "q",  "s",   "quarantine quarantined looked; ", 2, false},
        {"held",                    "a@b", "h",  "s",   "hold held looked; ",              2, false},
        {"discarded",               "a@b", "d",  "s",   "done discarded looked; ",         2, false},
        {"rejected",                "a@b", "r",  "s",   "done bounced looked; ",           2, false},
        {"two transactions",        "a@b", "ae", "s",   "done reinjected looked sent; ",   2, false},
        {"one is quarantined",      "a@b", "aq", "s",   "done reinjected looked sent; ",   2, false},
        {"goes round",              "a@b", "a",  "s",   "hold held; ",                     1, true },
    };

    begin();
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct jobs *jobs = job_stand_new();
        struct job_arrival arrival = {.is_loop = rows[i].is_loop};
        struct fake_message message = {.is_durable = true,
                                       .from = rows[i].from,
                                       .rcpt_params = "",
                                       .rcpt_count = rows[i].rcpts,
                                       .next_hop = "r"};

        fake_answers = rows[i].answers;
        fake_verdicts = rows[i].verdicts;
        job_start(jobs, fake_file(&message), JOB_FRESH, &arrival);
        job_stand_turn();
        check(rows[i].name, rows[i].told, 1);
        jobs_free(&jobs);
    }
    end();
}

static const struct fake_message kept = {
    .is_durable = true, .from = "a@b", .rcpt_params = "", .rcpt_count = 1, .next_hop = "r"};

// Who tries it again tells where it is, and sums up only once it is over.
static void
test_later_tries(void)
{
    static const struct {
        const char *name;
        enum job_origin origin;
        const char *answers, *told;
        int summaries;
    } rows[] = {
        {"sent at last",     JOB_DUE,     "s", "done reinjected looked sent; ",  1},
        {"put off again",    JOB_DUE,     "t", "waiting deferred looked sent; ", 0},
        {"by somebody else", JOB_ADOPTED, "t", "waiting deferred looked sent; ", 0},
        {"refused at last",  JOB_DUE,     "p", "done bounced looked sent; ",     1},
    };

    begin();
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct jobs *jobs = job_stand_new();
        struct spool_file *file = fake_file(&kept);

        fake_note(file, "deferred", "r", "0");
        fake_answers = rows[i].answers;
        job_start(jobs, file, rows[i].origin, NULL);
        job_stand_turn();
        check(rows[i].name, rows[i].told, rows[i].summaries);
        jobs_free(&jobs);
    }
    end();
}

// What takes its time is told while it is under way, once.
static void
test_under_way(void)
{
    struct jobs *jobs;

    begin();
    jobs = job_stand_new();
    fake_answers = "s";
    fake_send_is_held = true;
    job_start(jobs, fake_file(&kept), JOB_FRESH, NULL);
    job_stand_turn();
    jobs_tell_begun(jobs);
    check("just begun", "", 0);
    jobs_tell_begun(jobs);
    check("still there", "active filtering looked; ", 0);
    jobs_tell_begun(jobs);
    check("told already", "", 0);
    fake_answer();
    job_stand_turn();
    check("then over", "done reinjected sent; ", 1);
    jobs_tell_begun(jobs);
    check("and gone", "", 0);
    jobs_free(&jobs);
    end();
}

// What was found is told before it is sent where the look took long.
static void
test_long_look(void)
{
    static const struct {
        const char *name;
        uint64_t look_us;
        int copies;
        const char *told;
    } rows[] = {
        {"short",            499999, 0, "done reinjected looked sent; "                  },
        {"long",             500000, 0, "active filtering looked; done reinjected sent; "},
        {"long, and a copy", 500000, 1, "active filtering looked; done reinjected sent; "},
    };

    begin();
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct jobs *jobs = job_stand_new();

        fake_answers = "s";
        fake_look_us = rows[i].look_us;
        fake_copies = rows[i].copies;
        job_start(jobs, fake_file(&kept), JOB_FRESH, NULL);
        job_stand_turn();
        check(rows[i].name, rows[i].told, 1);
        jobs_free(&jobs);
    }
    end();
}

static bool
ignore_answer(void *arg, const struct smtp_reply *replies, size_t count)
{
    (void)arg;
    (void)replies;
    (void)count;
    return true;
}

static void
test_relay(void)
{
    static const struct {
        const char *name;
        enum smtp_protocol protocol;
        const char *verdicts, *answers, *told;
        const char *codes; // of the recipients in the last record
    } rows[] = {
        {"sent",                   SMTP_PROTOCOL_SMTP, "a",  "s",   "done reinjected looked sent; ",   "250 250 250 250 "},
        {"the client will retry",  SMTP_PROTOCOL_SMTP, "a",  "t",   "left deferred looked sent; ",
         "450 450 450 450 "                                                                                              },
        {"the client will bounce", SMTP_PROTOCOL_SMTP, "a",  "p",   "left rejected looked sent; ",
         "550 550 550 550 "                                                                                              },
        {"the worst counts",       SMTP_PROTOCOL_SMTP, "a",  "pt",  "left deferred looked sent; ",
         "450 450 450 450 "                                                                                              },
        {"rejected",               SMTP_PROTOCOL_SMTP, "r",  "s",   "left rejected looked; ",          "550 550 550 550 "},
        {"put off by a rule",      SMTP_PROTOCOL_SMTP, "l",  "s",   "left deferred looked; ",
         "451 451 451 451 "                                                                                              },
        {"discarded",              SMTP_PROTOCOL_SMTP, "d",  "s",   "done discarded looked; ",         "0 0 0 0 "        },
        {"quarantined",            SMTP_PROTOCOL_SMTP, "q",  "s",   "quarantine quarantined looked; ",
         "0 0 0 0 "                                                                                                      },
        {"taken over",             SMTP_PROTOCOL_SMTP, "a",  "st",  "waiting deferred looked sent; ",
         "250 450 450 450 "                                                                                              },
        {"each its own",           SMTP_PROTOCOL_LMTP, "a",  "stp", "left deferred looked sent; ",
         "250 450 550 550 "                                                                                              },
        {"each, one is rejected",  SMTP_PROTOCOL_LMTP, "ra", "s",   "done reinjected looked sent; ",
         "0 250 250 250 "                                                                                                },
        {"none is sent",           SMTP_PROTOCOL_LMTP, "r",  "s",   "done rejected looked; ",          "0 0 0 0 "        },
    };

    begin();
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct jobs *jobs = job_stand_new();
        const struct record *record = &job_stand_hearing()->record;
        struct fake_message message = {.protocol = rows[i].protocol,
                                       .from = "a@b",
                                       .rcpt_params = "",
                                       .rcpt_count = 4,
                                       .next_hop = "r"};

        fake_answers = rows[i].answers;
        fake_verdicts = rows[i].verdicts;
        (void)job_start_relay(jobs, fake_file(&message), NULL, ignore_answer, NULL);
        job_stand_turn();
        check(rows[i].name, rows[i].told, 1);
        buf_reset(&told);
        for (size_t k = 0; k < record->rcpt_count; k++)
            buf_printf(&told, "%u ", record->rcpts[k].code);
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&told), rows[i].codes) == 0);
        jobs_free(&jobs);
    }
    end();
}

// He was told nothing, and hears it when he comes again.
static void
test_client_leaves(void)
{
    struct fake_message message = kept;
    struct jobs *jobs;
    struct job *job;

    message.is_durable = false;
    begin();
    jobs = job_stand_new();
    fake_answers = "s";
    job = job_start_relay(jobs, fake_file(&message), NULL, ignore_answer, NULL);
    job_leave(job);
    job_stand_turn();
    check("while it is looked into", "left deferred; ", 1);
    fake_send_is_held = true;
    job = job_start_relay(jobs, fake_file(&message), NULL, ignore_answer, NULL);
    job_stand_turn();
    fake_answer();
    job_leave(job);
    job_stand_turn();
    check("behind the dot", "done reinjected looked sent; ", 1);
    jobs_free(&jobs);
    end();
}

// By what the front door has measured, and what the job has seen.
static void
test_stages(void)
{
    struct job_arrival arrival = {.receive_us = 11, .seal_us = 22};
    const struct record *record;
    struct jobs *jobs;

    begin();
    jobs = job_stand_new();
    record = &job_stand_hearing()->record;
    fake_answers = "s";
    fake_look_us = 33;
    job_start(jobs, fake_file(&kept), JOB_FRESH, &arrival);
    job_stand_turn();
    check("all", "done reinjected looked sent; ", 1);
    CU_ASSERT_EQUAL(record->stage_us[STAGE_RECEIVE], 11);
    CU_ASSERT_EQUAL(record->stage_us[STAGE_SEAL], 22);
    CU_ASSERT_EQUAL(record->stage_us[STAGE_DISSECT], 33);
    CU_ASSERT_EQUAL(record->stage_us[STAGE_FILTERS], 0);
    CU_ASSERT_EQUAL(record->size, 4);
    CU_ASSERT(record->told_ms > 1000000000000);
    jobs_free(&jobs);
    end();
}

// Each verdict that a message gets counts once, however many recipients or looks there are.
static void
test_verdict_counters(void)
{
    static const struct {
        const char *name, *before, *verdicts;
        bool is_loop;
        unsigned counted[COUNTER_VERDICTS];
    } rows[] = {
        {"one for all",        NULL,    "a",    false, {[VERDICT_ACCEPT] = 1}},
        {"two of a kind",      NULL,    "ae",   false, {[VERDICT_ACCEPT] = 1}},
        {"one of each",
         NULL,                          "qrdn",
         false,                                        {[VERDICT_QUARANTINE] = 1,
          [VERDICT_REJECT] = 1,
          [VERDICT_DISCARD] = 1,
          [VERDICT_REDIRECT] = 1}                             },
        {"put off once more",  "defer", "l",    false, {[VERDICT_DEFER] = 0} },
        {"put off, then sent", "defer", "a",    false, {[VERDICT_ACCEPT] = 1}},
        {"goes round",         NULL,    "a",    true,  {[VERDICT_HOLD] = 1}  },
    };

    begin();
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct jobs *jobs = job_stand_new();
        struct job_arrival arrival = {.is_loop = rows[i].is_loop};
        struct fake_message message = kept;
        struct spool_file *file;

        message.rcpt_count = 4;
        file = fake_file(&message);
        if (rows[i].before != NULL) {
            struct journal_writer writer;

            spool_note_begin(file, &writer, "decided");
            journal_field_text(&writer, "g", "0");
            journal_field_text(&writer, "verdict", rows[i].before);
            journal_field_text(&writer, "r", "0-3");
            spool_note_end(file, &writer);
        }
        fake_answers = "s";
        fake_verdicts = rows[i].verdicts;
        job_start(jobs, file, JOB_FRESH, &arrival);
        job_stand_turn();
        for (size_t k = 0; k < COUNTER_VERDICTS; k++)
            UNIT_CHECK_ROW(rows[i].name, job_stand_counters()->verdicts[k] == rows[i].counted[k]);
        jobs_free(&jobs);
    }
    end();
}

static const struct unit_test tests[] = {
    {"rests",                test_rests           },
    {"later tries",          test_later_tries     },
    {"under way",            test_under_way       },
    {"a long look",          test_long_look       },
    {"relay",                test_relay           },
    {"the client leaves",    test_client_leaves   },
    {"stages",               test_stages          },
    {"counters of verdicts", test_verdict_counters},
};

int
main(void)
{
    int status = unit_run("src/job/job_tell", tests, UNIT_COUNT(tests));

    job_stand_end();
    return status;
}
