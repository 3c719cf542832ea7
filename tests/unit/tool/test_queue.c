// SPDX-License-Identifier: BSD-2-Clause
#include "base/json.h"
#include "tests/unit/tool/fake.h"
#include "tests/unit/tool/quarantined.h"
#include "tests/unit/tool/stand.h"

static void
socket_path(const struct stand *stand, char out[1024])
{
    scratch_name(&stand->scratch, "s", out);
}

static void
without_a_daemon(void)
{
    struct stand stand;

    stand_make(&stand);
    stand_fill(&stand);
    // The instance is locked, as by a worker, and nobody answers.
    CU_ASSERT(stand_run(&stand, queue_run, "delete", STAND_A, NULL) == TOOL_UNREACHABLE);
    CU_ASSERT(stand_has(stand.errors, STAND_A ": a running process has it, but nobody answers at"));
    stand_unlock(&stand);
    CU_ASSERT(stand_run(&stand, queue_run, "retry", STAND_B, NULL) == TOOL_DONE);
    CU_ASSERT_STRING_EQUAL(stand.out, STAND_B ": retry\n");
    CU_ASSERT(stand_run(&stand, queue_run, "hold", STAND_A, STAND_B, NULL) == TOOL_DONE);
    CU_ASSERT_STRING_EQUAL(stand.out, STAND_A ": hold\n" STAND_B ": hold\n");
    CU_ASSERT(stand_run(&stand, queue_run, "hold", STAND_A, NULL) == TOOL_DONE);
    CU_ASSERT_STRING_EQUAL(stand.out, STAND_A ": hold: it was so already\n");
    CU_ASSERT(stand_run(&stand, queue_run, "retry", STAND_A, NULL) == TOOL_NOTHING);
    CU_ASSERT(stand_has(stand.errors, "it is not waiting for a try: it lies in hold"));
    CU_ASSERT(stand_run(&stand, queue_run, "unhold", STAND_A, STAND_D, NULL) == TOOL_DONE);
    CU_ASSERT(stand_run(&stand, queue_run, "unhold", STAND_A, NULL) == TOOL_NOTHING);
    CU_ASSERT(stand_has(stand.errors, "it is not on hold: it lies in active"));
    CU_ASSERT(stand_run(&stand, queue_run, "delete", STAND_A, STAND_B, STAND_NONE, NULL) ==
              TOOL_NOTHING);
    CU_ASSERT(stand_has(stand.errors, STAND_NONE ": there is no such message\n"));
    CU_ASSERT(stand_run(&stand, list_run, "list", "--from", "s[AB]@*", NULL) == TOOL_NOTHING);
    stand_remove(&stand);
}

// From wherever it lies back to where messages are decided about.
static void
looked_at_again(void)
{
    struct stand stand;
    struct find_target target;
    struct err err;
    char events[500];
    int fd;

    stand_make(&stand);
    stand_fill(&stand);
    quarantine_put(&stand, STAND_NONE, QUARANTINE_CAUGHT);
    stand_unlock(&stand);
    CU_ASSERT(stand_run(&stand, queue_run, "rescan", STAND_B, STAND_D, STAND_NONE, NULL) ==
              TOOL_DONE);
    CU_ASSERT_STRING_EQUAL(stand.out,
                           STAND_D ": rescan\n" STAND_NONE ": rescan\n" STAND_B ": rescan\n");
    for (size_t i = 0; i < 3; i++) {
        static const char *const ids[] = {STAND_B, STAND_D, STAND_NONE};
        static const char *const expected[] = {"attempt sent deferred rescan ", "held rescan ",
                                               "decided quarantined rescan "};

        target = (struct find_target){.is_found = false};
        snprintf(target.id, sizeof target.id, "%s", ids[i]);
        CU_ASSERT(find_targets(&stand.root, &target, 1, &err) == 0 && target.is_found);
        CU_ASSERT_EQUAL(target.place.place, PLACE_ACTIVE);
        fd = find_open_folder(&stand.root, &target.place, &err);
        stand_events(fd, ids[i], events);
        CU_ASSERT_STRING_EQUAL(events, expected[i]);
        close(fd);
    }
    CU_ASSERT(stand_run(&stand, queue_run, "rescan", "all", NULL) == TOOL_USAGE);
    stand_remove(&stand);
}

