// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger.h"

#include <math.h>

#include "tests/unit/track/ledger_kit.h"

static void
test_open_makes_it(void)
{
    struct ledger_kit kit;
    struct stat status;
    char *folder;

    kit_init(&kit);
    folder = mem_printf("%s/sub", kit.folder);
    umask(0077);
    CU_ASSERT_TRUE_FATAL(kit_open(&kit));
    CU_ASSERT_STRING_EQUAL(kit.note, "");
    CU_ASSERT_EQUAL(ledger_last_change(kit.ledger), 0);
    CU_ASSERT_EQUAL(stat(kit.path, &status), 0);
    CU_ASSERT_EQUAL(status.st_mode & 0777, 0640);
    umask(0022);
    CU_ASSERT_EQUAL(stat(folder, &status), 0);
    CU_ASSERT_EQUAL(status.st_mode & 0027, 0);
    kit_reopen(&kit);
    CU_ASSERT_STRING_EQUAL(kit.note, "");
    CU_ASSERT_EQUAL(kit_count_files(&kit, "damaged"), 0);
    mem_free(&folder);
    kit_clear(&kit);
}

// What is read is what was put, but for what is only of the moment.
static void
test_round_trip(void)
{
    struct record_sample sample;
    struct ledger_kit kit;

    kit_init(&kit);
    CU_ASSERT_TRUE_FATAL(kit_open(&kit));
    sample_init(&sample, "4X2k9QzT7mB");
    sample.record.parent = SPAN_LITERAL("4X2k9QzT7mA");
    sample.record.kind = SPAN_LITERAL("bounce");
    kit_put(&kit, &sample.record);
    kit_reopen(&kit);
    kit_read(&kit, 0);
    CU_ASSERT_EQUAL_FATAL(kit.count, 1);
    CU_ASSERT_FALSE(kit.records[0].is_looked || kit.records[0].is_sent);
    sample.record.is_looked = sample.record.is_sent = false;
    CU_ASSERT_TRUE(sample_is_same(&kit.records[0], &sample.record));
    CU_ASSERT_EQUAL(kit.records[0].rcpts[0].final_count, 0);
    kit_clear(&kit);
}

static void
test_bare_record(void)
{
    struct record bare = {.id = SPAN_LITERAL("4X2k9QzT7mB"), .score = NAN, .step = 7};
    struct record_rcpt rcpt = {.to = SPAN_LITERAL("bob@example.com"), .group = 0};
    struct ledger_kit kit;

    kit_init(&kit);
    CU_ASSERT_TRUE_FATAL(kit_open(&kit));
    bare.rcpts = &rcpt;
    bare.rcpt_count = 1;
    kit_put(&kit, &bare);
    kit_read(&kit, 0);
    CU_ASSERT_EQUAL_FATAL(kit.count, 1);
    CU_ASSERT_TRUE(sample_is_same(&kit.records[0], &bare));
    CU_ASSERT_TRUE(isnan(kit.records[0].score));
    CU_ASSERT_EQUAL(kit.records[0].rcpts[0].group, kit.records[0].group_count);
    kit_clear(&kit);
}

// By step: what came twice or too late changes nothing, what is newer replaces all.
static void
test_steps(void)
{
    struct record_sample sample;
    struct ledger_kit kit;
    uint64_t change;

    kit_init(&kit);
    CU_ASSERT_TRUE_FATAL(kit_open(&kit));
    sample_init(&sample, "4X2k9QzT7mB");
    sample.record.is_looked = sample.record.is_sent = false;
    kit_put(&kit, &sample.record);
    change = ledger_last_change(kit.ledger);
    CU_ASSERT_EQUAL(change, 1);
    sample.record.place = RECORD_HOLD;
    kit_put(&kit, &sample.record);
    sample.record.step = 11;
    kit_put(&kit, &sample.record);
    CU_ASSERT_EQUAL(ledger_last_change(kit.ledger), change);
    kit_read(&kit, 0);
    CU_ASSERT_EQUAL_FATAL(kit.count, 1);
    CU_ASSERT_EQUAL(kit.records[0].place, RECORD_DONE);
    CU_ASSERT_EQUAL(kit.records[0].step, 12);

    sample.record.step = 13;
    sample.record.rcpt_count = 1;
    sample.record.group_count = 1;
    sample.record.result_count = 1;
    sample.record.subject = SPAN_LITERAL("");
    kit_put(&kit, &sample.record);
    CU_ASSERT_EQUAL(ledger_last_change(kit.ledger), change + 1);
    kit_read(&kit, 0);
    CU_ASSERT_EQUAL_FATAL(kit.count, 1);
    CU_ASSERT_TRUE(sample_is_same(&kit.records[0], &sample.record));
    kit_clear(&kit);
}

