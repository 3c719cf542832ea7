// SPDX-License-Identifier: BSD-2-Clause
#include "base/json.h"
#include "tests/unit/tool/fake.h"
#include "tests/unit/tool/stand.h"

static const struct {
    const char *name, *answer;
    enum tool_exit result;
    const char *out, *errors;
} rows[] = {
    {"good",   "{\"items\":[{\"id\":\"\",\"status\":\"done\",\"text\":\"\"}]}\n",             TOOL_DONE,
     "the new configuration is in force\n",                                                                         ""                                                  },
    {"bad",    "{\"items\":[{\"id\":\"\",\"status\":\"failed\",\"text\":\"f:3: trace\"}]}\n",
     TOOL_NOTHING,                                                                                              "", "postern: the old configuration stays: f:3: trace\n"},
    {"closed", NULL,                                                                          TOOL_UNREACHABLE, "",
     "postern: the daemon closed the line without an answer\n"                                                                                                          },
};

static void
rows_hold(void)
{
    struct stand stand;
    char path[1024];

    stand_make(&stand);
    scratch_name(&stand.scratch, "s", path);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct fake fake = {.answers = {rows[i].answer}, .count = 1};

        fake_start(&fake, path);
        UNIT_CHECK_ROW(rows[i].name,
                       stand_run(&stand, reload_run, "reload", NULL) == rows[i].result);
        fake_stop(&fake);
        UNIT_CHECK_ROW(rows[i].name, strcmp(stand.out, rows[i].out) == 0);
        UNIT_CHECK_ROW(rows[i].name, strcmp(stand.errors, rows[i].errors) == 0);
        UNIT_CHECK_ROW(rows[i].name, strcmp(fake.requests[0], "{\"command\":\"reload\"}\n") == 0);
    }
    unlink(path);
    CU_ASSERT(stand_run(&stand, reload_run, "reload", NULL) == TOOL_UNREACHABLE);
    CU_ASSERT(stand_has(stand.errors, "nobody answers at unix:"));
    CU_ASSERT(stand_run(&stand, reload_run, "reload", "now", NULL) == TOOL_USAGE);
    stand_remove(&stand);
}

static const struct unit_test tests[] = {
    {"rows hold", rows_hold},
};

UNIT_MAIN("tool/reload", tests)
