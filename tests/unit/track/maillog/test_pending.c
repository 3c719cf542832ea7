// SPDX-License-Identifier: BSD-2-Clause
#include "track/maillog/pending.h"

#include "base/buf.h"
#include "tests/unit/harness.h"

enum { TICK_MS = 200 };

// A line with that queue id, from memory that is gone when it has been added.
static void
add(struct pending *pending, const char *queue_id, size_t text_len, uint64_t now_ms)
{
    char *text = malloc(text_len + 1), *id = strdup(queue_id), place[40];
    struct maillog_line line = {.at_ms = 7,
                                .service = SPAN_LITERAL("smtp"),
                                .queue_id = span_of(id),
                                .to = SPAN_LITERAL("a@b"),
                                .relay = SPAN_LITERAL("none"),
                                .dsn = SPAN_LITERAL("4.0.0"),
                                .status = MAILLOG_DEFERRED};

    memset(text, 'x', text_len);
    line.text = span_from(text, text_len);
    (void)snprintf(place, sizeof place, "before %s", queue_id);
    pending_add(pending, &line, span_of(place), now_ms);
    memset(place, '?', sizeof place);
    memset(id, '?', strlen(queue_id));
    memset(text, '?', text_len);
    free(text);
    free(id);
}

struct story { // queue ids in the order in which they were asked about
    struct buf asked;
    const char *ours; // is claimed
};

static bool
claim(void *arg, const struct maillog_line *line)
{
    struct story *story = arg;
    size_t len = 0;

    CU_ASSERT(buf_printf(&story->asked, "%.*s ", (int)line->queue_id.len, line->queue_id.data) ==
              0);
    CU_ASSERT(line->at_ms == 7 && line->status == MAILLOG_DEFERRED);
    CU_ASSERT(span_is(line->to, "a@b") && line->orig_to.len == 0 && span_is(line->dsn, "4.0.0"));
    CU_ASSERT(span_is(line->service, "smtp") && span_is(line->relay, "none"));
    while (len < line->text.len && line->text.data[len] == 'x')
        len++;
    CU_ASSERT(len == line->text.len);
    return story->ours != NULL && span_is(line->queue_id, story->ours);
}

static const char *
ask(struct pending *pending, struct story *story, uint64_t now_ms)
{
    buf_reset(&story->asked);
    pending_each(pending, now_ms, claim, story);
    return buf_text(&story->asked);
}

static void
all_are_asked_about_at_once_and_in_order(void)
{
    struct pending *pending = pending_new();
    struct story story = {.ours = "B2"};

    buf_init(&story.asked, 1000);
    CU_ASSERT(pending_count(pending) == 0 && pending_place(pending).len == 0);
    CU_ASSERT(!pending_is_due(pending, 1000));
    CU_ASSERT_STRING_EQUAL(ask(pending, &story, 1000), "");
    add(pending, "A1", 10, 1000);
    add(pending, "B2", 0, 1000);
    add(pending, "C3", 2000, 1000);
    CU_ASSERT(pending_is_due(pending, 1000) && !pending_is_due(pending, 999));
    CU_ASSERT(span_is(pending_place(pending), "before A1"));
    CU_ASSERT_STRING_EQUAL(ask(pending, &story, 1000), "A1 B2 C3 ");
    CU_ASSERT(pending_count(pending) == 2 && !pending_is_due(pending, 1000));
    CU_ASSERT_STRING_EQUAL(ask(pending, &story, 1249), "");
    add(pending, "D4", 1, 1249);
    CU_ASSERT(pending_is_due(pending, 1249));
    CU_ASSERT_STRING_EQUAL(ask(pending, &story, 1249), "D4 ");
    story.ours = "A1";
    CU_ASSERT(pending_is_due(pending, 1250));
    CU_ASSERT_STRING_EQUAL(ask(pending, &story, 1250), "A1 C3 ");
    CU_ASSERT(span_is(pending_place(pending), "before C3"));
    CU_ASSERT_STRING_EQUAL(ask(pending, &story, 1750), "C3 D4 ");
    CU_ASSERT_STRING_EQUAL(ask(pending, &story, 1750), "");
    story.ours = "C3";
    CU_ASSERT_STRING_EQUAL(ask(pending, &story, 5000), "C3 D4 ");
    CU_ASSERT(span_is(pending_place(pending), "before D4"));
    story.ours = "D4";
    CU_ASSERT_STRING_EQUAL(ask(pending, &story, 9000), "D4 ");
    CU_ASSERT(pending_count(pending) == 0 && pending_place(pending).len == 0);
    buf_clear(&story.asked);
    pending_free(&pending);
    CU_ASSERT_PTR_NULL(pending);
    pending_free(&pending);
}

