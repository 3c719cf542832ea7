// SPDX-License-Identifier: BSD-2-Clause
#include "track/status.h"

#include "tests/unit/harness.h"

static void
test_names(void)
{
    for (unsigned i = 0; i < STATUS_COUNT; i++) {
        enum track_status status = (enum track_status)i;

        CU_ASSERT_EQUAL(status_find(span_of(status_name(status))), status);
    }
    CU_ASSERT_STRING_EQUAL(status_name(STATUS_REINJECTED), "reinjected");
    CU_ASSERT_EQUAL(status_find(SPAN_LITERAL("gone")), STATUS_COUNT);
    CU_ASSERT_STRING_EQUAL(class_name(CLASS_CLEAN), "clean");
    CU_ASSERT_STRING_EQUAL(class_name(CLASS_VIRUS), "virus");
}

// --- a recipient who is not retired: by place, verdict and status ---

enum { OPENS = 3, VERDICTS = VERDICT_REDIRECT + 1 };

static enum track_status
ask(const struct record *base, enum rcpt_status status, enum verdict verdict)
{
    struct record_group group = {.verdict = verdict};
    struct record_rcpt rcpt = {.status = status, .group = verdict == VERDICT_NONE ? 1 : 0};
    struct record record = *base;

    record.groups = &group;
    record.group_count = 1;
    record.rcpts = &rcpt;
    record.rcpt_count = 1;
    CU_ASSERT_EQUAL(status_of_message(&record), status_of_rcpt(&record, &rcpt));
    return status_of_rcpt(&record, &rcpt);
}

#define F STATUS_FILTERING
#define D STATUS_DEFERRED
#define H STATUS_HELD
#define Q STATUS_QUARANTINED
#define R STATUS_REJECTED
#define I STATUS_REINJECTED
#define B STATUS_BOUNCED
#define X STATUS_DISCARDED

// clang-format off
static const struct {
    enum record_place place;
    enum rcpt_status status;
    // by verdict:        none accept quarantine reject discard defer hold redirect
    enum track_status expected[VERDICTS];
} open_rows[] = {
    {RECORD_ACTIVE,     RCPT_OPEN,     {F, F, F, F, F, F, F, F}},
    {RECORD_ACTIVE,     RCPT_DEFERRED, {D, D, D, D, D, D, D, D}},
    {RECORD_ACTIVE,     RCPT_FAILED,   {F, F, F, F, F, F, F, F}},
    {RECORD_WAITING,    RCPT_OPEN,     {D, D, D, D, D, D, D, D}},
    {RECORD_WAITING,    RCPT_DEFERRED, {D, D, D, D, D, D, D, D}},
    {RECORD_WAITING,    RCPT_FAILED,   {D, D, D, D, D, D, D, D}},
    {RECORD_HOLD,       RCPT_OPEN,     {H, H, H, H, H, H, H, H}},
    {RECORD_HOLD,       RCPT_DEFERRED, {H, H, H, H, H, H, H, H}},
    {RECORD_HOLD,       RCPT_FAILED,   {H, H, H, H, H, H, H, H}},
    {RECORD_QUARANTINE, RCPT_OPEN,     {Q, Q, Q, Q, Q, Q, Q, Q}},
    {RECORD_QUARANTINE, RCPT_DEFERRED, {Q, Q, Q, Q, Q, Q, Q, Q}},
    {RECORD_QUARANTINE, RCPT_FAILED,   {Q, Q, Q, Q, Q, Q, Q, Q}},
    {RECORD_DONE,       RCPT_OPEN,     {X, X, Q, X, X, X, X, X}},
    {RECORD_DONE,       RCPT_DEFERRED, {X, X, Q, X, X, X, X, X}},
    {RECORD_DONE,       RCPT_FAILED,   {X, X, Q, X, X, X, X, X}},
    {RECORD_LEFT,       RCPT_OPEN,     {D, D, D, R, D, D, D, D}},
    {RECORD_LEFT,       RCPT_DEFERRED, {D, D, D, R, D, D, D, D}},
    {RECORD_LEFT,       RCPT_FAILED,   {D, D, D, R, D, D, D, D}},
};

