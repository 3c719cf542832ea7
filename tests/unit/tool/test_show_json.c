// SPDX-License-Identifier: BSD-2-Clause
#include "base/json.h"
#include "tests/unit/tool/quarantined.h"
#include "tests/unit/tool/stand.h"

static void
json_has_all(void)
{
    struct stand stand;
    struct json *json;
    const struct json *item;
    struct err err;

    stand_make(&stand);
    stand_fill(&stand);
    CU_ASSERT(stand_run(&stand, show_run, "show", "--json", STAND_B, NULL) == TOOL_DONE);
    json = json_parse(span_of(stand.out), &err);
    CU_ASSERT_FATAL(json != NULL);
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "queue_id"), STAND_B);
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "queue_name"), "active");
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "sender"), "sB@example.org");
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "sender_parameters"), "SIZE=123");
    CU_ASSERT_FATAL(json_get_count(json, "recipients") == 3);
    item = json_get_item(json, "recipients", 1);
    CU_ASSERT_STRING_EQUAL(json_get_text(item, "status"), "deferred");
    CU_ASSERT(json_get_number(item, "code", 0) == 451);
    CU_ASSERT(json_get_number(item, "next_try", 0) == 1700000160);
    CU_ASSERT_FATAL(json_get_count(json, "journal") == 3);
    item = json_get_item(json, "journal", 2);
    CU_ASSERT_STRING_EQUAL(json_get_text(item, "event"), "deferred");
    item = json_get_item(item, "fields", 3);
    CU_ASSERT_STRING_EQUAL(json_get_text(item, "key"), "reply");
    CU_ASSERT_STRING_EQUAL(json_get_text(item, "value"), "4.3.0 later");
    json_free(&json);
    stand_remove(&stand);
}

static void
json_has_releases(void)
{
    struct stand stand;
    struct json *json;
    struct err err;

    stand_make(&stand);
    quarantine_put(&stand, STAND_NONE,
                   QUARANTINE_CAUGHT "|release r=0 child=x1|released r=0 child=x1 by=root|"
                                     "release r=1 child=x2");
    CU_ASSERT(stand_run(&stand, show_run, "show", "--json", STAND_NONE, NULL) == TOOL_DONE);
    json = json_parse(span_of(stand.out), &err);
    CU_ASSERT_FATAL(json != NULL);
    CU_ASSERT(json_get_bool(json, "quarantined", false));
    CU_ASSERT_STRING_EQUAL(json_get_text(json_get_item(json, "recipients", 0), "released"), "x1");
    CU_ASSERT_PTR_NULL(json_get_text(json_get_item(json, "recipients", 1), "released"));
    CU_ASSERT(json_get_bool(json_get_item(json, "recipients", 1), "release_cut_short", false));
    CU_ASSERT(!json_get_bool(json_get_item(json, "recipients", 2), "release_cut_short", false));
    json_free(&json);
    stand_remove(&stand);
}

static const struct unit_test tests[] = {
    {"JSON has all",      json_has_all     },
    {"JSON has releases", json_has_releases},
};

UNIT_MAIN("tool/show_json", tests)