static void
not_looked_at_again(void)
{
    static const struct {
        const char *journal, *why;
    } rows[] = {
        {QUARANTINE_CAUGHT "|release r=0 child=x",                                    "a release was cut short"},
        {QUARANTINE_CAUGHT "|release r=0-2 child=x|released r=0-2 child=x",
         "all its recipients were let go"                                                                      },
        {"sent r=1-2|" QUARANTINE_CAUGHT "|release r=0 child=x|released r=0 child=x",
         "all its recipients were let go"                                                                      },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct stand stand;

        stand_make(&stand);
        quarantine_put(&stand, STAND_NONE, rows[i].journal);
        UNIT_CHECK_ROW(rows[i].why,
                       stand_run(&stand, queue_run, "rescan", STAND_NONE, NULL) == TOOL_NOTHING);
        UNIT_CHECK_ROW(rows[i].why, stand_has(stand.errors, rows[i].why));
        UNIT_CHECK_ROW(rows[i].why, stand_run(&stand, list_run, "list", "--where", "quarantine",
                                              NULL) == TOOL_DONE);
        stand_remove(&stand);
    }
}

static void
in_quarantine(void)
{
    struct stand stand;

    stand_make(&stand);
    quarantine_put(&stand, STAND_NONE, QUARANTINE_CAUGHT);
    CU_ASSERT(stand_run(&stand, queue_run, "hold", STAND_NONE, NULL) == TOOL_NOTHING);
    CU_ASSERT(stand_has(stand.errors, "it cannot be held: it lies in quarantine (release lets it "
                                      "go, rescan looks at it again)"));
    CU_ASSERT(stand_run(&stand, queue_run, "retry", STAND_NONE, NULL) == TOOL_NOTHING);
    CU_ASSERT(stand_has(stand.errors, "(release lets it go, rescan looks at it again)"));
    CU_ASSERT(stand_run(&stand, queue_run, "unhold", STAND_NONE, NULL) == TOOL_NOTHING);
    CU_ASSERT(stand_has(stand.errors, "(release lets it go, rescan looks at it again)"));
    CU_ASSERT(stand_run(&stand, queue_run, "delete", STAND_NONE, NULL) == TOOL_DONE);
    CU_ASSERT(stand_run(&stand, list_run, "list", "--where", "quarantine", NULL) == TOOL_NOTHING);
    stand_remove(&stand);
}