// Who is retired: the same wherever the file is.
static const struct {
    enum smtp_handoff handoff;
    enum rcpt_status status;
    enum track_status expected[VERDICTS];
} retired_rows[] = {
    {SMTP_HANDOFF_SPOOL, RCPT_SENT,      {I, I, I, I, I, I, I, I}},
    {SMTP_HANDOFF_SPOOL, RCPT_BOUNCED,   {B, B, B, B, B, B, B, B}},
    {SMTP_HANDOFF_SPOOL, RCPT_MOVED,     {I, I, Q, B, I, I, H, I}},
    {SMTP_HANDOFF_SPOOL, RCPT_DISCARDED, {X, X, X, X, X, X, X, X}},
    {SMTP_HANDOFF_RELAY, RCPT_SENT,      {I, I, I, I, I, I, I, I}},
    {SMTP_HANDOFF_RELAY, RCPT_BOUNCED,   {B, B, B, B, B, B, B, B}},
    {SMTP_HANDOFF_RELAY, RCPT_MOVED,     {I, I, Q, B, I, I, H, I}},
    {SMTP_HANDOFF_RELAY, RCPT_DISCARDED, {X, X, X, R, X, D, X, X}},
};

// clang-format on

#undef F
#undef D
#undef H
#undef Q
#undef R
#undef I
#undef B
#undef X

static void
check_row(const char *place, const struct record *base, enum rcpt_status status,
          const enum track_status expected[VERDICTS])
{
    for (unsigned v = 0; v < VERDICTS; v++) {
        enum track_status got = ask(base, status, (enum verdict)v);

        if (got != expected[v])
            fprintf(stderr, "%s, %s, verdict %s: %s\n", place, rcpt_status_name(status),
                    verdict_name((enum verdict)v), status_name(got));
        CU_ASSERT_EQUAL(got, expected[v]);
    }
}

static void
test_open(void)
{
    CU_ASSERT_EQUAL(UNIT_COUNT(open_rows), (size_t)RECORD_PLACE_COUNT * OPENS);
    for (size_t i = 0; i < UNIT_COUNT(open_rows); i++) {
        for (int handoff = SMTP_HANDOFF_SPOOL; handoff <= SMTP_HANDOFF_RELAY; handoff++) {
            struct record base = {.place = open_rows[i].place,
                                  .handoff = (enum smtp_handoff)handoff};

            check_row(record_place_name(base.place), &base, open_rows[i].status,
                      open_rows[i].expected);
        }
    }
}

static void
test_retired(void)
{
    for (size_t i = 0; i < UNIT_COUNT(retired_rows); i++) {
        for (unsigned place = 0; place < RECORD_PLACE_COUNT; place++) {
            struct record base = {.place = (enum record_place)place,
                                  .handoff = retired_rows[i].handoff};

            check_row(record_place_name(base.place), &base, retired_rows[i].status,
                      retired_rows[i].expected);
        }
    }
}

// The words that only one of them has.
static void
test_replies(void)
{
    static const struct {
        const char *name;
        enum rcpt_status status;
        uint16_t code;
        const char *reply;
        enum verdict verdict;
        enum track_status expected;
    } rows[] = {
        {"the next hop's 5xx",  RCPT_OPEN,      554, "5.7.1 no", VERDICT_ACCEPT, STATUS_REJECTED },
        {"the next hop's 4xx",  RCPT_OPEN,      451, "4.3.0 no", VERDICT_ACCEPT, STATUS_DEFERRED },
        {"answered over LMTP",  RCPT_DISCARDED, 0,   "answered", VERDICT_REJECT, STATUS_REJECTED },
        {"taken over, refused", RCPT_DISCARDED, 550, "notify",   VERDICT_REJECT, STATUS_DISCARDED},
        {"accepted, refused",   RCPT_DISCARDED, 550, "notify",   VERDICT_ACCEPT, STATUS_DISCARDED},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct record_group group = {.verdict = rows[i].verdict};
        struct record_rcpt rcpt = {
            .status = rows[i].status, .code = rows[i].code, .reply = span_of(rows[i].reply)};
        struct record record = {.place = RECORD_LEFT,
                                .handoff = SMTP_HANDOFF_RELAY,
                                .groups = &group,
                                .group_count = 1};

        UNIT_CHECK_ROW(rows[i].name, status_of_rcpt(&record, &rcpt) == rows[i].expected);
    }
}

