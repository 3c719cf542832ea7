// SPDX-License-Identifier: BSD-2-Clause
#include "track/redis/keys.h"

#include <math.h>

#include "base/mem.h"
#include "tests/unit/harness.h"
#include "track/status.h"

struct fixture {
    struct redis_settings settings;
    struct record record;
    struct record_rcpt rcpts[3];
    struct record_group groups[2];
    struct record_final final;
    struct record_result result;
    struct arena arena;
    struct keys keys;
    struct buf text;
};

static void
set_up(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    setting_defaults(redis_rows, redis_row_count, &f->settings);
    f->record = (struct record){
        .id = SPAN_LITERAL("4X2k9QzT7mB"),
        .arrived_ms = 1000500,
        .told_ms = 1007000,
        .queue_id = SPAN_LITERAL("4Zb1ym3kXYz9"),
        .from = SPAN_LITERAL("a@example.org"),
        .message_id = SPAN_LITERAL("<m@example.org>"),
        .size = 5123,
        .score = NAN,
        .rcpts = f->rcpts,
        .rcpt_count = 1,
        .groups = f->groups,
        .group_count = 2,
    };
    f->groups[0] = (struct record_group){.verdict = VERDICT_ACCEPT};
    f->groups[1] = (struct record_group){.verdict = VERDICT_QUARANTINE};
    f->rcpts[0] = (struct record_rcpt){.to = SPAN_LITERAL("b@example.com"), .group = 2};
    f->rcpts[1] = (struct record_rcpt){.to = SPAN_LITERAL("c@example.com"), .group = 2};
    f->rcpts[2] = (struct record_rcpt){.to = SPAN_LITERAL("d@example.com"), .group = 2};
    arena_init(&f->arena, KEYS_MEMORY_MAX);
    buf_init(&f->text, 1 << 20);
}

static void
tear_down(struct fixture *f)
{
    setting_clear(redis_rows, redis_row_count, &f->settings);
    arena_clear(&f->arena);
    buf_clear(&f->text);
}

// Went out at 1003.
static void
send_out(struct record_rcpt *rcpt, const char *queue_id)
{
    rcpt->status = RCPT_SENT;
    rcpt->group = 0;
    rcpt->at_ms = 1003900;
    rcpt->queue_id = span_of(queue_id);
}

static void
end_with(struct fixture *f, struct record_rcpt *rcpt, enum track_status status, int64_t at_ms)
{
    f->final = (struct record_final){.status = (uint8_t)status, .at_ms = at_ms};
    rcpt->finals = &f->final;
    rcpt->final_count = 1;
}

// A line a command, arguments parted by "|".
static const char *
commands(struct fixture *f)
{
    arena_clear(&f->arena);
    buf_reset(&f->text);
    keys_of(&f->record, &f->settings, "mx1.example.com", &f->arena, &f->keys);
    for (size_t i = 0; i < f->keys.count; i++) {
        for (size_t arg = 0; arg < f->keys.commands[i].count; arg++) {
            buf_add_text(&f->text, arg > 0 ? "|" : "");
            buf_add_span(&f->text, f->keys.commands[i].args[arg]);
        }
        buf_add_char(&f->text, '\n');
    }
    return buf_text(&f->text);
}

static bool
has(struct fixture *f, const char *text)
{
    bool found = strstr(commands(f), text) != NULL;

    if (!found)
        fprintf(stderr, "not in\n%s", buf_text(&f->text));
    return found;
}

static void
test_received(void)
{
    struct fixture f;

    set_up(&f);
    CU_ASSERT_STRING_EQUAL(
        commands(&f),
        "HSET|postern:msg:4X2k9QzT7mB|postern_id|4X2k9QzT7mB|postfix_id|4Zb1ym3kXYz9|"
        "reinjected_id||message_id|<m@example.org>|from|a@example.org|to|b@example.com|size|5123|"
        "verdict|none|class|clean|timestamp|1007|received_at|1000|status|filtering|"
        "filtering_at|1000\n"
        "PEXPIRE|postern:msg:4X2k9QzT7mB|86400000\n"
        "HSET|postfix:4Zb1ym3kXYz9|status|filtering|filtering_at|1000|postern_id|4X2k9QzT7mB|"
        "timestamp|1007|postern_id:4X2k9QzT7mB|filtering\n"
        "PEXPIRE|postfix:4Zb1ym3kXYz9|86400000\n");
    tear_down(&f);
}

