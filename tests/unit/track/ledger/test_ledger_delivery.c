// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger.h"

#include "tests/unit/track/ledger_kit.h"
#include "track/status.h"

static const int64_t day_ms = 86400000;

// One recipient, who left with a queue id at a time.
static void
put_sent(struct ledger_kit *kit, const char *id, const char *queue_id, int64_t at_ms)
{
    struct record_rcpt rcpt = {.to = SPAN_LITERAL("bob@example.com"),
                               .status = RCPT_SENT,
                               .at_ms = at_ms,
                               .queue_id = span_of(queue_id)};
    struct record record = {.id = span_of(id),
                            .step = 1,
                            .place = RECORD_DONE,
                            .arrived_ms = at_ms > 0 ? at_ms - 100 : 5 * day_ms,
                            .told_ms = at_ms,
                            .queue_id = SPAN_LITERAL("4IN1"),
                            .rcpts = &rcpt,
                            .rcpt_count = 1};

    kit_put(kit, &record);
}

static struct maillog_line
line_of(const char *queue_id, enum maillog_status status, int64_t at_ms)
{
    return (struct maillog_line){.at_ms = at_ms,
                                 .service = SPAN_LITERAL("smtp"),
                                 .queue_id = span_of(queue_id),
                                 .to = SPAN_LITERAL("bob@example.com"),
                                 .relay = SPAN_LITERAL("mx.example.com[192.0.2.9]:25"),
                                 .dsn = SPAN_LITERAL("2.0.0"),
                                 .status = status,
                                 .text = SPAN_LITERAL("250 2.0.0 Ok")};
}

static void
deliver(struct ledger_kit *kit, const char *queue_id, enum maillog_status status, int64_t at_ms)
{
    struct maillog_line line = line_of(queue_id, status, at_ms);

    kit_deliver(kit, &line);
}

static enum track_status
status_now(struct ledger_kit *kit, const char *id)
{
    const struct record *record = kit_get(kit, id);

    return record == NULL ? STATUS_COUNT : status_of_message(record);
}

static void
start(struct ledger_kit *kit)
{
    kit_init(kit);
    CU_ASSERT_TRUE_FATAL(kit_open(kit));
}

static void
test_one(void)
{
    struct ledger_kit kit;
    const struct record_final *final;

    start(&kit);
    deliver(&kit, "4OUT1", MAILLOG_SENT, 10 * day_ms);
    CU_ASSERT_FALSE(kit.is_known);
    put_sent(&kit, "m1", "4OUT1", 10 * day_ms);
    CU_ASSERT_EQUAL(status_now(&kit, "m1"), STATUS_REINJECTED);
    deliver(&kit, "4OUT1", MAILLOG_SENT, 10 * day_ms + 700);
    CU_ASSERT_TRUE(kit.is_known);
    CU_ASSERT_EQUAL(ledger_last_change(kit.ledger), 2);
    kit_read(&kit, 1);
    CU_ASSERT_EQUAL_FATAL(kit.count, 1);
    CU_ASSERT_EQUAL_FATAL(kit.records[0].rcpts[0].final_count, 1);
    final = &kit.records[0].rcpts[0].finals[0];
    CU_ASSERT_EQUAL(final->status, STATUS_SENT);
    CU_ASSERT_EQUAL(final->at_ms, 10 * day_ms + 700);
    CU_ASSERT_TRUE(span_is(final->to, ""));
    CU_ASSERT_TRUE(span_is(final->relay, "mx.example.com[192.0.2.9]:25"));
    CU_ASSERT_TRUE(span_is(final->dsn, "2.0.0"));
    CU_ASSERT_TRUE(span_is(final->reply, "250 2.0.0 Ok"));
    kit_clear(&kit);
}

