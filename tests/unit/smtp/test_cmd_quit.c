// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/smtp/talk.h"

#define BYE "221 2.0.0 Bye\r\n"

// clang-format off
static const struct talk_row rows[] = {
    {"fresh", 0, TALK_SAYS("QUIT\r\n"), BYE, "", "", true},
    {"what comes behind it is dropped", 0, TALK_SAYS(TALK_HELLO "quit\r\nNOOP\r\n"),
     TALK_HELLO_OK BYE, "", "", true},
    {"in a transaction", 0, TALK_SAYS(TALK_UP_TO_RCPT "QUIT\r\n"), TALK_UP_TO_RCPT_OK BYE,
     "mail<a@b>[] abort(gone) ", "", true},
    {"between chunks", TALK_CHUNKING, TALK_SAYS(TALK_UP_TO_RCPT "BDAT 1\r\naQUIT\r\n"),
     TALK_UP_TO_RCPT_OK "250 2.0.0 1 octets received\r\n" BYE,
     "mail<a@b>[] rcpt<c@d>[] data abort(gone) ", "", true},
    {"an argument", 0, TALK_SAYS("QUIT now\r\n"), "501 5.5.4 QUIT takes no argument\r\n", "", "", false},
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

UNIT_MAIN("smtp/cmd_quit", tests)