static void
test_sent(void)
{
    struct fixture f;

    set_up(&f);
    send_out(&f.rcpts[0], "4Zb1yn0QZrzB");
    f.record.place = RECORD_DONE;
    f.record.score = 1.234;
    f.record.results = &f.result;
    f.record.result_count = 1;
    f.result.kind = RESULT_CLEAN;
    f.record.stage_us[STAGE_RECEIVE] = 600000;
    f.record.stage_us[STAGE_FILTERS] = 1000000;
    f.record.stage_us[STAGE_SEND] = 99000000;
    CU_ASSERT_TRUE(has(&f, "|status|reinjected|reinjected_at|1003\n"));
    CU_ASSERT_FALSE(strstr(buf_text(&f.text), "|reinjected_at|1003|") != NULL &&
                    strstr(buf_text(&f.text), "|reinjected_at|1003|") <
                        strchr(buf_text(&f.text), '\n'));
    end_with(&f, &f.rcpts[0], STATUS_SENT, 1012700);
    CU_ASSERT_STRING_EQUAL(
        commands(&f),
        "HSET|postern:msg:4X2k9QzT7mB|postern_id|4X2k9QzT7mB|postfix_id|4Zb1ym3kXYz9|"
        "reinjected_id|4Zb1yn0QZrzB|message_id|<m@example.org>|from|a@example.org|"
        "to|b@example.com|size|5123|verdict|accept|score|1.23|class|clean|timestamp|1012|"
        "received_at|1000|scanned_at|1002|reinjected_at|1003|status|sent|sent_at|1012\n"
        "PEXPIRE|postern:msg:4X2k9QzT7mB|86400000\n"
        "HSET|postfix:4Zb1ym3kXYz9|status|sent|sent_at|1012|postern_id|4X2k9QzT7mB|"
        "timestamp|1012|postern_id:4X2k9QzT7mB|sent\n"
        "PEXPIRE|postfix:4Zb1ym3kXYz9|86400000\n"
        "HSET|postfix:4Zb1yn0QZrzB|status|sent|sent_at|1012|postern_id|4X2k9QzT7mB|"
        "timestamp|1012|postern_id:4X2k9QzT7mB|sent\n"
        "PEXPIRE|postfix:4Zb1yn0QZrzB|86400000\n");
    tear_down(&f);
}

// One recipient, in every state that a message can come to rest in.
static void
test_statuses(void)
{
    static const struct {
        const char *status;
        enum record_place place;
        enum rcpt_status of_rcpt;
        uint32_t group;
    } rows[] = {
        {"quarantined", RECORD_QUARANTINE, RCPT_OPEN,      1},
        {"discarded",   RECORD_DONE,       RCPT_DISCARDED, 0},
        {"held",        RECORD_HOLD,       RCPT_OPEN,      0},
        {"deferred",    RECORD_WAITING,    RCPT_DEFERRED,  0},
        {"bounced",     RECORD_DONE,       RCPT_BOUNCED,   0},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct fixture f;
        char expected[80];

        set_up(&f);
        f.record.place = rows[i].place;
        f.rcpts[0].status = rows[i].of_rcpt;
        f.rcpts[0].group = rows[i].group;
        f.rcpts[0].at_ms = 1005000;
        snprintf(expected, sizeof expected, "|status|%s|%s_at|1005\n", rows[i].status,
                 rows[i].status);
        UNIT_CHECK_ROW(rows[i].status, has(&f, expected));
        UNIT_CHECK_ROW(rows[i].status, has(&f, "HSET|postfix:4Zb1ym3kXYz9|status|"));
        UNIT_CHECK_ROW(rows[i].status, f.keys.count == 4);
        f.rcpts[0].at_ms = 0; // then what was told last
        UNIT_CHECK_ROW(rows[i].status, has(&f, "_at|1007\n"));
        tear_down(&f);
    }
}

