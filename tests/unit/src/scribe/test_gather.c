// SPDX-License-Identifier: BSD-2-Clause
#include "src/scribe/gather.h"

#include "base/mem.h"
#include "tests/unit/harness.h"
#include "tests/unit/src/scribe/telling.h"

enum { ROWS = 3, SIZE = 8 << 20 };

enum { CROWD = 1000, CROWDS = 600 }; // more than fits into memory at once, in few bytes

struct stand {
    struct rings *rings;
    struct figures *figures;
    struct gather *gather;
};

static void
stand_init(struct stand *stand)
{
    struct err err = {0};

    stand->rings = rings_new(ROWS, SIZE, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stand->rings);
    stand->figures = figures_new(ROWS);
    stand->gather = gather_new(stand->rings, stand->figures);
}

static void
stand_clear(struct stand *stand)
{
    gather_free(&stand->gather);
    figures_free(&stand->figures);
    rings_free(&stand->rings);
}

static const struct record *
find(const struct gather *gather, const char *id)
{
    const struct record *const *records;
    size_t count = gather_get(gather, &records);

    for (size_t i = 0; i < count; i++) {
        if (span_is(records[i]->id, id))
            return records[i];
    }
    return NULL;
}

static size_t
count_of(const struct gather *gather)
{
    const struct record *const *records;

    return gather_get(gather, &records);
}

static void
test_the_last_step_counts(void)
{
    static const struct {
        const char *name;
        uint64_t steps[3];
        uint64_t expected;
    } rows[] = {
        {"in order",    {1, 2, 5}, 5},
        {"from behind", {5, 2, 1}, 5},
        {"told twice",  {4, 4, 4}, 4},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct stand stand;
        const struct record *record;

        stand_init(&stand);
        for (size_t k = 0; k < 3; k++)
            (void)tell_message(stand.rings, k, "0123456789A", rows[i].steps[k], NULL);
        gather_read(stand.gather, 1);
        record = find(stand.gather, "0123456789A");
        UNIT_CHECK_ROW(rows[i].name, count_of(stand.gather) == 1);
        UNIT_CHECK_ROW(rows[i].name, record != NULL && record->step == rows[i].expected);
        stand_clear(&stand);
    }
}

static void
test_what_is_not_released_is_there_for_the_next(void)
{
    struct stand stand;

    stand_init(&stand);
    (void)tell_message(stand.rings, 0, "0123456789A", 1, NULL);
    (void)tell_message(stand.rings, 1, "0123456789B", 1, NULL);
    gather_read(stand.gather, 1);
    CU_ASSERT_EQUAL(count_of(stand.gather), 2);
    CU_ASSERT_FALSE(gather_is_all_read(stand.gather));
    gather_free(&stand.gather); // killed before the ledger had it
    stand.gather = gather_new(stand.rings, stand.figures);
    gather_read(stand.gather, 2);
    CU_ASSERT_EQUAL(count_of(stand.gather), 2);
    gather_release(stand.gather);
    CU_ASSERT_EQUAL(count_of(stand.gather), 0);
    CU_ASSERT_TRUE(gather_is_all_read(stand.gather));
    gather_read(stand.gather, 3);
    CU_ASSERT_EQUAL(count_of(stand.gather), 0);
    stand_clear(&stand);
}

static void
test_nonsense_is_left_out(void)
{
    static const char *const told[] = {"\1", "\1garbage", "\2garbage", "\77", "x"};
    struct stand stand;

    stand_init(&stand);
    for (size_t i = 0; i < UNIT_COUNT(told); i++)
        CU_ASSERT_TRUE(ring_put(stand.rings, 0, span_of(told[i])));
    (void)tell_message(stand.rings, 0, "0123456789A", 1, NULL);
    gather_read(stand.gather, 1);
    CU_ASSERT_EQUAL(count_of(stand.gather), 1);
    CU_ASSERT_PTR_NOT_NULL(find(stand.gather, "0123456789A"));
    stand_clear(&stand);
}

