// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger.h"

#include "tests/unit/track/ledger_kit.h"
#include "track/ledger/sql.h"

static const int64_t day_ms = 86400000;

static void
start(struct ledger_kit *kit)
{
    kit_init(kit);
    CU_ASSERT_TRUE_FATAL(kit_open(kit));
}

static void
put_full(struct ledger_kit *kit, const char *id, int64_t arrived_ms)
{
    struct record_sample sample;

    sample_init(&sample, id);
    sample.record.arrived_ms = arrived_ms;
    sample.rcpts[0].at_ms = sample.rcpts[1].at_ms = arrived_ms + 5;
    kit_put(kit, &sample.record);
}

static bool
expire(struct ledger_kit *kit, int64_t before_ms, uint64_t max_bytes, size_t max_rows)
{
    struct ledger_expiry expiry = {before_ms, max_bytes, max_rows};
    bool is_left = true;

    kit_begin(kit);
    CU_ASSERT_EQUAL(ledger_expire(kit->ledger, &expiry, &is_left, &kit->err), 0);
    kit_commit(kit);
    return is_left;
}

static int64_t
count_rows(struct ledger_kit *kit, const char *table)
{
    struct sql *sql = sql_open(kit->path, SQL_READ, 1000, &kit->err);
    char *text = mem_printf("SELECT count(*) FROM %s", table);
    int64_t count = -1;

    CU_ASSERT_PTR_NOT_NULL_FATAL(sql);
    (void)sql_number(sql, text, &count, &kit->err);
    sql_close(&sql);
    mem_free(&text);
    return count;
}

static void
test_age(void)
{
    static const char *const tables[] = {"messages",   "recipients", "decisions", "results",
                                         "deliveries", "outs",       "names"};
    struct maillog_line line = {.at_ms = 10 * day_ms + 50,
                                .queue_id = SPAN_LITERAL("4OUT1"),
                                .to = SPAN_LITERAL("bob@example.com"),
                                .status = MAILLOG_SENT};
    struct ledger_kit kit;

    start(&kit);
    put_full(&kit, "a", 10 * day_ms);
    kit_deliver(&kit, &line);
    CU_ASSERT_TRUE(kit.is_known);
    put_full(&kit, "b", 20 * day_ms);
    put_full(&kit, "c", 30 * day_ms);
    CU_ASSERT_FALSE(expire(&kit, 10 * day_ms, 0, 10));
    CU_ASSERT_PTR_NOT_NULL(kit_get(&kit, "a"));
    CU_ASSERT_FALSE(expire(&kit, 10 * day_ms + 1, 0, 10));
    CU_ASSERT_PTR_NULL(kit_get(&kit, "a"));
    CU_ASSERT_PTR_NOT_NULL(kit_get(&kit, "b"));
    CU_ASSERT_EQUAL(kit_get(&kit, "b")->rcpt_count, 3);
    CU_ASSERT_EQUAL(count_rows(&kit, "deliveries"), 0);
    CU_ASSERT_EQUAL(count_rows(&kit, "recipients"), 6);
    CU_ASSERT_EQUAL(count_rows(&kit, "names"), 4);
    CU_ASSERT_FALSE(expire(&kit, INT64_MAX, 0, 10));
    for (size_t i = 0; i < UNIT_COUNT(tables); i++)
        UNIT_CHECK_ROW(tables[i], count_rows(&kit, tables[i]) == 0);
    CU_ASSERT_FALSE(expire(&kit, INT64_MAX, 0, 10)); // of nothing
    kit_clear(&kit);
}

// The oldest first, whenever they were put; so many at a call.
static void
test_portions(void)
{
    struct ledger_kit kit;

    start(&kit);
    put_full(&kit, "third", 30 * day_ms);
    put_full(&kit, "first", 10 * day_ms);
    put_full(&kit, "fourth", 40 * day_ms);
    put_full(&kit, "second", 20 * day_ms);
    CU_ASSERT_TRUE(expire(&kit, 35 * day_ms, 0, 2));
    CU_ASSERT_PTR_NULL(kit_get(&kit, "first"));
    CU_ASSERT_PTR_NULL(kit_get(&kit, "second"));
    CU_ASSERT_PTR_NOT_NULL(kit_get(&kit, "third"));
    CU_ASSERT_TRUE(expire(&kit, 35 * day_ms, 0, 0));
    CU_ASSERT_FALSE(expire(&kit, 35 * day_ms, 0, 1));
    CU_ASSERT_PTR_NULL(kit_get(&kit, "third"));
    CU_ASSERT_PTR_NOT_NULL(kit_get(&kit, "fourth"));
    kit_clear(&kit);
}