// What replaces what: first, then second, as they come.
static void
test_order(void)
{
    static const struct {
        const char *name;
        enum maillog_status first, second;
        int later_ms;
        uint64_t changes;
        bool is_known;
        enum track_status expected;
    } rows[] = {
        {"the same again",  MAILLOG_DEFERRED, MAILLOG_DEFERRED, 0,    1, true,  STATUS_DEFERRED},
        {"once more",       MAILLOG_DEFERRED, MAILLOG_DEFERRED, 1,    2, true,  STATUS_DEFERRED},
        {"before it",       MAILLOG_DEFERRED, MAILLOG_DEFERRED, -1,   1, true,  STATUS_DEFERRED},
        {"then sent",       MAILLOG_DEFERRED, MAILLOG_SENT,     1000, 2, true,  STATUS_SENT    },
        {"within a second", MAILLOG_DEFERRED, MAILLOG_SENT,     0,    2, true,  STATUS_SENT    },
        {"clock set back",  MAILLOG_DEFERRED, MAILLOG_SENT,     -90,  2, true,  STATUS_SENT    },
        {"then bounced",    MAILLOG_DEFERRED, MAILLOG_BOUNCED,  1000, 2, true,  STATUS_BOUNCED },
        {"read twice",      MAILLOG_SENT,     MAILLOG_SENT,     0,    1, true,  STATUS_SENT    },
        {"sent is sent",    MAILLOG_SENT,     MAILLOG_DEFERRED, 1000, 1, true,  STATUS_SENT    },
        {"then it bounced", MAILLOG_SENT,     MAILLOG_BOUNCED,  1000, 1, true,  STATUS_SENT    },
        {"it bounced",      MAILLOG_BOUNCED,  MAILLOG_SENT,     1000, 1, true,  STATUS_BOUNCED },
        {"it has expired",  MAILLOG_EXPIRED,  MAILLOG_SENT,     1000, 1, true,  STATUS_EXPIRED },
        {"another one's",   MAILLOG_SENT,     MAILLOG_DEFERRED, 6000, 1, false, STATUS_SENT    },
        {"and sent",        MAILLOG_BOUNCED,  MAILLOG_SENT,     6000, 1, false, STATUS_BOUNCED },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct ledger_kit kit;

        start(&kit);
        put_sent(&kit, "m1", "4OUT1", 10 * day_ms);
        deliver(&kit, "4OUT1", rows[i].first, 10 * day_ms + 5000);
        deliver(&kit, "4OUT1", rows[i].second, 10 * day_ms + 5000 + rows[i].later_ms);
        UNIT_CHECK_ROW(rows[i].name, kit.is_known == rows[i].is_known);
        UNIT_CHECK_ROW(rows[i].name, ledger_last_change(kit.ledger) == 1 + rows[i].changes);
        UNIT_CHECK_ROW(rows[i].name, status_now(&kit, "m1") == rows[i].expected);
        kit_clear(&kit);
    }
}

// A later record does not take Postfix's word away.
static void
test_record_after_it(void)
{
    struct ledger_kit kit;
    struct record record;

    start(&kit);
    put_sent(&kit, "m1", "4OUT1", 10 * day_ms);
    deliver(&kit, "4OUT1", MAILLOG_BOUNCED, 10 * day_ms + 5000);
    record = *kit_get(&kit, "m1");
    record.step = 2;
    kit_put(&kit, &record);
    CU_ASSERT_EQUAL(status_now(&kit, "m1"), STATUS_BOUNCED);
    kit_clear(&kit);
}

static void
test_expired(void)
{
    struct ledger_kit kit;
    struct maillog_line line = line_of("4OUT1", MAILLOG_EXPIRED, 15 * day_ms);

    start(&kit);
    put_sent(&kit, "m1", "4OUT1", 10 * day_ms);
    deliver(&kit, "4OUT1", MAILLOG_DEFERRED, 10 * day_ms + 5000);
    line.to = SPAN_LITERAL("");
    line.text = SPAN_LITERAL("returned to sender");
    kit_deliver(&kit, &line);
    CU_ASSERT_TRUE(kit.is_known);
    CU_ASSERT_EQUAL(status_now(&kit, "m1"), STATUS_EXPIRED);
    kit_deliver(&kit, &line);
    CU_ASSERT_EQUAL(ledger_last_change(kit.ledger), 3);
    kit_clear(&kit);
}

