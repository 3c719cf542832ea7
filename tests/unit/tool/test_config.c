// SPDX-License-Identifier: BSD-2-Clause
#include "base/json.h"
#include "tests/unit/tool/stand.h"

static void
settings_are_printed(void)
{
    struct stand stand;
    struct json *json;
    struct err err;

    stand_make(&stand);
    opterr = 0;
    CU_ASSERT(stand_run(&stand, config_run, "config", NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(stand.out, "user = \"root\"\n"));
    CU_ASSERT(stand_has(stand.out, "trace = yes\n"));
    CU_ASSERT(stand_run(&stand, config_run, "config", "-n", NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(stand.out, "user = \"root\"\n"));
    CU_ASSERT_PTR_NULL(strstr(stand.out, "trace"));
    CU_ASSERT(stand_run(&stand, config_run, "config", "-d", NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(stand.out, "user = \"postern\"\n"));
    CU_ASSERT(stand_run(&stand, config_run, "config", "--json", NULL) == TOOL_DONE);
    json = json_parse(span_of(stand.out), &err);
    CU_ASSERT_FATAL(json != NULL);
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "user"), "root");
    json_free(&json);
    CU_ASSERT(stand_run(&stand, config_run, "config", "-x", NULL) == TOOL_USAGE);
    CU_ASSERT(stand_run(&stand, config_run, "config", "max_size", NULL) == TOOL_USAGE);
    CU_ASSERT(stand_has(stand.errors, "config [-d | -n]"));
    stand_remove(&stand);
}

static const struct unit_test tests[] = {
    {"settings are printed", settings_are_printed},
};

UNIT_MAIN("tool/config", tests)
