// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/tool/family.h"

static void
print(struct family_kit *kit, size_t root)
{
    family_rewind(kit);
    way_print(&kit->tool, &kit->ways, root);
    fflush(kit->tool.out);
}

static void
the_whole_way_is_told(void)
{
    static const char head[] =
        FAMILY_ROOT "  reinjected\n"
                    "sent        <a@example.com>\n"
                    "sent        <b@example.com>\n"
                    "bounced     <c@example.com>\n"
                    "reinjected  <d@example.com>\n"
                    "bounced     <e@example.com>\n"
                    "  +0.000s  received     2023-11-14 22:13:20 over lmtp, hand-off "
                    "spool, by in, for reinject\n"
                    "           client       mail.example.org[192.0.2.7], helo "
                    "mx.example.org\n"
                    "           queue id     4IN1\n"
                    "           from         <s@example.org>\n"
                    "           message id   <1@example.org>\n"
                    "           subject      Hi\n"
                    "           size         5123 bytes\n"
                    "           scanned      clamav: hit, virus Eicar, from unix:/c, "
                    "3.1 ms\n"
                    "           scanned      rspamd: clean, score 1.50 of 15.00, "
                    "action no action, 12 ms\n"
                    "           class        virus\n"
                    "           decided      accept for <a@example.com>, ";
    struct family_kit kit;

    family_make(&kit);
    ways_order(&kit.ways);
    kit.ways.items[1].in_spool = true;
    kit.ways.items[1].place = (struct find_place){
        .place = PLACE_QUARANTINE, .folder = "2023-11-14", .name = FAMILY_CHILD};
    print(&kit, 0);
    CU_ASSERT(strncmp(kit.out, head, sizeof head - 1) == 0 || fputs(kit.out, stderr) < 0);
    CU_ASSERT(family_has(&kit, "<c@example.com> redirected to <desk@example.com>, 1 edit\n"));
    CU_ASSERT(family_has(&kit, "decided      quarantine for <d@example.com>, rule virus, reason "
                               "Eicar\n"));
    CU_ASSERT(family_has(&kit, "  +0.300s  bounced      <c@example.com>"));
    CU_ASSERT(family_has(&kit, "           place        done\n"));
    CU_ASSERT(family_has(&kit,
                         "           times        0.300s in all: receive 1.2 ms, seal 0.4 ms, "
                         "filters 12 ms, send 4.1 ms\n"));
    // Indented, and only what differs from the parent's.
    CU_ASSERT(family_has(&kit,
                         "\n    " FAMILY_CHILD " (quarantine)  reinjected\n"
                         "    reinjected  <d@example.com>\n"
                         "      +0.000s  received     from its parent\n"
                         "               released     <d@example.com> into " FAMILY_RELEASED "\n"
                         "               place        quarantine (Eicar)\n"
                         "               file         quarantine/2023-11-14/" FAMILY_CHILD "\n"));
    CU_ASSERT(family_has(&kit, "\n        " FAMILY_RELEASED " (release)  reinjected\n"));
    CU_ASSERT(family_has(&kit, "           +2h00m  reinjected   <d@example.com> as 4OUT2\n"));
    CU_ASSERT(family_has(&kit, "\n    " FAMILY_BOUNCE " (bounce)  reinjected\n"));
    CU_ASSERT(family_has(&kit, "               from         <>\n"));
    family_clear(&kit);
}

static void
what_the_spool_knows_is_said(void)
{
    static const struct {
        const char *name;
        enum record_place place;
        bool has_looked, in_ledger, in_spool;
        const char *expected;
    } rows[] = {
        {"over",       RECORD_DONE,    true,  true,  false, "place        done\n"      },
        {"left",       RECORD_LEFT,    true,  true,  false, "place        left\n"      },
        {"not looked", RECORD_WAITING, false, true,  false, "place        waiting\n"   },
        {"gone",       RECORD_WAITING, true,  true,  false,
         "place        waiting, but its file is gone: the ledger is behind\n"          },
        {"there",      RECORD_ACTIVE,  true,  true,  true,
         "place        active\n           file         active/i-1/00/" FAMILY_ROOT "\n"},
        {"only there", RECORD_ACTIVE,  true,  false, true,
         "active/i-1/00/" FAMILY_ROOT ", not in the ledger\n"                          },
    };
    struct family_kit kit;

    family_make(&kit);
    ways_order(&kit.ways);
    kit.ways.items[0].place = (struct find_place){
        .place = PLACE_ACTIVE, .instance = "i-1", .folder = "00", .name = FAMILY_ROOT};
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        kit.ways.has_looked = rows[i].has_looked;
        kit.ways.items[0].record.place = rows[i].place;
        kit.ways.items[0].in_ledger = rows[i].in_ledger;
        kit.ways.items[0].in_spool = rows[i].in_spool;
        print(&kit, 0);
        UNIT_CHECK_ROW(rows[i].name, family_has(&kit, rows[i].expected));
    }
    kit.ways.items[0].in_spool = false;
    kit.ways.items[0].record.handoff = SMTP_HANDOFF_RELAY;
    print(&kit, 0);
    CU_ASSERT(family_has(&kit, "place        active\n"));
    family_clear(&kit);
}