static void
test_finals(void)
{
    static const struct {
        const char *name;
        uint8_t finals[3];
        size_t count;
        enum track_status expected;
    } rows[] = {
        {"none",                  {0},                                            0, STATUS_REINJECTED},
        {"nothing yet",           {STATUS_COUNT},                                 1, STATUS_REINJECTED},
        {"sent",                  {STATUS_SENT},                                  1, STATUS_SENT      },
        {"deferred",              {STATUS_DEFERRED},                              1, STATUS_DEFERRED  },
        {"bounced",               {STATUS_BOUNCED},                               1, STATUS_BOUNCED   },
        {"expired",               {STATUS_EXPIRED},                               1, STATUS_EXPIRED   },
        {"all sent",              {STATUS_SENT, STATUS_SENT, STATUS_SENT},        3, STATUS_SENT      },
        {"all expired",           {STATUS_EXPIRED, STATUS_EXPIRED},               2, STATUS_EXPIRED   },
        {"one deferred, last",    {STATUS_SENT, STATUS_BOUNCED, STATUS_DEFERRED}, 3, STATUS_DEFERRED  },
        {"one deferred, first",   {STATUS_DEFERRED, STATUS_SENT},                 2, STATUS_DEFERRED  },
        {"one bounced",           {STATUS_SENT, STATUS_BOUNCED},                  2, STATUS_BOUNCED   },
        {"one expired",           {STATUS_EXPIRED, STATUS_SENT, STATUS_SENT},     3, STATUS_BOUNCED   },
        {"differ, then the same", {STATUS_SENT, STATUS_EXPIRED, STATUS_EXPIRED},  3, STATUS_BOUNCED   },
        {"one is not known",      {STATUS_SENT, STATUS_COUNT, STATUS_SENT},       3, STATUS_REINJECTED},
        {"unknown and deferred",  {STATUS_COUNT, STATUS_DEFERRED},                2, STATUS_DEFERRED  },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct record_final finals[3] = {0};
        struct record_rcpt rcpt = {.status = RCPT_SENT,
                                   .finals = finals,
                                   .final_count = rows[i].count,
                                   .queue_id = SPAN_LITERAL("4OUT1")};
        struct record record = {.place = RECORD_DONE, .rcpts = &rcpt, .rcpt_count = 1};

        for (size_t k = 0; k < 3; k++)
            finals[k].status = rows[i].finals[k];
        UNIT_CHECK_ROW(rows[i].name, status_of_rcpt(&record, &rcpt) == rows[i].expected);
        UNIT_CHECK_ROW(rows[i].name,
                       status_of_queue_id(&record, SPAN_LITERAL("4OUT1")) == rows[i].expected);
    }
}

// --- a message: every pair of recipients ---

static void
make_rcpt(enum track_status wanted, struct record_rcpt *rcpt, struct record_final *final)
{
    *rcpt = (struct record_rcpt){
        .status = RCPT_SENT, .finals = final, .final_count = 1, .queue_id = SPAN_LITERAL("4OUT1")};
    *final = (struct record_final){.status = (uint8_t)wanted};
}

