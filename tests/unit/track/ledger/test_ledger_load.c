// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger_load.h"

#include <math.h>

#include "tests/unit/track/ledger_kit.h"

struct stand {
    struct ledger_kit kit;
    struct sql *sql;
    struct ledger_loader loader;
    struct record record;
};

static void
start(struct stand *stand)
{
    struct record_sample sample;

    kit_init(&stand->kit);
    CU_ASSERT_TRUE_FATAL(kit_open(&stand->kit));
    sample_init(&sample, "m1");
    kit_put(&stand->kit, &sample.record);
    stand->sql = sql_open(stand->kit.path, SQL_WRITE, 1000, &stand->kit.err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stand->sql);
    CU_ASSERT_EQUAL(ledger_loader_init(&stand->loader, stand->sql, &stand->kit.err), 0);
}

static void
stop(struct stand *stand)
{
    ledger_loader_clear(&stand->loader);
    sql_close(&stand->sql);
    kit_clear(&stand->kit);
}

static enum ledger_answer
load(struct stand *stand, int64_t number, struct arena *arena)
{
    return ledger_load(&stand->loader, number, arena, &stand->record, &stand->kit.err);
}

static void
test_there_or_not(void)
{
    struct stand stand;

    start(&stand);
    CU_ASSERT_EQUAL(load(&stand, 1, &stand.kit.arena), LEDGER_LOADED);
    CU_ASSERT_TRUE(span_is(stand.record.id, "m1"));
    CU_ASSERT_EQUAL(load(&stand, 2, &stand.kit.arena), LEDGER_NOT_THERE);
    CU_ASSERT_EQUAL(load(&stand, 0, &stand.kit.arena), LEDGER_NOT_THERE);
    CU_ASSERT_EQUAL(load(&stand, 1, &stand.kit.arena), LEDGER_LOADED);
    stop(&stand);
}

// At each ceiling either all of it, or word that there is no room.
static void
test_room(void)
{
    struct stand stand;
    size_t full;

    start(&stand);
    CU_ASSERT_EQUAL(load(&stand, 1, &stand.kit.arena), LEDGER_LOADED);
    full = stand.kit.arena.given;
    CU_ASSERT_TRUE(full > 1000);
    for (size_t ceiling = 0; ceiling <= full; ceiling += 16) {
        struct arena arena;

        arena_init(&arena, ceiling);
        CU_ASSERT_EQUAL(load(&stand, 1, &arena), ceiling < full ? LEDGER_NO_ROOM : LEDGER_LOADED);
        arena_clear(&arena);
    }
    stop(&stand);
}

// What somebody else has put there makes no nonsense of ours.
static void
test_odd_rows(void)
{
    static const char odd[] =
        "UPDATE messages SET place = 'moon', protocol = 'x', handoff = NULL, size = -1,"
        " score = 'many', step = -4, queue_id = 7;"
        "UPDATE recipients SET status = 'lost', decision = 99, tries = 1e30, code = -5 WHERE n = 0;"
        "UPDATE recipients SET decision = NULL, code = 70000 WHERE n = 1;"
        "UPDATE decisions SET verdict = 'perhaps', edits = -3;"
        "UPDATE results SET result = 'maybe', wish = 'none of it', names = x'00ff';"
        "INSERT INTO deliveries VALUES (1, '4OUT1', 'bob@example.com', '', 'gone', 5, '', '', "
        "'')";
    struct stand stand;

    start(&stand);
    if (sql_run(stand.sql, odd, &stand.kit.err) != 0)
        CU_FAIL(stand.kit.err.text);
    CU_ASSERT_EQUAL_FATAL(load(&stand, 1, &stand.kit.arena), LEDGER_LOADED);
    CU_ASSERT_EQUAL(stand.record.place, RECORD_ACTIVE);
    CU_ASSERT_EQUAL(stand.record.protocol, SMTP_PROTOCOL_SMTP);
    CU_ASSERT_EQUAL(stand.record.size, 0);
    CU_ASSERT_EQUAL(stand.record.score, 0);
    CU_ASSERT_TRUE(span_is(stand.record.queue_id, "7"));
    CU_ASSERT_EQUAL(stand.record.rcpts[0].status, RCPT_OPEN);
    CU_ASSERT_EQUAL(stand.record.rcpts[0].group, stand.record.group_count);
    CU_ASSERT_EQUAL(stand.record.rcpts[0].tries, UINT32_MAX);
    CU_ASSERT_TRUE(stand.record.rcpts[1].code <= 999);
    CU_ASSERT_EQUAL(stand.record.rcpts[1].group, stand.record.group_count);
    CU_ASSERT_EQUAL(stand.record.groups[0].verdict, VERDICT_NONE);
    CU_ASSERT_EQUAL(stand.record.results[0].kind, RESULT_PENDING);
    CU_ASSERT_EQUAL(stand.record.results[1].wish, WISH_NONE);
    CU_ASSERT_EQUAL(stand.record.results[0].names.len, 2);
    stop(&stand);
}

static const struct unit_test tests[] = {
    {"there or not", test_there_or_not},
    {"room",         test_room        },
    {"odd rows",     test_odd_rows    },
};

UNIT_MAIN("track/ledger/ledger_load", tests)
