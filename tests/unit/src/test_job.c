// SPDX-License-Identifier: BSD-2-Clause
#include "src/job.h"

#include "tests/unit/harness.h"
#include "tests/unit/src/fake_line.h"

static int anything;
static struct loop *loop;
static struct counter_worker counters;
static struct settings settings;
static uint64_t retry_delays[] = {30000};

static struct jobs *
new_jobs(void)
{
    struct err err;
    struct jobs_config config = {.spool = (struct spool *)&anything,
                                 .routes = (struct routes *)&anything,
                                 .settings = &settings,
                                 .counters = &counters};

    memset(&settings, 0, sizeof settings);
    settings.smtp.hostname = (char *)"mx.example";
    settings.smtp.trace = true;
    settings.spool.lifetime = UINT64_C(10000000) * 86400000;
    settings.spool.retry.items = retry_delays;
    settings.spool.retry.count = 1;
    settings.delivery.relay_deadline = 1000;
    if (loop == NULL)
        loop = loop_new(&err);
    config.loop = loop;
    fake_reset();
    return jobs_new(&config);
}

static void
turn_until_quiet(void)
{
    for (int turns = 0; fake_turn(); turns++)
        CU_ASSERT_FATAL(turns < 200);
}

// Everything a message in the spool can meet, one recipient set and one answer of the next hop a
// row.
static void
test_spool(void)
{
    static const struct {
        const char *name, *from, *params, *answers;
        size_t rcpts;
        bool lacks_dsn, is_loop;
        const char *next_hop;
        const char *journal, *end, *children;
    } rows[] = {
        {"sent",                                       "a@b", "",               "s",   1, false, false, "r",    "decided attempt sent ",           "finish ", ""        },
        {"sent to three",                              "a@b", "",               "s",   3, false, false, "r",    "decided attempt sent ",           "finish ",
         ""                                                                                                                                                             },
        {"deferred",                                   "a@b", "",               "t",   1, false, false, "r",    "decided attempt deferred ",       "wait ",
         ""                                                                                                                                                             },
        {"refused",                                    "a@b", "",               "p",   1, false, false, "r",    "decided attempt failed bounced ",
         "finish ",                                                                                                                                           "bounce " },
        {"one of each",                                "a@b", "",               "stp", 3, false, false, "r",
         "decided attempt sent deferred failed bounced ",                                                                                          "wait ",   "bounce " },
        {"refused, null sender",                       "",    "",               "p",   1, false, false, "r",    "decided attempt failed ",
         "hold ",                                                                                                                                             ""        },
        {"null sender, one waits still",               "",    "",               "pt",  2, false, false, "r",
         "decided attempt failed deferred ",                                                                                                       "wait ",   ""        },
        {"refused, nobody wants to know",              "a@b", "NOTIFY=NEVER",   "p",   1, false, false, "r",
         "decided attempt failed discarded ",                                                                                                      "finish ", ""        },
        {"success is to be told, not by the next hop", "a@b", "NOTIFY=SUCCESS", "s",   1, true,  false,
         "r",                                                                                                   "decided attempt sent relayed ",   "finish ", "relayed "},
        {"success is to be told by the next hop",      "a@b", "NOTIFY=SUCCESS", "s",   1, false, false,
         "r",                                                                                                   "decided attempt sent ",           "finish ", ""        },
        {"goes round",                                 "a@b", "",               "s",   1, false, true,  "r",    "decided ",                        "hold ",   ""        },
        {"next hop unknown",                           "a@b", "",               "s",   1, false, false, "gone", "decided ",                        "hold ",   ""        },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct jobs *jobs = new_jobs();
        struct fake_message message = {.is_durable = true,
                                       .from = rows[i].from,
                                       .rcpt_params = rows[i].params,
                                       .rcpt_count = rows[i].rcpts,
                                       .next_hop = rows[i].next_hop};

        fake_answers = rows[i].answers;
        fake_offers_dsn = !rows[i].lacks_dsn;
        job_start(jobs, fake_file(&message), JOB_FRESH, rows[i].is_loop);
        turn_until_quiet();
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&fake_journal), rows[i].journal) == 0);
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&fake_end), rows[i].end) == 0);
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&fake_children), rows[i].children) == 0);
        UNIT_CHECK_ROW(rows[i].name, jobs_count(jobs) == 0);
        jobs_free(&jobs);
    }
    fake_clear();
}

struct heard {
    int codes[8];
    size_t count, calls;
};