static void
test_pairs(void)
{
    for (unsigned a = 0; a < STATUS_PARTIAL; a++) {
        for (unsigned b = 0; b < STATUS_PARTIAL; b++) {
            unsigned first = a < b ? a : b;
            bool is_final = first >= STATUS_QUARANTINED;
            enum track_status expected =
                is_final && a != b ? STATUS_PARTIAL : (enum track_status)first;
            struct record_rcpt rcpts[3];
            struct record_final finals[3];
            struct record record = {.place = RECORD_DONE, .rcpts = rcpts, .rcpt_count = 3};

            make_rcpt((enum track_status)a, &rcpts[0], &finals[0]);
            make_rcpt((enum track_status)b, &rcpts[1], &finals[1]);
            make_rcpt((enum track_status)a, &rcpts[2], &finals[2]);
            CU_ASSERT_EQUAL(status_of_message(&record), expected);
            CU_ASSERT_EQUAL(status_join((enum track_status)a, (enum track_status)b), expected);
            CU_ASSERT_EQUAL(status_join(STATUS_COUNT, (enum track_status)a), a);
            CU_ASSERT_EQUAL(status_join(expected, (enum track_status)b), expected);
            CU_ASSERT_EQUAL(status_of_queue_id(&record, SPAN_LITERAL("4OUT1")), expected);
            rcpts[1].queue_id = SPAN_LITERAL("4OUT2");
            CU_ASSERT_EQUAL(status_of_queue_id(&record, SPAN_LITERAL("4OUT1")), a);
            CU_ASSERT_EQUAL(status_of_queue_id(&record, SPAN_LITERAL("4OUT2")), b);
            CU_ASSERT_EQUAL(status_of_queue_id(&record, SPAN_LITERAL("4OUT")), STATUS_COUNT);
            CU_ASSERT_EQUAL(status_of_queue_id(&record, SPAN_LITERAL("")), STATUS_COUNT);
        }
    }
}

static void
test_no_recipients(void)
{
    struct record record = {.place = RECORD_HOLD};

    CU_ASSERT_EQUAL(status_of_message(&record), STATUS_HELD);
    CU_ASSERT_EQUAL(status_of_queue_id(&record, SPAN_LITERAL("4OUT1")), STATUS_COUNT);
}

// --- what was it? ---

#define CLEAN                                                                                      \
    {                                                                                              \
        .kind = RESULT_CLEAN                                                                       \
    }
#define SCORED(is, needs)                                                                          \
    {                                                                                              \
        .kind = RESULT_CLEAN, .has_score = true, .score = (is), .required_score = (needs)          \
    }
#define VIRUS                                                                                      \
    {                                                                                              \
        .kind = RESULT_HIT, .is_virus = true                                                       \
    }
#define FAILED                                                                                     \
    {                                                                                              \
        .kind = RESULT_FAILED                                                                      \
    }
#define UNSCANNABLE                                                                                \
    {                                                                                              \
        .kind = RESULT_UNSCANNABLE                                                                 \
    }
#define WISHES(what)                                                                               \
    {                                                                                              \
        .kind = RESULT_HIT, .wish = (what)                                                         \
    }
#define CAUGHT(by, what)                                                                           \
    {                                                                                              \
        .rule = SPAN_LITERAL(by), .verdict = (what)                                                \
    }

