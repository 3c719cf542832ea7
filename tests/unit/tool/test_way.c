// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/tool/booked.h"
#include "tests/unit/tool/family.h"

// The family is in the ledger, with a word of Postfix's; a spool beside it.
static void
book_family(struct stand *stand)
{
    struct maillog_line line = {.at_ms = FAMILY_AT + 400,
                                .queue_id = SPAN_LITERAL("4OUT1"),
                                .to = SPAN_LITERAL("a@example.com"),
                                .dsn = SPAN_LITERAL("2.0.0"),
                                .status = MAILLOG_SENT,
                                .text = SPAN_LITERAL("250 ok")};
    struct ledger *ledger = booked_open(stand);
    struct family_kit kit;
    bool is_known = false;
    struct err err;

    family_make(&kit);
    kit.child.place = RECORD_DONE;
    kit.child_rcpts[0] = (struct record_rcpt){.to = SPAN_LITERAL("d@example.com"),
                                              .status = RCPT_MOVED,
                                              .child = SPAN_LITERAL(FAMILY_RELEASED)};
    booked_put(ledger, &kit.root);
    booked_put(ledger, &kit.child);
    booked_put(ledger, &kit.released);
    booked_put(ledger, &kit.bounce);
    CU_ASSERT(ledger_put_delivery(ledger, &line, &is_known, &err) == 0 && is_known);
    booked_close(ledger);
    family_clear(&kit);
}

static void
any_id_gives_the_same(void)
{
    static const char *const ids[] = {FAMILY_ROOT, FAMILY_CHILD,      "4IN1",         "4OUT1",
                                      "4OUT2",     "<1@example.org>", "1@example.org"};
    struct stand stand;
    char *first;

    stand_make(&stand);
    book_family(&stand);
    CU_ASSERT(stand_run(&stand, way_run, "trace", FAMILY_ROOT, NULL) == TOOL_DONE);
    CU_ASSERT(
        stand_has(stand.out, "  +0.400s  delivered    <a@example.com>, dsn 2.0.0 (250 ok)\n"));
    CU_ASSERT(stand_has(stand.out, "\n    " FAMILY_CHILD " (quarantine)  reinjected\n"));
    CU_ASSERT(stand_has(stand.out, "\n        " FAMILY_RELEASED " (release)  "));
    CU_ASSERT(stand_has(stand.out, "\n    " FAMILY_BOUNCE " (bounce)  "));
    CU_ASSERT_PTR_NULL(strstr(stand.out, "file ")); // all is over
    CU_ASSERT_STRING_EQUAL(stand.errors, "");
    first = strdup(stand.out);
    for (size_t i = 0; i < UNIT_COUNT(ids); i++) {
        UNIT_CHECK_ROW(ids[i], stand_run(&stand, way_run, "trace", ids[i], NULL) == TOOL_DONE);
        UNIT_CHECK_ROW(ids[i], strcmp(stand.out, first) == 0);
    }
    free(first);
    CU_ASSERT(stand_run(&stand, way_run, "trace", "--json", "4IN1", "4OUT1", NULL) == TOOL_DONE);
    CU_ASSERT(strncmp(stand.out, "{\"postern_id\":", 14) == 0);
    CU_ASSERT(strstr(stand.out, "}\n{\"postern_id\":") != NULL);
    stand_remove(&stand);
}

// One Message-ID, sent twice; and a message under way that the ledger knows as it was.
static void
several_are_told_oldest_first(void)
{
    struct record record = {.id = span_of(STAND_B),
                            .step = 1,
                            .place = RECORD_WAITING,
                            .arrived_ms = FAMILY_AT + 1000,
                            .message_id = span_of("<1@example.org>"),
                            .score = NAN};
    struct ledger *ledger;
    struct stand stand;
    const char *first, *second;

    stand_make(&stand);
    stand_fill(&stand);
    book_family(&stand);
    ledger = booked_open(&stand);
    booked_put(ledger, &record);
    booked_close(ledger);
    CU_ASSERT(stand_run(&stand, way_run, "trace", "1@example.org", NULL) == TOOL_DONE);
    first = strstr(stand.out, FAMILY_ROOT);
    second = strstr(stand.out, "\n\n" STAND_B "  deferred\n");
    CU_ASSERT(first == stand.out && second != NULL);
    // The file was asked, too.
    CU_ASSERT(stand_has(stand.out, "deferred    <r1@example.com>\n"));
    CU_ASSERT(stand_has(stand.out, "/00/" STAND_B "\n"));
    CU_ASSERT_PTR_NULL(strstr(stand.out, "not in the ledger"));
    stand_remove(&stand);
}

static void
the_spool_is_asked_where_the_ledger_is_behind(void)
{
    struct stand stand;

    stand_make(&stand);
    stand_fill(&stand);
    book_family(&stand);
    CU_ASSERT(stand_run(&stand, way_run, "trace", STAND_D, NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(stand.out, STAND_D "  held\n"));
    CU_ASSERT(stand_has(stand.out, "hold/" STAND_D ", not in the ledger\n"));
    CU_ASSERT(stand_run(&stand, way_run, "trace", STAND_NONE, NULL) == TOOL_NOTHING);
    CU_ASSERT_STRING_EQUAL(stand.out, "");
    CU_ASSERT(stand_has(stand.errors, STAND_NONE ": there is no such message\n"));
    CU_ASSERT(stand_run(&stand, way_run, "trace", STAND_NONE, STAND_D, NULL) == TOOL_NOTHING);
    CU_ASSERT(stand_has(stand.out, STAND_D "  held\n"));
    CU_ASSERT(stand_run(&stand, way_run, "trace", "", NULL) == TOOL_NOTHING);
    stand_remove(&stand);
}

static void
no_ledger_is_told(void)
{
    struct stand stand;

    stand_make(&stand);
    stand_fill(&stand);
    CU_ASSERT(stand_run(&stand, way_run, "trace", STAND_D, NULL) == TOOL_IO);
    CU_ASSERT(stand_has(stand.out, STAND_D "  held\n"));
    CU_ASSERT(stand_has(stand.errors, "/ledger.db"));
    CU_ASSERT(stand_run(&stand, way_run, "trace", STAND_NONE, NULL) == TOOL_IO);
    scratch_write(&stand.scratch, "ledger.db", "this is no ledger");
    CU_ASSERT(stand_run(&stand, way_run, "trace", STAND_D, NULL) == TOOL_IO);
    CU_ASSERT(stand_has(stand.out, STAND_D "  held\n"));
    stand_remove(&stand);
}

static void
usage_is_told(void)
{
    struct stand stand;

    stand_make(&stand);
    opterr = 0;
    CU_ASSERT(stand_run(&stand, way_run, "trace", NULL) == TOOL_USAGE);
    CU_ASSERT(stand_run(&stand, way_run, "trace", "--all", "x", NULL) == TOOL_USAGE);
    CU_ASSERT(stand_has(stand.errors, "trace ANY-ID"));
    stand_remove(&stand);
}

static const struct unit_test tests[] = {
    {"any id gives the same",                         any_id_gives_the_same        },
    {"several are told, oldest first",                several_are_told_oldest_first},
    {"the spool is asked where the ledger is behind",
     the_spool_is_asked_where_the_ledger_is_behind                                 },
    {"no ledger is told",                             no_ledger_is_told            },
    {"usage is told",                                 usage_is_told                },
};

UNIT_MAIN("tool/way", tests)