static void
reason_is_kept(void)
{
    struct stand stand;

    stand_make(&stand);
    stand_fill(&stand);
    stand_unlock(&stand);
    CU_ASSERT(stand_run(&stand, queue_run, "hold", "--reason", "my own", STAND_A, NULL) ==
              TOOL_DONE);
    CU_ASSERT(stand_run(&stand, list_run, "list", "--where", "hold", NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(stand.out, "(my own)"));
    stand_remove(&stand);
}

static void
with_a_daemon(void)
{
    struct fake fake = {
        .answers =
            {"{\"items\":[{\"id\":\"" STAND_A "\",\"status\":\"done\",\"text\":\"\"},"
             "{\"id\":\"" STAND_B "\",\"status\":\"under_way\",\"text\":\"\"}]}\n",
                      "{\"items\":[{\"id\":\"" STAND_B "\",\"status\":\"failed\","
             "\"text\":\"disk\\u001b full\"}]}\n", "{\"items\":[{\"id\":\"" STAND_B "\",\"status\":\"not_found\"}]}\n",
                      "{\"items\":[{\"id\":\"\",\"status\":\"failed\",\"text\":\"no worker is there\"}]}\n",
                      "{\"items\":[{\"id\":\"\",\"status\":\"done\"}]}\n"},
        .count = 5
    };
    struct stand stand;
    char path[1024];

    stand_make(&stand);
    stand_fill(&stand);
    socket_path(&stand, path);
    fake_start(&fake, path);
    CU_ASSERT(stand_run(&stand, queue_run, "hold", STAND_B, STAND_A, STAND_A, NULL) ==
              TOOL_NOTHING);
    CU_ASSERT_STRING_EQUAL(stand.out, STAND_A ": hold\n");
    CU_ASSERT_STRING_EQUAL(stand.errors,
                           "postern: " STAND_B ": it is being delivered: try again\n");
    CU_ASSERT(stand_run(&stand, queue_run, "delete", STAND_B, NULL) == TOOL_IO);
    CU_ASSERT_PTR_NULL(strchr(stand.errors, '\033'));
    // No worker knows it, and its instance is locked by somebody.
    CU_ASSERT(stand_run(&stand, queue_run, "retry", STAND_B, NULL) == TOOL_NOTHING);
    CU_ASSERT(stand_has(stand.errors, "another process is at it"));
    CU_ASSERT(stand_run(&stand, queue_run, "retry", STAND_B, NULL) == TOOL_IO);
    CU_ASSERT(stand_has(stand.errors, "no worker is there"));
    CU_ASSERT(stand_run(&stand, queue_run, "unhold", STAND_D, NULL) == TOOL_DONE);
    fake_stop(&fake);
    CU_ASSERT_STRING_EQUAL(fake.requests[0], "{\"command\":\"hold\",\"ids\":[\"" STAND_A
                                             "\",\"" STAND_B "\"],\"reason\":\"operator\"}\n");
    CU_ASSERT(stand_has(fake.requests[1], "\"delete\""));
    CU_ASSERT_STRING_EQUAL(fake.requests[4], "{\"command\":\"adopt\"}\n");
    stand_remove(&stand);
}

// What a dead worker left is nobody's: it is done here.
static void
free_instance_beside_a_daemon(void)
{
    struct fake fake = {
        .answers = {"{\"items\":[{\"id\":\"" STAND_B "\",\"status\":\"not_found\"}]}\n"},
        .count = 1};
    struct stand stand;
    char path[1024];

    stand_make(&stand);
    stand_fill(&stand);
    stand_unlock(&stand);
    socket_path(&stand, path);
    fake_start(&fake, path);
    CU_ASSERT(stand_run(&stand, queue_run, "hold", STAND_B, NULL) == TOOL_DONE);
    fake_stop(&fake);
    CU_ASSERT(stand_run(&stand, list_run, "list", "--where", "hold", "--from", "sB@*", NULL) ==
              TOOL_DONE);
    stand_remove(&stand);
}

static void
broken_daemon_is_told(void)
{
    struct fake fake = {
        .answers = {NULL, NULL},
          .count = 2
    };
    struct stand stand;
    char path[1024];

    stand_make(&stand);
    stand_fill(&stand);
    stand_unlock(&stand);
    socket_path(&stand, path);
    fake_start(&fake, path);
    CU_ASSERT(stand_run(&stand, queue_run, "delete", STAND_B, NULL) == TOOL_UNREACHABLE);
    CU_ASSERT(stand_run(&stand, queue_run, "retry", "all", NULL) == TOOL_UNREACHABLE);
    fake_stop(&fake);
    CU_ASSERT(stand_run(&stand, list_run, "list", "--from", "sB@*", NULL) == TOOL_DONE);
    stand_remove(&stand);
}

static void
all_are_retried(void)
{
    struct fake fake = {.answers = {"{\"items\":[{\"id\":\"\",\"status\":\"done\"}]}\n"},
                        .count = 1};
    struct stand stand;
    char path[1024];

    stand_make(&stand);
    stand_fill(&stand);
    CU_ASSERT(stand_run(&stand, queue_run, "retry", "all", NULL) == TOOL_UNREACHABLE);
    socket_path(&stand, path);
    fake_start(&fake, path);
    CU_ASSERT(stand_run(&stand, queue_run, "retry", "ALL", NULL) == TOOL_DONE);
    fake_stop(&fake);
    CU_ASSERT_STRING_EQUAL(fake.requests[0], "{\"command\":\"retry\",\"all\":true}\n");
    stand_unlock(&stand);
    unlink(path);
    CU_ASSERT(stand_run(&stand, queue_run, "retry", "all", NULL) == TOOL_DONE);
    CU_ASSERT_STRING_EQUAL(stand.out, "all: retry: 2 messages, as soon as Postern runs\n");
    stand_remove(&stand);
}

static void
ids_come_from_input(void)
{
    char input[] = STAND_A " and what it is about\n\n  " STAND_B "\r\n../../etc/passwd\n" STAND_A;
    struct stand stand;

    stand_make(&stand);
    stand_fill(&stand);
    stand_unlock(&stand);
    stand.tool.in = fmemopen(input, strlen(input), "r");
    CU_ASSERT(stand_run(&stand, queue_run, "hold", "-", NULL) == TOOL_NOTHING);
    CU_ASSERT_STRING_EQUAL(stand.out, STAND_A ": hold\n" STAND_B ": hold\n");
    CU_ASSERT_STRING_EQUAL(stand.errors, "postern: ../../etc/passwd: that is no message id\n");
    CU_ASSERT(stand_run(&stand, queue_run, "hold", "-", NULL) == TOOL_NOTHING); // nothing more
    fclose(stand.tool.in);
    stand_remove(&stand);
}

// More than one batch and more than one request.
static void
many_ids(void)
{
    struct stand stand;
    char *input = mem_zalloc(30000), name[ID_MAX + 1];
    size_t len = 0, held = 0;

    stand_make(&stand);
    for (int i = 0; i < 1100; i++) {
        snprintf(name, sizeof name, "4X2k9Qz%04d", i);
        len += (size_t)snprintf(input + len, 30000 - len, "%s\n", name);
        if (i % 4 == 0)
            stand_put(stand.root.hold_fd, name, name, "x", "held reason=x", "");
    }
    stand.tool.in = fmemopen(input, len, "r");
    CU_ASSERT(stand_run(&stand, queue_run, "unhold", "-", NULL) == TOOL_NOTHING);
    for (const char *at = stand.out; (at = strchr(at, '\n')) != NULL; at++)
        held++;
    CU_ASSERT(held == 275);
    CU_ASSERT(stand_run(&stand, list_run, "list", "--where", "hold", NULL) == TOOL_NOTHING);
    fclose(stand.tool.in);
    mem_free(&input);
    stand_remove(&stand);
}

static void
json_is_one_object_an_id(void)
{
    struct stand stand;
    struct json *json;
    struct err err;

    stand_make(&stand);
    stand_fill(&stand);
    stand_unlock(&stand);
    CU_ASSERT(stand_run(&stand, queue_run, "hold", "--json", STAND_A, NULL) == TOOL_DONE);
    json = json_parse(span_of(stand.out), &err);
    CU_ASSERT_FATAL(json != NULL);
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "queue_id"), STAND_A);
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "status"), "done");
    json_free(&json);
    CU_ASSERT(stand_run(&stand, queue_run, "delete", "--json", STAND_NONE, NULL) == TOOL_NOTHING);
    json = json_parse(span_of(stand.out), &err);
    CU_ASSERT_FATAL(json != NULL);
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "status"), "not_found");
    json_free(&json);
    stand_remove(&stand);
}