static void
test_alias(void)
{
    struct ledger_kit kit;
    struct maillog_line line = line_of("4OUT1", MAILLOG_SENT, 10 * day_ms);
    const struct record_rcpt *rcpt;

    start(&kit);
    put_sent(&kit, "m1", "4OUT1", 10 * day_ms);
    line.orig_to = line.to;
    line.to = SPAN_LITERAL("ann@example.net");
    kit_deliver(&kit, &line);
    line.to = SPAN_LITERAL("ben@example.net");
    line.status = MAILLOG_DEFERRED;
    kit_deliver(&kit, &line);
    CU_ASSERT_EQUAL(status_now(&kit, "m1"), STATUS_DEFERRED);
    rcpt = &kit_get(&kit, "m1")->rcpts[0];
    CU_ASSERT_EQUAL_FATAL(rcpt->final_count, 2);
    CU_ASSERT_TRUE(span_is(rcpt->finals[0].to, "ann@example.net"));
    CU_ASSERT_TRUE(span_is(rcpt->finals[1].to, "ben@example.net"));
    kit_clear(&kit);
}

// How far from its record's time a line may be.
static void
test_days(void)
{
    static const struct {
        const char *name;
        int64_t sent_ms, line_ms;
        bool is_known;
    } rows[] = {
        {"the same moment",        100 * 86400000LL,        100 * 86400000LL,        true },
        {"across midnight",        100 * 86400000LL - 1,    100 * 86400000LL + 1,    true },
        {"by a clock behind ours", 100 * 86400000LL + 1000, 100 * 86400000LL - 1000, true },
        {"a day before",           100 * 86400000LL,        99 * 86400000LL,         true },
        {"two days before",        100 * 86400000LL,        98 * 86400000LL,         false},
        {"30 days later",          100 * 86400000LL,        130 * 86400000LL,        true },
        {"40 days later",          100 * 86400000LL,        140 * 86400000LL,        true },
        {"41 days later",          100 * 86400000LL,        141 * 86400000LL,        false},
        {"no time in the record",  0,                       6 * 86400000LL,          true },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct ledger_kit kit;

        start(&kit);
        put_sent(&kit, "m1", "4OUT1", rows[i].sent_ms);
        deliver(&kit, "4OUT1", MAILLOG_SENT, rows[i].line_ms);
        UNIT_CHECK_ROW(rows[i].name, kit.is_known == rows[i].is_known);
        UNIT_CHECK_ROW(rows[i].name, status_now(&kit, "m1") ==
                                         (rows[i].is_known ? STATUS_SENT : STATUS_REINJECTED));
        kit_clear(&kit);
    }
}

// Short queue ids come again: it was the last message that had it when the line was written.
static void
test_queue_id_comes_again(void)
{
    static const struct {
        const char *name;
        int64_t line_ms;
        const char *id;
    } rows[] = {
        {"of the second",         100 * 86400000LL + 60000,  "m2"},
        {"of the first",          100 * 86400000LL + 20000,  "m1"},
        {"of the second, barely", 100 * 86400000LL + 29000,  "m2"},
        {"of the third",          102 * 86400000LL + 30000,  "m3"},
        {"of the second, a day",  101 * 86400000LL + 60000,  "m2"},
        {"before all of them",    100 * 86400000LL - 600000, "m2"},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct ledger_kit kit;

        start(&kit);
        put_sent(&kit, "m1", "3F21A12345", 100 * day_ms);
        put_sent(&kit, "m2", "3F21A12345", 100 * day_ms + 30000);
        put_sent(&kit, "m3", "3F21A12345", 102 * day_ms);
        deliver(&kit, "3F21A12345", MAILLOG_SENT, rows[i].line_ms);
        UNIT_CHECK_ROW(rows[i].name, kit.is_known);
        for (int k = 1; k <= 3; k++) {
            char id[8];

            snprintf(id, sizeof(id), "m%d", k);
            UNIT_CHECK_ROW(rows[i].name,
                           (status_now(&kit, id) == STATUS_SENT) == (strcmp(id, rows[i].id) == 0));
        }
        kit_clear(&kit);
    }
}

// The line of the queue id in says that we have it: known, and nothing new.
static void
test_queue_id_in(void)
{
    struct ledger_kit kit;

    start(&kit);
    put_sent(&kit, "m1", "4OUT1", 10 * day_ms);
    deliver(&kit, "4IN1", MAILLOG_SENT, 10 * day_ms + 5);
    CU_ASSERT_TRUE(kit.is_known);
    CU_ASSERT_EQUAL(ledger_last_change(kit.ledger), 1);
    deliver(&kit, "4IN2", MAILLOG_SENT, 10 * day_ms + 5);
    CU_ASSERT_FALSE(kit.is_known);
    deliver(&kit, "", MAILLOG_SENT, 10 * day_ms + 5);
    CU_ASSERT_FALSE(kit.is_known);
    CU_ASSERT_EQUAL(status_now(&kit, "m1"), STATUS_REINJECTED);
    kit_clear(&kit);
}

