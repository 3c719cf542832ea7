// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/smtp/talk.h"

#define LINES "250-mx.test\r\n250-PIPELINING\r\n"
#define OFFERS "250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n"
#define XFORWARD "250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n"
#define LAST "250 ENHANCEDSTATUSCODES\r\n"
#define NAME_255                                                                                   \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaaaaaa"                                                                                     \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaaaaaa"                                                                                     \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NO_NAME "501 5.5.4 Syntax: hostname expected\r\n"

// clang-format off
static const struct talk_row rows[] = {
    {"HELO", 0, TALK_SAYS("HELO me\r\n"), "250 mx.test\r\n", "", "", false},
    {"any case", 0, TALK_SAYS("hElO me\r\n"), "250 mx.test\r\n", "", "", false},
    {"EHLO", 0, TALK_SAYS("EHLO me\r\n"), LINES "250-SIZE 1000\r\n" OFFERS XFORWARD LAST,
     "", "", false},
    {"LHLO", TALK_LMTP, TALK_SAYS("LHLO me\r\n"), LINES "250-SIZE 1000\r\n" OFFERS XFORWARD LAST,
     "", "", false},
    {"nothing of the next hop's", TALK_NO_OFFERS | TALK_NO_XFORWARD, TALK_SAYS("EHLO me\r\n"),
     LINES "250-SIZE 1000\r\n" LAST, "", "", false},
    {"chunking, no limit", TALK_NO_OFFERS | TALK_CHUNKING | TALK_UNLIMITED,
     TALK_SAYS("EHLO me\r\n"), LINES "250-SIZE\r\n250-CHUNKING\r\n" XFORWARD LAST, "", "", false},
    {"HELO over LMTP", TALK_LMTP, TALK_SAYS("HELO me\r\nEHLO me\r\n"),
     "500 5.5.2 Command not recognized\r\n500 5.5.2 Command not recognized\r\n", "", "", false},
    {"LHLO over SMTP", 0, TALK_SAYS("LHLO me\r\n"), "500 5.5.2 Command not recognized\r\n",
     "", "", false},
    {"no name", 0, TALK_SAYS("HELO\r\nEHLO \t \r\n"), NO_NAME NO_NAME, "", "", false},
    {"long name", 0, TALK_SAYS("HELO " NAME_255 "\r\nHELO " NAME_255 "a\r\n"),
     TALK_HELLO_OK NO_NAME, "", "", false},
    {"free text", 0, TALK_SAYS("HELO a (b) <c> \xc3\xbc\r\n"), TALK_HELLO_OK, "", "", false},
    {"a tab inside", 0, TALK_SAYS("HELO a\tb\r\n"), "501 5.5.4 Bad hostname\r\n", "", "", false},
    {"a bad one changes nothing", 0, TALK_SAYS(TALK_HELLO TALK_MAIL "HELO\r\n" TALK_RCPT),
     TALK_HELLO_OK TALK_MAIL_OK NO_NAME TALK_RCPT_OK, "mail<a@b>[] ", "", false},
    {"ends a transaction", 0, TALK_SAYS(TALK_UP_TO_RCPT TALK_HELLO TALK_RCPT),
     TALK_UP_TO_RCPT_OK TALK_HELLO_OK "503 5.5.1 Bad sequence of commands: MAIL first\r\n",
     "mail<a@b>[] abort ", "", false},
    {"forgets XFORWARD", 0,
     TALK_SAYS(TALK_HELLO "XFORWARD IDENT=x\r\n" TALK_UP_TO_RCPT "DATA\r\n"),
     TALK_HELLO_OK TALK_OK TALK_UP_TO_RCPT_OK TALK_DATA_OK,
     "mail<a@b>[] rcpt<c@d>[] data ", "", false},
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

UNIT_MAIN("smtp/cmd_helo", tests)
