// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/job.h"

#include "tests/unit/harness.h"
#include "tests/unit/src/job/fake_line.h"
#include "tests/unit/src/job/fake_verdict.h"
#include "tests/unit/src/job/job_stand.h"

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
        {"next hop unknown",                           "a@b", "",               "s",   1, false, false, "gone", "",                                "hold ",   ""        },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct jobs *jobs = job_stand_new();
        struct job_arrival arrival = {.is_loop = rows[i].is_loop};
        struct fake_message message = {.is_durable = true,
                                       .from = rows[i].from,
                                       .rcpt_params = rows[i].params,
                                       .rcpt_count = rows[i].rcpts,
                                       .next_hop = rows[i].next_hop};

        fake_answers = rows[i].answers;
        fake_offers_dsn = !rows[i].lacks_dsn;
        job_start(jobs, fake_file(&message), JOB_FRESH, &arrival);
        job_stand_turn();
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&fake_journal), rows[i].journal) == 0);
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&fake_end), rows[i].end) == 0);
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&fake_children), rows[i].children) == 0);
        UNIT_CHECK_ROW(rows[i].name, jobs_count(jobs) == 0);
        jobs_free(&jobs);
    }
    fake_clear();
}

// What a decision alone brings about, in the spool.
static void
test_verdicts(void)
{
    static const struct {
        const char *name, *from, *verdicts, *answers;
        size_t rcpts;
        int copies, crashes;
        const char *journal, *end, *children;
    } rows[] = {
        {"quarantined",              "a@b", "q",     "s", 2, 0, 0, "decided ",                            "quarantine ", ""                       },
        {"held",                     "a@b", "h",     "s", 2, 0, 0, "decided ",                            "hold ",       ""                       },
        {"discarded",                "a@b", "d",     "s", 2, 0, 0, "decided discarded ",                  "finish ",     ""                       },
        {"rejected: a bounce",       "a@b", "r",     "s", 2, 0, 0, "decided failed bounced ",             "finish ",
         "bounce "                                                                                                                                },
        {"put off",                  "a@b", "l",     "s", 2, 0, 0, "decided deferred ",                   "wait ",       ""                       },
        {"redirected",               "a@b", "n",     "s", 2, 0, 0, "decided attempt sent ",               "finish ",     ""                       },
        {"two edits of one message", "a@b", "ae",    "s", 2, 0, 0,
         "decided decided attempt sent attempt sent ",                                                    "finish ",     ""                       },
        {"one is quarantined",       "a@b", "aq",    "s", 2, 0, 0, "decided decided moved attempt sent ",
         "finish ",                                                                                                      "quarantine "            },
        {"quarantined and held",     "a@b", "qh",    "s", 2, 0, 0, "decided decided moved ",              "hold ",
         "quarantine "                                                                                                                            },
        {"of each kind",             "a@b", "aqrdh", "s", 5, 0, 0,
         "decided decided decided decided decided failed discarded bounced moved moved attempt "
         "sent ",                                                                                         "finish ",     "bounce quarantine hold "},
        {"a copy",                   "a@b", "a",     "s", 1, 1, 0, "copied decided attempt sent ",        "finish ",     "copy "                  },
        {"more than a line takes",   "a@b", "m",     "s", 1, 0, 0, "decided ",                            "hold ",       ""                       },
        {"more for one of them",     "a@b", "am",    "s", 2, 0, 0, "decided decided ",                    "hold ",       ""                       },
        {"more, and a copy",         "a@b", "m",     "s", 1, 1, 0, "copied decided ",                     "hold ",       "copy "                  },
        {"one dead dissector",       "a@b", "a",     "s", 1, 0, 1, "crashed decided attempt sent ",       "finish ",
         ""                                                                                                                                       },
        {"dead again and again",     "a@b", "a",     "s", 1, 0, 9, "crashed crashed crashed ",            "hold ",       ""                       },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct jobs *jobs = job_stand_new();
        struct fake_message message = {.is_durable = true,
                                       .from = rows[i].from,
                                       .rcpt_params = "",
                                       .rcpt_count = rows[i].rcpts,
                                       .next_hop = "r"};

        fake_answers = rows[i].answers;
        fake_verdicts = rows[i].verdicts;
        fake_copies = rows[i].copies;
        fake_crashes = rows[i].crashes;
        job_start(jobs, fake_file(&message), JOB_FRESH, NULL);
        job_stand_turn();
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&fake_journal), rows[i].journal) == 0);
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&fake_end), rows[i].end) == 0);
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&fake_children), rows[i].children) == 0);
        UNIT_CHECK_ROW(rows[i].name, jobs_count(jobs) == 0);
        jobs_free(&jobs);
    }
    fake_clear();
}

static void
note_put_off(struct spool_file *file)
{
    struct journal_writer writer;

    spool_note_begin(file, &writer, "decided");
    journal_field_text(&writer, "g", "0");
    journal_field_text(&writer, "verdict", "defer");
    journal_field_text(&writer, "r", "0");
    spool_note_end(file, &writer);
    fake_note(file, "deferred", "r", "0");
}

