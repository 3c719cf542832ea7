// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger_read.h"

#include "tests/unit/track/ledger_kit.h"

struct stand {
    struct ledger_kit kit;
    struct ledger_reader *reader;
    struct ledger_stats stats;
};

static void
start(struct stand *stand)
{
    *stand = (struct stand){.reader = NULL};
    kit_init(&stand->kit);
    CU_ASSERT_TRUE_FATAL(kit_open(&stand->kit));
    stand->reader = ledger_reader_open(stand->kit.path, &stand->kit.err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stand->reader);
}

static void
stop(struct stand *stand)
{
    ledger_reader_close(&stand->reader);
    kit_clear(&stand->kit);
}

static void
read_stats(struct stand *stand, int64_t since_ms, int64_t until_ms)
{
    arena_clear(&stand->kit.arena);
    CU_ASSERT_EQUAL(ledger_stats_read(stand->reader, since_ms, until_ms, &stand->kit.arena,
                                      &stand->stats, &stand->kit.err),
                    0);
}

static void
test_nothing(void)
{
    struct stand stand;

    start(&stand);
    read_stats(&stand, 0, INT64_MAX);
    CU_ASSERT_EQUAL(stand.stats.messages + stand.stats.recipients + stand.stats.bytes, 0);
    CU_ASSERT_EQUAL(stand.stats.virus_count + stand.stats.sender_count, 0);
    CU_ASSERT_EQUAL(stand.stats.first_ms, 0);
    stop(&stand);
}

static void
test_sums(void)
{
    struct maillog_line line = {.at_ms = 1700000001000,
                                .queue_id = SPAN_LITERAL("4OUT1"),
                                .to = SPAN_LITERAL("carol@example.com"),
                                .status = MAILLOG_SENT};
    struct record_sample sample;
    const struct ledger_stats *stats;
    struct stand stand;

    start(&stand);
    stats = &stand.stats;
    sample_init(&sample, "a");
    kit_put(&stand.kit, &sample.record);
    kit_deliver(&stand.kit, &line);
    sample_init(&sample, "b");
    sample.record.arrived_ms += 1000;
    sample.record.result_count = 0;
    sample.record.group_count = 1; // dave is undecided then
    sample.rcpts[2].group = 1;
    sample.rcpts[2].status = RCPT_OPEN;
    sample.record.place = RECORD_WAITING;
    sample.record.from = SPAN_LITERAL("");
    memset(sample.record.stage_us, 0, sizeof(sample.record.stage_us));
    sample.record.stage_us[STAGE_SEND] = 7;
    sample.rcpts[0].queue_id = sample.rcpts[1].queue_id = SPAN_LITERAL("4OUT2");
    kit_put(&stand.kit, &sample.record);
    sample_init(&sample, "a.1");
    sample.record.parent = SPAN_LITERAL("a");
    kit_put(&stand.kit, &sample.record);

    read_stats(&stand, 0, INT64_MAX);
    CU_ASSERT_EQUAL(stats->messages, 2);
    CU_ASSERT_EQUAL(stats->recipients, 6);
    CU_ASSERT_EQUAL(stats->bytes, 10246);
    CU_ASSERT_EQUAL(stats->by_class[CLASS_VIRUS], 1);
    CU_ASSERT_EQUAL(stats->by_class[CLASS_CLEAN], 1);
    CU_ASSERT_EQUAL(stats->rcpts_by_status[STATUS_SENT], 1);
    CU_ASSERT_EQUAL(stats->rcpts_by_status[STATUS_REINJECTED], 3);
    CU_ASSERT_EQUAL(stats->rcpts_by_status[STATUS_QUARANTINED], 1);
    CU_ASSERT_EQUAL(stats->rcpts_by_status[STATUS_DEFERRED], 1);
    CU_ASSERT_EQUAL(stats->rcpts_by_verdict[VERDICT_REDIRECT], 4);
    CU_ASSERT_EQUAL(stats->rcpts_by_verdict[VERDICT_QUARANTINE], 1);
    CU_ASSERT_EQUAL(stats->rcpts_by_verdict[VERDICT_NONE], 1);
    CU_ASSERT_EQUAL(stats->stage_us[STAGE_RECEIVE], 100);
    CU_ASSERT_EQUAL(stats->stage_messages[STAGE_RECEIVE], 1);
    CU_ASSERT_EQUAL(stats->stage_us[STAGE_SEND], 507);
    CU_ASSERT_EQUAL(stats->stage_messages[STAGE_SEND], 2);
    CU_ASSERT_EQUAL(stats->first_ms, 1700000000123);
    CU_ASSERT_EQUAL(stats->last_ms, 1700000001123);
    CU_ASSERT_EQUAL_FATAL(stats->virus_count, 2);
    CU_ASSERT_TRUE(span_is(stats->viruses[0].text, "Eicar"));
    CU_ASSERT_TRUE(span_is(stats->viruses[1].text, "Other"));
    CU_ASSERT_EQUAL_FATAL(stats->rule_count, 2);
    CU_ASSERT_TRUE(span_is(stats->rules[0].text, "tag") && stats->rules[0].count == 2);
    CU_ASSERT_TRUE(span_is(stats->rules[1].text, "exe") && stats->rules[1].count == 1);
    CU_ASSERT_EQUAL_FATAL(stats->sender_count, 2);
    CU_ASSERT_TRUE(span_is(stats->senders[0].text, ""));
    CU_ASSERT_EQUAL_FATAL(stats->recipient_count, 3);
    CU_ASSERT_EQUAL(stats->recipients_top[0].count, 2);

    read_stats(&stand, 1700000000123, 1700000001123);
    CU_ASSERT_EQUAL(stats->messages, 1);
    CU_ASSERT_EQUAL(stats->last_ms, 1700000000123);
    read_stats(&stand, 1700000000124, 1700000001124);
    CU_ASSERT_EQUAL(stats->messages, 1);
    CU_ASSERT_EQUAL(stats->first_ms, 1700000001123);
    read_stats(&stand, 1700000001124, INT64_MAX);
    CU_ASSERT_EQUAL(stats->messages, 0);
    stop(&stand);
}