static void
test_recipients_differ(void)
{
    struct fixture f;

    set_up(&f);
    f.record.rcpt_count = 3;
    send_out(&f.rcpts[0], "AAA1");
    send_out(&f.rcpts[1], "AAA2");
    f.rcpts[2].status = RCPT_DEFERRED;
    f.rcpts[2].group = 1;
    f.rcpts[2].at_ms = 1006000;
    end_with(&f, &f.rcpts[0], STATUS_SENT, 1009000);
    CU_ASSERT_TRUE(has(&f, "|to|b@example.com, c@example.com, d@example.com|"));
    CU_ASSERT_TRUE(has(&f, "|reinjected_id|AAA1,AAA2|"));
    CU_ASSERT_TRUE(has(&f, "|verdict|accept,quarantine|"));
    CU_ASSERT_TRUE(has(&f, "|status|deferred|deferred_at|1006|rcpt:0|sent|rcpt:1|reinjected|"
                           "rcpt:2|deferred\n"));
    CU_ASSERT_TRUE(has(&f, "HSET|postfix:AAA1|status|sent|sent_at|1009|"));
    CU_ASSERT_TRUE(has(&f, "HSET|postfix:AAA2|status|reinjected|reinjected_at|1003|"));
    CU_ASSERT_EQUAL(f.keys.count, 8);

    // One that goes out later changes nothing for the others' queue ids.
    send_out(&f.rcpts[2], "AAA3");
    f.rcpts[2].at_ms = 1008900;
    CU_ASSERT_TRUE(has(&f, "HSET|postfix:AAA2|status|reinjected|reinjected_at|1003|"));
    CU_ASSERT_TRUE(has(&f, "HSET|postfix:AAA3|status|reinjected|reinjected_at|1008|"));

    // All are over, and not the same.
    f.rcpts[1].status = f.rcpts[2].status = RCPT_BOUNCED;
    f.rcpts[2].at_ms = 1006000;
    CU_ASSERT_TRUE(has(&f, "|status|partial|partial_at|1009|rcpt:0|sent|rcpt:1|bounced|"));
    // All are the same again: no field may tell otherwise.
    f.rcpts[0].status = RCPT_BOUNCED;
    CU_ASSERT_TRUE(has(&f, "|status|bounced|bounced_at|1006\n"
                           "HDEL|postern:msg:4X2k9QzT7mB|rcpt:0|rcpt:1|rcpt:2\n"
                           "PEXPIRE|postern:msg:"));
    tear_down(&f);
}

static void
test_layouts(void)
{
    struct fixture f;

    set_up(&f);
    f.settings.layout = REDIS_LAYOUT_MAILBORDER;
    f.settings.ttl = 5000;
    CU_ASSERT_STRING_EQUAL(
        commands(&f), "HSET|mailborder:4X2k9QzT7mB|mailborder_id|4X2k9QzT7mB|"
                      "postfix_id|4Zb1ym3kXYz9|status|filtering|timestamp|1007\n"
                      "PEXPIRE|mailborder:4X2k9QzT7mB|5000\n"
                      "HSET|postfix:4Zb1ym3kXYz9|status|filtering|filtering_at|1000|"
                      "postern_id|4X2k9QzT7mB|timestamp|1007|postern_id:4X2k9QzT7mB|filtering\n"
                      "PEXPIRE|postfix:4Zb1ym3kXYz9|5000\n");
    f.settings.with_host = true;
    CU_ASSERT_TRUE(has(&f, "HSET|mailborder:mx1.example.com:4X2k9QzT7mB|"));
    CU_ASSERT_TRUE(has(&f, "PEXPIRE|mailborder:mx1.example.com:4X2k9QzT7mB|"));
    CU_ASSERT_TRUE(has(&f, "HSET|postfix:mx1.example.com:4Zb1ym3kXYz9|"));
    f.settings.layout = REDIS_LAYOUT_POSTERN;
    CU_ASSERT_TRUE(has(&f, "HSET|postern:mx1.example.com:msg:4X2k9QzT7mB|"));
    tear_down(&f);
}

static void
test_queue_ids(void)
{
    static const struct {
        const char *name, *id;
        bool is_one;
    } rows[] = {
        {"short",     "3E1F0A7B2C",                                true },
        {"long",      "4jWw3p5ZvJz1cY43",                          true },
        {"longest",   "0123456789012345678901234567890123456789",  true },
        {"too long",  "01234567890123456789012345678901234567890", false},
        {"none",      "",                                          false},
        {"of others", "msg:4X2k9QzT7mB",                           false},
        {"a slash",   "../x",                                      false},
        {"a blank",   "4Zb1 ym3k",                                 false},
        {"a letter",  "4Zb1\xc3\xa4",                              false},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct fixture f;

        set_up(&f);
        f.record.queue_id = span_of(rows[i].id);
        (void)commands(&f);
        UNIT_CHECK_ROW(rows[i].name, f.keys.count == (rows[i].is_one ? 4 : 2));
        f.record.queue_id = SPAN_LITERAL("");
        send_out(&f.rcpts[0], rows[i].id);
        (void)commands(&f);
        UNIT_CHECK_ROW(rows[i].name, f.keys.count == (rows[i].is_one ? 4 : 2));
        tear_down(&f);
    }
}

