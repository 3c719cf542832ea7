// SPDX-License-Identifier: BSD-2-Clause
#include "base/ring.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/ring_layout.h"
#include "tests/unit/harness.h"

static struct buf record;
static char bytes[RING_SIZE_MIN * 2];

static struct rings *
set_up(size_t rows, size_t size)
{
    struct err err;
    struct rings *rings = rings_new(rows, size, &err);

    CU_ASSERT_PTR_NOT_NULL_FATAL(rings);
    buf_init(&record, RING_RECORD_MAX);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    return rings;
}

static void
tear_down(struct rings **rings)
{
    buf_clear(&record);
    rings_free(rings);
}

static bool
is_record(const char *data, size_t len)
{
    return record.len == len && memcmp(record.data, data, len) == 0;
}

// Reads all that waits and releases it. -1: nonsense.
static int
drain(struct rings *rings, size_t row, uint64_t *at)
{
    int count = 0, result;

    while ((result = ring_next(rings, row, at, &record)) == 1)
        count++;
    ring_release(rings, row, *at);
    return result == 0 ? count : -1;
}

static void
test_new(void)
{
    static const struct {
        const char *name;
        size_t rows, size;
        size_t rounded; // 0: refused
    } rows[] = {
        {"least",         1,                 0,                 RING_SIZE_MIN            },
        {"as it is",      3,                 RING_SIZE_MIN,     RING_SIZE_MIN            },
        {"rounded up",    3,                 RING_SIZE_MIN + 1, (size_t)RING_SIZE_MIN * 2},
        {"most rows",     RING_ROWS_MAX,     16 << 20,          16 << 20                 },
        {"largest",       1,                 RING_SIZE_MAX,     RING_SIZE_MAX            },
        {"no rows",       0,                 RING_SIZE_MIN,     0                        },
        {"too many rows", RING_ROWS_MAX + 1, RING_SIZE_MIN,     0                        },
        {"absurd rows",   SIZE_MAX,          RING_SIZE_MIN,     0                        },
        {"too large",     1,                 RING_SIZE_MAX + 1, 0                        },
        {"absurd size",   1,                 SIZE_MAX,          0                        },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct err err = {.kind = ERR_NONE};
        struct rings *rings = rings_new(rows[i].rows, rows[i].size, &err);

        UNIT_CHECK_ROW(rows[i].name, (rings != NULL) == (rows[i].rounded != 0));
        if (rings == NULL) {
            UNIT_CHECK_ROW(rows[i].name, err.kind == ERR_PERM);
            continue;
        }
        UNIT_CHECK_ROW(rows[i].name, rings_rows(rings) == rows[i].rows);
        UNIT_CHECK_ROW(rows[i].name, rings->size == rows[i].rounded);
        UNIT_CHECK_ROW(rows[i].name, ring_used(rings, rows[i].rows - 1) == 0);
        rings_free(&rings);
        UNIT_CHECK_ROW(rows[i].name, rings == NULL);
        rings_free(&rings);
    }
}

static void
test_order(void)
{
    struct rings *rings = set_up(2, 0);
    uint64_t at = 0, other = 0;

    CU_ASSERT_EQUAL(ring_next(rings, 0, &at, &record), 0);
    CU_ASSERT_TRUE(ring_put(rings, 0, SPAN_LITERAL("one")));
    CU_ASSERT_TRUE(ring_put(rings, 0, SPAN_LITERAL("second")));
    CU_ASSERT_TRUE(ring_put(rings, 1, SPAN_LITERAL("other row")));
    CU_ASSERT_EQUAL(ring_used(rings, 0), 4 + 3 + 4 + 6);
    CU_ASSERT_EQUAL(ring_next(rings, 0, &at, &record), 1);
    CU_ASSERT_TRUE(is_record("one", 3));
    ring_release(rings, 0, at);
    CU_ASSERT_EQUAL(ring_used(rings, 0), 4 + 6);
    CU_ASSERT_EQUAL(ring_next(rings, 0, &at, &record), 1);
    CU_ASSERT_TRUE(is_record("second", 6));
    CU_ASSERT_EQUAL(ring_next(rings, 0, &at, &record), 0);
    // What was read and not released waits for the next reader.
    CU_ASSERT_EQUAL(ring_used(rings, 0), 4 + 6);
    at = 0;
    CU_ASSERT_EQUAL(ring_next(rings, 0, &at, &record), 1);
    CU_ASSERT_TRUE(is_record("second", 6));
    ring_release(rings, 0, at);
    CU_ASSERT_EQUAL(ring_next(rings, 1, &other, &record), 1);
    CU_ASSERT_TRUE(is_record("other row", 9));
    CU_ASSERT_EQUAL(ring_dropped(rings, 0) + ring_dropped(rings, 1), 0);
    tear_down(&rings);
}