// Who adopted a message does not know what was measured before.
static void
test_stages_stay(void)
{
    struct record_sample sample;
    struct ledger_kit kit;

    kit_init(&kit);
    CU_ASSERT_TRUE_FATAL(kit_open(&kit));
    sample_init(&sample, "4X2k9QzT7mB");
    kit_put(&kit, &sample.record);
    memset(sample.record.stage_us, 0, sizeof(sample.record.stage_us));
    sample.record.stage_us[STAGE_SEND] = 900;
    sample.record.step++;
    kit_put(&kit, &sample.record);
    kit_read(&kit, 0);
    CU_ASSERT_EQUAL(kit.records[0].stage_us[STAGE_RECEIVE], 100);
    CU_ASSERT_EQUAL(kit.records[0].stage_us[STAGE_FILTERS], 400);
    CU_ASSERT_EQUAL(kit.records[0].stage_us[STAGE_SEND], 900);
    kit_clear(&kit);
}

static void
test_batches(void)
{
    struct record_sample sample;
    struct ledger_kit kit;

    kit_init(&kit);
    CU_ASSERT_TRUE_FATAL(kit_open(&kit));
    sample_init(&sample, "4X2k9QzT7mB");
    kit_begin(&kit);
    CU_ASSERT_EQUAL(ledger_put_record(kit.ledger, &sample.record, &kit.err), 0);
    CU_ASSERT_EQUAL(ledger_last_change(kit.ledger), 0);
    ledger_abort(kit.ledger);
    CU_ASSERT_PTR_NULL(kit_get(&kit, "4X2k9QzT7mB"));
    CU_ASSERT_EQUAL(ledger_last_change(kit.ledger), 0);
    ledger_abort(kit.ledger); // nothing is begun: nothing is done
    kit_begin(&kit);
    kit_commit(&kit); // of nothing
    kit_begin(&kit);
    CU_ASSERT_EQUAL(ledger_put_record(kit.ledger, &sample.record, &kit.err), 0);
    kit_begin(&kit); // gives up the one before
    kit_commit(&kit);
    CU_ASSERT_PTR_NULL(kit_get(&kit, "4X2k9QzT7mB"));
    kit_put(&kit, &sample.record);
    CU_ASSERT_PTR_NOT_NULL(kit_get(&kit, "4X2k9QzT7mB"));
    CU_ASSERT_EQUAL(ledger_last_change(kit.ledger), 1);
    kit_clear(&kit);
}

// Never again, even where what had them is gone.
static void
test_change_numbers(void)
{
    struct ledger_expiry all = {.before_ms = INT64_MAX, .max_rows = 100};
    struct ledger_kit kit;
    bool is_left;

    kit_init(&kit);
    CU_ASSERT_TRUE_FATAL(kit_open(&kit));
    kit_put_bare(&kit, "a", 1000);
    kit_put_bare(&kit, "b", 1000);
    CU_ASSERT_EQUAL(ledger_last_change(kit.ledger), 2);
    kit_begin(&kit);
    CU_ASSERT_EQUAL(ledger_expire(kit.ledger, &all, &is_left, &kit.err), 0);
    kit_commit(&kit);
    kit_reopen(&kit);
    CU_ASSERT_EQUAL(ledger_last_change(kit.ledger), 2);
    kit_put_bare(&kit, "a", 1000);
    CU_ASSERT_EQUAL(ledger_last_change(kit.ledger), 3);
    kit_read(&kit, 2);
    CU_ASSERT_EQUAL(kit.count, 1);
    CU_ASSERT_EQUAL(kit.last, 3);
    kit_clear(&kit);
}

