// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/tool/booked.h"
#include "tests/unit/tool/family.h"

// The family a minute ago, and its root once more under another id, two days ago.
static void
book(struct stand *stand)
{
    struct ledger *ledger = booked_open(stand);
    struct family_kit kit;

    family_make(&kit);
    booked_put(ledger, &kit.root);
    booked_put(ledger, &kit.child);
    booked_put(ledger, &kit.bounce);
    kit.root.id = span_of(STAND_C);
    kit.root.arrived_ms -= 2 * 86400000LL;
    booked_put(ledger, &kit.root);
    booked_close(ledger);
    family_clear(&kit);
}

static void
a_day_is_summed_up(void)
{
    struct stand stand;

    stand_make(&stand);
    book(&stand);
    CU_ASSERT(stand_run(&stand, stats_run, "stats", NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(stand.out, "since        2023-11-13 22:15:00, 1d\n"));
    CU_ASSERT(stand_has(stand.out, "messages     1, 0.00 a second, 0.0 an hour\n"));
    CU_ASSERT(stand_has(stand.out, "recipients   5\n"));
    CU_ASSERT(stand_has(stand.out, "bytes        5123, 5123 a message\n"));
    CU_ASSERT(stand_has(stand.out, "class        virus                 1  100.0%\n"));
    CU_ASSERT(stand_has(stand.out, "verdict      accept                3   60.0%\n"
                                   "             quarantine            1   20.0%\n"
                                   "             reject                1   20.0%\n"));
    CU_ASSERT(stand_has(stand.out, "             bounced               1   20.0%\n"));
    CU_ASSERT(stand_has(stand.out, "mean time    receive             1.2 ms\n"
                                   "             seal                0.4 ms\n"));
    CU_ASSERT(stand_has(stand.out, "viruses               1  Eicar\n"));
    CU_ASSERT(stand_has(stand.out, "senders               1  s@example.org\n"));
    CU_ASSERT(stand_has(stand.out, "recipients            1  "));
    CU_ASSERT_PTR_NULL(strstr(stand.out, "discard"));
    CU_ASSERT(stand_run(&stand, stats_run, "stats", "--since", "3d", NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(stand.out, "messages     2, "));
    CU_ASSERT(stand_run(&stand, stats_run, "stats", "--since", "2023-11-14T22:14:00Z", NULL) ==
              TOOL_DONE);
    CU_ASSERT(stand_has(stand.out, "messages     0, 0.00 a second, 0.0 an hour\n"));
    CU_ASSERT(stand_has(stand.out, "bytes        0, 0 a message\n"));
    stand_remove(&stand);
}

static void
programs_get_one_object(void)
{
    struct stand stand;
    struct json *object;
    const struct json *item;

    stand_make(&stand);
    book(&stand);
    CU_ASSERT(stand_run(&stand, stats_run, "stats", "--json", NULL) == TOOL_DONE);
    object = json_parse(span_from(stand.out, stand.out_len - 1), NULL);
    CU_ASSERT_FATAL(object != NULL);
    CU_ASSERT(json_get_number(object, "since_ms", 0) == stand.tool.now_ms - 86400000);
    CU_ASSERT(json_get_number(object, "until_ms", 0) == stand.tool.now_ms);
    CU_ASSERT(json_get_number(object, "first_ms", 0) == FAMILY_AT);
    CU_ASSERT(json_get_number(object, "messages", 0) == 1);
    CU_ASSERT(json_get_number(object, "recipients", 0) == 5);
    CU_ASSERT(json_get_number(object, "bytes", 0) == 5123);
    item = json_get_object(object, "messages_by_class");
    CU_ASSERT(json_get_number(item, "virus", 0) == 1 && json_get_number(item, "clean", 1) == 0);
    item = json_get_object(object, "recipients_by_verdict");
    CU_ASSERT(json_get_number(item, "accept", 0) == 3 && json_get_number(item, "none", 1) == 0);
    item = json_get_object(object, "recipients_by_status");
    CU_ASSERT(json_get_number(item, "quarantined", 0) == 1);
    CU_ASSERT(json_get_number(item, "partial", 1) == 0);
    item = json_get_object(json_get_object(object, "stages"), "send");
    CU_ASSERT(json_get_number(item, "mean_us", 0) == 4100);
    CU_ASSERT(json_get_number(item, "messages", 0) == 1);
    item = json_get_item(object, "viruses", 0);
    CU_ASSERT(strcmp(json_get_text(item, "text"), "Eicar") == 0);
    CU_ASSERT(json_get_number(item, "count", 0) == 1);
    CU_ASSERT(json_get_count(object, "rules") == 2 && json_get_count(object, "senders") == 1);
    CU_ASSERT(json_get_count(object, "top_recipients") == 5);
    json_free(&object);
    stand_remove(&stand);
}

static void
trouble_is_told(void)
{
    struct stand stand;

    stand_make(&stand);
    opterr = 0;
    CU_ASSERT(stand_run(&stand, stats_run, "stats", NULL) == TOOL_IO);
    CU_ASSERT(stand_has(stand.errors, "/ledger.db"));
    CU_ASSERT(stand_run(&stand, stats_run, "stats", "--since", "yesterday", NULL) == TOOL_USAGE);
    CU_ASSERT(stand_run(&stand, stats_run, "stats", "x", NULL) == TOOL_USAGE);
    CU_ASSERT(stand_run(&stand, stats_run, "stats", "--all", NULL) == TOOL_USAGE);
    CU_ASSERT(stand_has(stand.errors, "usage: "));
    stand_remove(&stand);
}

static const struct unit_test tests[] = {
    {"a day is summed up",      a_day_is_summed_up     },
    {"programs get one object", programs_get_one_object},
    {"trouble is told",         trouble_is_told        },
};

UNIT_MAIN("tool/stats", tests)
