// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/tool/stand.h"

// The first four lines are stand_load's.
static const struct {
    const char *name, *more;
    const char *expected; // on errors, behind the file's name; "": good
} rows[] = {
    {"good",                "",                                                                            ""           },
    {"group of a listener", "\nlisten \"unix:/tmp/x\" {\n group = nosuchgroup }",                          ":7: group: "},
    {"certificate",         "listen \"unix:/tmp/x\" { tls {\n cert = \"/none/c\"\n key = \"/none/k\" } }",
     ":6: cert: expected a file, \"/none/c\""                                                                           },
    {"key",                 "listen \"unix:/tmp/x\" { tls {\n cert = \"/none/c\"\n key = \"/dev\" } }",
     ":7: key: expected a plain file, \"/dev\""                                                                         },
    {"what is in the way",  "listen \"unix:/etc/passwd\" { }",
     ":5: socket: \"/etc/passwd\" exists and is not a socket"                                                           },
};

static void
reload_settings(struct stand *stand, const char *more)
{
    settings_free(&stand->settings);
    stand_load(stand, more);
    stand->tool.settings = stand->settings;
}

static void
rows_hold(void)
{
    struct stand stand;

    stand_make(&stand);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char expected[2048];
        enum tool_exit result;

        reload_settings(&stand, rows[i].more);
        result = stand_run(&stand, check_run, "check", NULL);
        snprintf(expected, sizeof expected, "postern: %s%s", stand.config_file, rows[i].expected);
        if (rows[i].expected[0] == '\0') {
            UNIT_CHECK_ROW(rows[i].name, result == TOOL_DONE);
            UNIT_CHECK_ROW(rows[i].name, stand.errors_len == 0);
        } else {
            UNIT_CHECK_ROW(rows[i].name, result == TOOL_CONFIGURATION);
            UNIT_CHECK_ROW(rows[i].name, stand_has(stand.errors, expected));
        }
    }
    stand_remove(&stand);
}

static void
spool_is_looked_at(void)
{
    struct stand stand;
    char path[1024];

    stand_make(&stand);
    scratch_name(&stand.scratch, "spool", path);
    CU_ASSERT_FATAL(chmod(path, 0777) == 0);
    CU_ASSERT(stand_run(&stand, check_run, "check", NULL) == TOOL_CONFIGURATION);
    CU_ASSERT(stand_has(stand.errors, ":2: path: others may write to "));
    CU_ASSERT_FATAL(chmod(path, 0755) == 0);
    CU_ASSERT(stand_run(&stand, check_run, "check", NULL) == TOOL_DONE);
    stand_remove(&stand);
}

static void
lost_routes_are_a_warning(void)
{
    struct stand stand;

    stand_make(&stand);
    stand_fill(&stand);
    CU_ASSERT(stand_run(&stand, check_run, "check", NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(stand.errors, "warning: 3 messages wait for a next_hop that is not there "
                                      "any more, such as \"reinject\""));
    reload_settings(&stand, "next_hop \"inet:127.0.0.1:1\" { name = reinject }");
    CU_ASSERT(stand_run(&stand, check_run, "check", NULL) == TOOL_DONE);
    CU_ASSERT(stand.errors_len == 0);
    stand_remove(&stand);
}

static void
a_file_that_changed_is_told(void)
{
    struct stand stand;

    stand_make(&stand);
    scratch_write(&stand.scratch, "postern.conf", "\nsize");
    CU_ASSERT(stand_run(&stand, check_run, "check", NULL) == TOOL_CONFIGURATION);
    CU_ASSERT(stand_has(stand.errors, "/postern.conf:2: size: there is no such setting"));
    CU_ASSERT(stand_run(&stand, check_run, "check", "me", NULL) == TOOL_USAGE);
    stand_remove(&stand);
}

static const struct unit_test tests[] = {
    {"rows hold",                   rows_hold                  },
    {"spool is looked at",          spool_is_looked_at         },
    {"lost routes are a warning",   lost_routes_are_a_warning  },
    {"a file that changed is told", a_file_that_changed_is_told},
};

UNIT_MAIN("tool/check", tests)
