// SPDX-License-Identifier: BSD-2-Clause
#include "base/json.h"
#include "tests/unit/tool/fake.h"
#include "tests/unit/tool/stand.h"

#define ANSWER(facts)                                                                              \
    "{\"items\":[{\"id\":\"\",\"status\":\"done\",\"text\":\"\"}],\"facts\":[" facts "]}\n"

// clang-format off
static const struct {
    const char *name, *facts, *out;
} rows[] = {
    {"daemon", "\"{\\\"what\\\":\\\"daemon\\\",\\\"version\\\":\\\"1.2\\\",\\\"config\\\":\\\"/c\\\"}\"",
     "daemon     postern  1.2  /c\n"},
    {"process",
     "\"{\\\"what\\\":\\\"process\\\",\\\"kind\\\":\\\"worker\\\",\\\"pid\\\":7,\\\"since\\\":86400,"
     "\\\"cpu_ms\\\":1250,\\\"memory\\\":3145728,\\\"messages\\\":2,\\\"connections\\\":1,"
     "\\\"draining\\\":true}\"",
     "worker     pid 7  since 1970-01-02 00:00:00  cpu 1.2s  memory 3M  messages 2  connections 1"
     "  draining\n"},
    {"no worker",
     "\"{\\\"what\\\":\\\"process\\\",\\\"kind\\\":\\\"master\\\",\\\"pid\\\":7,\\\"since\\\":0,"
     "\\\"cpu_ms\\\":0,\\\"memory\\\":0}\"",
     "master     pid 7  since 1970-01-01 00:00:00  cpu 0.0s  memory 0M\n"},
    {"dissectors",
     "\"{\\\"what\\\":\\\"dissectors\\\",\\\"count\\\":3,\\\"cpu_ms\\\":100,\\\"memory\\\":1048576}\"",
     "dissectors 3  cpu 0.1s  memory 1M\n"},
    {"queue", "\"{\\\"what\\\":\\\"queue\\\",\\\"active\\\":1,\\\"waiting\\\":2,\\\"hold\\\":3}\"",
     "queue      active 1  waiting 2  hold 3\n"},
    {"ledger",
     "\"{\\\"what\\\":\\\"ledger\\\",\\\"path\\\":\\\"/l\\\",\\\"up\\\":true,\\\"behind_ms\\\":0,"
     "\\\"rows\\\":5,\\\"dropped\\\":0,\\\"trouble\\\":\\\"\\\"}\"",
     "ledger     up  behind 0.0s  rows 5  dropped 0  /l\n"},
    {"ledger in trouble",
     "\"{\\\"what\\\":\\\"ledger\\\",\\\"path\\\":\\\"/l\\\",\\\"up\\\":false,\\\"behind_ms\\\":2500,"
     "\\\"rows\\\":5,\\\"dropped\\\":1,\\\"trouble\\\":\\\"locked\\\\u001b[2J\\\"}\"",
     "ledger     down  behind 2.5s  rows 5  dropped 1  /l  (locked\\x1B[2J)\n"},
    {"redis",
     "\"{\\\"what\\\":\\\"redis\\\",\\\"server\\\":\\\"inet:127.0.0.1:6379\\\",\\\"up\\\":true,"
     "\\\"behind\\\":4,\\\"failures\\\":0}\"",
     "redis      up  behind 4  failures 0  inet:127.0.0.1:6379\n"},
    {"redis is away",
     "\"{\\\"what\\\":\\\"redis\\\",\\\"server\\\":\\\"\\\",\\\"up\\\":false,\\\"behind\\\":4,"
     "\\\"failures\\\":1,\\\"trouble\\\":\\\"refused\\\"}\"",
     "redis      down  behind 4  failures 1  (refused)\n"},
    {"upstream",
     "\"{\\\"what\\\":\\\"upstream\\\",\\\"filter\\\":\\\"clamav\\\",\\\"server\\\":\\\"unix:/c\\\","
     "\\\"up\\\":false}\"",
     "upstream   down  clamav  unix:/c\n"},
    {"next hop",
     "\"{\\\"what\\\":\\\"next_hop\\\",\\\"next_hop\\\":\\\"out\\\",\\\"server\\\":\\\"unix:/s\\\","
     "\\\"up\\\":true,\\\"connections\\\":2}\"",
     "next_hop   up    out  unix:/s  connections 2\n"},
    {"a newer daemon's", "\"{\\\"what\\\":\\\"weather\\\"}\"", ""},
    {"nothing in it", "\"{}\"", ""},
    {"no JSON", "\"what\"", ""},
    {"two", "\"{\\\"what\\\":\\\"queue\\\",\\\"active\\\":1}\",\"{\\\"what\\\":\\\"queue\\\",\\\"active\\\":2}\"",
     "queue      active 1\nqueue      active 2\n"},
};

