// SPDX-License-Identifier: BSD-2-Clause
// reinject/bounce.h - delivery status notifications: who gets one, and what it says. Pure.
//
// RFC 3461 (who wants to know), 3462 and 3464 (form), 6522, 6533 (SMTPUTF8 originals). Never for a
// null sender; a notice's own sender is null and its NOTIFY=NEVER.
#ifndef POSTERN_REINJECT_BOUNCE_H
#define POSTERN_REINJECT_BOUNCE_H

#include "base/buf.h"
#include "smtp/envelope.h"

enum bounce_kind { BOUNCE_FAILED, BOUNCE_DELAYED, BOUNCE_RELAYED };

const char *
bounce_kind_name(enum bounce_kind kind); // "bounce", "delay", "relayed": the child's reason

// Does this recipient's NOTIFY (or its absence) ask for that kind? (failure and delay by default;
// success not)
bool bounce_is_wanted(enum bounce_kind kind, const char *from, const char *rcpt_params);

struct bounce_rcpt {
    const char *path, *params; // as in the envelope
    int code;                  // of the next hop's reply, 0 none
    const char *enhanced;      // "5.1.1"; NULL or "": derived from code
    const char *reply;         // text
    const char *relay;         // next hop, NULL if none
};

struct bounce {
    enum bounce_kind kind;
    const struct smtp_envelope *original;
    const struct bounce_rcpt *rcpts;
    size_t rcpt_count;
    const char *hostname;
    int64_t now_ms;
    int64_t will_retry_until_ms; // DELAYED
    struct span original_head;   // the header block of the original (cut by the caller to 64 KB)
};

// The notice's content (CRLF lines, 7-bit unless the original is SMTPUTF8), ready for a spool
// writer. Returned text holds only headers (RET=HDRS); RET=FULL is honoured by the caller in
// a later step.
void bounce_write(const struct bounce *bounce, struct buf *out);
// The envelope of the notice: from "", one recipient: the original's sender, NOTIFY=NEVER; next
// hop, listener, host name as in the original; hand-off spool; parent, group, reason. id_out is set
// by the caller.
void bounce_envelope(const struct bounce *bounce, const char *group,
                     struct smtp_envelope *envelope_out);

#endif