static void
test_sizes_of_records(void)
{
    static const struct {
        const char *name;
        size_t row_size, len;
        bool fits; // into a row in which nothing waits
    } rows[] = {
        {"empty",                         0,        0,                             false},
        {"a byte",                        0,        1,                             true },
        {"seven eighths of a row",        0,        (size_t)RING_SIZE_MIN / 8 * 7, true },
        {"all but the length",            0,        RING_SIZE_MIN - 4,             true },
        {"one more",                      0,        RING_SIZE_MIN - 3,             false},
        {"above the row",                 0,        RING_SIZE_MIN + 1,             false},
        {"the largest",                   16 << 20, RING_RECORD_MAX,               true },
        {"above the largest",             16 << 20, RING_RECORD_MAX + 1,           false},
        {"longer than a length can tell", 16 << 20, (size_t)UINT32_MAX + 10,       false},
    };

    char *data = mem_zalloc(RING_RECORD_MAX + 1);

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct rings *rings = set_up(1, rows[i].row_size);
        uint64_t at = 0;
        bool fits = ring_put(rings, 0, span_from(data, rows[i].len));

        UNIT_CHECK_ROW(rows[i].name, fits == rows[i].fits);
        UNIT_CHECK_ROW(rows[i].name, ring_dropped(rings, 0) == !fits);
        UNIT_CHECK_ROW(rows[i].name, ring_next(rings, 0, &at, &record) == fits);
        UNIT_CHECK_ROW(rows[i].name, !fits || is_record(data, rows[i].len));
        tear_down(&rings);
    }
    mem_free(&data);
}

static void
test_full(void)
{
    enum { LEN = 96 };

    struct rings *rings = set_up(1, 0);
    unsigned fit = RING_SIZE_MIN / (LEN + 4);
    uint64_t at = 0;

    for (unsigned i = 0; i < fit; i++)
        CU_ASSERT_TRUE(ring_put(rings, 0, span_from(bytes + i, LEN)));
    CU_ASSERT_FALSE(ring_put(rings, 0, span_from(bytes, LEN)));
    CU_ASSERT_FALSE(ring_put(rings, 0, span_from(bytes, LEN)));
    CU_ASSERT_EQUAL(ring_dropped(rings, 0), 2);
    for (unsigned i = 0; i < fit; i++) {
        CU_ASSERT_EQUAL(ring_next(rings, 0, &at, &record), 1);
        CU_ASSERT_TRUE(is_record(bytes + i, LEN));
    }
    CU_ASSERT_EQUAL(ring_next(rings, 0, &at, &record), 0);
    // Read, but not taken care of.
    CU_ASSERT_FALSE(ring_put(rings, 0, span_from(bytes, LEN)));
    ring_release(rings, 0, at);
    // All but a block is there again.
    for (unsigned i = 0; i < fit * 7 / 8; i++)
        CU_ASSERT_TRUE(ring_put(rings, 0, span_from(bytes + i, LEN)));
    CU_ASSERT_EQUAL(drain(rings, 0, &at), (int)(fit * 7 / 8));
    CU_ASSERT_EQUAL(ring_dropped(rings, 0), 3);
    tear_down(&rings);
}

