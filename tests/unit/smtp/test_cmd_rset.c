// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/smtp/talk.h"

// clang-format off
static const struct talk_row rows[] = {
    {"fresh", 0, TALK_SAYS("RSET\r\n" TALK_MAIL),
     TALK_OK "503 5.5.1 Bad sequence of commands: Say hello first\r\n", "", "", false},
    {"greeted", 0, TALK_SAYS(TALK_HELLO "rset\r\n" TALK_MAIL), TALK_HELLO_OK TALK_OK TALK_MAIL_OK,
     "mail<a@b>[] ", "", false},
    {"after MAIL", 0, TALK_SAYS(TALK_HELLO TALK_MAIL "RSET\r\n" TALK_RCPT TALK_MAIL),
     TALK_HELLO_OK TALK_MAIL_OK TALK_OK "503 5.5.1 Bad sequence of commands: MAIL first\r\n" TALK_MAIL_OK,
     "mail<a@b>[] abort mail<a@b>[] ", "", false},
    {"after RCPT", 0, TALK_SAYS(TALK_UP_TO_RCPT "RSET\r\nDATA\r\n"),
     TALK_UP_TO_RCPT_OK TALK_OK "503 5.5.1 Bad sequence of commands: MAIL first\r\n",
     "mail<a@b>[] abort ", "", false},
    {"between chunks", TALK_CHUNKING, TALK_SAYS(TALK_UP_TO_RCPT "BDAT 3\r\nabcRSET\r\n" TALK_MAIL),
     TALK_UP_TO_RCPT_OK "250 2.0.0 3 octets received\r\n" TALK_OK TALK_MAIL_OK,
     "mail<a@b>[] rcpt<c@d>[] data abort mail<a@b>[] ", "", false},
    {"an argument", 0, TALK_SAYS("RSET x\r\n"), "501 5.5.4 RSET takes no argument\r\n", "", "", false},
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

UNIT_MAIN("smtp/cmd_rset", tests)