// A child goes when its own time has come.
static void
test_children(void)
{
    struct record child = {.id = SPAN_LITERAL("a.1"),
                           .parent = SPAN_LITERAL("a"),
                           .step = 1,
                           .arrived_ms = 20 * day_ms};
    struct ledger_kit kit;

    start(&kit);
    put_full(&kit, "a", 10 * day_ms);
    kit_put(&kit, &child);
    CU_ASSERT_FALSE(expire(&kit, 15 * day_ms, 0, 10));
    CU_ASSERT_PTR_NULL(kit_get(&kit, "a"));
    CU_ASSERT_PTR_NOT_NULL(kit_get(&kit, "a.1"));
    kit_clear(&kit);
}

// What it has become under another name goes, too.
static void
test_names_of_before(void)
{
    struct record_sample sample;
    struct ledger_kit kit;

    start(&kit);
    sample_init(&sample, "a");
    sample.record.arrived_ms = 10 * day_ms;
    sample.rcpts[0].at_ms = sample.rcpts[1].at_ms = 10 * day_ms;
    kit_put(&kit, &sample.record);
    sample.record.step++;
    sample.record.message_id = SPAN_LITERAL("<2@example.org>");
    sample.rcpts[0].at_ms = sample.rcpts[1].at_ms = 11 * day_ms;
    kit_put(&kit, &sample.record);
    CU_ASSERT_EQUAL(count_rows(&kit, "names"), 3);
    CU_ASSERT_EQUAL(count_rows(&kit, "outs"), 2);
    for (int i = 0; i < 5000; i++) { // into the next bucket
        char id[24];
        struct record record = {.step = 1, .arrived_ms = 50 * day_ms};

        snprintf(id, sizeof(id), "m%d", i);
        record.id = span_of(id);
        if (i == 0)
            kit_begin(&kit);
        CU_ASSERT_EQUAL(ledger_put_record(kit.ledger, &record, &kit.err), 0);
    }
    kit_commit(&kit);
    CU_ASSERT_FALSE(expire(&kit, 49 * day_ms, 0, 10));
    CU_ASSERT_EQUAL(count_rows(&kit, "outs"), 0);
    CU_ASSERT_EQUAL(count_rows(&kit, "names"), 1);
    while (expire(&kit, INT64_MAX, 0, 4500)) {
        CU_ASSERT_EQUAL(count_rows(&kit, "names"), 0);
    }
    kit_clear(&kit);
}

static uint64_t
pages_in_use(struct ledger_kit *kit)
{
    struct sql *sql = sql_open(kit->path, SQL_READ, 1000, &kit->err);
    int64_t pages = 0, free_pages = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(sql);
    (void)sql_number(sql, "PRAGMA page_count", &pages, &kit->err);
    (void)sql_number(sql, "PRAGMA freelist_count", &free_pages, &kit->err);
    sql_close(&sql);
    return (uint64_t)(pages - free_pages) * 4096;
}

// The file is used again and does not grow, where as much comes as goes.
static void
test_size(void)
{
    enum { ROUND = 800, ROUNDS = 4 };

    struct ledger_kit kit;
    uint64_t full = 0, bound = 0;
    struct stat status;
    off_t size = 0;
    int calls;

    start(&kit);
    for (int round = 0; round < ROUNDS; round++) {
        kit_begin(&kit);
        for (int i = 0; i < ROUND; i++) {
            struct record_sample sample;
            char id[24];

            snprintf(id, sizeof(id), "m%d.%d", round, i);
            sample_init(&sample, id);
            sample.record.arrived_ms = round * day_ms + i;
            CU_ASSERT_EQUAL(ledger_put_record(kit.ledger, &sample.record, &kit.err), 0);
        }
        kit_commit(&kit);
        full = pages_in_use(&kit);
        if (round == 0)
            bound = full / 2;
        CU_ASSERT_FALSE(expire(&kit, 0, full, 100));
        for (calls = 0; expire(&kit, 0, bound, 100); calls++)
            CU_ASSERT_TRUE_FATAL(calls < 100);
        CU_ASSERT_TRUE(calls > 2);
        CU_ASSERT_TRUE(pages_in_use(&kit) <= bound);
        kit_reopen(&kit);
        CU_ASSERT_EQUAL(stat(kit.path, &status), 0);
        if (round > 1)
            CU_ASSERT_TRUE(status.st_size <= size + size / 10);
        size = status.st_size > size ? status.st_size : size;
    }
    CU_ASSERT_PTR_NULL(kit_get(&kit, "m3.0"));
    CU_ASSERT_PTR_NOT_NULL(kit_get(&kit, "m3.799"));
    CU_ASSERT_FALSE(expire(&kit, 0, 1, 100000)); // an empty ledger is larger than that
    kit_read(&kit, 0);
    CU_ASSERT_EQUAL(kit.count, 0);
    kit_clear(&kit);
}

static const struct unit_test tests[] = {
    {"age",             test_age            },
    {"portions",        test_portions       },
    {"children",        test_children       },
    {"names of before", test_names_of_before},
    {"size",            test_size           },
};

UNIT_MAIN("track/ledger/ledger_expire", tests)