// A record of each length at each distance from the end of the row that cuts its length or itself.
static void
test_wrap(void)
{
    enum { LONGEST = 40 };

    struct rings *rings = set_up(1, 0);
    uint64_t at = 0;
    unsigned wrong = 0;

    for (size_t len = 1; len <= LONGEST; len++) {
        for (size_t before = 1; before <= LONGEST + 5; before++) {
            size_t fill = (RING_SIZE_MIN - before + RING_SIZE_MIN - (size_t)at % RING_SIZE_MIN) %
                          RING_SIZE_MIN;

            if (fill < 16)
                fill += RING_SIZE_MIN;
            // In two, since a block has not come back yet.
            wrong += !ring_put(rings, 0, span_from(bytes, fill / 2 - 4));
            wrong += drain(rings, 0, &at) != 1;
            wrong += !ring_put(rings, 0, span_from(bytes, fill - fill / 2 - 4));
            wrong += drain(rings, 0, &at) != 1;
            wrong += at % RING_SIZE_MIN != RING_SIZE_MIN - before;
            wrong += !ring_put(rings, 0, span_from(bytes + before, len));
            wrong += !ring_put(rings, 0, SPAN_LITERAL("next"));
            wrong += ring_next(rings, 0, &at, &record) != 1 || !is_record(bytes + before, len);
            wrong += ring_next(rings, 0, &at, &record) != 1 || !is_record("next", 4);
            ring_release(rings, 0, at);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(ring_dropped(rings, 0), 0);
    tear_down(&rings);
}

// From any garbage the row comes back with the first -1, and what is put then is read. Some of it
// is no nonsense: `done` a little ahead is what a reader leaves that was killed.
static void
test_garbage_positions(void)
{
    static const uint64_t offsets[] = {
        1,
        2,
        RING_SIZE_MIN - 1,
        RING_SIZE_MIN,
        RING_SIZE_MIN + 1,
        UINT64_MAX,
        1u << 31,
        UINT32_MAX,
        INT64_MAX,
        (uint64_t)INT64_MAX + 1,
        -(uint64_t)RING_SIZE_MIN,
    };
    struct rings *rings = set_up(1, 0);
    struct ring_row *row = &rings->control->rows[0];
    _Atomic uint64_t *const positions[] = {&row->tail, &row->done, &row->free};
    uint64_t at = 0;

    for (size_t i = 0; i < UNIT_COUNT(offsets) * UNIT_COUNT(positions) * 2; i++) {
        uint64_t dropped = ring_dropped(rings, 0);
        bool is_old_reader = i % 2 == 0;
        int result;

        CU_ASSERT_TRUE(ring_put(rings, 0, SPAN_LITERAL("a record")));
        CU_ASSERT_TRUE(ring_put(rings, 0, SPAN_LITERAL("another")));
        CU_ASSERT_EQUAL(ring_next(rings, 0, &at, &record), 1);
        *positions[i / 2 % UNIT_COUNT(positions)] += offsets[i / 2 / UNIT_COUNT(positions)];
        CU_ASSERT_TRUE(ring_used(rings, 0) <= RING_SIZE_MIN);
        (void)ring_put(rings, 0, span_from(bytes, 10));
        if (!is_old_reader)
            at = 0;
        while ((result = ring_next(rings, 0, &at, &record)) == 1)
            continue;
        CU_ASSERT_TRUE(result == 0 || ring_dropped(rings, 0) > dropped);
        ring_release(rings, 0, at);
        CU_ASSERT_TRUE(ring_put(rings, 0, SPAN_LITERAL("after")));
        CU_ASSERT_EQUAL(ring_next(rings, 0, &at, &record), 1);
        CU_ASSERT_TRUE(is_record("after", 5));
        ring_release(rings, 0, at);
        CU_ASSERT_EQUAL(ring_used(rings, 0), 0);
    }
    tear_down(&rings);
}

static void
test_garbage_lengths(void)
{
    static const struct {
        const char *name;
        uint32_t len;
        int records; // up to the nonsense
    } rows[] = {
        {"none",                         0,                   0},
        {"within, behind it nonsense",   16,                  1},
        {"within, behind it too little", 17,                  1},
        {"one too long",                 21,                  0},
        {"beyond",                       25,                  0},
        {"beyond the row",               1u << 20,            0},
        {"longest",                      RING_RECORD_MAX,     0},
        {"longer than that",             RING_RECORD_MAX + 1, 0},
        {"largest",                      UINT32_MAX,          0},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct rings *rings = set_up(1, 0);
        uint64_t at = 0;
        int result, records = 0;

        ring_put(rings, 0, SPAN_LITERAL("good"));
        ring_put(rings, 0, span_from(bytes, 20));
        memcpy(rings->data + 8, &rows[i].len, sizeof rows[i].len);
        UNIT_CHECK_ROW(rows[i].name, ring_next(rings, 0, &at, &record) == 1);
        UNIT_CHECK_ROW(rows[i].name, is_record("good", 4));
        while ((result = ring_next(rings, 0, &at, &record)) == 1)
            records++;
        UNIT_CHECK_ROW(rows[i].name, result == -1);
        UNIT_CHECK_ROW(rows[i].name, records == rows[i].records);
        UNIT_CHECK_ROW(rows[i].name, ring_dropped(rings, 0) == 1);
        UNIT_CHECK_ROW(rows[i].name, ring_used(rings, 0) == 0);
        UNIT_CHECK_ROW(rows[i].name, drain(rings, 0, &at) == 0);
        UNIT_CHECK_ROW(rows[i].name, ring_put(rings, 0, SPAN_LITERAL("after")));
        UNIT_CHECK_ROW(rows[i].name, ring_next(rings, 0, &at, &record) == 1);
        UNIT_CHECK_ROW(rows[i].name, is_record("after", 5));
        tear_down(&rings);
    }
}

static void
test_release_of_what_is_not_there(void)
{
    struct rings *rings = set_up(1, 0);
    uint64_t at = 0, old;

    ring_put(rings, 0, span_from(bytes, 1000));
    CU_ASSERT_EQUAL(drain(rings, 0, &at), 1);
    old = at;
    ring_put(rings, 0, span_from(bytes, 1000));
    CU_ASSERT_EQUAL(drain(rings, 0, &at), 1);
    ring_put(rings, 0, span_from(bytes, 500));
    ring_release(rings, 0, old);
    ring_release(rings, 0, 0);
    ring_release(rings, 0, at + 505);
    ring_release(rings, 0, UINT64_MAX);
    CU_ASSERT_EQUAL(ring_used(rings, 0), 504);
    at = 0;
    CU_ASSERT_EQUAL(ring_next(rings, 0, &at, &record), 1);
    CU_ASSERT_TRUE(is_record(bytes, 500));
    tear_down(&rings);
}

static size_t
resident(const struct rings *rings)
{
    static unsigned char pages[64 << 10];
    size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 0;

    CU_ASSERT_TRUE_FATAL(rings->mapped / page < sizeof pages);
    CU_ASSERT_EQUAL_FATAL(mincore(rings->control, rings->mapped, pages), 0);
    for (size_t i = 0; i < rings->mapped / page; i++)
        count += (pages[i] & 1) * page;
    return count;
}

// What has been released takes no memory: through several laps, never more than what waits, the
// block that is being filled, and the control pages.
static void
test_memory(void)
{
    enum { SIZE = 8 << 20, WAITING = 2 << 20, LEN = 10000, SLACK = (256 + 128) << 10 };

    struct rings *rings = set_up(2, SIZE);
    uint64_t at = 0;
    size_t most = 0;

    CU_ASSERT_TRUE(resident(rings) < SLACK);
    for (unsigned lap = 0; lap < 18; lap++) {
        while (ring_used(rings, 1) < WAITING)
            CU_ASSERT_TRUE_FATAL(ring_put(rings, 1, span_from(bytes, LEN)));
        CU_ASSERT_TRUE(resident(rings) >= WAITING);
        most = resident(rings) > most ? resident(rings) : most;
        // In small steps, most of which pass no block.
        while (ring_next(rings, 1, &at, &record) == 1)
            ring_release(rings, 1, at);
        CU_ASSERT_TRUE(resident(rings) < SLACK);
    }
    CU_ASSERT_TRUE(at / SIZE > 2);
    CU_ASSERT_TRUE(most < WAITING + LEN + SLACK);
    // All at once, over the end of the row.
    CU_ASSERT_TRUE(at % SIZE > SIZE / 4);
    while (ring_put(rings, 1, span_from(bytes, LEN)))
        continue;
    CU_ASSERT_TRUE(resident(rings) > SIZE - SLACK);
    CU_ASSERT_TRUE(drain(rings, 1, &at) > 0);
    CU_ASSERT_TRUE(resident(rings) < SLACK);
    tear_down(&rings);
}

static pid_t
start_child(void)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    for (;;)
        pause();
}

static void
end_child(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void
test_seat(void)
{
    struct rings *rings = set_up(1, 0);
    pid_t one = start_child(), two = start_child(), three = start_child();

    CU_ASSERT_TRUE_FATAL(one > 0 && two > 0 && three > 0);
    CU_ASSERT_TRUE(rings_take_seat(rings, one));
    CU_ASSERT_TRUE(rings_take_seat(rings, one));
    CU_ASSERT_FALSE(rings_is_seat_wanted(rings, one));
    CU_ASSERT_FALSE(rings_take_seat(rings, two));
    CU_ASSERT_TRUE(rings_is_seat_wanted(rings, one));
    // Sitting down once more does not make the other's wish go away.
    CU_ASSERT_TRUE(rings_take_seat(rings, one));
    CU_ASSERT_TRUE(rings_is_seat_wanted(rings, one));
    CU_ASSERT_FALSE(rings_take_seat(rings, three));
    rings_leave_seat(rings, two);
    CU_ASSERT_FALSE(rings_take_seat(rings, three));
    rings_leave_seat(rings, one);
    CU_ASSERT_TRUE(rings_take_seat(rings, two));
    // The third asks again.
    CU_ASSERT_FALSE(rings_is_seat_wanted(rings, two));
    CU_ASSERT_FALSE(rings_take_seat(rings, three));
    CU_ASSERT_TRUE(rings_is_seat_wanted(rings, two));
    rings_leave_seat(rings, three);
    CU_ASSERT_FALSE(rings_is_seat_wanted(rings, two));
    // What the dead have or want does not count.
    CU_ASSERT_FALSE(rings_take_seat(rings, three));
    end_child(three);
    CU_ASSERT_FALSE(rings_is_seat_wanted(rings, two));
    CU_ASSERT_FALSE(rings_take_seat(rings, one));
    end_child(two);
    CU_ASSERT_TRUE(rings_take_seat(rings, one));
    CU_ASSERT_FALSE(rings_is_seat_wanted(rings, one));
    rings->control->seat = -1;
    rings->control->wanted = -1;
    CU_ASSERT_FALSE(rings_is_seat_wanted(rings, one));
    CU_ASSERT_TRUE(rings_take_seat(rings, one));
    end_child(one);
    tear_down(&rings);
}

static const struct unit_test tests[] = {
    {"new",                          test_new                         },
    {"in order, row by row",         test_order                       },
    {"sizes of records",             test_sizes_of_records            },
    {"a full row drops and counts",  test_full                        },
    {"every length around the wrap", test_wrap                        },
    {"garbage positions",            test_garbage_positions           },
    {"garbage lengths",              test_garbage_lengths             },
    {"release of what is not there", test_release_of_what_is_not_there},
    {"memory follows what waits",    test_memory                      },
    {"the seat",                     test_seat                        },
};

UNIT_MAIN("base/ring", tests)