// clang-format on

static void
facts_are_printed(void)
{
    struct stand stand;
    char path[1024];

    stand_make(&stand);
    scratch_name(&stand.scratch, "s", path);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char answer[4096];
        struct fake fake = {.answers = {answer}, .count = 1};

        (void)snprintf(answer, sizeof answer, ANSWER("%s"), rows[i].facts);
        fake_start(&fake, path);
        UNIT_CHECK_ROW(rows[i].name,
                       stand_run(&stand, daemon_status_run, "status", NULL) == TOOL_DONE);
        fake_stop(&fake);
        UNIT_CHECK_ROW(rows[i].name, strcmp(stand.out, rows[i].out) == 0);
        UNIT_CHECK_ROW(rows[i].name, strcmp(fake.requests[0], "{\"command\":\"status\"}\n") == 0);
    }
    stand_remove(&stand);
}

static void
json_goes_through(void)
{
    static const char facts[] = ANSWER("\"{\\\"what\\\":\\\"weather\\\",\\\"n\\\":1}\",\"{}\"");
    struct fake fake = {.answers = {facts}, .count = 1};
    struct stand stand;
    char path[1024];

    stand_make(&stand);
    scratch_name(&stand.scratch, "s", path);
    fake_start(&fake, path);
    CU_ASSERT(stand_run(&stand, daemon_status_run, "status", "--json", NULL) == TOOL_DONE);
    fake_stop(&fake);
    CU_ASSERT_STRING_EQUAL(stand.out, "{\"what\":\"weather\",\"n\":1}\n{}\n");
    stand_remove(&stand);
}

static void
troubles_have_their_codes(void)
{
    static const char old[] = "{\"items\":[{\"id\":\"\",\"status\":\"failed\","
                              "\"text\":\"request: command: unknown, \\\"status\\\"\"}]}\n";
    struct fake fake = {.answers = {old}, .count = 1};
    struct fake silent = {.answers = {NULL}, .count = 1};
    struct stand stand;
    char path[1024];

    stand_make(&stand);
    scratch_name(&stand.scratch, "s", path);
    CU_ASSERT(stand_run(&stand, daemon_status_run, "status", NULL) == TOOL_UNREACHABLE);
    CU_ASSERT(stand_has(stand.errors, "nobody answers at unix:"));
    CU_ASSERT(stand_run(&stand, daemon_status_run, "status", "now", NULL) == TOOL_USAGE);
    fake_start(&fake, path);
    CU_ASSERT(stand_run(&stand, daemon_status_run, "status", NULL) == TOOL_NOTHING);
    fake_stop(&fake);
    CU_ASSERT(stand_has(stand.errors, "unknown, \"status\""));
    fake_start(&silent, path);
    CU_ASSERT(stand_run(&stand, daemon_status_run, "status", NULL) == TOOL_UNREACHABLE);
    fake_stop(&silent);
    stand_remove(&stand);
}

static const struct unit_test tests[] = {
    {"facts are printed",         facts_are_printed        },
    {"JSON goes through",         json_goes_through        },
    {"troubles have their codes", troubles_have_their_codes},
};

UNIT_MAIN("tool/daemon_status", tests)