// What came in to us a second time with the queue id that we gave it up with is of both.
static void
test_out_before_in(void)
{
    struct ledger_kit kit;

    start(&kit);
    put_sent(&kit, "m1", "4IN1", 10 * day_ms);
    put_sent(&kit, "m2", "4OUT2", 10 * day_ms + 5000);
    deliver(&kit, "4IN1", MAILLOG_SENT, 10 * day_ms + 6000);
    CU_ASSERT_TRUE(kit.is_known);
    CU_ASSERT_EQUAL(status_now(&kit, "m1"), STATUS_SENT);
    CU_ASSERT_EQUAL(status_now(&kit, "m2"), STATUS_REINJECTED);
    kit_clear(&kit);
}

static void
test_two_queue_ids(void)
{
    struct record_rcpt rcpts[] = {
        {.to = SPAN_LITERAL("bob@example.com"),   .status = RCPT_SENT, .queue_id = {"4OUT1", 5}},
        {.to = SPAN_LITERAL("carol@example.com"), .status = RCPT_SENT, .queue_id = {"4OUT2", 5}},
        {.to = SPAN_LITERAL("dave@example.com"),  .status = RCPT_SENT, .queue_id = {"4OUT1", 5}}
    };
    struct record record = {.id = SPAN_LITERAL("m1"),
                            .step = 1,
                            .arrived_ms = 10 * day_ms,
                            .rcpts = rcpts,
                            .rcpt_count = 3};
    struct ledger_kit kit;
    const struct record *got;

    start(&kit);
    kit_put(&kit, &record);
    deliver(&kit, "4OUT1", MAILLOG_SENT, 10 * day_ms + 5);
    deliver(&kit, "4OUT2", MAILLOG_BOUNCED, 10 * day_ms + 5);
    got = kit_get(&kit, "m1");
    CU_ASSERT_EQUAL(status_of_queue_id(got, SPAN_LITERAL("4OUT1")), STATUS_REINJECTED);
    CU_ASSERT_EQUAL(status_of_rcpt(got, &got->rcpts[0]), STATUS_SENT);
    CU_ASSERT_EQUAL(status_of_rcpt(got, &got->rcpts[1]), STATUS_BOUNCED);
    CU_ASSERT_EQUAL(status_of_rcpt(got, &got->rcpts[2]), STATUS_REINJECTED);
    kit_clear(&kit);
}

// A recipient of whom nothing was said yet, when the queue id may be another message's by now.
static void
test_first_word_late(void)
{
    static const struct {
        const char *name;
        enum maillog_status first; // of the one recipient
        const char *to;
        int64_t later_ms;
        bool is_known;
    } rows[] = {
        {"an alias of his",         MAILLOG_SENT,     "ann@example.net", 60000,   true },
        {"much later, he is final", MAILLOG_SENT,     "ann@example.net", 3600000, false},
        {"much later, he is not",   MAILLOG_DEFERRED, "ann@example.net", 3600000, true },
        {"all have expired, later", MAILLOG_SENT,     "",                3600000, false},
        {"he is open, all expire",  MAILLOG_DEFERRED, "",                3600000, true },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct ledger_kit kit;
        struct maillog_line line =
            line_of("3F21A12345", MAILLOG_BOUNCED, 10 * day_ms + rows[i].later_ms);

        start(&kit);
        put_sent(&kit, "m1", "3F21A12345", 10 * day_ms);
        deliver(&kit, "3F21A12345", rows[i].first, 10 * day_ms + 1000);
        line.to = span_of(rows[i].to);
        kit_deliver(&kit, &line);
        UNIT_CHECK_ROW(rows[i].name, kit.is_known == rows[i].is_known);
        UNIT_CHECK_ROW(rows[i].name, ledger_last_change(kit.ledger) == (rows[i].is_known ? 3 : 2));
        kit_clear(&kit);
    }
}

