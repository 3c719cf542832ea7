// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/teller.h"

#include "base/mem.h"
#include "tests/unit/harness.h"
#include "tests/unit/spool/sample.h"
#include "tests/unit/src/job/hearing.h"

enum { NOW = 5000 };

struct message {
    struct smtp_envelope envelope;
    struct spool_state state;
    struct arena arena;
    struct record record;
};

static void
describe(struct message *message, size_t rcpts, const char *const *journal,
         const struct teller_moment *moment)
{
    sample_envelope(&message->envelope, rcpts);
    state_init(&message->state, rcpts);
    sample_apply(&message->state, journal);
    arena_init(&message->arena, 64 << 20);
    CU_ASSERT_FATAL(teller_describe(&message->envelope, &message->state, moment, &message->arena,
                                    &message->record) == 0);
}

static void
forget(struct message *message)
{
    arena_clear(&message->arena);
    state_clear(&message->state);
    envelope_clear(&message->envelope);
}

static const char *const sent[] = {"found message_id=<1@a> subject=hi",
                                   "result filter=a result=hit virus=1 took=7 name=Eicar",
                                   "decided g=0 verdict=accept rule=tag r=0-1",
                                   "sent r=0 relay=127.0.0.1:25 code=250 qid=4Zb1yn0QZrzB", NULL};

// What goes in comes out at the other end: the moment's part, and a little of each of the others.
static void
test_moment(void)
{
    struct teller_moment moment = {
        .place = RECORD_WAITING,
        .place_reason = "of its own",
        .now_ms = NOW,
        .size = 4096,
        .stage_us = {1, 2, 3, 4, 5},
        .is_looked = true,
        .is_sent = true
    };
    struct message message;
    struct hearing heard;
    const struct record *record = &heard.record;

    hearing_init(&heard);
    describe(&message, 2, sent, &moment);
    teller_tell(&heard.teller, &message.record);
    CU_ASSERT_FATAL(hearing_next(&heard) == RECORD_MESSAGE);
    CU_ASSERT(span_is(record->id, sample_id));
    CU_ASSERT_EQUAL(record->place, RECORD_WAITING);
    CU_ASSERT(span_is(record->place_reason, "of its own"));
    CU_ASSERT_EQUAL(record->told_ms, NOW);
    CU_ASSERT_EQUAL(record->size, 4096);
    for (size_t i = 0; i < STAGE_COUNT; i++)
        CU_ASSERT_EQUAL(record->stage_us[i], i + 1);
    CU_ASSERT(record->is_looked && record->is_sent);
    CU_ASSERT(span_is(record->message_id, "<1@a>"));
    CU_ASSERT_FATAL(record->result_count == 1 && record->group_count == 1);
    CU_ASSERT(span_is(record->results[0].names, "Eicar"));
    CU_ASSERT(span_is(record->groups[0].rule, "tag"));
    CU_ASSERT_FATAL(record->rcpt_count == 2);
    CU_ASSERT(span_is(record->rcpts[0].queue_id, "4Zb1yn0QZrzB"));
    CU_ASSERT_EQUAL(record->rcpts[1].status, RCPT_OPEN);
    CU_ASSERT_EQUAL(hearing_next(&heard), 0);
    forget(&message);
    hearing_clear(&heard);
}

// Held: the journal's reason is told where the moment has none.
static void
test_reason(void)
{
    static const char *const held[] = {"held reason=journal", NULL};
    struct teller_moment moment = {.place = RECORD_HOLD};
    struct message message;

    describe(&message, 1, held, &moment);
    CU_ASSERT(span_is(message.record.place_reason, "journal"));
    CU_ASSERT(!message.record.is_looked && !message.record.is_sent);
    forget(&message);
}

// Of two moments in a message's life the later one has the higher step.
static void
test_steps(void)
{
    static const struct {
        const char *name;
        size_t lines; // of `sent`
        enum record_place place;
    } rows[] = {
        {"begun",                 0, RECORD_ACTIVE },
        {"too busy for it",       0, RECORD_WAITING},
        {"the client left",       0, RECORD_LEFT   },
        {"a line of its journal", 1, RECORD_ACTIVE },
        {"two more",              3, RECORD_ACTIVE },
        {"put aside",             3, RECORD_HOLD   },
        {"sent",                  4, RECORD_DONE   },
    };

    uint64_t last = 0;

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const char *lines[UNIT_COUNT(sent)] = {NULL};
        struct teller_moment moment = {.place = rows[i].place};
        struct message message;

        memcpy(lines, sent, rows[i].lines * sizeof lines[0]);
        describe(&message, 2, lines, &moment);
        UNIT_CHECK_ROW(rows[i].name, message.record.step > last);
        last = message.record.step;
        forget(&message);
    }
}

static void
test_nobody(void)
{
    struct vitals vitals = {.pid = 7};
    struct teller_moment moment = {.place = RECORD_DONE};
    struct message message;
    struct teller teller;

    teller_init(&teller, NULL, 3);
    describe(&message, 2, sent, &moment);
    teller_tell(&teller, &message.record);
    teller_tell_vitals(&teller, &vitals);
    CU_ASSERT_EQUAL(teller.payload.len, 0);
    teller_clear(&teller);
    forget(&message);
}

