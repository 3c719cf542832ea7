// SPDX-License-Identifier: BSD-2-Clause
// smtp/param.h - the parameters of MAIL and RCPT: which are known, and are their values right.
// Pure.
//
// Sources: RFC 1870 (SIZE), 6152 (BODY), 6531 (SMTPUTF8), 3461 (RET, ENVID, NOTIFY, ORCPT),
// 4954 (AUTH). Unknown ones get 555 5.5.4, bad values 501 5.5.4, repeated ones 501.
#ifndef POSTERN_SMTP_PARAM_H
#define POSTERN_SMTP_PARAM_H

#include "base/str.h"
#include "smtp/reply.h"

// What the listener offers right now: a parameter of a keyword not offered is unknown.
enum smtp_offer {
    SMTP_OFFER_8BITMIME = 1,
    SMTP_OFFER_SMTPUTF8 = 2,
    SMTP_OFFER_DSN = 4,
    SMTP_OFFER_CHUNKING = 8,
    SMTP_OFFER_STARTTLS = 16
};

struct param_mail {
    uint64_t size; // 0: not given
    bool smtputf8;
};

// text is what stands behind the path (leading blank or empty). 0, or -1 with the reply to give.
int param_check_mail(struct span text, unsigned offers, struct param_mail *mail_out,
                     struct smtp_reply *reply_out);
int param_check_rcpt(struct span text, unsigned offers, struct smtp_reply *reply_out);

#endif
