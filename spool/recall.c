// SPDX-License-Identifier: BSD-2-Clause
#include "spool/recall.h"

#include <string.h>

// With the NUL, which no path and no parameter has: where one text ends is part of the key.
static void
add_text(struct buf *out, const char *text)
{
    text = text != NULL ? text : "";
    (void)buf_add(out, text, strlen(text) + 1);
}

struct digest_value
recall_key(const struct remember *remember, struct digest_value content,
           const struct smtp_envelope *envelope, size_t number, struct buf *scratch)
{
    struct digest_value message, key;

    buf_reset(scratch);
    (void)buf_add(scratch, &content, sizeof content);
    add_text(scratch, envelope->from);
    add_text(scratch, envelope->next_hop);
    add_text(scratch, envelope->xforward[XFORWARD_IDENT]);
    message = remember_key(remember, buf_span(scratch));
    add_text(scratch, envelope->rcpts[number].path);
    add_text(scratch, envelope->rcpts[number].params);
    key = remember_key(remember, buf_span(scratch));
    return remember_near(message, key);
}

bool
recall_is_named(const struct smtp_envelope *envelope)
{
    return envelope->xforward[XFORWARD_IDENT] != NULL;
}

// --- adopted messages ---

static bool
is_recent(const struct smtp_envelope *envelope, uint64_t lifetime_ms, int64_t now_ms)
{
    return envelope->arrived_ms <= now_ms &&
           (uint64_t)(now_ms - envelope->arrived_ms) < lifetime_ms;
}

// Another message has him; or, over LMTP and relay, his answer was no 2xx.
static bool
was_told_otherwise(const struct reader_message *message, size_t number)
{
    const struct rcpt_state *rcpt = &message->state.rcpts[number];
    enum verdict verdict =
        rcpt->group < 0 ? VERDICT_NONE : message->state.groups[rcpt->group].verdict;

    return rcpt->status == RCPT_MOVED ||
           (message->envelope.handoff == SMTP_HANDOFF_RELAY && rcpt->status == RCPT_DISCARDED &&
            (verdict == VERDICT_REJECT || verdict == VERDICT_DEFER));
}

static void
tell(struct remember *remember, const struct smtp_envelope *envelope, struct digest_value key,
     int64_t now_ms)
{
    struct remember_claim claim = {.key = key,
                                   .id = envelope->id,
                                   .now_ms = now_ms,
                                   .is_heir = true,
                                   .is_left_only = !recall_is_named(envelope)};
    struct remember_answer answer = {.key = key, .id = envelope->id, .at_ms = now_ms};
    struct remember_told told;
    struct smtp_reply reply;

    if (remember_claim(remember, &claim, &told) != REMEMBER_OURS)
        return;
    reply_set(&reply, 250, "2.0.0", "Ok: queued as %s", envelope->id);
    answer.row = told.row;
    answer.reply = &reply;
    remember_tell(remember, &answer);
}

void
recall_tell(struct remember *remember, const struct reader_message *message, uint64_t lifetime_ms,
            int64_t now_ms)
{
    const struct smtp_envelope *envelope = &message->envelope;
    struct buf scratch;

    if (remember == NULL || envelope->parent != NULL || !is_recent(envelope, lifetime_ms, now_ms))
        return;
    buf_init(&scratch, SIZE_MAX / 4);
    for (size_t i = 0; i < envelope->rcpt_count; i++) {
        if (!was_told_otherwise(message, i))
            tell(remember, envelope, recall_key(remember, message->digest, envelope, i, &scratch),
                 now_ms);
    }
    buf_clear(&scratch);
    (void)remember_flush(remember);
}