static const char *const bad[][4] = {
    {"retry",  NULL,         NULL,    NULL},
    {"delete", "all",        NULL,    NULL},
    {"hold",   "ALL",        NULL,    NULL},
    {"retry",  "all",        STAND_A, NULL},
    {"delete", "--reason",   "x",     NULL},
    {"hold",   "--nonsense", STAND_A, NULL},
};

static void
bad_usage_is_told(void)
{
    struct stand stand;

    stand_make(&stand);
    opterr = 0;
    for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
        UNIT_CHECK_ROW(bad[i][0], stand_run(&stand, queue_run, bad[i][0], bad[i][1], bad[i][2],
                                            bad[i][3], NULL) == TOOL_USAGE);
        UNIT_CHECK_ROW(bad[i][0], stand_has(stand.errors, "usage: "));
    }
    stand_remove(&stand);
}

static const struct unit_test tests[] = {
    {"without a daemon",              without_a_daemon             },
    {"looked at again",               looked_at_again              },
    {"not looked at again",           not_looked_at_again          },
    {"in quarantine",                 in_quarantine                },
    {"reason is kept",                reason_is_kept               },
    {"with a daemon",                 with_a_daemon                },
    {"free instance beside a daemon", free_instance_beside_a_daemon},
    {"broken daemon is told",         broken_daemon_is_told        },
    {"all are retried",               all_are_retried              },
    {"ids come from input",           ids_come_from_input          },
    {"many ids",                      many_ids                     },
    {"JSON is one object an id",      json_is_one_object_an_id     },
    {"bad usage is told",             bad_usage_is_told            },
};

UNIT_MAIN("tool/queue", tests)
