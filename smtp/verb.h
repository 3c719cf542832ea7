// SPDX-License-Identifier: BSD-2-Clause
// smtp/verb.h - the verb table: which commands there are, in which state each may come. Private.
//
// Only the dispatcher looks at it: it alone answers 500, 502, 503 and 530, so a handler (cmd_*.c)
// sees nothing but a command that may come now.
#ifndef POSTERN_SMTP_VERB_H
#define POSTERN_SMTP_VERB_H

#include "smtp/reply.h"
#include "smtp/session_private.h"

enum verb_flag {
    VERB_SMTP_ONLY = 1, // unknown over LMTP
    VERB_LMTP_ONLY = 2,
    VERB_BEFORE_TLS = 4, // allowed where TLS is demanded and not yet up (RFC 3207 4)
    VERB_NO_ARGUMENT = 8,
    VERB_TOLERATED = 16, // its refusals do not count as errors: one message may bring hundreds
};

// Fills in *reply; a code of 0 left in it means that everything was said, or will be later.
typedef void verb_run(struct smtp_session *session, struct span args, struct smtp_reply *reply);

struct verb {
    const char *name;
    unsigned states; // mask of 1 << enum session_state
    unsigned flags;
    verb_run *run;                                     // NULL: known, but never on
    bool (*is_on)(const struct smtp_session *session); // NULL: always
    verb_run *refuse; // gets a refusal of the dispatcher in *reply; NULL: it is simply said
};

const struct verb *verb_find(struct span name, enum smtp_protocol protocol); // NULL: unknown
bool verb_is_allowed(const struct verb *verb, enum session_state state);

verb_run cmd_helo, cmd_ehlo, cmd_xforward, cmd_mail, cmd_rcpt, cmd_data, cmd_bdat, cmd_bdat_refuse,
    cmd_rset, cmd_noop, cmd_vrfy, cmd_help, cmd_starttls, cmd_quit;

#endif
