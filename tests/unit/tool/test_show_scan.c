// SPDX-License-Identifier: BSD-2-Clause
#include "base/json.h"
#include "filters/result.h"
#include "tests/unit/tool/quarantined.h"
#include "tests/unit/tool/stand.h"
#include "tool/show.h"

static struct stand stand;

static void
put(const char *journal)
{
    stand_make(&stand);
    quarantine_put(&stand, STAND_NONE, journal);
}

static const char scanned[] =
    "found len=10 parts=1 part=0~-1~10~text/plain~text/plain|"
    "result filter=clamav result=hit virus=1 server=unix:/c took=3100 name=Eicar^Test name=B|"
    "result filter=rspamd result=clean score=1.25 required=15 action=no~action took=20000|"
    "result filter=other result=failed reason=connection~refused took=0|" QUARANTINE_CAUGHT;

static void
what_was_said_is_shown(void)
{
    put(scanned);
    CU_ASSERT(stand_run(&stand, show_run, "show", STAND_NONE, NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(stand.out, "found        10 bytes, 1 parts\n"
                                   "part 0       text/plain is text/plain, 10 bytes\n"
                                   "filter       clamav: hit, Eicar Test, B, from unix:/c, 3.1 ms\n"
                                   "filter       rspamd: clean, score 1.25 of 15.00, "
                                   "action no action, 20.0 ms\n"
                                   "filter       other: failed, connection refused, 0.0 ms\n"));
    CU_ASSERT(stand_has(stand.out, "quarantined  rule virus, reason Eicar\n"));
    CU_ASSERT(stand_has(stand.out, "to 0         <r0@example.com>  open, group 0: quarantine, "
                                   "rule virus, reason Eicar\n"));
    // The journal names them in brief.
    CU_ASSERT(stand_has(stand.out, " found len=10, parts=1\n"));
    CU_ASSERT(stand_has(stand.out, " result filter=clamav, result=hit, virus=1, "));
    stand_remove(&stand);
}

static void
releases_are_shown(void)
{
    put(QUARANTINE_CAUGHT "|release r=0-1 child=x1|released r=0-1 child=x1 by=root|"
                          "release r=2 child=x2");
    CU_ASSERT(stand_run(&stand, show_run, "show", STAND_NONE, NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(stand.out, "reason Eicar, released as x1\n"));
    CU_ASSERT(stand_has(stand.out, "reason Eicar, a release was cut short\n"));
    CU_ASSERT(stand_has(stand.out, " released r=0-1, child=x1, by=root\n"));
    CU_ASSERT(stand_run(&stand, list_run, "list", "--where", "quarantine", NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(stand.out, " rule=virus released=2 (Eicar)\n"));
    stand_remove(&stand);
}

// After a rescan the first look is over; the second one's findings and results stand.
static void
last_look_is_shown(void)
{
    struct json *json;
    struct err err;
    char lines[2000];

    snprintf(lines, sizeof lines, "%s|rescan", scanned);
    put(lines);
    CU_ASSERT(stand_run(&stand, show_run, "show", STAND_NONE, NULL) == TOOL_DONE);
    CU_ASSERT_PTR_NULL(strstr(stand.out, "filter       "));
    CU_ASSERT_PTR_NULL(strstr(stand.out, "part 0 "));
    stand_remove(&stand);
    snprintf(lines, sizeof lines,
             "%s|rescan|found len=11 part=0~-1~11~text/html~-|"
             "result filter=clamav result=clean took=1",
             scanned);
    put(lines);
    CU_ASSERT(stand_run(&stand, show_run, "show", STAND_NONE, NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(stand.out, "part 0       text/html, 11 bytes\n"
                                   "filter       clamav: clean, 0.0 ms\n"));
    CU_ASSERT_PTR_NULL(strstr(stand.out, "rspamd:"));
    CU_ASSERT(stand_run(&stand, show_run, "show", "--json", STAND_NONE, NULL) == TOOL_DONE);
    json = json_parse(span_of(stand.out), &err);
    CU_ASSERT_FATAL(json != NULL);
    CU_ASSERT_EQUAL(json_get_count(json_get_object(json, "findings"), "parts"), 1);
    CU_ASSERT_EQUAL(json_get_count(json, "results"), 1);
    json_free(&json);
    stand_remove(&stand);
}

static void
json_has_results(void)
{
    struct json *json;
    const struct json *item;
    struct err err;

    put(scanned);
    CU_ASSERT(stand_run(&stand, show_run, "show", "--json", STAND_NONE, NULL) == TOOL_DONE);
    json = json_parse(span_of(stand.out), &err);
    CU_ASSERT_FATAL(json != NULL);
    CU_ASSERT_FATAL(json_get_count(json, "results") == 3);
    item = json_get_item(json, "results", 0);
    CU_ASSERT_STRING_EQUAL(json_get_text(item, "filter"), "clamav");
    CU_ASSERT_STRING_EQUAL(json_get_text(item, "result"), "hit");
    CU_ASSERT_STRING_EQUAL(json_get_item_text(item, "names", 1), "B");
    item = json_get_item(json, "results", 1);
    CU_ASSERT_STRING_EQUAL(json_get_text(item, "score"), "1.250");
    CU_ASSERT_STRING_EQUAL(json_get_text(item, "action"), "no action");
    item = json_get_item(json, "results", 2);
    CU_ASSERT_STRING_EQUAL(json_get_text(item, "reason"), "connection refused");
    CU_ASSERT_PTR_NULL(json_get_text(item, "score"));
    json_free(&json);
    // Nobody looked.
    stand_remove(&stand);
    put(QUARANTINE_CAUGHT);
    CU_ASSERT(stand_run(&stand, show_run, "show", "--json", STAND_NONE, NULL) == TOOL_DONE);
    json = json_parse(span_of(stand.out), &err);
    CU_ASSERT_FATAL(json != NULL);
    CU_ASSERT_PTR_NULL(json_get_object(json, "findings"));
    CU_ASSERT_EQUAL(json_get_count(json, "results"), 0);
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "quarantine_rule"), "virus");
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "quarantine_reason"), "Eicar");
    json_free(&json);
    stand_remove(&stand);
}

static const struct unit_test tests[] = {
    {"what was said is shown", what_was_said_is_shown},
    {"releases are shown",     releases_are_shown    },
    {"last look is shown",     last_look_is_shown    },
    {"JSON has results",       json_has_results      },
};

UNIT_MAIN("tool/show_scan", tests)