static void
check_mark(struct ledger_kit *kit, const char *name, struct span expected)
{
    struct buf value;

    buf_init(&value, 1000);
    CU_ASSERT_EQUAL(ledger_get_mark(kit->ledger, name, &value, &kit->err), 0);
    CU_ASSERT_EQUAL(value.len, expected.len);
    CU_ASSERT(value.len == 0 || memcmp(value.data, expected.data, value.len) == 0);
    buf_clear(&value);
}

static void
test_marks(void)
{
    char large[1000];
    struct ledger_kit kit;

    memset(large, '\xff', sizeof(large));
    kit_init(&kit);
    CU_ASSERT_TRUE_FATAL(kit_open(&kit));
    check_mark(&kit, "follow", span_from(NULL, 0));
    kit_begin(&kit);
    CU_ASSERT_EQUAL(ledger_put_mark(kit.ledger, "follow", span_from("8 \0 9", 5), &kit.err), 0);
    CU_ASSERT_EQUAL(ledger_put_mark(kit.ledger, "redis", span_from(large, 1000), &kit.err), 0);
    CU_ASSERT_EQUAL(ledger_put_mark(kit.ledger, "none", span_from(NULL, 0), &kit.err), 0);
    kit_commit(&kit);
    kit_reopen(&kit);
    check_mark(&kit, "follow", span_from("8 \0 9", 5));
    check_mark(&kit, "redis", span_from(large, 1000));
    check_mark(&kit, "none", span_from(NULL, 0));
    kit_begin(&kit);
    CU_ASSERT_EQUAL(ledger_put_mark(kit.ledger, "follow", SPAN_LITERAL("10"), &kit.err), 0);
    ledger_abort(kit.ledger);
    check_mark(&kit, "follow", span_from("8 \0 9", 5));
    kit_clear(&kit);
}

// Two scribes for a moment: each goes on behind what the other has written.
static void
test_two_writers(void)
{
    struct ledger_kit kit;
    struct ledger *other;

    kit_init(&kit);
    CU_ASSERT_TRUE_FATAL(kit_open(&kit));
    other = ledger_open(kit.path, kit.note, &kit.err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(other);
    kit_put_bare(&kit, "a", 1000);
    CU_ASSERT_EQUAL(ledger_last_change(other), 0);
    CU_ASSERT_EQUAL(ledger_begin(other, &kit.err), 0);
    CU_ASSERT_EQUAL(ledger_last_change(other), 1);
    CU_ASSERT_EQUAL(
        ledger_put_record(other, &(struct record){.id = SPAN_LITERAL("b"), .step = 1}, &kit.err),
        0);
    CU_ASSERT_EQUAL(ledger_commit(other, &kit.err), 0);
    kit_put_bare(&kit, "c", 1000);
    CU_ASSERT_EQUAL(ledger_last_change(kit.ledger), 3);
    kit_read(&kit, 0);
    CU_ASSERT_EQUAL(kit.count, 3);
    ledger_close(&other);
    CU_ASSERT_PTR_NULL(other);
    ledger_close(&other);
    kit_clear(&kit);
}

static const struct unit_test tests[] = {
    {"open makes it",      test_open_makes_it },
    {"round trip",         test_round_trip    },
    {"bare",               test_bare_record   },
    {"steps",              test_steps         },
    {"stages stay",        test_stages_stay   },
    {"batches",            test_batches       },
    {"numbers of changes", test_change_numbers},
    {"marks",              test_marks         },
    {"two writers",        test_two_writers   },
};

UNIT_MAIN("track/ledger/ledger", tests)
