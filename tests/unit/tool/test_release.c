// SPDX-License-Identifier: BSD-2-Clause
#include <sys/file.h>

#include "base/json.h"
#include "spool/quarantine.h"
#include "tests/unit/tool/fake.h"
#include "tests/unit/tool/quarantined.h"
#include "tests/unit/tool/stand.h"

static struct stand stand;

static void
begin(const char *journal)
{
    stand_make(&stand);
    stand_fill(&stand);
    quarantine_put(&stand, STAND_NONE, journal);
}

static size_t
children(struct smtp_envelope *envelope_out)
{
    return quarantine_children(&stand.root, STAND_NONE, envelope_out);
}

static void
all_are_let_go(void)
{
    struct smtp_envelope child;

    begin(QUARANTINE_CAUGHT);
    CU_ASSERT(stand_run(&stand, release_run, "release", STAND_NONE, NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(stand.out, STAND_NONE ": release: as " STAND_NONE "."));
    CU_ASSERT(stand_has(stand.out, " to <r0@example.com> <r1@example.com> <r2@example.com>\n"));
    CU_ASSERT_EQUAL(children(&child), 1);
    CU_ASSERT_EQUAL(child.rcpt_count, 3);
    CU_ASSERT_STRING_EQUAL(child.skip_rule, "virus");
    CU_ASSERT_STRING_EQUAL(child.parent, STAND_NONE);
    CU_ASSERT_EQUAL(child.arrived_ms, stand.tool.now_ms);
    envelope_clear(&child);
    // It stays, and nobody is let go a second time.
    CU_ASSERT(stand_run(&stand, release_run, "release", STAND_NONE, NULL) == TOOL_NOTHING);
    CU_ASSERT(stand_has(stand.errors, "it was let go before (--again does so once more)"));
    CU_ASSERT(stand_run(&stand, release_run, "release", "--again", STAND_NONE, NULL) == TOOL_DONE);
    CU_ASSERT_EQUAL(children(&child), 2);
    envelope_clear(&child);
    stand_remove(&stand);
}

static void
some_are_let_go(void)
{
    struct smtp_envelope child;

    begin(QUARANTINE_CAUGHT);
    CU_ASSERT(stand_run(&stand, release_run, "release", "--to", "R1@*", STAND_NONE, NULL) ==
              TOOL_DONE);
    CU_ASSERT(stand_has(stand.out, " to <r1@example.com>\n"));
    CU_ASSERT_EQUAL(children(&child), 1);
    CU_ASSERT_STRING_EQUAL(child.rcpts[0].path, "r1@example.com");
    envelope_clear(&child);
    CU_ASSERT(stand_run(&stand, release_run, "release", "--to", "x@y", STAND_NONE, NULL) ==
              TOOL_NOTHING);
    CU_ASSERT(stand_has(stand.errors, "no recipient of it has that address"));
    CU_ASSERT(stand_run(&stand, release_run, "release", STAND_NONE, NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(stand.out, " to <r0@example.com> <r2@example.com>\n"));
    stand_remove(&stand);
}

// Who was caught by another rule becomes a child of his own: each skips only what caught him.
static void
rules_are_kept_apart(void)
{
    struct smtp_envelope child;

    begin("decided g=0 verdict=quarantine rule=virus r=0,2|"
          "decided g=1 verdict=quarantine rule=spam r=1|quarantined rule=virus");
    CU_ASSERT(stand_run(&stand, release_run, "release", STAND_NONE, NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(stand.out, " to <r0@example.com> <r2@example.com>\n"));
    CU_ASSERT(stand_has(stand.out, " to <r1@example.com>\n"));
    CU_ASSERT_EQUAL(children(&child), 2);
    envelope_clear(&child);
    stand_remove(&stand);
}

static void
retired_stay_where_they_are(void)
{
    struct smtp_envelope child;

    begin("sent r=0|decided g=0 verdict=quarantine rule=virus r=1-2|quarantined rule=virus");
    CU_ASSERT(stand_run(&stand, release_run, "release", "--again", "--to", "r0@*", STAND_NONE,
                        NULL) == TOOL_NOTHING);
    CU_ASSERT(stand_has(stand.errors, "it has gone its way before"));
    CU_ASSERT(stand_run(&stand, release_run, "release", STAND_NONE, NULL) == TOOL_DONE);
    CU_ASSERT_EQUAL(children(&child), 1);
    CU_ASSERT_EQUAL(child.rcpt_count, 2);
    envelope_clear(&child);
    stand_remove(&stand);
}

static void
what_was_cut_short_needs_a_word(void)
{
    struct smtp_envelope child;

    begin(QUARANTINE_CAUGHT "|release r=0-2 child=x");
    CU_ASSERT(stand_run(&stand, release_run, "release", STAND_NONE, NULL) == TOOL_NOTHING);
    CU_ASSERT(stand_has(stand.errors, "a release was cut short: it may be out already"));
    CU_ASSERT_EQUAL(children(&child), 0);
    CU_ASSERT(stand_run(&stand, release_run, "release", "--again", STAND_NONE, NULL) == TOOL_DONE);
    CU_ASSERT_EQUAL(children(&child), 1);
    envelope_clear(&child);
    stand_remove(&stand);
}

static void
others_are_refused(void)
{
    int day, fd;

    begin(QUARANTINE_CAUGHT);
    CU_ASSERT(stand_run(&stand, release_run, "release", STAND_D, NULL) == TOOL_NOTHING);
    CU_ASSERT(stand_has(stand.errors, "it lies in hold (unhold lets it go)"));
    CU_ASSERT(stand_run(&stand, release_run, "release", STAND_B, NULL) == TOOL_NOTHING);
    CU_ASSERT(stand_has(stand.errors, "it is not in quarantine: it lies in active"));
    CU_ASSERT(stand_run(&stand, release_run, "release", "4X2k9QzT7mY", NULL) == TOOL_NOTHING);
    CU_ASSERT(stand_has(stand.errors, "there is no such message"));
    CU_ASSERT(stand_run(&stand, release_run, "release", "../../x", NULL) == TOOL_NOTHING);
    CU_ASSERT(stand_has(stand.errors, "that is no message id"));
    day = place_find_quarantined(&stand.root, STAND_NONE, NULL);
    fd = fs_open_read(day, STAND_NONE, NULL);
    CU_ASSERT_EQUAL(flock(fd, LOCK_EX), 0);
    CU_ASSERT(stand_run(&stand, release_run, "release", STAND_NONE, NULL) == TOOL_NOTHING);
    CU_ASSERT(stand_has(stand.errors, "another process is at"));
    close(fd);
    fd = openat(day, STAND_NONE, O_WRONLY);
    CU_ASSERT_EQUAL(pwrite(fd, "\xff", 1, 200), 1);
    close(fd);
    close(day);
    CU_ASSERT(stand_run(&stand, release_run, "release", STAND_NONE, NULL) == TOOL_IO);
    CU_ASSERT(stand_run(&stand, release_run, "release", NULL) == TOOL_USAGE);
    stand_remove(&stand);
}

static void
json_and_a_daemon(void)
{
    struct fake fake = {.answers = {"{\"items\":[{\"id\":\"\",\"status\":\"done\"}]}\n"},
                        .count = 1};
    struct json *json;
    char path[1024];
    struct err err;

    begin(QUARANTINE_CAUGHT);
    scratch_name(&stand.scratch, "s", path);
    fake_start(&fake, path);
    CU_ASSERT(stand_run(&stand, release_run, "release", "--json", STAND_NONE, NULL) == TOOL_DONE);
    fake_stop(&fake);
    CU_ASSERT_STRING_EQUAL(fake.requests[0], "{\"command\":\"adopt\"}\n");
    json = json_parse(span_of(stand.out), &err);
    CU_ASSERT_FATAL(json != NULL);
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "status"), "done");
    CU_ASSERT_EQUAL(json_get_count(json, "recipients"), 3);
    CU_ASSERT(id_is_valid(span_of(json_get_text(json, "child"))));
    json_free(&json);
    CU_ASSERT(stand_run(&stand, release_run, "release", "--json", STAND_NONE, NULL) ==
              TOOL_NOTHING);
    json = json_parse(span_of(stand.out), &err);
    CU_ASSERT_FATAL(json != NULL);
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "status"), "refused");
    json_free(&json);
    stand_remove(&stand);
}

static const struct unit_test tests[] = {
    {"all are let go",                  all_are_let_go                 },
    {"some are let go",                 some_are_let_go                },
    {"rules are kept apart",            rules_are_kept_apart           },
    {"retired stay where they are",     retired_stay_where_they_are    },
    {"what was cut short needs a word", what_was_cut_short_needs_a_word},
    {"others are refused",              others_are_refused             },
    {"JSON and a daemon",               json_and_a_daemon              },
};

UNIT_MAIN("tool/release", tests)