// 32,000 of other people's lines would ask for 160,000 a second, were all asked about at each tick.
static void
each_is_asked_about_few_times_and_a_last_time(void)
{
    struct pending *pending = pending_new();
    struct story story = {0};
    unsigned asked = 0;
    uint64_t last_ms = 0;

    buf_init(&story.asked, 1000);
    add(pending, "A1", 10, 0);
    for (uint64_t now_ms = 0; now_ms <= PENDING_MS; now_ms += TICK_MS) {
        CU_ASSERT(pending_count(pending) == 1);
        if (ask(pending, &story, now_ms)[0] != '\0') {
            asked++;
            last_ms = now_ms;
        }
        pending_expire(pending, now_ms);
    }
    CU_ASSERT(asked >= 6 && asked <= PENDING_TRIES_MAX);
    CU_ASSERT(last_ms == PENDING_MS);
    CU_ASSERT(pending_count(pending) == 0);
    buf_clear(&story.asked);
    pending_free(&pending);
}

// A scribe that stood still asks everybody once before they go.
static void
the_late_are_asked_about_before_they_go(void)
{
    struct pending *pending = pending_new();
    struct story story = {.ours = "B2"};

    buf_init(&story.asked, 1000);
    add(pending, "A1", 10, 0);
    add(pending, "B2", 10, 0);
    add(pending, "C3", 10, 40000);
    CU_ASSERT_STRING_EQUAL(ask(pending, &story, 90000), "A1 B2 C3 ");
    pending_expire(pending, 90000);
    CU_ASSERT(pending_count(pending) == 1 && span_is(pending_place(pending), "before C3"));
    CU_ASSERT_STRING_EQUAL(ask(pending, &story, 100000), "C3 ");
    pending_expire(pending, 99999);
    CU_ASSERT(pending_count(pending) == 1);
    pending_expire(pending, 100000);
    CU_ASSERT(pending_count(pending) == 0 && !pending_is_due(pending, 1000000));
    buf_clear(&story.asked);
    pending_free(&pending);
}

// At the end of its turns a line is not asked about for ever, whoever forgets to let it go.
static void
turns_come_to_an_end(void)
{
    struct pending *pending = pending_new();
    struct story story = {0};
    unsigned asked = 0;

    buf_init(&story.asked, 1000);
    add(pending, "A1", 10, 0);
    for (uint64_t now_ms = 0; now_ms <= UINT64_C(10) * PENDING_MS; now_ms += TICK_MS)
        asked += ask(pending, &story, now_ms)[0] != '\0';
    CU_ASSERT(asked <= PENDING_TRIES_MAX && pending_count(pending) == 1);
    CU_ASSERT(!pending_is_due(pending, UINT64_C(20) * PENDING_MS));
    buf_clear(&story.asked);
    pending_free(&pending);
}

static void
nobody_overtakes(void)
{
    struct pending *pending = pending_new();
    struct story story = {0};
    char id[16], last[16] = "";

    buf_init(&story.asked, 1 << 20);
    for (unsigned i = 0; i < 2000; i++) {
        uint64_t now_ms = UINT64_C(97) * i;
        struct span rest;

        (void)snprintf(id, sizeof id, "%08X", i);
        add(pending, id, i % 50, now_ms);
        (void)ask(pending, &story, now_ms + i % 90);
        pending_expire(pending, now_ms);
        rest = buf_span(&story.asked);
        last[0] = '\0';
        while (rest.len > 0) {
            struct span one = span_cut(&rest, ' ');

            (void)snprintf(id, sizeof id, "%.*s", (int)one.len, one.data);
            CU_ASSERT(strcmp(last, id) < 0);
            memcpy(last, id, sizeof last);
        }
    }
    CU_ASSERT(pending_count(pending) > 500 && pending_count(pending) < 700); // a minute of them
    buf_clear(&story.asked);
    pending_free(&pending);
}

static void
the_oldest_make_room(void)
{
    struct pending *pending = pending_new();
    struct story story = {0};
    char id[16];

    buf_init(&story.asked, 1 << 20);
    for (unsigned i = 0; i < 20000; i++) {
        (void)snprintf(id, sizeof id, "%08X", i);
        add(pending, id, 1000, i / 5000);
        if (i % 5000 == 0)
            (void)ask(pending, &story, i / 5000);
    }
    CU_ASSERT(pending_count(pending) > 6000 && pending_count(pending) < 8000);
    (void)snprintf(id, sizeof id, "before %08X", (unsigned)(20000 - pending_count(pending)));
    CU_ASSERT(span_is(pending_place(pending), id));
    add(pending, "FFFFFFFF", PENDING_BYTES_MAX, 5); // however large it is
    CU_ASSERT(pending_count(pending) == 1);
    buf_clear(&story.asked);
    pending_free(&pending);
}

static const struct unit_test tests[] = {
    {"all are asked about at once and in order",      all_are_asked_about_at_once_and_in_order},
    {"each is asked about few times and a last time",
     each_is_asked_about_few_times_and_a_last_time                                            },
    {"the late are asked about before they go",       the_late_are_asked_about_before_they_go },
    {"turns come to an end",                          turns_come_to_an_end                    },
    {"nobody overtakes",                              nobody_overtakes                        },
    {"the oldest make room",                          the_oldest_make_room                    },
};

UNIT_MAIN("track/maillog/pending", tests)
