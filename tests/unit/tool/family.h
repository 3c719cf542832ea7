// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/tool/family.h - a message of five recipients, with what was made of it: a child in
// quarantine that was released, and a bounce.
#ifndef POSTERN_TESTS_UNIT_TOOL_FAMILY_H
#define POSTERN_TESTS_UNIT_TOOL_FAMILY_H

#include <math.h>

#include "tests/unit/harness.h"
#include "tool/way.h"

#define FAMILY_ROOT "4X2k9QzT7mA"
#define FAMILY_CHILD "4X2k9QzT7mA.1"
#define FAMILY_RELEASED "4X2k9QzT7mA.1.1"
#define FAMILY_BOUNCE "4X2k9QzT7mA.2"
#define FAMILY_AT INT64_C(1700000000000) // 2023-11-14 22:13:20 UTC

struct family_kit {
    struct record_rcpt rcpts[5], child_rcpts[1], released_rcpts[1], bounce_rcpts[1];
    struct record_final finals[3];
    struct record_group groups[3];
    struct record_result results[2];
    struct record root, child, released, bounce;
    struct ways ways;
    struct tool tool;
    char *out, *errors;
    size_t out_len, errors_len;
};

static inline void
family_fill_rcpts(struct family_kit *kit)
{
    kit->finals[0] = (struct record_final){.status = STATUS_SENT,
                                           .at_ms = FAMILY_AT + 200,
                                           .relay = SPAN_LITERAL("mx.example.com[192.0.2.1]:25"),
                                           .dsn = SPAN_LITERAL("2.0.0"),
                                           .reply = SPAN_LITERAL("250 2.0.0 Ok")};
    kit->finals[1] = kit->finals[0];
    kit->finals[2] = (struct record_final){.status = STATUS_BOUNCED,
                                           .at_ms = FAMILY_AT + 300,
                                           .to = SPAN_LITERAL("c@alias.example"),
                                           .dsn = SPAN_LITERAL("5.1.1"),
                                           .reply = SPAN_LITERAL("550 no")};
    for (int i = 0; i < 3; i++)
        kit->rcpts[i] = (struct record_rcpt){.status = RCPT_SENT,
                                             .at_ms = FAMILY_AT + 20,
                                             .code = 250,
                                             .reply = SPAN_LITERAL("2.0.0 Ok: queued"),
                                             .relay = SPAN_LITERAL("127.0.0.1:10025"),
                                             .queue_id = SPAN_LITERAL("4OUT1"),
                                             .finals = &kit->finals[i],
                                             .final_count = 1};
    kit->rcpts[0].to = SPAN_LITERAL("a@example.com");
    kit->rcpts[1].to = SPAN_LITERAL("b@example.com");
    kit->rcpts[2].to = SPAN_LITERAL("c@example.com");
    kit->rcpts[2].redirected = SPAN_LITERAL("desk@example.com");
    kit->rcpts[3] = (struct record_rcpt){.to = SPAN_LITERAL("d@example.com"),
                                         .status = RCPT_MOVED,
                                         .group = 1,
                                         .at_ms = FAMILY_AT + 10,
                                         .child = SPAN_LITERAL(FAMILY_CHILD)};
    kit->rcpts[4] = (struct record_rcpt){.to = SPAN_LITERAL("e@example.com"),
                                         .status = RCPT_BOUNCED,
                                         .group = 2,
                                         .at_ms = FAMILY_AT + 11,
                                         .code = 550,
                                         .reply = SPAN_LITERAL("5.7.1 not wanted"),
                                         .child = SPAN_LITERAL(FAMILY_BOUNCE)};
}

static inline void
family_fill_scan(struct family_kit *kit)
{
    kit->groups[0] = (struct record_group){.verdict = VERDICT_ACCEPT, .edits = 1};
    kit->groups[1] = (struct record_group){.verdict = VERDICT_QUARANTINE,
                                           .rule = SPAN_LITERAL("virus"),
                                           .reason = SPAN_LITERAL("Eicar")};
    kit->groups[2] =
        (struct record_group){.verdict = VERDICT_REJECT, .rule = SPAN_LITERAL("refuse")};
    kit->results[0] = (struct record_result){.filter = SPAN_LITERAL("clamav"),
                                             .kind = RESULT_HIT,
                                             .is_virus = true,
                                             .names = SPAN_LITERAL("Eicar"),
                                             .server = SPAN_LITERAL("unix:/c"),
                                             .took_us = 3100};
    kit->results[1] = (struct record_result){.filter = SPAN_LITERAL("rspamd"),
                                             .kind = RESULT_CLEAN,
                                             .has_score = true,
                                             .score = 1.5,
                                             .required_score = 15,
                                             .action = SPAN_LITERAL("no action"),
                                             .wish = WISH_ACCEPT,
                                             .took_us = 12000};
}

