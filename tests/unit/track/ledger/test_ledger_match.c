// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger_match.h"

#include "base/mem.h"
#include "tests/unit/harness.h"
#include "track/status.h"

enum { RCPTS = 3, LINES = 3, ARENA_MAX = 1 << 20 };

#define Q1 SPAN_LITERAL("4OUT1")
#define Q2 SPAN_LITERAL("4OUT2")
#define T(text) SPAN_LITERAL(text)

struct row {
    const char *name;

    struct {
        struct span queue_id, to, redirected;
    } rcpts[RCPTS];

    struct {
        struct span queue_id, to, original;
        enum track_status status;
    } lines[LINES];

    // Of each recipient: statuses as letters (s, d, b, e), in order, and whom the first went to
    // where that is told.
    const char *finals[RCPTS];
    const char *to[RCPTS];
};

// clang-format off
static const struct row rows[] = {
    {"nobody went out",
     {{T(""), T("bob@a.com"), T("")}},
     {{Q1, T("bob@a.com"), T(""), STATUS_SENT}},
     {""}, {""}},
    {"one",
     {{Q1, T("bob@a.com"), T("")}},
     {{Q1, T("bob@a.com"), T(""), STATUS_SENT}},
     {"s"}, {""}},
    {"another queue id",
     {{Q1, T("bob@a.com"), T("")}},
     {{Q2, T("bob@a.com"), T(""), STATUS_SENT}},
     {""}, {""}},
    {"two of one queue id",
     {{Q1, T("bob@a.com"), T("")}, {Q1, T("carol@a.com"), T("")}},
     {{Q1, T("bob@a.com"), T(""), STATUS_SENT}, {Q1, T("carol@a.com"), T(""), STATUS_BOUNCED}},
     {"s", "b"}, {"", ""}},
    {"the same one, two queue ids",
     {{Q2, T("bob@a.com"), T("")}, {Q1, T("carol@a.com"), T("")}, {Q1, T("bob@a.com"), T("")}},
     {{Q1, T("bob@a.com"), T(""), STATUS_SENT}, {Q2, T("bob@a.com"), T(""), STATUS_DEFERRED}},
     {"d", "", "s"}, {"", "", ""}},
    {"case of the domain",
     {{Q1, T("bob@A.com"), T("")}, {Q1, T("carol@a.com"), T("")}},
     {{Q1, T("bob@a.COM"), T(""), STATUS_SENT}},
     {"s", ""}, {"", ""}},
    {"case of the local part, one",
     {{Q1, T("Bob@a.com"), T("")}, {Q1, T("carol@a.com"), T("")}},
     {{Q1, T("bOB@a.com"), T(""), STATUS_SENT}},
     {"s", ""}, {"", ""}},
    {"case of the local part parts two",
     {{Q1, T("Bob@a.com"), T("")}, {Q1, T("bob@a.com"), T("")}},
     {{Q1, T("bob@A.com"), T(""), STATUS_SENT}, {Q1, T("Bob@a.com"), T(""), STATUS_DEFERRED}},
     {"d", "s"}, {"", ""}},
    {"neither of the two",
     {{Q1, T("Bob@a.com"), T("")}, {Q1, T("bob@a.com"), T("")}},
     {{Q1, T("BOB@a.com"), T(""), STATUS_SENT}},
     {"s", "s"}, {"", ""}},
    {"given twice",
     {{Q1, T("bob@a.com"), T("")}, {Q1, T("bob@a.com"), T("")}, {Q1, T("carol@a.com"), T("")}},
     {{Q1, T("bob@a.com"), T(""), STATUS_SENT}},
     {"s", "s", ""}, {"", "", ""}},
    {"an alias that is told",
     {{Q1, T("info@a.com"), T("")}, {Q1, T("carol@a.com"), T("")}},
     {{Q1, T("ann@b.com"), T("info@a.com"), STATUS_SENT},
      {Q1, T("ben@b.com"), T("INFO@a.com"), STATUS_DEFERRED}},
     {"sd", ""}, {"ann@b.com", ""}},
    {"an alias that is another recipient",
     {{Q1, T("info@a.com"), T("")}, {Q1, T("carol@a.com"), T("")}},
     {{Q1, T("carol@a.com"), T("info@a.com"), STATUS_SENT}},
     {"s", ""}, {"carol@a.com", ""}},
    {"an original that nobody knows",
     {{Q1, T("info@a.com"), T("")}, {Q1, T("carol@a.com"), T("")}},
     {{Q1, T("carol@a.com"), T("list@a.com"), STATUS_SENT}},
     {"", "s"}, {"", ""}},
    {"rewritten, one recipient",
     {{Q1, T("info@a.com"), T("")}},
     {{Q1, T("ann@b.com"), T(""), STATUS_SENT}, {Q1, T("ben@b.com"), T(""), STATUS_BOUNCED}},
     {"sb"}, {"ann@b.com"}},
    {"rewritten, one of that queue id",
     {{Q1, T("info@a.com"), T("")}, {Q2, T("carol@a.com"), T("")}},
     {{Q1, T("ann@b.com"), T(""), STATUS_SENT}},
     {"s", ""}, {"ann@b.com", ""}},
    {"rewritten, two recipients",
     {{Q1, T("info@a.com"), T("")}, {Q1, T("carol@a.com"), T("")}},
     {{Q1, T("ann@b.com"), T(""), STATUS_SENT}},
     {"", ""}, {"", ""}},
    {"redirected",
     {{Q1, T("bob@a.com"), T("box@a.com")}, {Q1, T("box@b.com"), T("")}},
     {{Q1, T("box@a.com"), T(""), STATUS_SENT}, {Q1, T("bob@a.com"), T(""), STATUS_BOUNCED}},
     {"s", ""}, {"", ""}},
    {"expired, never spoken of",
     {{Q1, T("bob@a.com"), T("")}, {Q1, T("carol@a.com"), T("")}, {Q2, T("dave@a.com"), T("")}},
     {{Q1, T(""), T(""), STATUS_EXPIRED}},
     {"e", "e", ""}, {"", "", ""}},
    {"expired, those who were deferred",
     {{Q1, T("bob@a.com"), T("")}, {Q1, T("carol@a.com"), T("")}, {Q1, T("dave@a.com"), T("")}},
     {{Q1, T(""), T(""), STATUS_EXPIRED}, {Q1, T("bob@a.com"), T(""), STATUS_SENT},
      {Q1, T("carol@a.com"), T(""), STATUS_DEFERRED}},
     {"s", "e", "e"}, {"", "", ""}},
    {"expired, one of an alias",
     {{Q1, T("info@a.com"), T("")}},
     {{Q1, T(""), T(""), STATUS_EXPIRED}, {Q1, T("ann@b.com"), T(""), STATUS_DEFERRED},
      {Q1, T("ben@b.com"), T(""), STATUS_BOUNCED}},
     {"eb"}, {"ann@b.com"}},
    {"quotes that nobody needs",
     {{Q1, T("carol@a.com"), T("")}, {Q1, T("\"Bo\\b\"@a.com"), T("")}},
     {{Q1, T("bob@a.com"), T(""), STATUS_SENT}},
     {"", "s"}, {"", ""}},
    {"quotes that nobody needs, of an alias",
     {{Q1, T("\"info\"@a.com"), T("")}, {Q1, T("carol@a.com"), T("")}},
     {{Q1, T("ann@b.com"), T("info@a.com"), STATUS_SENT}},
     {"s", ""}, {"ann@b.com", ""}},
    {"quotes that are needed, and logged or not",
     {{Q1, T("\"b b\"@a.com"), T("")}, {Q1, T("\"b\\\"b\"@a.com"), T("")}, {Q1, T("bb@a.com"), T("")}},
     {{Q1, T("\"b\\\"b\"@a.com"), T(""), STATUS_DEFERRED}, {Q1, T("b b@a.com"), T(""), STATUS_SENT},
      {Q1, T("\"b b\"@a.com"), T(""), STATUS_BOUNCED}},
     {"sb", "d", ""}, {"", "", ""}},
    {"quotes that part two",
     {{Q1, T("\"b@b\"@a.com"), T("")}, {Q1, T("b@a.com"), T("")}},
     {{Q1, T("\"B@b\"@a.com"), T(""), STATUS_SENT}},
     {"s", ""}, {"", ""}},
    {"a quote that is never closed",
     {{Q1, T("\"bob@a.com"), T("")}, {Q1, T("\"bob\\"), T("")}},
     {{Q1, T("\"bob\\"), T(""), STATUS_SENT}},
     {"", "s"}, {"", ""}},
    {"no domain",
     {{Q1, T("root"), T("")}, {Q1, T("Root"), T("")}},
     {{Q1, T("Root"), T(""), STATUS_SENT}},
     {"", "s"}, {"", ""}},
};