static void
test_a_flood_waits_on_the_rings(void)
{
    struct stand stand;
    size_t told = 0, taken = 0;
    char id[12];

    stand_init(&stand);
    for (size_t i = 0; i < GATHER_MAX + 100; i++) {
        (void)snprintf(id, sizeof id, "%011zu", i);
        told += tell_message(stand.rings, 0, id, 1, NULL) ? 1 : 0;
    }
    gather_read(stand.gather, 1);
    CU_ASSERT_TRUE(gather_is_full(stand.gather));
    CU_ASSERT_EQUAL(count_of(stand.gather), GATHER_MAX);
    while (!gather_is_all_read(stand.gather)) {
        taken += count_of(stand.gather);
        gather_release(stand.gather);
        gather_read(stand.gather, 2);
    }
    CU_ASSERT_EQUAL(taken, told);
    CU_ASSERT_EQUAL(gather_dropped(stand.gather), GATHER_MAX + 100 - told);
    stand_clear(&stand);
}

static void
test_a_flood_keeps_nobody_waiting(void)
{
    struct stand stand;
    char id[12];

    stand_init(&stand);
    for (size_t i = 0; i < 3 * GATHER_MAX; i++) {
        (void)snprintf(id, sizeof id, "%011zu", i);
        (void)tell_message(stand.rings, 0, id, 1, NULL);
    }
    (void)tell_message(stand.rings, 1, "0123456789B", 1, NULL);
    for (size_t turn = 0; turn < ROWS && find(stand.gather, "0123456789B") == NULL; turn++) {
        gather_release(stand.gather);
        gather_read(stand.gather, 1 + turn);
        CU_ASSERT_TRUE(gather_is_full(stand.gather));
    }
    CU_ASSERT_PTR_NOT_NULL(find(stand.gather, "0123456789B"));
    stand_clear(&stand);
}

static bool
tell_crowd(struct rings *rings, size_t number)
{
    struct record_rcpt *rcpts = mem_zarray(CROWD, sizeof *rcpts);
    struct record record = {.step = 1, .rcpts = rcpts, .rcpt_count = CROWD};
    struct buf told;
    char id[12];
    bool is_told;

    (void)snprintf(id, sizeof id, "%011zu", number);
    record.id = span_of(id);
    for (size_t i = 0; i < CROWD; i++)
        rcpts[i].to = span_of("a@b");
    buf_init(&told, RECORD_SIZE_MAX);
    (void)buf_add_char(&told, (char)RECORD_MESSAGE);
    CU_ASSERT_EQUAL(record_write(&record, &told), 0);
    is_told = ring_put(rings, 0, buf_span(&told));
    buf_clear(&told);
    mem_free(&rcpts);
    return is_told;
}

static void
test_crowds_wait_for_memory(void)
{
    struct stand stand;
    size_t told = 0, taken = 0;

    stand_init(&stand);
    while (told < CROWDS && tell_crowd(stand.rings, told))
        told++;
    CU_ASSERT_EQUAL(told, CROWDS);
    do {
        gather_read(stand.gather, 1);
        taken += count_of(stand.gather);
        gather_release(stand.gather);
    } while (!gather_is_all_read(stand.gather));
    CU_ASSERT_EQUAL(taken, told);
    stand_clear(&stand);
}

static const struct unit_test tests[] = {
    {"the last step counts",                       test_the_last_step_counts                      },
    {"what is not released is there for the next", test_what_is_not_released_is_there_for_the_next},
    {"nonsense is left out",                       test_nonsense_is_left_out                      },
    {"a flood waits on the rings",                 test_a_flood_waits_on_the_rings                },
    {"a flood keeps nobody waiting",               test_a_flood_keeps_nobody_waiting              },
    {"crowds wait for memory",                     test_crowds_wait_for_memory                    },
};

UNIT_MAIN("src/scribe/gather", tests)
