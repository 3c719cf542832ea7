// SPDX-License-Identifier: BSD-2-Clause
#include "track/record.h"

#include <math.h>

#include "base/mem.h"
#include "tests/unit/harness.h"
#include "tests/unit/track/record_sample.h"

enum { ARENA_MAX = 64 << 20 };

static void
write_sample(struct record_sample *sample, struct buf *out)
{
    buf_init(out, RECORD_SIZE_MAX);
    CU_ASSERT_EQUAL(record_write(&sample->record, out), 0);
}

static int
read_back(const struct record *record, struct arena *arena, struct buf *bytes,
          struct record *record_out)
{
    *record_out = (struct record){.score = NAN};
    buf_init(bytes, RECORD_SIZE_MAX);
    arena_init(arena, ARENA_MAX);
    if (record_write(record, bytes) != 0)
        return -2;
    return record_read(buf_span(bytes), arena, record_out);
}

static void
give_back(struct arena *arena, struct buf *bytes)
{
    arena_clear(arena);
    buf_clear(bytes);
}

static void
test_names(void)
{
    for (unsigned i = 0; i < RECORD_PLACE_COUNT; i++) {
        enum record_place place = (enum record_place)i;

        CU_ASSERT_EQUAL(record_place_find(span_of(record_place_name(place))), place);
    }
    CU_ASSERT_STRING_EQUAL(record_place_name(RECORD_QUARANTINE), "quarantine");
    CU_ASSERT_EQUAL(record_place_find(SPAN_LITERAL("corrupt")), RECORD_PLACE_COUNT);
    CU_ASSERT_EQUAL(record_place_find(SPAN_LITERAL("")), RECORD_PLACE_COUNT);
    CU_ASSERT_STRING_EQUAL(record_stage_name(STAGE_RECEIVE), "receive");
    CU_ASSERT_STRING_EQUAL(record_stage_name(STAGE_SEND), "send");
}

static void
check_head(const struct record *got, const struct record *want)
{
    CU_ASSERT_TRUE(span_equal(got->id, want->id));
    CU_ASSERT_TRUE(span_equal(got->parent, want->parent));
    CU_ASSERT_TRUE(span_equal(got->kind, want->kind));
    CU_ASSERT_EQUAL(got->step, want->step);
    CU_ASSERT_EQUAL(got->place, want->place);
    CU_ASSERT_TRUE(span_equal(got->place_reason, want->place_reason));
    CU_ASSERT_EQUAL(got->arrived_ms, want->arrived_ms);
    CU_ASSERT_EQUAL(got->told_ms, want->told_ms);
    CU_ASSERT_EQUAL(got->protocol, want->protocol);
    CU_ASSERT_EQUAL(got->handoff, want->handoff);
    CU_ASSERT_TRUE(span_equal(got->listener, want->listener));
    CU_ASSERT_TRUE(span_equal(got->next_hop, want->next_hop));
    CU_ASSERT_TRUE(span_equal(got->queue_id, want->queue_id));
    CU_ASSERT_TRUE(span_equal(got->client_name, want->client_name));
    CU_ASSERT_TRUE(span_equal(got->client, want->client));
    CU_ASSERT_TRUE(span_equal(got->helo, want->helo));
    CU_ASSERT_TRUE(span_equal(got->from, want->from));
    CU_ASSERT_TRUE(span_equal(got->message_id, want->message_id));
    CU_ASSERT_TRUE(span_equal(got->subject, want->subject));
    CU_ASSERT_EQUAL(got->size, want->size);
    CU_ASSERT_EQUAL(got->score, want->score);
    CU_ASSERT_EQUAL(memcmp(got->stage_us, want->stage_us, sizeof(got->stage_us)), 0);
    CU_ASSERT_EQUAL(got->is_looked, want->is_looked);
    CU_ASSERT_EQUAL(got->is_sent, want->is_sent);
}