static void
test_children_and_strangers(void)
{
    struct fixture f;

    set_up(&f);
    f.record.id = SPAN_LITERAL("4X2k9QzT7mB.b1");
    f.record.parent = SPAN_LITERAL("4X2k9QzT7mB");
    send_out(&f.rcpts[0], "AAA1");
    CU_ASSERT_TRUE(has(&f, "HSET|postern:msg:4X2k9QzT7mB.b1|"));
    CU_ASSERT_TRUE(has(&f, "HSET|postfix:AAA1|"));
    CU_ASSERT_PTR_NULL(strstr(commands(&f), "|postfix:4Zb1ym3kXYz9|"));
    f.record.id = SPAN_LITERAL("../4X2k9QzT7mB");
    CU_ASSERT_STRING_EQUAL(commands(&f), "");
    CU_ASSERT_EQUAL(f.keys.count, 0);
    tear_down(&f);
}

static void
test_hostile_texts(void)
{
    static char longest[3000];
    struct fixture f;
    struct span value;

    set_up(&f);
    f.record.from = SPAN_LITERAL("a\0b\r\n\x1b[2J\xff\xc2\x80|c");
    f.record.message_id = SPAN_LITERAL("<\xc3\xa4@b>");
    CU_ASSERT_TRUE(has(&f, "|from|a\\x00b\\x0D\\x0A\\x1B[2J\\xFF\\xC2\\x80|c|"));
    CU_ASSERT_TRUE(has(&f, "|message_id|<\xc3\xa4@b>|"));
    memset(longest, 'x', sizeof longest);
    f.record.from = span_from(longest, sizeof longest);
    f.rcpts[0].to = span_from(longest, sizeof longest);
    (void)commands(&f);
    for (size_t i = 10; i <= 13; i += 2) { // message_id, from, to: names, then values
        value = f.keys.commands[0].args[i + 1];
        CU_ASSERT_TRUE(value.len == KEYS_TEXT_MAX && memcmp(value.data + 997, "...", 3) == 0);
    }
    f.rcpts[0].to = span_from(longest, KEYS_TEXT_MAX);
    (void)commands(&f);
    CU_ASSERT_TRUE(f.keys.commands[0].args[13].len == KEYS_TEXT_MAX &&
                   f.keys.commands[0].args[13].data[999] == 'x');
    tear_down(&f);
}

// More of everything than there is room for; and nothing points into what is gone.
static void
test_bounds(void)
{
    enum { MANY = 3000 };

    struct fixture f;
    struct record_rcpt *rcpts = mem_zarray(MANY, sizeof *rcpts);
    char(*ids)[32] = mem_zarray(MANY, sizeof *ids);
    char *id = mem_strdup("4X2k9QzT7mB"), *queue_id = mem_strdup("A1");
    size_t bytes = 0, longest = 0;

    set_up(&f);
    f.record.id = span_of(id);
    f.record.queue_id = span_of(queue_id);
    f.record.rcpts = rcpts;
    f.record.rcpt_count = MANY;
    for (size_t i = 0; i < MANY; i++) {
        snprintf(ids[i], sizeof ids[i], "%026zu", i);
        rcpts[i].to = SPAN_LITERAL("somebody@some.where.example.com");
        if (i % 2 == 0)
            send_out(&rcpts[i], ids[i]);
    }
    keys_of(&f.record, &f.settings, "mx1.example.com", &f.arena, &f.keys);
    mem_free(&rcpts);
    mem_free(&ids);
    mem_free(&id);
    mem_free(&queue_id);
    CU_ASSERT_EQUAL(f.keys.count, 4 + 2 * KEYS_QUEUE_IDS_MAX);
    CU_ASSERT_TRUE(f.keys.commands[0].count < 2 + 2 * (KEYS_RCPTS_MAX + 30));
    CU_ASSERT_TRUE(f.keys.commands[0].count > 2 + 2 * KEYS_RCPTS_MAX);
    for (size_t i = 0; i < f.keys.count; i++) {
        for (size_t arg = 0; arg < f.keys.commands[i].count; arg++) {
            struct span one = f.keys.commands[i].args[arg];

            longest = one.len > longest ? one.len : longest;
            for (size_t at = 0; at < one.len; at++)
                bytes += (unsigned char)one.data[at] >= ' ';
        }
    }
    CU_ASSERT_EQUAL(longest, KEYS_TEXT_MAX);
    CU_ASSERT_TRUE(bytes > 10000);
    CU_ASSERT_TRUE(f.arena.given <= KEYS_MEMORY_MAX / 2);
    tear_down(&f);
}

static const struct unit_test tests[] = {
    {"received",               test_received              },
    {"sent",                   test_sent                  },
    {"statuses",               test_statuses              },
    {"recipients that differ", test_recipients_differ     },
    {"layouts",                test_layouts               },
    {"queue ids",              test_queue_ids             },
    {"children, and no ids",   test_children_and_strangers},
    {"hostile texts",          test_hostile_texts         },
    {"bounds",                 test_bounds                },
};

UNIT_MAIN("track/redis/keys", tests)
