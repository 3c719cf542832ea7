// SPDX-License-Identifier: BSD-2-Clause
// smtp/envelope.h - what a client said about one message: plain data, kept verbatim.
//
// Owns:  all its strings. Paths are what stood between < and >, byte for byte ("" is the null
//        reverse-path); parameters are the text behind the path, byte for byte, SIZE included, less
//        the blanks around it.
// Lists: recipients are numbered in RCPT order; a number never changes (journal, children). Only
//        envelope_add_rcpt makes room for them.
#ifndef POSTERN_SMTP_ENVELOPE_H
#define POSTERN_SMTP_ENVELOPE_H

#include "base/id.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum smtp_protocol { SMTP_PROTOCOL_SMTP, SMTP_PROTOCOL_LMTP };

enum smtp_handoff { SMTP_HANDOFF_SPOOL, SMTP_HANDOFF_RELAY };

// The order is that of smtp_xforward_name().
enum smtp_xforward {
    XFORWARD_NAME,
    XFORWARD_ADDR,
    XFORWARD_PORT,
    XFORWARD_PROTO,
    XFORWARD_HELO,
    XFORWARD_IDENT,
    XFORWARD_SOURCE,
    XFORWARD_COUNT
};

struct smtp_rcpt {
    char *path;
    char *params; // "" without; in the same memory
};

struct smtp_envelope {
    char id[ID_MAX + 1];
    enum smtp_protocol protocol;
    enum smtp_handoff handoff;
    bool esmtp;         // EHLO or LHLO, not HELO
    bool tls;           // came over TLS
    int64_t arrived_ms; // when MAIL came, since 1970
    char *listener;     // its name in the configuration
    char *next_hop;     // its name in the configuration
    char *hostname;     // ours, when it came
    char *client;       // peer address of the session ("127.0.0.1", "::1", "local")
    char *helo;
    char *xforward[XFORWARD_COUNT]; // as received (xtext), NULL where it was not sent
    char *from;
    char *from_params;
    struct smtp_rcpt *rcpts;
    size_t rcpt_count;
    // A child only; NULL or empty otherwise (spool/).
    char *parent; // id
    char *group;  // recipients of the parent that it stands for, as ranges ("0-3,7")
    char *reason; // "bounce", "delay", "relayed", "copy", "release", "quarantine", "hold", ...
    char *rule;   // of a child that a decision made: whose
    char *why;    // and for which reason
    // Of a released one: what put it, and those it comes from, into quarantine is not asked again;
    // names, parted by commas.
    char *skip_rule;
};

void envelope_init(struct smtp_envelope *envelope);
void envelope_clear(struct smtp_envelope *envelope);
void
envelope_reset_transaction(struct smtp_envelope *envelope); // keeps what belongs to the session
void envelope_add_rcpt(struct smtp_envelope *envelope, struct span path, struct span params);
void envelope_copy(struct smtp_envelope *to, const struct smtp_envelope *from); // deep
// A MAIL or RCPT parameter: {NULL, 0} if absent, {"", 0} (data not NULL) without a value. Keyword
// in any case.
struct span envelope_param(const char *params, const char *keyword);
bool envelope_needs_smtputf8(const struct smtp_envelope *envelope); // SMTPUTF8 was given at MAIL
bool
envelope_needs_8bitmime(const struct smtp_envelope *envelope); // BODY=8BITMIME was given at MAIL

const char *smtp_protocol_name(enum smtp_protocol protocol);
const char *smtp_handoff_name(enum smtp_handoff handoff);
const char *smtp_xforward_name(enum smtp_xforward attribute); // "NAME", "ADDR", ...

#endif
