// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/summary.h"

#include <math.h>

#include "base/log.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"
#include "tests/unit/track/record_sample.h"

static struct tempdir dir;

static void
log_to_file(int verbosity)
{
    static char facility[] = "mail", format[] = "text", empty[] = "";
    struct log_settings settings = {.facility = facility,
                                    .file = (char *)tempdir_name(&dir, "log"),
                                    .error_file = empty,
                                    .format = format,
                                    .syslog_path = empty};
    struct err err;

    CU_ASSERT_FATAL(log_open("test", &settings, false, verbosity, &err) == 0);
}

// The text of the one line that is logged of it, from its id on; free. "" where there is none.
static char *
logged(const struct record *record)
{
    char *text, *line;

    tempdir_make(&dir);
    log_to_file(0);
    summary_log(record);
    log_close();
    text = tempdir_read(&dir, "log");
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    tempdir_remove(&dir);
    line = strstr(text, "]: ");
    CU_ASSERT_FATAL(line != NULL && strchr(line, '\n') == line + strlen(line) - 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, " test/done["));
    memmove(text, line + 3, strlen(line + 3) + 1);
    text[strlen(text) - 1] = '\0';
    return text;
}

static void
check(const char *name, const struct record *record, const char *expected)
{
    char *line = logged(record);

    if (strcmp(line, expected) != 0)
        fprintf(stderr, "row \"%s\": expected\n%s\ngot\n%s\n", name, expected, line);
    CU_ASSERT_STRING_EQUAL(line, expected);
    free(line);
}

// All that there can be, in its order.
static void
test_everything(void)
{
    struct record_sample sample;

    sample_init(&sample, "4X2k9QzT7mB");
    sample.record.parent = span_of("4X2k9QzT7mA");
    sample.record.kind = span_of("release");
    sample.record.told_ms = sample.record.arrived_ms + 2500;
    check("everything", &sample.record,
          "4X2k9QzT7mB: status=reinjected, class=virus, verdict=redirect, rule=tag, "
          "verdict=quarantine, rule=exe, reason=why not, client=mail.example.org[192.0.2.7], "
          "helo=mail.example.org, queue_id=4IN1, from=<ann@example.org>, to=<bob@example.com>, "
          "to=<carol@example.com>, to=<dave@example.com>, nrcpt=3, reinjected_id=4OUT1, "
          "message_id=<1@example.org>, size=5123, score=6.25, required=15.00, "
          "virus=Eicar Other, handoff=relay, parent=4X2k9QzT7mA, kind=release, tries=1, "
          "delay=2.5s, receive=0.1ms, seal=0.2ms, dissect=0.3ms, filters=0.4ms, send=0.5ms");
}

static void
test_little(void)
{
    struct record_rcpt rcpt = {.to = SPAN_LITERAL("b@c")};
    struct record record = {.id = SPAN_LITERAL("x"),
                            .arrived_ms = 2000, // the clock was set back
                            .told_ms = 1000,
                            .score = NAN,
                            .rcpts = &rcpt,
                            .rcpt_count = 1};

    check("little", &record,
          "x: status=filtering, class=clean, from=<>, to=<b@c>, nrcpt=1, size=0, handoff=spool, "
          "delay=0.0ms");
}

// With its brackets as people look for it; without them it is any text.
static void
test_message_id(void)
{
    static const struct {
        const char *id, *expected;
    } rows[] = {
        {"<a@b>",    ", message_id=<a@b>, "               },
        {"<>",       ", message_id=<>, "                  },
        {"a@b",      ", message_id=a@b, "                 },
        {"<a@b",     ", message_id=\\x3Ca@b, "            },
        {">",        ", message_id=\\x3E, "               },
        {"<a>, <b>", ", message_id=<a\\x3E\\x2C \\x3Cb>, "},
        {"",         "nrcpt=0, size=0"                    },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct record record = {
            .id = SPAN_LITERAL("x"), .score = NAN, .message_id = span_of(rows[i].id)};
        char *line = logged(&record);

        UNIT_CHECK_ROW(rows[i].id, strstr(line, rows[i].expected) != NULL);
        free(line);
    }
}

// What is there in any number is bounded, and says so.
static void
test_many(void)
{
    enum { MANY = 30 };

    struct record_rcpt rcpts[MANY];
    struct record_group groups[MANY];
    char names[MANY][16];
    struct record record = {.id = SPAN_LITERAL("x"),
                            .score = NAN,
                            .place = RECORD_DONE,
                            .rcpts = rcpts,
                            .rcpt_count = MANY,
                            .groups = groups,
                            .group_count = MANY};

    for (size_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "n%zu", i);
        rcpts[i] = (struct record_rcpt){.to = span_of(names[i]),
                                        .status = RCPT_SENT,
                                        .queue_id = span_of(names[i - i % 2]),
                                        .group = (uint32_t)i};
        groups[i] = (struct record_group){.verdict = VERDICT_ACCEPT, .rule = span_of(names[i])};
    }
    check("many", &record,
          "x: status=reinjected, class=clean, verdict=accept, rule=n0, verdict=accept, rule=n1, "
          "verdict=accept, rule=n2, verdict=accept, rule=n3, verdict=accept, rule=n4, groups=30, "
          "from=<>, to=<n0>, to=<n1>, to=<n2>, to=<n3>, to=<n4>, to=<n5>, to=<n6>, to=<n7>, "
          "to=<n8>, to=<n9>, more=20, nrcpt=30, reinjected_id=n0, reinjected_id=n2, "
          "reinjected_id=n4, reinjected_id=n6, reinjected_id=n8, size=0, handoff=spool, "
          "delay=0.0ms");
}

