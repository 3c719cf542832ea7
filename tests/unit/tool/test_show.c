// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/tool/stand.h"

static void
all_is_shown(void)
{
    struct stand stand;
    char line[300];

    stand_make(&stand);
    stand_fill(&stand);
    CU_ASSERT(stand_run(&stand, show_run, "show", STAND_B, NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(stand.out, "id           " STAND_B "\n"));
    snprintf(line, sizeof line, "file         active/%s/00/" STAND_B "\n", stand.instance.name);
    CU_ASSERT(stand_has(stand.out, line));
    CU_ASSERT(stand_has(stand.out, "size         22, digest "));
    CU_ASSERT(stand_has(
        stand.out,
        "sha256       2345bd1abe1f169f5c09ba535d84105ccd3c0fa8ea10389a555cdfc4043ca729\n"));
    CU_ASSERT(stand_has(stand.out, "arrived      2023-11-14 22:13:20 over smtp, hand-off spool\n"));
    CU_ASSERT(stand_has(stand.out, "next hop     reinject\n"));
    CU_ASSERT(stand_has(stand.out, "from         <sB@example.org> SIZE=123\n"));
    CU_ASSERT(stand_has(stand.out, "to 0         <r0@example.com>  sent"));
    CU_ASSERT(stand_has(stand.out, "to 1         <r1@example.com>  deferred, tries 1, next 1m "
                                   "(4.3.0 later)\n"));
    CU_ASSERT(stand_has(stand.out, "2023-11-14 22:13:20 attempt g=0, r=0-2, hop=x\n"));
    CU_ASSERT(stand_has(stand.out, "reply=4.3.0 later\n"));
    CU_ASSERT(stand_run(&stand, show_run, "show", STAND_A, STAND_D, NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(stand.out, "/slot-0001\n"));
    CU_ASSERT(stand_has(stand.out, "\n\nid           " STAND_D "\n"));
    CU_ASSERT(stand_has(stand.out, "held         by hand\n"));
    stand_remove(&stand);
}

static void
nothing_moves_the_cursor(void)
{
    struct stand stand;

    stand_make(&stand);
    stand_put(
        stand.root.hold_fd, STAND_A, STAND_A, "x",
        "decided g=0 verdict=accept rule=a^[31m r=0-2 reason=b`zz received=X:~y|held reason=^`",
        "");
    CU_ASSERT(stand_run(&stand, show_run, "show", STAND_A, NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(stand.out, "group 0"));
    CU_ASSERT_PTR_NULL(strchr(stand.out, '\033'));
    CU_ASSERT_PTR_NULL(strstr(stand.out, "\nzz"));
    stand_remove(&stand);
}

static void
missing_is_told(void)
{
    struct stand stand;

    stand_make(&stand);
    stand_fill(&stand);
    opterr = 0;
    CU_ASSERT(stand_run(&stand, show_run, "show", STAND_NONE, STAND_D, NULL) == TOOL_NOTHING);
    CU_ASSERT(stand_has(stand.errors, STAND_NONE ": there is no such message\n"));
    CU_ASSERT(stand_has(stand.out, STAND_D));
    CU_ASSERT(stand_run(&stand, show_run, "show", "../../x", NULL) == TOOL_NOTHING);
    CU_ASSERT(stand_run(&stand, show_run, "show", NULL) == TOOL_USAGE);
    CU_ASSERT(stand_run(&stand, show_run, "show", "--raw", STAND_D, NULL) == TOOL_USAGE);
    CU_ASSERT(stand_has(stand.errors, "usage: "));
    stand_remove(&stand);
}

static const struct unit_test tests[] = {
    {"all is shown",             all_is_shown            },
    {"nothing moves the cursor", nothing_moves_the_cursor},
    {"missing is told",          missing_is_told         },
};

UNIT_MAIN("tool/show", tests)