// More than one transaction reads, many of one moment among them.
static void
test_many(void)
{
    enum { MANY = 2600 };

    struct stand stand;

    start(&stand);
    kit_begin(&stand.kit);
    for (int i = 0; i < MANY; i++) {
        char id[24], from[24];
        struct record_group groups[2] = {{.rule = SPAN_LITERAL("tag")},
                                         {.rule = SPAN_LITERAL("tag")}};
        struct record record = {
            .step = 1, .arrived_ms = 1000 + i / 700, .size = 2, .groups = groups, .group_count = 2};

        snprintf(id, sizeof(id), "m%05d", (i * 7919) % MANY);
        snprintf(from, sizeof(from), "s%d", i % 20);
        record.id = span_of(id);
        record.from = span_of(from);
        CU_ASSERT_EQUAL(ledger_put_record(stand.kit.ledger, &record, &stand.kit.err), 0);
    }
    kit_commit(&stand.kit);
    read_stats(&stand, 1000, 1003);
    CU_ASSERT_EQUAL(stand.stats.messages, 2100);
    read_stats(&stand, 0, INT64_MAX);
    CU_ASSERT_EQUAL(stand.stats.messages, MANY);
    CU_ASSERT_EQUAL(stand.stats.bytes, (uint64_t)2 * MANY);
    CU_ASSERT_EQUAL(stand.stats.sender_count, LEDGER_TOP_MAX);
    CU_ASSERT_EQUAL(stand.stats.senders[0].count, MANY / 20);
    CU_ASSERT_EQUAL_FATAL(stand.stats.rule_count, 1);
    CU_ASSERT_EQUAL(stand.stats.rules[0].count, MANY);
    CU_ASSERT_EQUAL(stand.stats.last_ms, 1003);
    stop(&stand);
}

static void
test_no_room(void)
{
    struct record_sample sample;
    struct stand stand;
    struct arena arena;

    start(&stand);
    sample_init(&sample, "a");
    kit_put(&stand.kit, &sample.record);
    arena_init(&arena, 30);
    CU_ASSERT_EQUAL(
        ledger_stats_read(stand.reader, 0, INT64_MAX, &arena, &stand.stats, &stand.kit.err), -1);
    CU_ASSERT_EQUAL(stand.kit.err.kind, ERR_PERM);
    arena_clear(&arena);
    stop(&stand);
}

static const struct unit_test tests[] = {
    {"nothing", test_nothing},
    {"sums",    test_sums   },
    {"many",    test_many   },
    {"no room", test_no_room},
};

UNIT_MAIN("track/ledger/ledger_stats", tests)
