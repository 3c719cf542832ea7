// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger.h"

#include "tests/unit/track/ledger_kit.h"

static void
start(struct ledger_kit *kit, size_t messages)
{
    kit_init(kit);
    CU_ASSERT_TRUE_FATAL(kit_open(kit));
    kit_begin(kit);
    for (size_t i = 1; i <= messages; i++) {
        char id[24];
        struct record record = {.step = 1, .arrived_ms = 1000, .told_ms = (int64_t)i};

        snprintf(id, sizeof(id), "m%zu", i);
        record.id = span_of(id);
        CU_ASSERT_EQUAL(ledger_put_record(kit->ledger, &record, &kit->err), 0);
    }
    kit_commit(kit);
}

static void
read_from(struct ledger_kit *kit, uint64_t after, int64_t since_ms, size_t max)
{
    arena_clear(&kit->arena);
    CU_ASSERT_EQUAL(ledger_read_changes(kit->ledger, after, since_ms, max, &kit->arena,
                                        kit->records, &kit->count, &kit->last, &kit->err),
                    0);
}

static void
test_portions(void)
{
    struct ledger_kit kit;

    start(&kit, 10);
    read_from(&kit, 0, 0, 4);
    CU_ASSERT_EQUAL(kit.count, 4);
    CU_ASSERT_EQUAL(kit.last, 4);
    CU_ASSERT_TRUE(span_is(kit.records[0].id, "m1"));
    CU_ASSERT_TRUE(span_is(kit.records[3].id, "m4"));
    read_from(&kit, kit.last, 0, 100);
    CU_ASSERT_EQUAL(kit.count, 6);
    CU_ASSERT_EQUAL(kit.last, 10);
    read_from(&kit, kit.last, 0, 100);
    CU_ASSERT_EQUAL(kit.count, 0);
    CU_ASSERT_EQUAL(kit.last, 10);
    read_from(&kit, UINT64_MAX, 0, 100);
    CU_ASSERT_EQUAL(kit.count, 0);
    CU_ASSERT_EQUAL(kit.last, UINT64_MAX);
    kit_clear(&kit);
}

// Each message once, where its last change is.
static void
test_last_change_counts(void)
{
    struct record record = {.id = SPAN_LITERAL("m2"), .step = 2, .told_ms = 5};
    struct ledger_kit kit;

    start(&kit, 3);
    kit_put(&kit, &record);
    read_from(&kit, 0, 0, 100);
    CU_ASSERT_EQUAL_FATAL(kit.count, 3);
    CU_ASSERT_TRUE(span_is(kit.records[0].id, "m1"));
    CU_ASSERT_TRUE(span_is(kit.records[1].id, "m3"));
    CU_ASSERT_TRUE(span_is(kit.records[2].id, "m2"));
    CU_ASSERT_EQUAL(kit.last, 4);
    read_from(&kit, 3, 0, 100);
    CU_ASSERT_EQUAL(kit.count, 1);
    kit_clear(&kit);
}

static void
test_since(void)
{
    struct ledger_kit kit;

    start(&kit, 10);
    read_from(&kit, 0, 8, 100);
    CU_ASSERT_EQUAL_FATAL(kit.count, 3);
    CU_ASSERT_TRUE(span_is(kit.records[0].id, "m8"));
    CU_ASSERT_EQUAL(kit.last, 10);
    read_from(&kit, 0, 11, 100); // none of them, and none is asked for again
    CU_ASSERT_EQUAL(kit.count, 0);
    CU_ASSERT_EQUAL(kit.last, 10);
    kit_clear(&kit);
}

// What is too old is passed over a part at a time, so that nobody waits for long.
static void
test_many_too_old(void)
{
    enum { MANY = 21000 };

    struct ledger_kit kit;
    uint64_t after = 0;
    int calls = 0;

    start(&kit, MANY);
    do {
        read_from(&kit, after, MANY, 100);
        CU_ASSERT_TRUE_FATAL(kit.last > after);
        after = kit.last;
        calls++;
    } while (kit.count == 0);
    CU_ASSERT_EQUAL(kit.count, 1);
    CU_ASSERT_EQUAL(after, MANY);
    CU_ASSERT_TRUE(calls > 1 && calls < 10);
    kit_clear(&kit);
}

// As many as the arena has room for; what has none in an empty one is passed over.
static void
test_no_room(void)
{
    struct record_rcpt *rcpts = mem_zarray(1000, sizeof(rcpts[0]));
    struct record large = {.id = SPAN_LITERAL("large"), .step = 1};
    struct ledger_kit kit;

    start(&kit, 3);
    for (size_t i = 0; i < 1000; i++)
        rcpts[i].to = SPAN_LITERAL("bob@example.com");
    large.rcpts = rcpts;
    large.rcpt_count = 1000;
    kit_put(&kit, &large);
    kit_put_bare(&kit, "m5", 5);
    arena_clear(&kit.arena);
    arena_init(&kit.arena, 20000);
    read_from(&kit, 0, 0, 100);
    CU_ASSERT_EQUAL(kit.count, 3);
    CU_ASSERT_EQUAL(kit.last, 3);
    read_from(&kit, 3, 0, 100);
    CU_ASSERT_EQUAL(kit.count, 0);
    CU_ASSERT_EQUAL(kit.last, 4);
    read_from(&kit, 4, 0, 100);
    CU_ASSERT_EQUAL_FATAL(kit.count, 1);
    CU_ASSERT_TRUE(span_is(kit.records[0].id, "m5"));
    arena_clear(&kit.arena);
    arena_init(&kit.arena, KIT_ARENA_MAX);
    read_from(&kit, 3, 0, 100);
    CU_ASSERT_EQUAL_FATAL(kit.count, 2);
    CU_ASSERT_EQUAL(kit.records[0].rcpt_count, 1000);
    mem_free(&rcpts);
    kit_clear(&kit);
}

// However much of the arena it has taken before it turned out to be too large.
static void
test_too_large_harms_nobody(void)
{
    struct record_rcpt *rcpts = mem_zarray(1000, sizeof(rcpts[0]));
    struct record large = {.id = SPAN_LITERAL("large"), .step = 1};
    struct ledger_kit kit;

    start(&kit, 0);
    for (size_t i = 0; i < 1000; i++)
        rcpts[i].to = SPAN_LITERAL("bob@example.com");
    large.rcpts = rcpts;
    large.rcpt_count = 1000;
    kit_put(&kit, &large);
    kit_put_bare(&kit, "m2", 2);
    for (size_t room = 1000; room < 4000; room += 16) {
        arena_clear(&kit.arena);
        arena_init(&kit.arena, room);
        read_from(&kit, 0, 0, 100);
        if (kit.count == 0)
            read_from(&kit, kit.last, 0, 100);
        UNIT_CHECK_ROW("m2", kit.count == 1 && kit.last == 2);
    }
    mem_free(&rcpts);
    kit_clear(&kit);
}

static const struct unit_test tests[] = {
    {"portions",               test_portions              },
    {"too large harms nobody", test_too_large_harms_nobody},
    {"last change counts",     test_last_change_counts    },
    {"since",                  test_since                 },
    {"many too old",           test_many_too_old          },
    {"no room",                test_no_room               },
};

UNIT_MAIN("track/ledger/ledger_changes", tests)
