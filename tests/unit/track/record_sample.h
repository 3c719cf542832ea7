// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/track/record_sample.h - a record with something in every field, for tests of track.
#ifndef POSTERN_TESTS_UNIT_TRACK_RECORD_SAMPLE_H
#define POSTERN_TESTS_UNIT_TRACK_RECORD_SAMPLE_H

#include "track/record.h"

#include <stdlib.h>
#include <string.h>

struct record_sample {
    struct record record;
    struct record_rcpt rcpts[3];
    struct record_group groups[2];
    struct record_result results[2];
};

static inline void
sample_fill_lists(struct record_sample *sample)
{
    sample->groups[0] = (struct record_group){.verdict = VERDICT_REDIRECT,
                                              .rule = SPAN_LITERAL("tag"),
                                              .reason = SPAN_LITERAL("score"),
                                              .edits = 2};
    sample->groups[1] = (struct record_group){.verdict = VERDICT_QUARANTINE,
                                              .rule = SPAN_LITERAL("exe"),
                                              .reason = SPAN_LITERAL("attachment a.exe")};
    sample->rcpts[0] = (struct record_rcpt){.to = SPAN_LITERAL("bob@example.com"),
                                            .redirected = SPAN_LITERAL("box@example.com"),
                                            .status = RCPT_SENT,
                                            .at_ms = 1700000000900,
                                            .tries = 1,
                                            .code = 250,
                                            .reply = SPAN_LITERAL("2.0.0 Ok: queued as 4OUT1"),
                                            .relay = SPAN_LITERAL("127.0.0.1:10025"),
                                            .queue_id = SPAN_LITERAL("4OUT1")};
    sample->rcpts[1] = sample->rcpts[0];
    sample->rcpts[1].to = SPAN_LITERAL("carol@example.com");
    sample->rcpts[1].redirected = SPAN_LITERAL("");
    sample->rcpts[2] = (struct record_rcpt){.to = SPAN_LITERAL("dave@example.com"),
                                            .status = RCPT_MOVED,
                                            .at_ms = 1700000000800,
                                            .until_ms = 1700000000801,
                                            .group = 1,
                                            .child = SPAN_LITERAL("4X2k9QzT7mB-1")};
    sample->results[0] = (struct record_result){.filter = SPAN_LITERAL("clamav"),
                                                .kind = RESULT_HIT,
                                                .is_virus = true,
                                                .names = SPAN_LITERAL("Eicar, Other"),
                                                .server = SPAN_LITERAL("unix:/run/clamd"),
                                                .took_us = 3100};
    sample->results[1] = (struct record_result){.filter = SPAN_LITERAL("rspamd"),
                                                .kind = RESULT_CLEAN,
                                                .has_score = true,
                                                .score = 6.25,
                                                .required_score = 15,
                                                .names = SPAN_LITERAL("R_SPF_ALLOW, BAYES"),
                                                .action = SPAN_LITERAL("add header"),
                                                .reason = SPAN_LITERAL("none"),
                                                .wish = WISH_ACCEPT,
                                                .took_us = 20500};
}

static inline void
sample_init(struct record_sample *sample, const char *id)
{
    sample_fill_lists(sample);
    sample->record = (struct record){
        .id = span_of(id),
        .step = 12,
        .place = RECORD_DONE,
        .place_reason = SPAN_LITERAL("why not"),
        .arrived_ms = 1700000000123,
        .told_ms = 1700000000999,
        .protocol = SMTP_PROTOCOL_LMTP,
        .handoff = SMTP_HANDOFF_RELAY,
        .listener = SPAN_LITERAL("inet:127.0.0.1:10024"),
        .next_hop = SPAN_LITERAL("reinject"),
        .queue_id = SPAN_LITERAL("4IN1"),
        .client_name = SPAN_LITERAL("mail.example.org"),
        .client = SPAN_LITERAL("192.0.2.7"),
        .helo = SPAN_LITERAL("mail.example.org"),
        .from = SPAN_LITERAL("ann@example.org"),
        .message_id = SPAN_LITERAL("<1@example.org>"),
        .subject = {"Gr\xfc\xdf\0e", 6},
        .size = 5123,
        .score = 6.25,
        .stage_us = { 100, 200, 300, 400, 500},
        .is_looked = true,
        .is_sent = true,
        .rcpts = sample->rcpts,
        .rcpt_count = 3,
        .groups = sample->groups,
        .group_count = 2,
        .results = sample->results,
        .result_count = 2
    };
}

// In all that the codec carries; the codec's own test does not rely on it.
static inline bool
sample_is_same(const struct record *a, const struct record *b)
{
    struct buf first, second;
    bool is_same;

    buf_init(&first, RECORD_SIZE_MAX);
    buf_init(&second, RECORD_SIZE_MAX);
    if (record_write(a, &first) != 0 || record_write(b, &second) != 0)
        abort();
    is_same = first.len == second.len && memcmp(first.data, second.data, first.len) == 0;
    buf_clear(&first);
    buf_clear(&second);
    return is_same;
}

#endif
