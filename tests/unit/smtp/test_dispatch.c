// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/smtp/talk.h"

#define UNKNOWN "500 5.5.2 Command not recognized\r\n"
#define OFF "502 5.5.1 Command not offered here\r\n"
#define CONTROL "500 5.5.2 Control character, or bare <CR> or <LF>, in a command\r\n"
#define TOO_MANY "421 4.7.0 Too many errors\r\n"
#define TLS_FIRST "530 5.7.0 Must issue STARTTLS first\r\n"
#define X100                                                                                       \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
    "xxxxxxxx"
#define X1000 X100 X100 X100 X100 X100 X100 X100 X100 X100 X100

// clang-format off
static const struct talk_row rows[] = {
    {"unknown", 0, TALK_SAYS("FOO\r\n\r\nMAILFROM:<a@b>\r\nGET / HTTP/1.1\r\n<html>\r\n"),
     UNKNOWN UNKNOWN UNKNOWN UNKNOWN UNKNOWN, "", "", false},
    {"off", 0, TALK_SAYS("EXPN x\r\nETRN x\r\nAUTH PLAIN\r\nTURN\r\nSTARTTLS\r\nBDAT 1\r\nXCLIENT a\r\n"),
     OFF OFF OFF OFF OFF OFF OFF, "", "", false},
    {"control characters", 0, TALK_SAYS("NOOP \x01\r\nNOOP\nRSET\r\nNO\rOP\r\nNOOP\0\r\nNOOP\r\n"),
     CONTROL CONTROL CONTROL CONTROL TALK_OK, "", "", false},
    {"tabs are blanks", 0, TALK_SAYS("HELO\tme\t\r\n\r\n \r\n"), TALK_HELLO_OK UNKNOWN UNKNOWN,
     "", "", false},
    {"too many errors", TALK_FEW_ERRORS, TALK_SAYS("FOO\r\nNOOP\r\nFOO\r\nFOO\r\nNOOP\r\n"),
     UNKNOWN TALK_OK UNKNOWN TOO_MANY, "", "", true},
    {"a message wipes them out", TALK_FEW_ERRORS,
     TALK_SAYS("FOO\r\nFOO\r\n" TALK_UP_TO_RCPT "DATA\r\n.\r\nFOO\r\nFOO\r\nFOO\r\n"),
     UNKNOWN UNKNOWN TALK_UP_TO_RCPT_OK TALK_DATA_OK TALK_SENT("id1") UNKNOWN UNKNOWN TOO_MANY,
     NULL, "|", true},
    {"too many in a transaction", TALK_FEW_ERRORS, TALK_SAYS(TALK_UP_TO_RCPT "FOO\r\nFOO\r\nFOO\r\n"),
     TALK_UP_TO_RCPT_OK UNKNOWN UNKNOWN TOO_MANY, "mail<a@b>[] abort(gone) ", "", true},
    {"TLS is demanded", TALK_NEEDS_TLS | TALK_CHUNKING,
     TALK_SAYS(TALK_HELLO "NOOP\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nRSET\r\nVRFY x\r\nDATA\r\n"
               "XFORWARD IDENT=a\r\nBDAT 6\r\nNOOP\r\nQUIT\r\n"),
     TALK_HELLO_OK TALK_OK TLS_FIRST TLS_FIRST TLS_FIRST TLS_FIRST TLS_FIRST TLS_FIRST TLS_FIRST
     "221 2.0.0 Bye\r\n", "", "", true},
    {"long line", 0, TALK_SAYS("NOOP " X1000 X1000 X1000 X1000 "\r\nNOOP " X1000 X1000 X1000 X1000 X1000
                               "RSET\r\nNOOP\r\n"),
     TALK_OK "500 5.5.6 Line too long\r\n" TALK_OK, "", "", false},
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

UNIT_MAIN("smtp/dispatch", tests)