// Only what belongs to that root, and nothing at all known of it but its id.
static void
little_is_enough(void)
{
    struct record record = {.id = span_of("4X2k9QzT7mZ"), .score = NAN};
    struct family_kit kit;

    family_make(&kit);
    record.arrived_ms = FAMILY_AT + 1;
    (void)ways_add(&kit.ways, &record);
    ways_order(&kit.ways);
    print(&kit, 4);
    CU_ASSERT(strncmp(kit.out, "4X2k9QzT7mZ  filtering\n  +0.000s  received ", 43) == 0);
    CU_ASSERT_PTR_NULL(strstr(kit.out, "scanned"));
    CU_ASSERT_PTR_NULL(strstr(kit.out, "class"));
    CU_ASSERT_PTR_NULL(strstr(kit.out, "client"));
    print(&kit, 0);
    CU_ASSERT_PTR_NULL(strstr(kit.out, "4X2k9QzT7mZ"));
    family_clear(&kit);
}

static void
many_of_one_status_are_counted(void)
{
    enum { CROWD = 300 };

    struct record_rcpt *rcpts = calloc(CROWD, sizeof *rcpts);
    struct family_kit kit;

    family_make(&kit);
    ways_order(&kit.ways);
    for (int i = 0; i < CROWD; i++)
        rcpts[i] = (struct record_rcpt){
            .to = span_of("r"), .group = 3, .status = i % 2 == 0 ? RCPT_SENT : RCPT_DISCARDED};
    kit.ways.items[0].record.rcpts = rcpts;
    kit.ways.items[0].record.rcpt_count = CROWD;
    print(&kit, 0);
    CU_ASSERT(family_has(&kit, "\nreinjected  140 more\n"));
    CU_ASSERT(family_has(&kit, "\ndiscarded   140 more\n"));
    free(rcpts);
    family_clear(&kit);
}

static void
hostile_texts_are_escaped(void)
{
    struct span bad = span_of("\033]0;x\a\n\x9b");
    struct record_result result = {
        .filter = bad, .names = bad, .action = bad, .server = bad, .reason = bad};
    struct record_group group = {.verdict = VERDICT_HOLD, .rule = bad, .reason = bad};
    struct record_rcpt rcpt = {.to = bad};
    struct record record = {.id = bad,
                            .kind = bad,
                            .place = RECORD_HOLD,
                            .place_reason = bad,
                            .listener = bad,
                            .next_hop = bad,
                            .queue_id = bad,
                            .client_name = bad,
                            .client = bad,
                            .helo = bad,
                            .from = bad,
                            .message_id = bad,
                            .subject = bad,
                            .rcpts = &rcpt,
                            .rcpt_count = 1,
                            .groups = &group,
                            .group_count = 1,
                            .results = &result,
                            .result_count = 1};
    struct family_kit kit;
    int times = 0;

    family_make(&kit);
    kit.ways.count = 0;
    (void)ways_add(&kit.ways, &record);
    print(&kit, 0);
    for (size_t i = 0; i < kit.out_len; i++)
        CU_ASSERT(kit.out[i] == '\n' || (kit.out[i] >= ' ' && kit.out[i] < 127));
    for (const char *at = kit.out; (at = strstr(at, "\\x1B]0;x\\x07\\x0A\\x9B")) != NULL; at++)
        times++;
    CU_ASSERT(times == 21);
    family_clear(&kit);
}

static const struct unit_test tests[] = {
    {"the whole way is told",          the_whole_way_is_told         },
    {"what the spool knows is said",   what_the_spool_knows_is_said  },
    {"little is enough",               little_is_enough              },
    {"many of one status are counted", many_of_one_status_are_counted},
    {"hostile texts are escaped",      hostile_texts_are_escaped     },
};

UNIT_MAIN("tool/way_print", tests)