// What could not be judged in all its time is kept; a rescan gives it one more look.
static void
test_expired(void)
{
    static const struct {
        const char *name;
        const char *wish; // NULL: none
        const char *verdicts, *end;
    } rows[] = {
        {"kept",              NULL,     "a", "hold "  },
        {"tried: kept",       "retry",  "a", "hold "  },
        {"let go",            "unheld", "a", "finish "},
        {"rescanned",         "rescan", "a", "finish "},
        {"rescanned in vain", "rescan", "l", "wait "  },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct jobs *jobs = job_stand_new();
        struct fake_message message = {
            .is_durable = true, .from = "a@b", .rcpt_params = "", .rcpt_count = 1, .next_hop = "r"};
        struct spool_file *file = fake_file(&message);

        fake_answers = "s";
        fake_verdicts = rows[i].verdicts;
        job_stand_settings()->spool.lifetime = 1000;
        note_put_off(file);
        if (rows[i].wish != NULL)
            fake_note(file, rows[i].wish, "x", "y");
        job_start(jobs, file, JOB_DUE, NULL);
        job_stand_turn();
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&fake_end), rows[i].end) == 0);
        jobs_free(&jobs);
    }
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
    struct jobs *jobs = job_stand_new();

    fake_answers = "s";
    fake_send_is_held = true;
    job_start(jobs, suspect(0), JOB_ADOPTED, NULL);
    job_start(jobs, suspect(2), JOB_ADOPTED, NULL);
    job_stand_turn();
    CU_ASSERT(jobs_count(jobs) == 2);
    fake_answer();
    fake_send_is_held = false;
    job_stand_turn(); // the first is sent, the second has the lane now
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_end), "finish finish ");
    job_start(jobs, suspect(3), JOB_ADOPTED, NULL);
    job_stand_turn();
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_end), "finish finish hold ");
    jobs_free(&jobs);
    fake_clear();
}

// Adopted again and again before anybody has decided: each look is told ahead.
static void
test_deadly_looks(void)
{
    struct jobs *jobs = job_stand_new();
    struct spool_file *file;

    fake_answers = "s";
    job_start(jobs, fake_file(&kept), JOB_ADOPTED, NULL);
    job_stand_turn();
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_journal), "looking decided attempt sent ");
    file = fake_file(&kept);
    for (int i = 0; i < 20; i++)
        fake_note(file, "looking", "n", NULL);
    job_start(jobs, file, JOB_ADOPTED, NULL);
    job_stand_turn();
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_end), "finish hold ");
    jobs_free(&jobs);
    fake_clear();
}

static void
test_disk_full(void)
{
    struct jobs *jobs = job_stand_new();

    fake_answers = "p";
    fake_disk_is_full = true; // the bounce cannot be written: nobody is retired on its account
    job_start(jobs, fake_file(&kept), JOB_FRESH, NULL);
    job_stand_turn();
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_journal), "decided attempt failed ");
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_end), "wait ");
    jobs_free(&jobs);
    fake_clear();
}

static void
test_many_different_replies(void)
{
    struct jobs *jobs = job_stand_new();
    struct fake_message message = kept;
    size_t lines = 0;

    message.rcpt_count = 40;
    fake_answers = "d";
    job_start(jobs, fake_file(&message), JOB_FRESH, NULL);
    job_stand_turn();
    for (const char *at = buf_text(&fake_journal); (at = strstr(at, "deferred")) != NULL; at++)
        lines++;
    CU_ASSERT_EQUAL(lines, 17); // 16, and one for all others
    CU_ASSERT_STRING_EQUAL(buf_text(&fake_end), "wait ");
    jobs_free(&jobs);
    fake_clear();
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
count_room(void *arg)
{
    ++*(size_t *)arg;
}

// What comes in and what comes from the spool have places of their own; over relay none is taken.
static void
test_room(void)
{
    static const struct job_arrival arrival;
    struct fake_message relayed = kept;
    struct jobs *jobs = job_stand_new();
    size_t room = jobs_room(jobs);
    size_t left = 0;

    relayed.is_durable = false;
    fake_answers = "s";
    jobs_watch_room(jobs, count_room, &left);
    CU_ASSERT_FATAL(room > 100);
    while (jobs_is_ready(jobs) && jobs_count(jobs) < room)
        job_start(jobs, fake_file(&kept), JOB_DUE, NULL);
    CU_ASSERT(!jobs_is_ready(jobs) && jobs_room(jobs) == room);
    (void)job_start_relay(jobs, fake_file(&relayed), &arrival, ignore_answer, NULL);
    CU_ASSERT_EQUAL(jobs_room(jobs), room);
    for (size_t i = room; i > 0; i--) {
        CU_ASSERT_EQUAL(jobs_room(jobs), i);
        job_start(jobs, fake_file(&kept), JOB_FRESH, &arrival);
    }
    CU_ASSERT(jobs_room(jobs) == 0 && buf_span(&fake_end).len == 0);
    job_start(jobs, fake_file(&kept), JOB_FRESH, &arrival);
    CU_ASSERT(strcmp(buf_text(&fake_end), "wait-now ") == 0 && left == 1);
    job_stand_turn();
    CU_ASSERT(jobs_room(jobs) == room && left == room + 1 && jobs_is_ready(jobs));
    CU_ASSERT_EQUAL(jobs_count(jobs), 0);
    jobs_free(&jobs);
    fake_clear();
}

static const struct unit_test tests[] = {
    {"in the spool",            test_spool                 },
    {"verdicts",                test_verdicts              },
    {"expired",                 test_expired               },
    {"suspects go one by one",  test_suspects              },
    {"looks that kill workers", test_deadly_looks          },
    {"no room for a bounce",    test_disk_full             },
    {"many different replies",  test_many_different_replies},
    {"room",                    test_room                  },
};

int
main(void)
{
    int status = unit_run("src/job/job", tests, UNIT_COUNT(tests));

    job_stand_end();
    return status;
}
