// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/smtp/talk.h"

#define HELP "214 2.0.0 Postern, a content filter behind Postfix: see RFC 5321\r\n"
#define VRFY "252 2.0.0 Cannot verify, but will take mail for it\r\n"

// clang-format off
static const struct talk_row rows[] = {
    {"NOOP", 0, TALK_SAYS("NOOP\r\nnoop anything\r\n"), TALK_OK TALK_OK, "", "", false},
    {"HELP", 0, TALK_SAYS("HELP\r\nHELP MAIL\r\n"), HELP HELP, "", "", false},
    {"VRFY", 0, TALK_SAYS("VRFY a@b\r\nVRFY\r\n"), VRFY "501 5.5.4 Syntax: VRFY address\r\n",
     "", "", false},
    {"in a transaction", TALK_CHUNKING,
     TALK_SAYS(TALK_HELLO "NOOP\r\n" TALK_MAIL "VRFY x\r\n" TALK_RCPT "HELP\r\nBDAT 1\r\naNOOP\r\nBDAT 0 LAST\r\n"),
     TALK_HELLO_OK TALK_OK TALK_MAIL_OK VRFY TALK_RCPT_OK HELP "250 2.0.0 1 octets received\r\n"
     TALK_OK TALK_SENT("id1"), "mail<a@b>[] rcpt<c@d>[] data end ", "a\r\n|", false},
};

// clang-format on

static void
test_rows(void)
{
    talk_check_rows(rows, UNIT_COUNT(rows));
}

static const struct unit_test tests[] = {
    {"rows", test_rows},
};

UNIT_MAIN("smtp/cmd_noop", tests)
