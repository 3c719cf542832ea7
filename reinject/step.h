// SPDX-License-Identifier: BSD-2-Clause
// reinject/step.h - the client's transition table: state, what to send, next on 2xx/3xx, 4xx, 5xx.
// Pure.
#ifndef POSTERN_REINJECT_STEP_H
#define POSTERN_REINJECT_STEP_H

#include "reinject/caps.h"
#include "reinject/delivery.h"

// The commands of one transaction, in order. With PIPELINING all up to DATA leave together; replies
// are matched in order. Extend as the code asks.
enum step_state {
    STEP_GREETING,
    STEP_EHLO, // LHLO
    STEP_HELO, // EHLO refused (SMTP only)
    STEP_STARTTLS,
    STEP_IDLE, // ready for a transaction
    STEP_XFORWARD,
    STEP_MAIL,
    STEP_RCPT,
    STEP_DATA,
    STEP_CONTENT, // body is leaving; BDAT replies come meanwhile
    STEP_DOT,     // all is sent; one reply, or one for each accepted recipient (LMTP)
    STEP_RSET,
    STEP_QUIT,
    STEP_CLOSED
};

enum step_next {
    NEXT_STATE,       // go on
    NEXT_HELO,        // EHLO is not known: try HELO (LMTP has none: the connection fails)
    NEXT_WITHOUT_TLS, // go on in clear, unless it is required: then the connection fails
    NEXT_FAIL_RCPT,   // this recipient gets the answer
    NEXT_FAIL_ALL,    // every recipient without a result does
    NEXT_DROP,        // nothing can be believed any more: it is dropped
};

// A good reply's first digit is `good`; 2xx in place of 3xx or the other way round is no answer to
// what was asked: the connection fails, as after a 421 at any time.
struct step_row {
    enum step_state state;
    const char *name;
    int good;
    enum step_next on_good, on_temporary, on_permanent;
};

const struct step_row *step_find(enum step_state state);
enum step_next step_after(enum step_state state, int code);

// Is this RCPT reply the server's way to say that the transaction is full (452 4.5.3)? Asked only
// after it has accepted some.
bool step_is_full(const struct answer *answer);

// Command lines. MAIL: verbatim parameters, SIZE= recomputed (left out if the server has no SIZE),
// what the server does not offer left out (RET, ENVID, NOTIFY, ORCPT without DSN; BODY=8BITMIME and
// SMTPUTF8 never silently: step_missing tells first).
void step_write_mail(const struct delivery *delivery, const struct caps *caps, struct buf *out);
void step_write_rcpt(const struct delivery_rcpt *rcpt, const struct caps *caps, struct buf *out);
// As many XFORWARD lines (<= 512 octets) as are needed, only attributes the server lists, verbatim;
// returns their count.
unsigned step_write_xforward(const struct smtp_envelope *envelope, const struct caps *caps,
                             struct buf *out);
// NULL, or what the message needs and the server lacks ("SMTPUTF8", "8BITMIME"): defer, alarm.
const char *step_missing(const struct delivery *delivery, const struct caps *caps);
// Is the envelope free of control characters? The front door lets none in; this is the last door.
bool step_is_safe(const struct delivery *delivery);

#endif