// clang-format on

static char
letter_of(uint8_t status)
{
    return status == STATUS_SENT       ? 's'
           : status == STATUS_DEFERRED ? 'd'
           : status == STATUS_BOUNCED  ? 'b'
           : status == STATUS_EXPIRED  ? 'e'
                                       : '?';
}

static void
check_rcpt(const struct row *row, size_t i, const struct record_rcpt *rcpt)
{
    const char *finals = row->finals[i] != NULL ? row->finals[i] : "";
    const char *to = row->to[i] != NULL ? row->to[i] : "";

    UNIT_CHECK_ROW(row->name, rcpt->final_count == strlen(finals));
    for (size_t k = 0; k < rcpt->final_count && k < strlen(finals); k++) {
        UNIT_CHECK_ROW(row->name, letter_of(rcpt->finals[k].status) == finals[k]);
        UNIT_CHECK_ROW(row->name, rcpt->finals[k].at_ms > 0);
    }
    if (rcpt->final_count > 0)
        UNIT_CHECK_ROW(row->name, span_is(rcpt->finals[0].to, to));
}

static void
test_rows(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct record_rcpt rcpts[RCPTS] = {{.tries = 0}};
        struct ledger_delivery deliveries[LINES] = {{.to = {NULL, 0}}};
        struct record record = {.rcpts = rcpts};
        struct arena arena;
        size_t count = 0;

        for (size_t k = 0; k < RCPTS && rows[i].rcpts[k].to.len > 0; k++, record.rcpt_count++)
            rcpts[k] = (struct record_rcpt){.queue_id = rows[i].rcpts[k].queue_id,
                                            .to = rows[i].rcpts[k].to,
                                            .redirected = rows[i].rcpts[k].redirected};
        for (; count < LINES && rows[i].lines[count].queue_id.len > 0; count++)
            deliveries[count] = (struct ledger_delivery){
                .queue_id = rows[i].lines[count].queue_id,
                .to = rows[i].lines[count].to,
                .original = rows[i].lines[count].original,
                .final = {.status = (uint8_t)rows[i].lines[count].status, .at_ms = 5}
            };
        arena_init(&arena, ARENA_MAX);
        UNIT_CHECK_ROW(rows[i].name, ledger_match(&record, deliveries, count, &arena) == 0);
        for (size_t k = 0; k < record.rcpt_count; k++)
            check_rcpt(&rows[i], k, &rcpts[k]);
        arena_clear(&arena);
    }
}

