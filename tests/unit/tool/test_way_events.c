// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/tool/family.h"
#include "tool/way_line.h"

static const char *
events_of(struct family_kit *kit, const struct record *record)
{
    struct way way = {.record = *record};
    struct way_page page = {
        .tool = &kit->tool, .ways = &kit->ways, .way = &way, .begin_ms = FAMILY_AT};

    family_rewind(kit);
    way_print_events(&page);
    fflush(kit->tool.out);
    return kit->out;
}

// Ours by time, then Postfix's; who has the same in common has one line.
static void
events_are_in_order(void)
{
    struct family_kit kit;

    family_make(&kit);
    CU_ASSERT_STRING_EQUAL(
        events_of(&kit, &kit.root),
        "  +0.010s  moved        <d@example.com> into 4X2k9QzT7mA.1\n"
        "  +0.011s  bounced      <e@example.com>, told by 4X2k9QzT7mA.2 (550 5.7.1 not wanted)\n"
        "  +0.020s  reinjected   <a@example.com>, <b@example.com>, <c@example.com> redirected to "
        "<desk@example.com> to 127.0.0.1:10025 as 4OUT1 (250 2.0.0 Ok: queued)\n"
        "  +0.200s  delivered    <a@example.com>, <b@example.com>, relay "
        "mx.example.com[192.0.2.1]:25, dsn 2.0.0 (250 2.0.0 Ok)\n"
        "  +0.300s  bounced      <c@example.com> as <c@alias.example> by Postfix, dsn 5.1.1 "
        "(550 no)\n");
    CU_ASSERT_STRING_EQUAL(events_of(&kit, &kit.child),
                           "           released     <d@example.com> into 4X2k9QzT7mA.1.1\n");
    family_clear(&kit);
}

// Of a log with whole seconds.
static void
nothing_is_delivered_before_it_is_handed_over(void)
{
    struct family_kit kit;

    family_make(&kit);
    kit.finals[0].at_ms = FAMILY_AT - 700;
    kit.finals[1].at_ms = FAMILY_AT;
    (void)events_of(&kit, &kit.root);
    CU_ASSERT(family_has(&kit, "\n  +0.020s  delivered    <a@example.com>, <b@example.com>, "));
    CU_ASSERT(strstr(kit.out, "reinjected") < strstr(kit.out, "delivered"));
    family_clear(&kit);
}

static void
each_status_has_its_words(void)
{
    static const struct {
        const char *name;
        struct record_rcpt rcpt;
        const char *expected;
    } rows[] = {
        {"open",      {.status = RCPT_OPEN},                                                   ""},
        {"deferred",
         {.status = RCPT_DEFERRED,
          .at_ms = FAMILY_AT + 1,
          .tries = 2,
          .until_ms = FAMILY_AT + 60000 + 240000,
          .relay = SPAN_LITERAL("x:25"),
          .code = 451,
          .reply = SPAN_LITERAL("4.3.0 later")},
         "  +0.001s  deferred     <r> to x:25, tried 2 times, next 4m (451 4.3.0 later)\n"       },
        {"refused",
         {.status = RCPT_FAILED, .at_ms = FAMILY_AT + 1, .code = 550},
         "  +0.001s  refused      <r> (550)\n"                                                   },
        {"discarded",
         {.status = RCPT_DISCARDED, .at_ms = FAMILY_AT + 1, .reply = SPAN_LITERAL("by rule")},
         "  +0.001s  discarded    <r> (by rule)\n"                                               },
    };
    struct family_kit kit;

    family_make(&kit);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct record_rcpt rcpt = rows[i].rcpt;
        struct record record = {.rcpts = &rcpt, .rcpt_count = 1};

        rcpt.to = span_of("r");
        UNIT_CHECK_ROW(rows[i].name, strcmp(events_of(&kit, &record), rows[i].expected) == 0);
    }
    family_clear(&kit);
}

static void
a_crowd_is_counted(void)
{
    enum { CROWD = 1000 };

    struct record_rcpt *rcpts = calloc(CROWD, sizeof *rcpts);
    struct record record = {.rcpts = rcpts, .rcpt_count = CROWD};
    struct family_kit kit;

    family_make(&kit);
    for (int i = 0; i < CROWD; i++)
        rcpts[i] = (struct record_rcpt){
            .to = span_of("r"), .status = RCPT_SENT, .queue_id = span_of(i == 500 ? "B" : "A")};
    (void)events_of(&kit, &record);
    CU_ASSERT(family_has(&kit, "<r>, <r> and 989 more as A\n"));
    CU_ASSERT(family_has(&kit, "reinjected   <r> as B\n"));
    CU_ASSERT(kit.out_len < 300);
    free(rcpts);
    family_clear(&kit);
}

static void
hostile_texts_are_escaped(void)
{
    struct record_final final = {.status = STATUS_DEFERRED,
                                 .at_ms = FAMILY_AT,
                                 .to = span_of("\033[1m"),
                                 .relay = span_of("a\rb"),
                                 .dsn = span_of("\n"),
                                 .reply = span_of("c\nd")};
    struct record_final unknown = {.status = STATUS_COUNT};
    struct record_rcpt rcpts[] = {
        {.to = span_of("x\n"),
         .redirected = span_of("\033y"),
         .status = RCPT_SENT,
         .reply = span_of("\a"),
         .relay = span_of("\033z"),
         .queue_id = span_of("\033q"),
         .child = span_of("\033c"),
         .finals = &final,
         .final_count = 1},
        {.to = span_of("o"), .finals = &unknown,   .final_count = 1}
    };
    struct record record = {.rcpts = rcpts, .rcpt_count = 2};
    struct family_kit kit;
    int lines = 0;

    family_make(&kit);
    (void)events_of(&kit, &record);
    CU_ASSERT(family_has(&kit, "deferred     <x\\x0A> as <\\x1B[1m> by Postfix, relay a\\x0Db"));
    for (size_t i = 0; i < kit.out_len; i++) {
        lines += kit.out[i] == '\n' ? 1 : 0;
        CU_ASSERT(kit.out[i] == '\n' || (kit.out[i] >= ' ' && kit.out[i] < 127));
    }
    CU_ASSERT(lines == 2);
    family_clear(&kit);
}

static const struct unit_test tests[] = {
    {"events are in order",                           events_are_in_order      },
    {"nothing is delivered before it is handed over",
     nothing_is_delivered_before_it_is_handed_over                             },
    {"each status has its words",                     each_status_has_its_words},
    {"a crowd is counted",                            a_crowd_is_counted       },
    {"hostile texts are escaped",                     hostile_texts_are_escaped},
};

UNIT_MAIN("tool/way_events", tests)