static void
on_answer(void *arg, const struct smtp_reply *replies, size_t count)
{
    struct heard *heard = arg;

    heard->calls++;
    heard->count = count;
    for (size_t i = 0; i < count && i < 8; i++)
        heard->codes[i] = replies[i].code;
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
        {"smtp, cannot be taken over", "st",  SMTP_PROTOCOL_SMTP, 2, true,  false, 1, 451, 451,
         "discard ",                                                                                        ""       },
        {"lmtp, each its own",         "stp", SMTP_PROTOCOL_LMTP, 3, false, false, 3, 250, 550, "discard ",
         ""                                                                                                          },
        {"lmtp, loop: kept, then 250", "s",   SMTP_PROTOCOL_LMTP, 2, false, true,  1, 250, 250,
         "hold ",                                                                                           ""       },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct jobs *jobs = new_jobs();
        struct heard heard = {0};
        struct fake_message message = {.protocol = rows[i].protocol,
                                       .from = "a@b",
                                       .rcpt_params = "",
                                       .rcpt_count = rows[i].rcpts,
                                       .next_hop = "r"};

        fake_answers = rows[i].answers;
        fake_disk_is_full = rows[i].is_full;
        (void)job_start_relay(jobs, fake_file(&message), rows[i].is_loop, on_answer, &heard);
        turn_until_quiet();
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

static const struct fake_message relayed = {
    .from = "a@b", .rcpt_params = "", .rcpt_count = 1, .next_hop = "r"};

static void
test_client_leaves(void)
{
    struct jobs *jobs = new_jobs();
    struct heard heard = {0};
    struct job *job;

    fake_answers = "s";
    job = job_start_relay(jobs, fake_file(&relayed), false, on_answer, &heard);
    job_leave(job); // the attempt is being written
    turn_until_quiet();
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_end), "discard ");
    fake_send_is_held = true;
    job = job_start_relay(jobs, fake_file(&relayed), false, on_answer, &heard);
    turn_until_quiet();
    job_leave(job); // the dot has not left: taken back
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_end), "discard discard ");
    job = job_start_relay(jobs, fake_file(&relayed), false, on_answer, &heard);
    turn_until_quiet();
    fake_answer();
    job_leave(job); // too late: finished, nobody is told
    turn_until_quiet();
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_end), "discard discard discard ");
    CU_ASSERT(heard.calls == 0);
    jobs_free(&jobs);
    fake_clear();
}

static const struct fake_message kept = {
    .is_durable = true, .from = "a@b", .rcpt_params = "", .rcpt_count = 1, .next_hop = "r"};

static struct spool_file *
suspect(int alone_attempts)
{
    struct spool_file *file = fake_file(&kept);

    fake_note(file, "attempt", "r", "0");
    for (int i = 0; i < alone_attempts; i++) {
        struct journal_writer writer;

        spool_note_begin(file, &writer, "attempt");
        journal_field_text(&writer, "r", "0");
        journal_field_number(&writer, "alone", 1);
        spool_note_end(file, &writer);
    }
    return file;
}

static void
test_suspects(void)
{
    struct jobs *jobs = new_jobs();

    fake_answers = "s";
    fake_send_is_held = true;
    job_start(jobs, suspect(0), JOB_ADOPTED, false);
    job_start(jobs, suspect(2), JOB_ADOPTED, false);
    turn_until_quiet();
    CU_ASSERT(jobs_count(jobs) == 2);
    fake_answer();
    fake_send_is_held = false;
    turn_until_quiet(); // the first is sent, the second has the lane now
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_end), "finish finish ");
    job_start(jobs, suspect(3), JOB_ADOPTED, false);
    turn_until_quiet();
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_end), "finish finish hold ");
    jobs_free(&jobs);
    fake_clear();
}

static void
test_disk_full(void)
{
    struct jobs *jobs = new_jobs();

    fake_answers = "p";
    fake_disk_is_full = true; // the bounce cannot be written: nobody is retired on its account
    job_start(jobs, fake_file(&kept), JOB_FRESH, false);
    turn_until_quiet();
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_journal), "decided attempt failed ");
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_end), "wait ");
    jobs_free(&jobs);
    fake_clear();
}

static void
test_many_different_replies(void)
{
    struct jobs *jobs = new_jobs();
    struct fake_message message = kept;
    size_t lines = 0;

    message.rcpt_count = 40;
    fake_answers = "d";
    job_start(jobs, fake_file(&message), JOB_FRESH, false);
    turn_until_quiet();
    for (const char *at = buf_text(&fake_journal); (at = strstr(at, "deferred")) != NULL; at++)
        lines++;
    CU_ASSERT_EQUAL(lines, 17); // 16, and one for all others
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_end), "wait ");
    jobs_free(&jobs);
    fake_clear();
}

static const struct unit_test tests[] = {
    {"in the spool",           test_spool                 },
    {"relayed",                test_relay                 },
    {"the client leaves",      test_client_leaves         },
    {"suspects go one by one", test_suspects              },
    {"no room for a bounce",   test_disk_full             },
    {"many different replies", test_many_different_replies},
};

int
main(void)
{
    int status = unit_run("src/job", tests, UNIT_COUNT(tests));

    loop_free(&loop);
    return status;
}
