// SPDX-License-Identifier: BSD-2-Clause
#include "spool/recall.h"

// With the NUL, which no path and no parameter has: where one text ends is part of the key.
static void
add_text(struct buf *out, const char *text)
{
    (void)buf_add_text(out, text != NULL ? text : "");
    (void)buf_add_char(out, '\0');
}

struct digest_value
recall_key(const struct remember *remember, struct digest_value content,
           const struct smtp_envelope *envelope, size_t number)
{
    struct digest_value key;
    struct buf text;

    buf_init(&text, SIZE_MAX / 4);
    (void)buf_add(&text, &content, sizeof content);
    add_text(&text, envelope->from);
    add_text(&text, envelope->rcpts[number].path);
    add_text(&text, envelope->rcpts[number].params);
    add_text(&text, envelope->next_hop);
    add_text(&text, envelope->xforward[XFORWARD_IDENT]);
    key = remember_key(remember, buf_span(&text));
    buf_clear(&text);
    return key;
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
tell(struct remember *remember, const struct reader_message *message, size_t number, int64_t now_ms)
{
    const struct smtp_envelope *envelope = &message->envelope;
    struct digest_value key = recall_key(remember, message->digest, envelope, number);
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

    if (remember == NULL || envelope->parent != NULL || !is_recent(envelope, lifetime_ms, now_ms))
        return;
    for (size_t i = 0; i < envelope->rcpt_count; i++) {
        if (!was_told_otherwise(message, i))
            tell(remember, message, i, now_ms);
    }
}