// clang-format off
static const struct {
    const char *name;
    struct record_result results[2];
    struct record_group group;
    enum track_class expected;
} class_rows[] = {
    {"nothing",             {{.kind = RESULT_PENDING}},                {0},                                      CLASS_CLEAN},
    {"clean",               {CLEAN, SCORED(3, 15)},                    {.verdict = VERDICT_ACCEPT},              CLASS_CLEAN},
    {"a hit of no virus",   {{.kind = RESULT_HIT}},                    {0},                                      CLASS_CLEAN},
    {"a virus, not a hit",  {{.is_virus = true}},                      {0},                                      CLASS_CLEAN},
    {"skipped",             {{.kind = RESULT_SKIPPED}},                {0},                                      CLASS_CLEAN},
    {"the required score",  {CLEAN, SCORED(15, 15)},                   {0},                                      CLASS_SPAM},
    {"just below it",       {CLEAN, SCORED(14.9, 15)},                 {0},                                      CLASS_CLEAN},
    {"no score required",   {SCORED(0, 0)},                            {0},                                      CLASS_CLEAN},
    {"wishes accept",       {WISHES(WISH_ACCEPT)},                     {0},                                      CLASS_CLEAN},
    {"wishes defer",        {WISHES(WISH_DEFER)},                      {0},                                      CLASS_CLEAN},
    {"wishes reject",       {WISHES(WISH_REJECT)},                     {0},                                      CLASS_SPAM},
    {"wishes quarantine",   {WISHES(WISH_QUARANTINE)},                 {0},                                      CLASS_SPAM},
    {"wishes discard",      {WISHES(WISH_DISCARD)},                    {0},                                      CLASS_SPAM},
    {"failed",              {CLEAN, FAILED},                           {0},                                      CLASS_UNCHECKED},
    {"failed, and spam",    {SCORED(20, 15), FAILED},                  {0},                                      CLASS_UNCHECKED},
    {"unscannable, failed", {UNSCANNABLE, FAILED},                     {0},                                      CLASS_UNSCANNABLE},
    {"virus and all",       {UNSCANNABLE, VIRUS},                      CAUGHT("exe", VERDICT_QUARANTINE),        CLASS_VIRUS},
    {"a rule: quarantine",  {CLEAN},                                   CAUGHT("exe", VERDICT_QUARANTINE),        CLASS_BANNED},
    {"a rule: reject",      {CLEAN},                                   CAUGHT("exe", VERDICT_REJECT),            CLASS_BANNED},
    {"a rule: discard",     {CLEAN},                                   CAUGHT("exe", VERDICT_DISCARD),           CLASS_BANNED},
    {"a rule: hold",        {CLEAN},                                   CAUGHT("exe", VERDICT_HOLD),              CLASS_BANNED},
    {"a rule: redirect",    {CLEAN},                                   CAUGHT("exe", VERDICT_REDIRECT),          CLASS_CLEAN},
    {"a rule: accept",      {CLEAN},                                   CAUGHT("exe", VERDICT_ACCEPT),            CLASS_CLEAN},
    {"a rule: defer",       {CLEAN},                                   CAUGHT("exe", VERDICT_DEFER),             CLASS_CLEAN},
    {"no rule",             {CLEAN},                                   CAUGHT("", VERDICT_QUARANTINE),           CLASS_CLEAN},
    {"a rule and spam",     {SCORED(20, 15)},                          CAUGHT("spam", VERDICT_QUARANTINE),       CLASS_SPAM},
    {"a rule, some score",  {SCORED(7, 15)},                           CAUGHT("spam", VERDICT_QUARANTINE),       CLASS_BANNED},
    {"a rule, failed too",  {FAILED},                                  CAUGHT("exe", VERDICT_QUARANTINE),        CLASS_BANNED},
    {"a rule, unscannable", {UNSCANNABLE},                             CAUGHT("exe", VERDICT_QUARANTINE),        CLASS_BANNED},
    {"on_error",            {FAILED},                                  CAUGHT("filter:x", VERDICT_QUARANTINE),   CLASS_UNCHECKED},
    {"on_unscannable",      {UNSCANNABLE},                             CAUGHT("filter:x", VERDICT_HOLD),         CLASS_UNSCANNABLE},
};

// clang-format on

static void
test_classes(void)
{
    for (size_t i = 0; i < UNIT_COUNT(class_rows); i++) {
        struct record_result results[2] = {class_rows[i].results[0], class_rows[i].results[1]};
        struct record_group groups[2] = {{.verdict = VERDICT_ACCEPT}, class_rows[i].group};
        struct record record = {
            .results = results, .result_count = 2, .groups = groups, .group_count = 2};

        UNIT_CHECK_ROW(class_rows[i].name, class_of(&record) == class_rows[i].expected);
    }
}

static const struct unit_test tests[] = {
    {"names",         test_names        },
    {"not retired",   test_open         },
    {"retired",       test_retired      },
    {"replies",       test_replies      },
    {"finals",        test_finals       },
    {"pairs",         test_pairs        },
    {"no recipients", test_no_recipients},
    {"classes",       test_classes      },
};

UNIT_MAIN("track/status", tests)
