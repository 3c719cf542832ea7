// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger.h"

#include "tests/unit/track/ledger_kit.h"
#include "track/ledger/sql.h"

static void
start(struct ledger_kit *kit)
{
    kit_init(kit);
    CU_ASSERT_TRUE_FATAL(kit_open(kit));
}

static void
check_number(struct ledger_kit *kit, const char *text, int64_t expected)
{
    struct sql *sql = sql_open(kit->path, SQL_READ, 1000, &kit->err);
    int64_t number = -1;

    CU_ASSERT_PTR_NOT_NULL_FATAL(sql);
    if (sql_number(sql, text, &number, &kit->err) != 0)
        fprintf(stderr, "%s\n", kit->err.text);
    UNIT_CHECK_ROW(text, number == expected);
    sql_close(&sql);
}

// What stands there for whoever reads it without us.
static void
test_rows(void)
{
    struct record_sample sample;
    struct ledger_kit kit;

    start(&kit);
    kit_put_bare(&kit, "other", 5);
    sample_init(&sample, "m1");
    kit_put(&kit, &sample.record);
    check_number(&kit,
                 "SELECT count(*) FROM messages WHERE id = 'm1' AND place = 'done' AND"
                 " protocol = 'lmtp' AND handoff = 'relay' AND sender = 'ann@example.org' AND"
                 " parent IS NULL AND filters_us = 400 AND score = 6.25 AND number = 2",
                 1);
    check_number(&kit,
                 "SELECT count(*) FROM recipients WHERE message = 2 AND n = 2 AND"
                 " recipient = 'dave@example.com' AND status = 'moved' AND decision = 1 AND"
                 " redirected IS NULL",
                 1);
    check_number(&kit, "SELECT count(*) FROM recipients WHERE message = 2", 3);
    check_number(&kit,
                 "SELECT count(*) FROM decisions WHERE message = 2 AND n = 0 AND"
                 " verdict = 'redirect' AND rule = 'tag' AND edits = 2",
                 1);
    check_number(&kit,
                 "SELECT count(*) FROM results WHERE message = 2 AND n = 0 AND"
                 " filter = 'clamav' AND result = 'hit' AND virus = 1 AND score IS NULL",
                 1);
    check_number(&kit,
                 "SELECT count(*) FROM results WHERE filter = 'rspamd' AND wish = 'accept' AND"
                 " score = 6.25 AND required = 15",
                 1);
    check_number(&kit, "SELECT count(*) FROM outs WHERE message = 2 AND queue_id = '4OUT1'", 1);
    check_number(&kit, "SELECT count(*) FROM names WHERE message = 2", 2);
    kit_clear(&kit);
}

static void
test_replaced_rows(void)
{
    struct record_sample sample;
    struct ledger_kit kit;

    start(&kit);
    sample_init(&sample, "m1");
    kit_put(&kit, &sample.record);
    sample.record.step++;
    sample.record.rcpt_count = 2;
    sample.record.group_count = 1;
    sample.record.result_count = 0;
    sample.rcpts[1].queue_id = SPAN_LITERAL("4OUT2");
    kit_put(&kit, &sample.record);
    check_number(&kit, "SELECT count(*) FROM messages", 1);
    check_number(&kit, "SELECT count(*) FROM recipients", 2);
    check_number(&kit, "SELECT count(*) FROM decisions", 1);
    check_number(&kit, "SELECT count(*) FROM results", 0);
    check_number(&kit, "SELECT count(*) FROM outs", 2);
    check_number(&kit, "PRAGMA integrity_check", 0); // 'ok' is no number
    kit_clear(&kit);
}