// What an expiry says stands in for the deferral, but for the relay that it was deferred by.
static void
test_expiry_text(void)
{
    struct record_rcpt rcpt = {.queue_id = Q1, .to = T("bob@a.com")};
    struct ledger_delivery deliveries[] = {
        {.queue_id = Q1,       .final = {.status = STATUS_EXPIRED, .at_ms = 9, .reply = T("returned")}},
        { .queue_id = Q1,
         .to = T("bob@a.com"),
         .final = {.status = STATUS_DEFERRED, .at_ms = 5, .relay = T("mx"), .reply = T("later")}}
    };
    struct record record = {.rcpts = &rcpt, .rcpt_count = 1};
    struct arena arena;

    arena_init(&arena, ARENA_MAX);
    CU_ASSERT_EQUAL(ledger_match(&record, deliveries, 2, &arena), 0);
    CU_ASSERT_EQUAL_FATAL(rcpt.final_count, 1);
    CU_ASSERT_EQUAL(rcpt.finals[0].at_ms, 9);
    CU_ASSERT_TRUE(span_is(rcpt.finals[0].reply, "returned"));
    CU_ASSERT_TRUE(span_is(rcpt.finals[0].relay, "mx"));
    arena_clear(&arena);
}

static void
test_no_room(void)
{
    static const size_t ceilings[] = {0, 40, 90, 140};
    struct record_rcpt rcpt = {.queue_id = Q1, .to = T("bob@a.com")};
    struct ledger_delivery delivery = {
        .queue_id = Q1, .to = T("bob@a.com"), .final = {.status = STATUS_SENT}};
    struct record record = {.rcpts = &rcpt, .rcpt_count = 1};

    for (size_t i = 0; i < UNIT_COUNT(ceilings); i++) {
        struct arena arena;

        arena_init(&arena, ceilings[i]);
        CU_ASSERT_EQUAL(ledger_match(&record, &delivery, 1, &arena), -1);
        arena_clear(&arena);
    }
    CU_ASSERT_EQUAL(ledger_match(&record, NULL, 0, NULL), 0);
}

// As many as there may be, in no time that grows with their square.
static void
test_crowd(void)
{
    enum { CROWD = 20000 };

    struct record_rcpt *rcpts = mem_zarray(CROWD, sizeof(rcpts[0]));
    struct ledger_delivery *deliveries = mem_zarray(CROWD, sizeof(deliveries[0]));
    char(*texts)[32] = mem_zarray(CROWD, sizeof(texts[0]));
    struct record record = {.rcpts = rcpts, .rcpt_count = CROWD};
    struct arena arena;
    size_t right = 0;

    for (size_t i = 0; i < CROWD; i++) {
        snprintf(texts[i], sizeof(texts[i]), "user%zu@example.com", i);
        rcpts[i] = (struct record_rcpt){.queue_id = Q1, .to = span_of(texts[i])};
    }
    for (size_t i = 0; i < CROWD; i++)
        deliveries[i] = (struct ledger_delivery){
            .queue_id = Q1,
            .to = rcpts[CROWD - 1 - i].to,
            .final = {.status = STATUS_SENT, .at_ms = (int64_t)(CROWD - 1 - i)}
        };
    arena_init(&arena, 64 << 20);
    CU_ASSERT_EQUAL(ledger_match(&record, deliveries, CROWD, &arena), 0);
    for (size_t i = 0; i < CROWD; i++)
        right += rcpts[i].final_count == 1 && rcpts[i].finals[0].at_ms == (int64_t)i ? 1 : 0;
    CU_ASSERT_EQUAL(right, CROWD);
    arena_clear(&arena);
    mem_free(&rcpts);
    mem_free(&deliveries);
    mem_free(&texts);
}

static const struct unit_test tests[] = {
    {"rows",           test_rows       },
    {"text of expiry", test_expiry_text},
    {"no room",        test_no_room    },
    {"a crowd",        test_crowd      },
};

UNIT_MAIN("track/ledger/ledger_match", tests)
