// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/smtp/talk.h"

#define FORM "501 5.5.4 Syntax: MAIL FROM:<address>\r\n"
#define BAD "501 5.1.7 Bad sender address syntax\r\n"
#define NESTED "503 5.5.1 Bad sequence of commands: Not within a transaction, or RCPT first\r\n"

// clang-format off
static const struct talk_row rows[] = {
    {"all parameters", 0,
     TALK_SAYS(TALK_HELLO "MAIL FROM:<s@a.example> SIZE=999 BODY=8BITMIME RET=HDRS"
                          " ENVID=abc+2Bd SMTPUTF8 \r\n"),
     TALK_HELLO_OK TALK_MAIL_OK,
     "mail<s@a.example>[SIZE=999 BODY=8BITMIME RET=HDRS ENVID=abc+2Bd SMTPUTF8] ", "", false},
    {"null sender", 0, TALK_SAYS(TALK_HELLO "mail from:<>\r\n"), TALK_HELLO_OK TALK_MAIL_OK,
     "mail<>[] ", "", false},
    {"blanks behind the colon", 0, TALK_SAYS(TALK_HELLO "MAIL FROM:  <a@b>\r\n"),
     TALK_HELLO_OK TALK_MAIL_OK, "mail<a@b>[] ", "", false},
    {"before a greeting", 0, TALK_SAYS(TALK_MAIL),
     "503 5.5.1 Bad sequence of commands: Say hello first\r\n", "", "", false},
    {"twice", 0, TALK_SAYS(TALK_HELLO TALK_MAIL TALK_MAIL), TALK_HELLO_OK TALK_MAIL_OK NESTED,
     "mail<a@b>[] ", "", false},
    {"no argument", 0, TALK_SAYS(TALK_HELLO "MAIL\r\nMAIL TO:<a@b>\r\nMAIL <a@b>\r\nMAIL FROM\r\n"),
     TALK_HELLO_OK FORM FORM FORM FORM, "", "", false},
    {"no brackets", 0, TALK_SAYS(TALK_HELLO "MAIL FROM:a@b\r\nMAIL FROM:\r\nMAIL FROM:<a@b\r\n"),
     TALK_HELLO_OK BAD BAD BAD, "", "", false},
    {"unknown parameter", 0, TALK_SAYS(TALK_HELLO "MAIL FROM:<a@b> FOO=1\r\n"),
     TALK_HELLO_OK "555 5.5.4 Unsupported option: FOO=1\r\n", "", "", false},
    {"not offered", TALK_NO_OFFERS, TALK_SAYS(TALK_HELLO "MAIL FROM:<a@b> SMTPUTF8\r\n"),
     TALK_HELLO_OK "555 5.5.4 Unsupported option: SMTPUTF8\r\n", "", "", false},
    {"bad value", 0, TALK_SAYS(TALK_HELLO "MAIL FROM:<a@b> SIZE=x\r\n"),
     TALK_HELLO_OK "501 5.5.4 Bad value: SIZE=x\r\n", "", "", false},
    {"no blank", 0, TALK_SAYS(TALK_HELLO "MAIL FROM:<a@b>SIZE=1\r\n"),
     TALK_HELLO_OK "501 5.5.4 Blank expected before: SIZE=1\r\n", "", "", false},
    {"too large", 0, TALK_SAYS(TALK_HELLO "MAIL FROM:<a@b> SIZE=1001\r\nMAIL FROM:<a@b> SIZE=1000\r\n"),
     TALK_HELLO_OK "552 5.3.4 Message size exceeds limit of 1000 bytes\r\n" TALK_MAIL_OK,
     "mail<a@b>[SIZE=1000] ", "", false},
    {"no limit", TALK_UNLIMITED, TALK_SAYS(TALK_HELLO "MAIL FROM:<a@b> SIZE=18446744073709551615\r\n"),
     TALK_HELLO_OK TALK_MAIL_OK, NULL, "", false},
    {"source route", 0, TALK_SAYS(TALK_HELLO "MAIL FROM:<@x:a@b>\r\n"),
     TALK_HELLO_OK "501 5.1.7 Source routes are not accepted\r\n", "", "", false},
    {"source route, taken off", TALK_STRIP, TALK_SAYS(TALK_HELLO "MAIL FROM:<@x,@y:a@b> SIZE=1\r\n"),
     TALK_HELLO_OK TALK_MAIL_OK, "mail<a@b>[SIZE=1] ", "", false},
    {"8-bit, odd", 0, TALK_SAYS(TALK_HELLO "MAIL FROM:<\xc3\xbc@b>\r\n"),
     TALK_HELLO_OK TALK_MAIL_OK, "mail<\xc3\xbc@b>[] ", "", false},
    {"8-bit, strict", TALK_STRICT, TALK_SAYS(TALK_HELLO "MAIL FROM:<\xc3\xbc@b>\r\n"),
     TALK_HELLO_OK "550 5.6.7 Address needs SMTPUTF8\r\n", "", "", false},
    {"8-bit, announced", TALK_STRICT, TALK_SAYS(TALK_HELLO "MAIL FROM:<\xc3\xbc@b> SMTPUTF8\r\n"),
     TALK_HELLO_OK TALK_MAIL_OK, "mail<\xc3\xbc@b>[SMTPUTF8] ", "", false},
    {"8-bit domain", 0, TALK_SAYS(TALK_HELLO "MAIL FROM:<a@\xc3\xbc>\r\n"),
     TALK_HELLO_OK "550 5.6.7 Address needs SMTPUTF8\r\n", "", "", false},
    {"refused by the handler", TALK_REFUSE_MAIL, TALK_SAYS(TALK_HELLO TALK_MAIL TALK_RCPT),
     TALK_HELLO_OK "452 4.3.1 No room\r\n503 5.5.1 Bad sequence of commands: MAIL first\r\n",
     "", "", false},
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

UNIT_MAIN("smtp/cmd_mail", tests)
