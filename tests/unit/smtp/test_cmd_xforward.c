// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/smtp/talk.h"

#define BAD "501 5.5.4 Bad XFORWARD attribute or value\r\n"
#define BEGIN TALK_HELLO "XFORWARD NAME=n.example ADDR=192.0.2.7 PORT=54321\r\n"
#define SEND TALK_MAIL TALK_RCPT "DATA\r\n.\r\n"
#define SEND_OK(id) TALK_MAIL_OK TALK_RCPT_OK TALK_DATA_OK TALK_SENT(id)
#define LONG_64 "0123456789012345678901234567890123456789012345678901234567890123"

// clang-format off
static const struct talk_row rows[] = {
    {"several lines", 0,
     TALK_SAYS(BEGIN "xforward proto=ESMTP helo=h+2Bx=y IDENT=4BzQxy1abc SOURCE=REMOTE\r\n" SEND),
     TALK_HELLO_OK TALK_OK TALK_OK SEND_OK("id1"),
     "mail<a@b>[] rcpt<c@d>[] NAME=n.example ADDR=192.0.2.7 PORT=54321 PROTO=ESMTP HELO=h+2Bx=y "
     "IDENT=4BzQxy1abc SOURCE=REMOTE data end ", "|", false},
    {"for one transaction", 0, TALK_SAYS(BEGIN SEND SEND),
     TALK_HELLO_OK TALK_OK SEND_OK("id1") SEND_OK("id2"),
     "mail<a@b>[] rcpt<c@d>[] NAME=n.example ADDR=192.0.2.7 PORT=54321 data end "
     "mail<a@b>[] rcpt<c@d>[] data end ", "||", false},
    {"forgotten by RSET", 0, TALK_SAYS(BEGIN "RSET\r\n" SEND),
     TALK_HELLO_OK TALK_OK TALK_OK SEND_OK("id1"), "mail<a@b>[] rcpt<c@d>[] data end ", "|", false},
    {"the later counts", 0, TALK_SAYS(TALK_HELLO "XFORWARD IDENT=a\r\nXFORWARD IDENT=b\r\n" SEND),
     TALK_HELLO_OK TALK_OK TALK_OK SEND_OK("id1"), "mail<a@b>[] rcpt<c@d>[] IDENT=b data end ", "|", false},
    {"local", 0, TALK_SAYS(TALK_HELLO "XFORWARD SOURCE=LOCAL NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE]"
                                      " PORT=[UNAVAILABLE]\r\n" SEND),
     TALK_HELLO_OK TALK_OK SEND_OK("id1"),
     "mail<a@b>[] rcpt<c@d>[] NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE] PORT=[UNAVAILABLE] SOURCE=LOCAL "
     "data end ", "|", false},
    {"IPv6", 0, TALK_SAYS(TALK_HELLO "XFORWARD ADDR=IPv6:2001:db8::5\r\n" SEND),
     TALK_HELLO_OK TALK_OK SEND_OK("id1"), "mail<a@b>[] rcpt<c@d>[] ADDR=IPv6:2001:db8::5 data end ", "|", false},
    {"kept when MAIL fails", 0, TALK_SAYS(TALK_HELLO "XFORWARD IDENT=a\r\nMAIL FROM:x\r\n" SEND),
     TALK_HELLO_OK TALK_OK "501 5.1.7 Bad sender address syntax\r\n" SEND_OK("id1"),
     "mail<a@b>[] rcpt<c@d>[] IDENT=a data end ", "|", false},
    {"a bad line changes nothing", 0, TALK_SAYS(TALK_HELLO "XFORWARD IDENT=a PORT=x\r\n" SEND),
     TALK_HELLO_OK BAD SEND_OK("id1"), "mail<a@b>[] rcpt<c@d>[] data end ", "|", false},
    {"bad lines", 0,
     TALK_SAYS(TALK_HELLO "XFORWARD\r\nXFORWARD NAME\r\nXFORWARD NAME=\r\nXFORWARD FOO=1\r\n"
               "XFORWARD NAME=a+\r\nXFORWARD NAME=a+0Ab\r\nXFORWARD NAME=\xc3\xbc\r\n"
               "XFORWARD ADDR=2001:db8::5\r\nXFORWARD ADDR=192.0.2.256\r\nXFORWARD ADDR=IPv6:1.2.3.4\r\n"
               "XFORWARD PORT=65536\r\nXFORWARD SOURCE=ELSEWHERE\r\nXFORWARD PROTO=" LONG_64 "x\r\n"),
     TALK_HELLO_OK BAD BAD BAD BAD BAD BAD BAD BAD BAD BAD BAD BAD BAD, "", "", false},
    {"long values", 0,
     TALK_SAYS(TALK_HELLO "XFORWARD PROTO=" LONG_64 " NAME=" LONG_64 LONG_64 LONG_64
               "012345678901234567890123456789012345678901234567890123456789012\r\n"
               "XFORWARD NAME=" LONG_64 LONG_64 LONG_64 LONG_64 "\r\n"),
     TALK_HELLO_OK TALK_OK BAD, "", "", false},
    {"within a transaction", 0, TALK_SAYS(TALK_UP_TO_RCPT "XFORWARD IDENT=a\r\n"),
     TALK_UP_TO_RCPT_OK "503 5.5.1 Bad sequence of commands: Not within a transaction\r\n",
     "mail<a@b>[] ", "", false},
    {"before a greeting", 0, TALK_SAYS("XFORWARD IDENT=a\r\n"),
     "503 5.5.1 Bad sequence of commands: Say hello first\r\n", "", "", false},
    {"not allowed", TALK_NO_XFORWARD, TALK_SAYS(TALK_HELLO "XFORWARD IDENT=a\r\n" SEND),
     TALK_HELLO_OK "550 5.7.0 Not authorized to use XFORWARD\r\n" SEND_OK("id1"),
     "mail<a@b>[] rcpt<c@d>[] data end ", "|", false},
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

UNIT_MAIN("smtp/cmd_xforward", tests)