// In a crowd nobody counts who is open: all that is said of it is believed.
static void
test_crowd(void)
{
    enum { CROWD = 1001 };

    struct record_rcpt *rcpts = mem_zarray(CROWD, sizeof(rcpts[0]));
    struct record record = {.id = SPAN_LITERAL("m1"),
                            .step = 1,
                            .arrived_ms = 10 * day_ms,
                            .rcpts = rcpts,
                            .rcpt_count = CROWD};
    struct maillog_line line = line_of("4OUT1", MAILLOG_SENT, 11 * day_ms);
    struct ledger_kit kit;

    for (size_t i = 0; i < CROWD; i++) {
        rcpts[i].to = SPAN_LITERAL("x");
        rcpts[i].status = RCPT_SENT;
        rcpts[i].queue_id = SPAN_LITERAL("4OUT2");
    }
    rcpts[CROWD - 1].queue_id = line.queue_id;
    start(&kit);
    kit_put(&kit, &record);
    deliver(&kit, "4OUT1", MAILLOG_SENT, 10 * day_ms);
    line.to = SPAN_LITERAL("ann@example.net");
    kit_deliver(&kit, &line);
    CU_ASSERT_TRUE(kit.is_known);
    CU_ASSERT_EQUAL(kit_get(&kit, "m1")->rcpts[CROWD - 1].final_count, 2);
    mem_free(&rcpts);
    kit_clear(&kit);
}

// Two of ours are aliases of one: he is told of twice, and both have their word.
static void
test_two_aliases_of_one(void)
{
    struct record_rcpt rcpts[] = {
        {.to = SPAN_LITERAL("info@example.com"),  .status = RCPT_SENT, .queue_id = {"4OUT1", 5}},
        {.to = SPAN_LITERAL("sales@example.com"), .status = RCPT_SENT, .queue_id = {"4OUT1", 5}}
    };
    struct record record = {.id = SPAN_LITERAL("m1"),
                            .step = 1,
                            .arrived_ms = 10 * day_ms,
                            .rcpts = rcpts,
                            .rcpt_count = 2};
    struct maillog_line line = line_of("4OUT1", MAILLOG_SENT, 10 * day_ms);
    struct ledger_kit kit;
    const struct record *got;

    start(&kit);
    kit_put(&kit, &record);
    line.to = SPAN_LITERAL("ann@example.net");
    line.orig_to = rcpts[0].to;
    kit_deliver(&kit, &line);
    line.orig_to = rcpts[1].to;
    line.status = MAILLOG_BOUNCED;
    kit_deliver(&kit, &line);
    got = kit_get(&kit, "m1");
    CU_ASSERT_EQUAL(status_of_rcpt(got, &got->rcpts[0]), STATUS_SENT);
    CU_ASSERT_EQUAL(status_of_rcpt(got, &got->rcpts[1]), STATUS_BOUNCED);
    kit_clear(&kit);
}

static void
test_long_texts(void)
{
    char text[8000];
    struct ledger_kit kit;
    struct maillog_line line = line_of("4OUT1", MAILLOG_SENT, 10 * day_ms);
    const struct record_rcpt *rcpt;

    memset(text, 'x', sizeof(text));
    start(&kit);
    put_sent(&kit, "m1", "4OUT1", 10 * day_ms);
    line.text = line.relay = line.dsn = line.orig_to = line.to = span_from(text, sizeof(text));
    kit_deliver(&kit, &line);
    kit_deliver(&kit, &line);
    rcpt = &kit_get(&kit, "m1")->rcpts[0];
    CU_ASSERT_EQUAL_FATAL(rcpt->final_count, 1);
    CU_ASSERT_EQUAL(rcpt->finals[0].reply.len, RECORD_TEXT_MAX);
    CU_ASSERT_TRUE(rcpt->finals[0].to.len <= 1000);
    kit_clear(&kit);
}

static const struct unit_test tests[] = {
    {"one",                    test_one                 },
    {"what replaces what",     test_order               },
    {"a record after it",      test_record_after_it     },
    {"expired",                test_expired             },
    {"alias",                  test_alias               },
    {"days",                   test_days                },
    {"a queue id comes again", test_queue_id_comes_again},
    {"queue id in",            test_queue_id_in         },
    {"out before in",          test_out_before_in       },
    {"two queue ids",          test_two_queue_ids       },
    {"first word late",        test_first_word_late     },
    {"a crowd",                test_crowd               },
    {"two aliases of one",     test_two_aliases_of_one  },
    {"long texts",             test_long_texts          },
};

UNIT_MAIN("track/ledger/ledger_delivery", tests)