static void
check_rcpt(const struct record_rcpt *got, const struct record_rcpt *want)
{
    CU_ASSERT_TRUE(span_equal(got->to, want->to));
    CU_ASSERT_TRUE(span_equal(got->redirected, want->redirected));
    CU_ASSERT_EQUAL(got->status, want->status);
    CU_ASSERT_EQUAL(got->at_ms, want->at_ms);
    CU_ASSERT_EQUAL(got->until_ms, want->until_ms);
    CU_ASSERT_EQUAL(got->tries, want->tries);
    CU_ASSERT_EQUAL(got->group, want->group);
    CU_ASSERT_EQUAL(got->code, want->code);
    CU_ASSERT_TRUE(span_equal(got->reply, want->reply));
    CU_ASSERT_TRUE(span_equal(got->relay, want->relay));
    CU_ASSERT_TRUE(span_equal(got->queue_id, want->queue_id));
    CU_ASSERT_TRUE(span_equal(got->child, want->child));
    CU_ASSERT_PTR_NULL(got->finals);
    CU_ASSERT_EQUAL(got->final_count, 0);
}

static void
check_result(const struct record_result *got, const struct record_result *want)
{
    CU_ASSERT_TRUE(span_equal(got->filter, want->filter));
    CU_ASSERT_EQUAL(got->kind, want->kind);
    CU_ASSERT_EQUAL(got->is_virus, want->is_virus);
    CU_ASSERT_EQUAL(got->has_score, want->has_score);
    CU_ASSERT_EQUAL(got->score, want->score);
    CU_ASSERT_EQUAL(got->required_score, want->required_score);
    CU_ASSERT_TRUE(span_equal(got->names, want->names));
    CU_ASSERT_TRUE(span_equal(got->action, want->action));
    CU_ASSERT_TRUE(span_equal(got->server, want->server));
    CU_ASSERT_TRUE(span_equal(got->reason, want->reason));
    CU_ASSERT_EQUAL(got->wish, want->wish);
    CU_ASSERT_EQUAL(got->took_us, want->took_us);
}

static void
check_lists(const struct record *got, const struct record *want)
{
    CU_ASSERT_EQUAL(got->rcpt_count, want->rcpt_count);
    for (size_t i = 0; i < got->rcpt_count && i < want->rcpt_count; i++)
        check_rcpt(&got->rcpts[i], &want->rcpts[i]);
    CU_ASSERT_EQUAL(got->group_count, want->group_count);
    for (size_t i = 0; i < got->group_count && i < want->group_count; i++) {
        CU_ASSERT_EQUAL(got->groups[i].verdict, want->groups[i].verdict);
        CU_ASSERT_TRUE(span_equal(got->groups[i].rule, want->groups[i].rule));
        CU_ASSERT_TRUE(span_equal(got->groups[i].reason, want->groups[i].reason));
        CU_ASSERT_EQUAL(got->groups[i].edits, want->groups[i].edits);
    }
    CU_ASSERT_EQUAL(got->result_count, want->result_count);
    for (size_t i = 0; i < got->result_count && i < want->result_count; i++)
        check_result(&got->results[i], &want->results[i]);
}

static void
test_round_trip(void)
{
    struct record_sample sample;
    struct record got;
    struct arena arena;
    struct buf bytes;

    sample_init(&sample, "4X2k9QzT7mB");
    sample.record.parent = SPAN_LITERAL("4X2k9QzT7mA");
    sample.record.kind = SPAN_LITERAL("bounce");
    CU_ASSERT_EQUAL(read_back(&sample.record, &arena, &bytes, &got), 0);
    check_head(&got, &sample.record);
    check_lists(&got, &sample.record);
    CU_ASSERT_TRUE(sample_is_same(&got, &sample.record));
    give_back(&arena, &bytes);
}

static void
test_bare(void)
{
    struct record bare = {.id = SPAN_LITERAL("4X2k9QzT7mB"), .score = NAN, .told_ms = -1};
    struct record got;
    struct arena arena;
    struct buf bytes;

    CU_ASSERT_EQUAL(read_back(&bare, &arena, &bytes, &got), 0);
    CU_ASSERT_TRUE(isnan(got.score));
    CU_ASSERT_EQUAL(got.told_ms, 0);
    CU_ASSERT_EQUAL(got.rcpt_count + got.group_count + got.result_count, 0);
    CU_ASSERT_EQUAL(arena.given, 0);
    give_back(&arena, &bytes);
}

