// SPDX-License-Identifier: BSD-2-Clause
#include "spool/recall.h"

#include <string.h>

#include "base/fs.h"
#include "base/mem.h"

enum { BLOCK = 64 << 10 };

// With the NUL, which no path and no parameter has: where one text ends is part of the key.
static void
add_text(struct sha256 *sha256, const char *text)
{
    if (text == NULL)
        text = "";
    sha256_add(sha256, text, strlen(text) + 1);
}

struct digest_value
recall_key(struct sha256 *sha256, const uint8_t content[SHA256_LEN],
           const struct smtp_envelope *envelope, size_t number)
{
    uint8_t value[SHA256_LEN];
    struct digest_value key;

    sha256_reset(sha256);
    sha256_add(sha256, content, SHA256_LEN);
    add_text(sha256, envelope->from);
    add_text(sha256, envelope->rcpts[number].path);
    add_text(sha256, envelope->rcpts[number].params);
    add_text(sha256, envelope->next_hop);
    add_text(sha256, envelope->xforward[XFORWARD_IDENT]);
    sha256_get(sha256, value);
    memcpy(&key, value, sizeof key);
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

void
recall_read(struct recall *recall, int fd, const struct reader_message *message,
            uint64_t lifetime_ms, int64_t now_ms)
{
    uint64_t at = message->seal.offset, end = at + message->seal.len;
    struct sha256 *sha256;
    char *block;

    recall->is_read = false;
    if (message->envelope.parent != NULL || !is_recent(&message->envelope, lifetime_ms, now_ms))
        return;
    sha256 = sha256_new();
    block = mem_zalloc(BLOCK);
    while (at < end) {
        size_t len = end - at < BLOCK ? (size_t)(end - at) : (size_t)BLOCK;

        if (fs_read_at(fd, block, len, (off_t)at, NULL) != (ssize_t)len)
            break;
        sha256_add(sha256, block, len);
        at += len;
    }
    recall->is_read = at == end;
    sha256_get(sha256, recall->content);
    mem_free(&block);
    sha256_free(&sha256);
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

void
recall_tell(const struct recall *recall, struct remember *remember,
            const struct reader_message *message, int64_t now_ms)
{
    const struct smtp_envelope *envelope = &message->envelope;
    struct remember_claim claim = {.id = envelope->id,
                                   .now_ms = now_ms,
                                   .is_heir = true,
                                   .is_left_only = !recall_is_named(envelope)};
    struct sha256 *sha256;
    struct smtp_reply reply;
    struct remember_told told;

    if (!recall->is_read || remember == NULL)
        return;
    sha256 = sha256_new();
    reply_set(&reply, 250, "2.0.0", "Ok: queued as %s", envelope->id);
    for (size_t i = 0; i < envelope->rcpt_count; i++) {
        if (was_told_otherwise(message, i))
            continue;
        claim.key = recall_key(sha256, recall->content, envelope, i);
        if (remember_claim(remember, &claim, &told) == REMEMBER_OURS)
            remember_tell(remember, claim.key, envelope->id, &reply, now_ms);
    }
    sha256_free(&sha256);
}