// As large as a record can be.
static void
test_crowd(void)
{
    enum { CROWD = 100000 };

    struct record_rcpt *rcpts = mem_zarray(CROWD, sizeof(rcpts[0]));
    struct record record = {
        .id = SPAN_LITERAL("m1"), .step = 1, .rcpts = rcpts, .rcpt_count = CROWD};
    const struct record *got;
    struct ledger_kit kit;

    start(&kit);
    for (size_t i = 0; i < CROWD; i++)
        rcpts[i] = (struct record_rcpt){.to = SPAN_LITERAL("bob@example.com"),
                                        .tries = (uint32_t)i,
                                        .queue_id = i % 2 == 0 ? SPAN_LITERAL("4OUT1")
                                                               : SPAN_LITERAL("4OUT2")};
    kit_put_bare(&kit, "m0", 5);
    kit_put(&kit, &record);
    kit_put_bare(&kit, "m2", 5);
    got = kit_get(&kit, "m1");
    CU_ASSERT_PTR_NOT_NULL_FATAL(got);
    CU_ASSERT_EQUAL_FATAL(got->rcpt_count, CROWD);
    CU_ASSERT_EQUAL(got->rcpts[CROWD - 1].tries, CROWD - 1);
    CU_ASSERT_EQUAL(kit_get(&kit, "m2")->rcpt_count, 0);
    check_number(&kit, "SELECT count(*) FROM outs", 2);
    mem_free(&rcpts);
    kit_clear(&kit);
}

// Bytes as they came from strangers, in every text.
static void
test_hostile_texts(void)
{
    static const char bytes[] = "a\0b\xff\xfe'\";--\n\r\x1b[2J";
    struct span text = span_from(bytes, sizeof(bytes) - 1);
    struct record_rcpt rcpt = {.to = text,
                               .redirected = text,
                               .reply = text,
                               .relay = text,
                               .queue_id = text,
                               .child = text};
    struct record_group group = {.verdict = VERDICT_REJECT, .rule = text, .reason = text};
    struct record_result result = {
        .filter = text, .names = text, .action = text, .server = text, .reason = text};
    struct record record = {.id = text,
                            .step = 1,
                            .parent = text,
                            .kind = text,
                            .place_reason = text,
                            .listener = text,
                            .next_hop = text,
                            .queue_id = text,
                            .client_name = text,
                            .client = text,
                            .helo = text,
                            .from = text,
                            .message_id = text,
                            .subject = text,
                            .rcpts = &rcpt,
                            .rcpt_count = 1,
                            .groups = &group,
                            .group_count = 1,
                            .results = &result,
                            .result_count = 1};
    struct ledger_kit kit;

    start(&kit);
    kit_put(&kit, &record);
    kit_put(&kit, &record);
    kit_read(&kit, 0);
    CU_ASSERT_EQUAL_FATAL(kit.count, 1);
    CU_ASSERT_TRUE(sample_is_same(&kit.records[0], &record));
    kit_clear(&kit);
}

// Numbers that a signed one cannot hold are cut to what it can.
static void
test_large_numbers(void)
{
    struct record record = {
        .id = SPAN_LITERAL("m1"),
        .step = UINT64_MAX,
        .size = UINT64_MAX,
        .stage_us = {UINT64_MAX, 0, 0, 0, 5}
    };
    struct ledger_kit kit;

    start(&kit);
    kit_put(&kit, &record);
    kit_put(&kit, &record);
    CU_ASSERT_EQUAL(ledger_last_change(kit.ledger), 1);
    kit_read(&kit, 0);
    CU_ASSERT_EQUAL(kit.records[0].step, INT64_MAX);
    CU_ASSERT_EQUAL(kit.records[0].size, INT64_MAX);
    CU_ASSERT_EQUAL(kit.records[0].stage_us[0], INT64_MAX);
    kit_clear(&kit);
}

static const struct unit_test tests[] = {
    {"rows",          test_rows         },
    {"replaced rows", test_replaced_rows},
    {"a crowd",       test_crowd        },
    {"hostile texts", test_hostile_texts},
    {"large numbers", test_large_numbers},
};

UNIT_MAIN("track/ledger/ledger_put", tests)