static inline void
family_fill_children(struct family_kit *kit)
{
    kit->child_rcpts[0] = (struct record_rcpt){.to = SPAN_LITERAL("d@example.com"),
                                               .child = SPAN_LITERAL(FAMILY_RELEASED)};
    kit->child = (struct record){.id = SPAN_LITERAL(FAMILY_CHILD),
                                 .parent = SPAN_LITERAL(FAMILY_ROOT),
                                 .kind = SPAN_LITERAL("quarantine"),
                                 .place = RECORD_QUARANTINE,
                                 .place_reason = SPAN_LITERAL("Eicar"),
                                 .arrived_ms = FAMILY_AT,
                                 .from = SPAN_LITERAL("s@example.org"),
                                 .size = 5123,
                                 .score = NAN,
                                 .rcpts = kit->child_rcpts,
                                 .rcpt_count = 1};
    kit->released_rcpts[0] = (struct record_rcpt){.to = SPAN_LITERAL("d@example.com"),
                                                  .status = RCPT_SENT,
                                                  .at_ms = FAMILY_AT + 7200000,
                                                  .queue_id = SPAN_LITERAL("4OUT2")};
    kit->released = kit->child;
    kit->released.id = SPAN_LITERAL(FAMILY_RELEASED);
    kit->released.parent = SPAN_LITERAL(FAMILY_CHILD);
    kit->released.kind = SPAN_LITERAL("release");
    kit->released.place = RECORD_DONE;
    kit->released.place_reason = span_of("");
    kit->released.rcpts = kit->released_rcpts;
    kit->bounce_rcpts[0] = (struct record_rcpt){.to = SPAN_LITERAL("e@example.com"),
                                                .status = RCPT_SENT,
                                                .at_ms = FAMILY_AT + 30,
                                                .queue_id = SPAN_LITERAL("4OUT3")};
    kit->bounce = (struct record){.id = SPAN_LITERAL(FAMILY_BOUNCE),
                                  .parent = SPAN_LITERAL(FAMILY_ROOT),
                                  .kind = SPAN_LITERAL("bounce"),
                                  .place = RECORD_DONE,
                                  .arrived_ms = FAMILY_AT + 12,
                                  .score = NAN,
                                  .rcpts = kit->bounce_rcpts,
                                  .rcpt_count = 1};
}

// All of them known, in no order.
static inline void
family_make(struct family_kit *kit)
{
    memset(kit, 0, sizeof *kit);
    setenv("TZ", "UTC", 1);
    family_fill_rcpts(kit);
    family_fill_scan(kit);
    family_fill_children(kit);
    kit->root = (struct record){
        .id = SPAN_LITERAL(FAMILY_ROOT),
        .step = 12,
        .place = RECORD_DONE,
        .arrived_ms = FAMILY_AT,
        .told_ms = FAMILY_AT + 40,
        .protocol = SMTP_PROTOCOL_LMTP,
        .listener = SPAN_LITERAL("in"),
        .next_hop = SPAN_LITERAL("reinject"),
        .queue_id = SPAN_LITERAL("4IN1"),
        .client_name = SPAN_LITERAL("mail.example.org"),
        .client = SPAN_LITERAL("192.0.2.7"),
        .helo = SPAN_LITERAL("mx.example.org"),
        .from = SPAN_LITERAL("s@example.org"),
        .message_id = SPAN_LITERAL("<1@example.org>"),
        .subject = SPAN_LITERAL("Hi"),
        .size = 5123,
        .score = 1.5,
        .stage_us = {1200, 400, 0, 12000, 4100},
        .rcpts = kit->rcpts,
        .rcpt_count = 5,
        .groups = kit->groups,
        .group_count = 3,
        .results = kit->results,
        .result_count = 2
    };
    ways_init(&kit->ways);
    (void)ways_add(&kit->ways, &kit->bounce);
    (void)ways_add(&kit->ways, &kit->released);
    (void)ways_add(&kit->ways, &kit->child);
    (void)ways_add(&kit->ways, &kit->root);
    for (size_t i = 0; i < kit->ways.count; i++)
        kit->ways.items[i].in_ledger = true;
    kit->tool = (struct tool){.now_ms = FAMILY_AT + 60000,
                              .out = open_memstream(&kit->out, &kit->out_len),
                              .errors = open_memstream(&kit->errors, &kit->errors_len)};
}

static inline void
family_clear(struct family_kit *kit)
{
    ways_clear(&kit->ways);
    fclose(kit->tool.out);
    fclose(kit->tool.errors);
    free(kit->out);
    free(kit->errors);
}

static inline void
family_rewind(struct family_kit *kit)
{
    fclose(kit->tool.out);
    free(kit->out);
    kit->tool.out = open_memstream(&kit->out, &kit->out_len);
}

static inline bool
family_has(struct family_kit *kit, const char *part)
{
    bool has;

    fflush(kit->tool.out);
    has = strstr(kit->out, part) != NULL;
    if (!has)
        fprintf(stderr, "no \"%s\" in:\n%s\n", part, kit->out);
    return has;
}

#endif