// What a peer that was taken over may write.
static void
test_out_of_bounds(void)
{
    static const struct {
        const char *name;
        int answer;
        size_t offset; // in struct record; 0: in the lists
        uint64_t value;
    } rows[] = {
        {"nothing is wrong",  0,  offsetof(struct record, step),        INT64_MAX         },
        {"step",              -1, offsetof(struct record, step),        (uint64_t)1 << 63 },
        {"size",              -1, offsetof(struct record, size),        (uint64_t)1 << 63 },
        {"stage",             -1, offsetof(struct record, stage_us[4]), (uint64_t)1 << 63 },
        {"the last moment",   0,  offsetof(struct record, arrived_ms),  253402300799999   },
        {"arrived later",     -1, offsetof(struct record, arrived_ms),  253402300800000   },
        {"told later",        -1, offsetof(struct record, told_ms),     253402300800000   },
        {"infinite score",    -1, offsetof(struct record, score),       0x7ff0000000000000},
        {"score below all",   -1, offsetof(struct record, score),       0xfff0000000000000},
        {"score that is NaN", 0,  offsetof(struct record, score),       0x7ff8000000000001},
        {"no id",             -1, offsetof(struct record, id.len),      0                 },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct record_sample sample;
        struct record got;
        struct arena arena;
        struct buf bytes;

        sample_init(&sample, "4X2k9QzT7mB");
        memcpy((char *)&sample.record + rows[i].offset, &rows[i].value, sizeof(uint64_t));
        UNIT_CHECK_ROW(rows[i].name,
                       read_back(&sample.record, &arena, &bytes, &got) == rows[i].answer);
        if (rows[i].answer < 0)
            UNIT_CHECK_ROW(rows[i].name, got.id.len == 0 && got.rcpts == NULL);
        give_back(&arena, &bytes);
    }
}

static void
spoil(struct record_sample *sample, size_t row)
{
    unsigned *enums[] = {
        (unsigned *)&sample->record.place,      (unsigned *)&sample->record.protocol,
        (unsigned *)&sample->record.handoff,    (unsigned *)&sample->rcpts[0].status,
        (unsigned *)&sample->groups[1].verdict, (unsigned *)&sample->results[0].kind,
        (unsigned *)&sample->results[1].wish};
    static const unsigned limits[] = {
        RECORD_PLACE_COUNT,   SMTP_PROTOCOL_LMTP + 1, SMTP_HANDOFF_RELAY + 1, RCPT_DISCARDED + 1,
        VERDICT_REDIRECT + 1, RESULT_SKIPPED + 1,     WISH_DISCARD + 1};

    if (row < UNIT_COUNT(enums))
        *enums[row] = limits[row];
    else if (row == UNIT_COUNT(enums))
        sample->rcpts[2].group = 3;
    else if (row == UNIT_COUNT(enums) + 1)
        sample->rcpts[2].code = 1000;
    else if (row == UNIT_COUNT(enums) + 2)
        sample->results[1].score = NAN;
    else
        sample->results[1].required_score = INFINITY;
}

static void
test_bad_lists(void)
{
    for (size_t i = 0; i < 11; i++) {
        struct record_sample sample;
        struct record got;
        struct arena arena;
        struct buf bytes;

        sample_init(&sample, "4X2k9QzT7mB");
        spoil(&sample, i);
        CU_ASSERT_EQUAL(read_back(&sample.record, &arena, &bytes, &got), -1);
        CU_ASSERT_EQUAL(got.id.len, 0);
        give_back(&arena, &bytes);
    }
}

static void
test_cuts(void)
{
    struct record_sample sample;
    struct buf bytes;
    struct span left;

    sample_init(&sample, "4X2k9QzT7mB");
    write_sample(&sample, &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        char *cut = mem_strndup(bytes.data, len); // so that reading on is seen
        struct record got;
        struct arena arena;

        arena_init(&arena, ARENA_MAX);
        CU_ASSERT_EQUAL(record_read(span_from(cut, len), &arena, &got), -1);
        CU_ASSERT_EQUAL(got.id.len, 0);
        arena_clear(&arena);
        mem_free(&cut);
    }
    CU_ASSERT_EQUAL(buf_add_char(&bytes, '\0'), 0);
    left = buf_span(&bytes);
    {
        struct record got;
        struct arena arena;

        arena_init(&arena, ARENA_MAX);
        CU_ASSERT_EQUAL(record_read(left, &arena, &got), -1);
        arena_clear(&arena);
    }
    buf_clear(&bytes);
}

