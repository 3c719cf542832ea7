// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/smtp/talk.h"

#define BEGIN TALK_UP_TO_RCPT "DATA\r\n"
#define BEGIN_OK TALK_UP_TO_RCPT_OK TALK_DATA_OK
#define EVENTS "mail<a@b>[] rcpt<c@d>[] data end "
#define LHLO "LHLO me\r\n"
#define LHLO_OK                                                                                    \
    "250-mx.test\r\n250-PIPELINING\r\n250-SIZE "                                                   \
    "1000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n"                                          \
    "250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n250 ENHANCEDSTATUSCODES\r\n"

// clang-format off
static const struct talk_row rows[] = {
    {"content", 0, TALK_SAYS(BEGIN "a\r\n..b\r\n.\r\n"), BEGIN_OK TALK_SENT("id1"), EVENTS,
     "a\r\n.b\r\n|", false},
    {"empty", 0, TALK_SAYS(BEGIN ".\r\n"), BEGIN_OK TALK_SENT("id1"), EVENTS, "|", false},
    {"commands in it", 0, TALK_SAYS(BEGIN "QUIT\r\nRSET\r\n.\r\nNOOP\r\n"),
     BEGIN_OK TALK_SENT("id1") TALK_OK, EVENTS, "QUIT\r\nRSET\r\n|", false},
    {"an argument", 0, TALK_SAYS(TALK_UP_TO_RCPT "DATA now\r\n"),
     TALK_UP_TO_RCPT_OK "501 5.5.4 DATA takes no argument\r\n", NULL, "", false},
    {"no MAIL", 0, TALK_SAYS(TALK_HELLO "DATA\r\n"),
     TALK_HELLO_OK "503 5.5.1 Bad sequence of commands: MAIL first\r\n", "", "", false},
    {"no recipients", 0, TALK_SAYS(TALK_HELLO TALK_MAIL "RCPT TO:x\r\nDATA\r\nRSET\r\n"),
     TALK_HELLO_OK TALK_MAIL_OK "501 5.1.3 Bad recipient address syntax\r\n"
     "554 5.5.1 No valid recipients\r\n" TALK_OK, "mail<a@b>[] abort ", "", false},
    {"no recipients over LMTP", TALK_LMTP, TALK_SAYS(LHLO TALK_MAIL "DATA\r\n"),
     LHLO_OK TALK_MAIL_OK "503 5.5.1 No valid recipients\r\n", "mail<a@b>[] ", "", false},
    {"refused by the handler", TALK_REFUSE_DATA, TALK_SAYS(TALK_UP_TO_RCPT "DATA\r\n" TALK_MAIL),
     TALK_UP_TO_RCPT_OK "451 4.3.0 Not now\r\n" TALK_MAIL_OK, "mail<a@b>[] mail<a@b>[] ", "", false},
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

UNIT_MAIN("smtp/cmd_data", tests)
