// SPDX-License-Identifier: BSD-2-Clause
// src/job/outcome.h - what a finished delivery means for its recipients: journal lines, log lines,
// replies.
//
// Recipients with the same answer share a line in the journal and in the log. Nothing is decided
// here that a rule of delivery.md's "Next hops" does not say: 4xx waits until `lifetime`, then
// fails; 5xx fails (soft_bounce: waits).
#ifndef POSTERN_SRC_OUTCOME_H
#define POSTERN_SRC_OUTCOME_H

#include "control/settings.h"
#include "reinject/delivery.h"
#include "smtp/reply.h"
#include "spool/spool.h"

struct outcome_context {
    const struct settings *settings;
    int64_t now_ms;
    uint32_t random;      // spreads retries
    uint64_t received_us; // MAIL to sealed
    bool may_wait; // false: relay, the client will try again: nothing is deferred or failed by us
};

struct outcome_count {
    size_t sent, temporary, permanent;
};

struct outcome_count outcome_of(const struct delivery *delivery);

// Notes each result in the file's journal (not yet flushed) and logs it.
void outcome_note(struct spool_file *file, const struct delivery *delivery,
                  const struct outcome_context *context);

// What a client is told of one recipient's result: the next hop's own reply where that can be said.
void outcome_reply(const struct delivery_rcpt *rcpt, struct smtp_reply *reply_out);
// Of all of them in one reply: 4xx before 5xx before 2xx.
void outcome_worst_reply(const struct delivery *delivery, struct smtp_reply *reply_out);

#endif