// Each byte with each value: what is believed can be written and read again, and is the same.
static void
test_any_byte(void)
{
    struct record_sample sample;
    struct buf bytes;
    size_t believed = 0;

    sample_init(&sample, "4X2k9QzT7mB");
    write_sample(&sample, &bytes);
    for (size_t i = 0; i < bytes.len; i++) {
        char was = bytes.data[i];

        for (int byte = 0; byte < 256; byte += 5) {
            struct record got, again;
            struct arena arena, other;
            struct buf out;

            bytes.data[i] = (char)byte;
            arena_init(&arena, ARENA_MAX);
            if (record_read(buf_span(&bytes), &arena, &got) == 0) {
                believed++;
                CU_ASSERT_EQUAL(read_back(&got, &other, &out, &again), 0);
                CU_ASSERT_TRUE(sample_is_same(&got, &again));
                give_back(&other, &out);
            }
            arena_clear(&arena);
        }
        bytes.data[i] = was;
    }
    CU_ASSERT_TRUE(believed > 0 && believed < bytes.len * 52);
    buf_clear(&bytes);
}

static void
test_no_room(void)
{
    struct record_sample sample;
    struct record got;
    struct arena arena;
    struct buf bytes, small;

    sample_init(&sample, "4X2k9QzT7mB");
    write_sample(&sample, &bytes);
    buf_init(&small, bytes.len + 5);
    CU_ASSERT_EQUAL(buf_add_text(&small, "before"), 0);
    CU_ASSERT_EQUAL(record_write(&sample.record, &small), -1);
    CU_ASSERT_TRUE(span_is(buf_span(&small), "before"));
    buf_clear(&small);
    arena_init(&arena, 100);
    CU_ASSERT_EQUAL(record_read(buf_span(&bytes), &arena, &got), -1);
    give_back(&arena, &bytes);
}

// A crowd shares what became of it; what is too large is refused in both directions.
static void
test_crowd(void)
{
    enum { CROWD = 60000 };

    struct record_sample sample;
    struct record got;
    struct arena arena;
    struct buf bytes, large;
    struct record_rcpt *rcpts = mem_zarray(CROWD, sizeof(rcpts[0]));

    sample_init(&sample, "4X2k9QzT7mB");
    for (size_t i = 0; i < CROWD; i++)
        rcpts[i] = sample.rcpts[1];
    rcpts[7] = sample.rcpts[2];
    sample.record.rcpts = rcpts;
    sample.record.rcpt_count = CROWD;
    CU_ASSERT_EQUAL(read_back(&sample.record, &arena, &bytes, &got), 0);
    CU_ASSERT_TRUE(bytes.len < (size_t)CROWD * 25);
    CU_ASSERT_EQUAL(got.rcpt_count, CROWD);
    CU_ASSERT_TRUE(span_equal(got.rcpts[CROWD - 1].queue_id, sample.rcpts[1].queue_id));
    CU_ASSERT_TRUE(span_equal(got.rcpts[7].child, sample.rcpts[2].child));
    CU_ASSERT_EQUAL(got.rcpts[8].status, RCPT_SENT);
    give_back(&arena, &bytes);

    for (size_t i = 0; i < CROWD; i++)
        rcpts[i].tries = (uint32_t)i;
    buf_init(&large, SIZE_MAX / 4);
    CU_ASSERT_EQUAL(record_write(&sample.record, &large), -1);
    CU_ASSERT_EQUAL(large.len, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(buf_space(&large, RECORD_SIZE_MAX + 1));
    memset(large.data, 0, RECORD_SIZE_MAX + 1);
    arena_init(&arena, ARENA_MAX);
    CU_ASSERT_EQUAL(record_read(span_from(large.data, RECORD_SIZE_MAX + 1), &arena, &got), -1);
    give_back(&arena, &large);
    mem_free(&rcpts);
}

static const struct unit_test tests[] = {
    {"names",            test_names        },
    {"round trip",       test_round_trip   },
    {"bare",             test_bare         },
    {"out of bounds",    test_out_of_bounds},
    {"bad lists",        test_bad_lists    },
    {"cut anywhere",     test_cuts         },
    {"any byte changed", test_any_byte     },
    {"no room",          test_no_room      },
    {"a crowd",          test_crowd        },
};

UNIT_MAIN("track/record", tests)