// Nobody reads: what comes on top is counted, what was told stays, and later there is room again.
static void
test_full(void)
{
    struct teller_moment moment = {.place = RECORD_DONE};
    struct message message;
    struct hearing heard;
    size_t told = 0;

    hearing_init(&heard);
    describe(&message, 2, sent, &moment);
    while (ring_dropped(heard.rings, 1) == 0 && told < 10000) {
        teller_tell(&heard.teller, &message.record);
        told++;
    }
    teller_tell(&heard.teller, &message.record);
    CU_ASSERT(told > 10 && told < 10000);
    CU_ASSERT_EQUAL(ring_dropped(heard.rings, 1), 2);
    for (size_t i = 0; i < told - 1; i++)
        CU_ASSERT_FATAL(hearing_next(&heard) == RECORD_MESSAGE);
    CU_ASSERT_EQUAL(hearing_next(&heard), 0);
    teller_tell(&heard.teller, &message.record);
    CU_ASSERT_EQUAL(hearing_next(&heard), RECORD_MESSAGE);
    CU_ASSERT_EQUAL(ring_dropped(heard.rings, 1), 2);
    forget(&message);
    hearing_clear(&heard);
}

// It is said in the log, and the next one is told.
static void
test_too_large(void)
{
    struct teller_moment moment = {.place = RECORD_DONE};
    char *much = mem_zalloc(RECORD_SIZE_MAX);
    struct message message;
    struct hearing heard;

    hearing_init(&heard);
    describe(&message, 1, sent, &moment);
    message.record.subject = span_from(much, RECORD_SIZE_MAX);
    teller_tell(&heard.teller, &message.record);
    CU_ASSERT_EQUAL(hearing_next(&heard), 0);
    message.record.subject = span_of("hi");
    teller_tell(&heard.teller, &message.record);
    CU_ASSERT_EQUAL(hearing_next(&heard), RECORD_MESSAGE);
    CU_ASSERT(heard.teller.payload.size <= 64 << 10);
    mem_free(&much);
    forget(&message);
    hearing_clear(&heard);
}

// What a crowd takes is given back.
static void
test_crowd(void)
{
    enum { CROWD = 2000 };

    static const char *const journal[] = {"decided g=0 verdict=accept r=0-1999",
                                          "deferred r=0-1999 relay=127.0.0.1:25 code=450", NULL};
    struct teller_moment moment = {.place = RECORD_WAITING};
    struct message message;
    struct hearing heard;

    hearing_init(&heard);
    describe(&message, CROWD, journal, &moment);
    teller_tell(&heard.teller, &message.record);
    CU_ASSERT_FATAL(hearing_next(&heard) == RECORD_MESSAGE);
    CU_ASSERT_FATAL(heard.record.rcpt_count == CROWD);
    CU_ASSERT(span_is(heard.record.rcpts[CROWD - 1].to, "r1999@example.com"));
    CU_ASSERT(span_is(heard.record.rcpts[CROWD - 1].relay, "127.0.0.1:25"));
    CU_ASSERT(heard.teller.payload.size <= 64 << 10);
    forget(&message);
    hearing_clear(&heard);
}

// By its file alone: as it lies there.
static void
test_left(void)
{
    static const char *const held[] = {"deferred r=0 relay=127.0.0.1:25", "held reason=journal",
                                       NULL};
    struct reader_message file = {.seal.len = 4096};
    struct hearing heard;

    hearing_init(&heard);
    sample_envelope(&file.envelope, 1);
    state_init(&file.state, 1);
    sample_apply(&file.state, held);
    teller_tell_left(&heard.teller, &file, RECORD_HOLD, NOW);
    CU_ASSERT_FATAL(hearing_next(&heard) == RECORD_MESSAGE);
    CU_ASSERT(span_is(heard.record.id, sample_id));
    CU_ASSERT_EQUAL(heard.record.place, RECORD_HOLD);
    CU_ASSERT(span_is(heard.record.place_reason, "journal"));
    CU_ASSERT_EQUAL(heard.record.size, 4096);
    CU_ASSERT_EQUAL(heard.record.told_ms, NOW);
    CU_ASSERT_EQUAL(heard.record.rcpts[0].status, RCPT_DEFERRED);
    CU_ASSERT(!heard.record.is_looked && !heard.record.is_sent);
    reader_message_clear(&file);
    hearing_clear(&heard);
}

static void
test_vitals(void)
{
    struct vitals_server server = {.owner = SPAN_LITERAL("clamav"), .is_up = true};
    struct vitals vitals = {.pid = 7, .jobs = 3, .servers = &server, .server_count = 1};
    struct hearing heard;

    hearing_init(&heard);
    teller_tell_vitals(&heard.teller, &vitals);
    CU_ASSERT_FATAL(hearing_next(&heard) == RECORD_VITALS);
    CU_ASSERT_EQUAL(heard.vitals.pid, 7);
    CU_ASSERT_EQUAL(heard.vitals.jobs, 3);
    CU_ASSERT_FATAL(heard.vitals.server_count == 1);
    CU_ASSERT(span_is(heard.vitals.servers[0].owner, "clamav"));
    hearing_clear(&heard);
}

static const struct unit_test tests[] = {
    {"moment",    test_moment   },
    {"reason",    test_reason   },
    {"steps",     test_steps    },
    {"nobody",    test_nobody   },
    {"full",      test_full     },
    {"too large", test_too_large},
    {"crowd",     test_crowd    },
    {"left",      test_left     },
    {"vitals",    test_vitals   },
};

UNIT_MAIN("src/job/teller", tests)
