// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/verb.h"

enum {
    FRESH = 1 << SESSION_FRESH,
    GREETED = 1 << SESSION_GREETED,
    MAIL = 1 << SESSION_MAIL,
    RCPT = 1 << SESSION_RCPT,
    BDAT = 1 << SESSION_BDAT,
    ANY = FRESH | GREETED | MAIL | RCPT | BDAT
};

static bool
has_tls(const struct smtp_session *session)
{
    return session->config->tls != NULL;
}

static bool
has_chunking(const struct smtp_session *session)
{
    return session->config->listener->chunking;
}

#define HELLO VERB_BEFORE_TLS

// The most frequent come first: they are looked for in this order.
static const struct verb verbs[] = {
    {"RCPT",     MAIL | RCPT, VERB_TOLERATED,                     cmd_rcpt,     NULL,         NULL           },
    {"MAIL",     GREETED,     0,                                  cmd_mail,     NULL,         NULL           },
    {"DATA",     MAIL | RCPT, VERB_NO_ARGUMENT,                   cmd_data,     NULL,         NULL           },
    {"BDAT",     RCPT | BDAT, 0,                                  cmd_bdat,     has_chunking, cmd_bdat_refuse},
    {"HELO",     ANY,         HELLO | VERB_SMTP_ONLY,             cmd_helo,     NULL,         NULL           },
    {"EHLO",     ANY,         HELLO | VERB_SMTP_ONLY,             cmd_ehlo,     NULL,         NULL           },
    {"LHLO",     ANY,         HELLO | VERB_LMTP_ONLY,             cmd_ehlo,     NULL,         NULL           },
    {"STARTTLS", GREETED,     VERB_BEFORE_TLS | VERB_NO_ARGUMENT, cmd_starttls, has_tls,      NULL           },
    {"XFORWARD", GREETED,     0,                                  cmd_xforward, NULL,         NULL           },
    {"RSET",     ANY,         VERB_NO_ARGUMENT,                   cmd_rset,     NULL,         NULL           },
    {"NOOP",     ANY,         VERB_BEFORE_TLS,                    cmd_noop,     NULL,         NULL           },
    {"VRFY",     ANY,         0,                                  cmd_vrfy,     NULL,         NULL           },
    {"HELP",     ANY,         0,                                  cmd_help,     NULL,         NULL           },
    {"QUIT",     ANY,         VERB_BEFORE_TLS | VERB_NO_ARGUMENT, cmd_quit,     NULL,         NULL           },
    {"EXPN",     0,           0,                                  NULL,         NULL,         NULL           },
    {"ETRN",     0,           0,                                  NULL,         NULL,         NULL           },
    {"AUTH",     0,           0,                                  NULL,         NULL,         NULL           },
    {"TURN",     0,           0,                                  NULL,         NULL,         NULL           },
    {"SEND",     0,           0,                                  NULL,         NULL,         NULL           },
    {"SOML",     0,           0,                                  NULL,         NULL,         NULL           },
    {"SAML",     0,           0,                                  NULL,         NULL,         NULL           },
    {"XCLIENT",  0,           0,                                  NULL,         NULL,         NULL           },
};

const struct verb *
verb_find(struct span name, enum smtp_protocol protocol)
{
    unsigned others = protocol == SMTP_PROTOCOL_LMTP ? VERB_SMTP_ONLY : VERB_LMTP_ONLY;

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (span_is_nocase(name, verbs[i].name))
            return (verbs[i].flags & others) == 0 ? &verbs[i] : NULL;
    }
    return NULL;
}

bool
verb_is_allowed(const struct verb *verb, enum session_state state)
{
    return (verb->states & 1u << state) != 0;
}