// An earlier look's decision is told no more; whoever has none is passed over.
static void
test_in_force(void)
{
    struct record_group groups[] = {
        {.verdict = VERDICT_DEFER, .rule = SPAN_LITERAL("old"), .reason = SPAN_LITERAL("later")},
        {.verdict = VERDICT_ACCEPT,                        .reason = SPAN_LITERAL("good")                          },
    };
    struct record_rcpt rcpts[] = {
        {.to = SPAN_LITERAL("a"), .group = 1},
        {.to = SPAN_LITERAL("b"), .group = 2}
    };
    struct record record = {.id = SPAN_LITERAL("x"),
                            .score = NAN,
                            .rcpts = rcpts,
                            .rcpt_count = 2,
                            .groups = groups,
                            .group_count = 2};

    check("in force", &record,
          "x: status=filtering, class=clean, verdict=accept, rule=-, reason=good, from=<>, to=<a>, "
          "to=<b>, nrcpt=2, size=0, handoff=spool, delay=0.0ms");
}

static void
test_results(void)
{
    static const struct {
        const char *name;
        struct record_result results[3];
        double score;
        const char *expected; // between size and handoff
    } rows[] = {
        {"none",                                     {{.kind = RESULT_CLEAN}},                             NAN, ""                            },
        {"two viruses",
         {{.kind = RESULT_HIT, .is_virus = true, .names = SPAN_LITERAL("A, B")},
          {.kind = RESULT_HIT, .is_virus = true, .names = SPAN_LITERAL("C")}},
         NAN,                                                                                                   "virus=A B C, "               },
        {"a virus and a symbol",
         {{.kind = RESULT_HIT, .is_virus = true, .names = SPAN_LITERAL("A")},
          {.kind = RESULT_HIT, .names = SPAN_LITERAL("S")}},
         NAN,                                                                                                   "virus=A, hit=S, "            },
        {"symbols of what is clean",                 {{.kind = RESULT_CLEAN, .names = SPAN_LITERAL("S")}}, NAN, ""                            },
        {"who could not tell",
         {{.kind = RESULT_UNSCANNABLE, .filter = SPAN_LITERAL("f")},
          {.kind = RESULT_FAILED, .filter = SPAN_LITERAL("g")},
          {.kind = RESULT_FAILED, .filter = SPAN_LITERAL("h")}},
         NAN,                                                                                                   "unscannable=f, failed=g h, " },
        {"the highest score, and what goes with it",
         {{.kind = RESULT_CLEAN, .has_score = true, .score = -1, .required_score = 5},
          {.kind = RESULT_CLEAN, .has_score = true, .score = 2.5, .required_score = 15}},
         2.5,                                                                                                   "score=2.50, required=15.00, "},
        {"a name with a comma in it, and blanks",
         {{.kind = RESULT_HIT, .names = SPAN_LITERAL(", a b,,c=d")}},
         NAN,                                                                                                   "hit=a b c=d, "               },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct record record = {.id = SPAN_LITERAL("x"),
                                .score = rows[i].score,
                                .results = (struct record_result *)rows[i].results,
                                .result_count = UNIT_COUNT(rows[i].results)};
        char *line = logged(&record), *begin = strstr(line, "size=0, ");

        CU_ASSERT_FATAL(begin != NULL && strstr(line, "handoff") != NULL);
        *strstr(line, "handoff") = '\0';
        UNIT_CHECK_ROW(rows[i].name, strcmp(begin + strlen("size=0, "), rows[i].expected) == 0);
        free(line);
    }
}

// Whatever was put into them: bounded, and no field or line is forged.
static void
test_hostile(void)
{
    static char text[5000];
    struct record_rcpt rcpt = {
        .to = {text, sizeof text},
          .queue_id = {text, sizeof text}
    };
    struct record_result result = {
        .kind = RESULT_HIT, .names = {text, sizeof text}
    };
    struct record record = {
        .id = SPAN_LITERAL("x"),
        .score = 1e300,
        .client_name = {text, sizeof text},
        .client = {text, sizeof text},
        .helo = {text, sizeof text},
        .queue_id = {text, sizeof text},
        .from = {text, sizeof text},
        .message_id = {text, sizeof text},
        .place_reason = {text, sizeof text},
        .rcpts = &rcpt,
        .rcpt_count = 1,
        .results = &result,
        .result_count = 1
    };
    char *line;

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = ",\n\"<>\x1b, status=sent"[i % 18];
    line = logged(&record);
    CU_ASSERT(strlen(line) < 8000);
    CU_ASSERT_PTR_NULL(strstr(line, ", status=sent"));
    CU_ASSERT_PTR_NULL(strchr(line, 0x1b));
    free(line);
}

static const struct unit_test tests[] = {
    {"everything", test_everything},
    {"little",     test_little    },
    {"message id", test_message_id},
    {"many",       test_many      },
    {"in force",   test_in_force  },
    {"results",    test_results   },
    {"hostile",    test_hostile   },
};

UNIT_MAIN("src/job/summary", tests)
