// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/verb.h"

#include "tests/unit/harness.h"

enum { STATES = SESSION_CLOSED + 1 };

struct row {
    const char *name;
    const char *states; // one letter for each state: fresh, greeted, mail, rcpt, data, bdat, ...
    bool smtp, lmtp, is_implemented;
};

static const struct row rows[] = {
    {"HELO",     "yyyy-y---", true,  false, true },
    {"EHLO",     "yyyy-y---", true,  false, true },
    {"LHLO",     "yyyy-y---", false, true,  true },
    {"STARTTLS", "-y-------", true,  true,  true },
    {"XFORWARD", "-y-------", true,  true,  true },
    {"MAIL",     "-y-------", true,  true,  true },
    {"RCPT",     "--yy-----", true,  true,  true },
    {"DATA",     "--yy-----", true,  true,  true },
    {"BDAT",     "---y-y---", true,  true,  true },
    {"RSET",     "yyyy-y---", true,  true,  true },
    {"NOOP",     "yyyy-y---", true,  true,  true },
    {"VRFY",     "yyyy-y---", true,  true,  true },
    {"HELP",     "yyyy-y---", true,  true,  true },
    {"QUIT",     "yyyy-y---", true,  true,  true },
    {"EXPN",     "---------", true,  true,  false},
    {"ETRN",     "---------", true,  true,  false},
    {"AUTH",     "---------", true,  true,  false},
    {"TURN",     "---------", true,  true,  false},
    {"SEND",     "---------", true,  true,  false},
    {"SOML",     "---------", true,  true,  false},
    {"SAML",     "---------", true,  true,  false},
    {"XCLIENT",  "---------", true,  true,  false},
    {"DATAX",    "---------", false, false, false},
    {"DAT",      "---------", false, false, false},
    {"",         "---------", false, false, false},
};

static void
check_verb(const struct row *row, const struct verb *verb)
{
    UNIT_CHECK_ROW(row->name, (verb->run != NULL) == row->is_implemented);
    for (int state = 0; state < STATES; state++)
        UNIT_CHECK_ROW(row->name, verb_is_allowed(verb, (enum session_state)state) ==
                                      (row->states[state] == 'y'));
}

static void
test_every_cell(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct span name = span_of(rows[i].name);
        const struct verb *smtp = verb_find(name, SMTP_PROTOCOL_SMTP);
        const struct verb *lmtp = verb_find(name, SMTP_PROTOCOL_LMTP);

        UNIT_CHECK_ROW(rows[i].name, (smtp != NULL) == rows[i].smtp);
        UNIT_CHECK_ROW(rows[i].name, (lmtp != NULL) == rows[i].lmtp);
        if (smtp != NULL)
            check_verb(&rows[i], smtp);
        if (lmtp != NULL)
            check_verb(&rows[i], lmtp);
    }
}

static void
test_case(void)
{
    CU_ASSERT(verb_find(span_of("mAiL"), SMTP_PROTOCOL_SMTP) ==
              verb_find(span_of("MAIL"), SMTP_PROTOCOL_SMTP));
}

static const struct unit_test tests[] = {
    {"every cell", test_every_cell},
    {"case",       test_case      },
};

UNIT_MAIN("smtp/verb", tests)
