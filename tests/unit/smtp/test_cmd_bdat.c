// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/smtp/talk.h"

#define BEGIN TALK_UP_TO_RCPT
#define BEGIN_OK TALK_UP_TO_RCPT_OK
#define GOT(n) "250 2.0.0 " n " octets received\r\n"
#define EVENTS "mail<a@b>[] rcpt<c@d>[] data end "
#define ABORTED "mail<a@b>[] rcpt<c@d>[] data abort "
#define MAIL_FIRST "503 5.5.1 Bad sequence of commands: MAIL first\r\n"
#define TOO_LARGE "552 5.3.4 Message size exceeds limit of 1000 bytes\r\n"
#define FORM "501 5.5.4 Syntax: BDAT size [LAST]\r\n"
#define BARE "550 5.5.2 Bare <CR> or <LF> received\r\n"
#define LHLO "LHLO me\r\n"
#define LHLO_OK                                                                                    \
    "250-mx.test\r\n250-PIPELINING\r\n250-SIZE "                                                   \
    "1000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n"                                          \
    "250-CHUNKING\r\n250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n"                      \
    "250 ENHANCEDSTATUSCODES\r\n"
#define X100                                                                                       \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
    "xxxxxx\r\n"

// clang-format off
static const struct talk_row rows[] = {
    {"one chunk", TALK_CHUNKING, TALK_SAYS(BEGIN "BDAT 6 LAST\r\n.\r\n.\r\nNOOP\r\n"),
     BEGIN_OK TALK_SENT("id1") TALK_OK, EVENTS, ".\r\n.\r\n|", false},
    {"several", TALK_CHUNKING,
     TALK_SAYS(BEGIN "BDAT 3\r\na\r\nbdat 2\r\nb\rBDAT 0\r\nBDAT 2\r\n\ncBDAT 0 last\r\n" TALK_MAIL),
     BEGIN_OK GOT("3") GOT("2") GOT("0") GOT("2") TALK_SENT("id1") TALK_MAIL_OK,
     EVENTS "mail<a@b>[] ", "a\r\nb\r\nc\r\n|", false},
    {"held", TALK_CHUNKING | TALK_HOLD_CONTENT,
     TALK_SAYS(BEGIN "BDAT 3\r\na\r\nBDAT 1 LAST\r\nbNOOP\r\n"),
     BEGIN_OK GOT("3") TALK_SENT("id1") TALK_OK, EVENTS, "a\r\nb\r\n|", false},
    {"empty message", TALK_CHUNKING, TALK_SAYS(BEGIN "BDAT 0 LAST\r\n"),
     BEGIN_OK TALK_SENT("id1"), EVENTS, "|", false},
    {"bare ones are mended", TALK_CHUNKING, TALK_SAYS(BEGIN "BDAT 5 LAST\r\na\nb\rc"),
     BEGIN_OK TALK_SENT("id1"), EVENTS "bare=2 ", "a\r\nb c\r\n|", false},
    {"bare ones are rejected", TALK_CHUNKING | TALK_REJECT_NEWLINES,
     TALK_SAYS(BEGIN "BDAT 2\r\na\nBDAT 1\r\nbBDAT 1 LAST\r\ncNOOP\r\n"),
     BEGIN_OK BARE BARE BARE TALK_OK, ABORTED, "", false},
    {"not offered", 0, TALK_SAYS(BEGIN "BDAT 3 LAST\r\nNOOP\r\n"),
     BEGIN_OK "502 5.5.1 Command not offered here\r\n" TALK_OK, "mail<a@b>[] ", "", false},
    {"out of sequence, swallowed", TALK_CHUNKING,
     TALK_SAYS(TALK_HELLO "BDAT 6 LAST\r\nNOOP\r\nBDAT 0\r\nNOOP\r\n"),
     TALK_HELLO_OK MAIL_FIRST MAIL_FIRST TALK_OK, "", "", false},
    {"no recipients", TALK_CHUNKING, TALK_SAYS(TALK_HELLO TALK_MAIL "BDAT 6 LAST\r\nNOOP\r\n" TALK_RCPT),
     TALK_HELLO_OK TALK_MAIL_OK
     "503 5.5.1 Bad sequence of commands: Not within a transaction, or RCPT first\r\n" TALK_RCPT_OK,
     "mail<a@b>[] ", "", false},
    {"DATA behind it", TALK_CHUNKING, TALK_SAYS(BEGIN "BDAT 1\r\naDATA\r\nMAIL FROM:<a@b>\r\nBDAT 0 LAST\r\n"),
     BEGIN_OK GOT("1") "503 5.5.1 Bad sequence of commands: BDAT, RSET or QUIT expected\r\n"
     "503 5.5.1 Bad sequence of commands: BDAT, RSET or QUIT expected\r\n" TALK_SENT("id1"),
     EVENTS, "a\r\n|", false},
    {"bad tail, swallowed", TALK_CHUNKING, TALK_SAYS(BEGIN "BDAT 6 FIRST\r\nNOOP\r\nBDAT 1 LAST\r\na"),
     BEGIN_OK FORM TALK_SENT("id1"), EVENTS, "a\r\n|", false},
    {"no size", TALK_CHUNKING, TALK_SAYS(BEGIN "BDAT\r\nNOOP\r\n"), BEGIN_OK FORM,
     "mail<a@b>[] abort(gone) ", "", true},
    {"size out of bounds", TALK_CHUNKING, TALK_SAYS(BEGIN "BDAT 18446744073709551616 LAST\r\nNOOP\r\n"),
     BEGIN_OK FORM, "mail<a@b>[] abort(gone) ", "", true},
    {"size out of bounds, no transaction", TALK_CHUNKING, TALK_SAYS(TALK_HELLO "BDAT -1\r\nNOOP\r\n"),
     TALK_HELLO_OK FORM, "", "", true},
    {"no command, but a chunk", TALK_CHUNKING, TALK_SAYS(BEGIN "bdat 6\0\r\nNOOP\r\n"),
     BEGIN_OK "500 5.5.2 Control character, or bare <CR> or <LF>, in a command\r\n",
     "mail<a@b>[] abort(gone) ", "", true},
    {"refused by the handler", TALK_CHUNKING | TALK_REFUSE_DATA,
     TALK_SAYS(BEGIN "BDAT 6\r\nNOOP\r\nBDAT 6 LAST\r\nNOOP\r\nNOOP\r\n"),
     BEGIN_OK "451 4.3.0 Not now\r\n451 4.3.0 Not now\r\n" TALK_OK, "mail<a@b>[] ", "", false},
    {"too large at once", TALK_CHUNKING,
     TALK_SAYS(BEGIN "BDAT 1001 LAST\r\n" X100 X100 X100 X100 X100 X100 X100 X100 X100 X100 "xNOOP\r\n"),
     BEGIN_OK TOO_LARGE TALK_OK, ABORTED, "", false},
    {"too large in sum", TALK_CHUNKING,
     TALK_SAYS(BEGIN "BDAT 600\r\n" X100 X100 X100 X100 X100 X100 "BDAT 500\r\n" X100 X100 X100 X100 X100
               "BDAT 0 LAST\r\nNOOP\r\n"),
     BEGIN_OK GOT("600") TOO_LARGE TOO_LARGE TALK_OK, ABORTED, "", false},
    {"just not too large", TALK_CHUNKING,
     TALK_SAYS(BEGIN "BDAT 600\r\n" X100 X100 X100 X100 X100 X100 "BDAT 400 LAST\r\n" X100 X100 X100 X100),
     BEGIN_OK GOT("600") TALK_SENT("id1"), EVENTS, NULL, false},
    {"over LMTP", TALK_LMTP | TALK_CHUNKING,
     TALK_SAYS(LHLO TALK_MAIL TALK_RCPT TALK_RCPT "BDAT 1\r\naBDAT 1 LAST\r\nbNOOP\r\n"),
     LHLO_OK TALK_MAIL_OK TALK_RCPT_OK TALK_RCPT_OK GOT("1") TALK_SENT("id1") TALK_SENT("id1") TALK_OK,
     "mail<a@b>[] rcpt<c@d>[] rcpt<c@d>[] data end ", "ab\r\n|", false},
    {"over LMTP, refused", TALK_LMTP | TALK_CHUNKING | TALK_REFUSE_DATA,
     TALK_SAYS(LHLO TALK_MAIL TALK_RCPT TALK_RCPT "BDAT 1\r\naBDAT 1 LAST\r\nbNOOP\r\n"),
     LHLO_OK TALK_MAIL_OK TALK_RCPT_OK TALK_RCPT_OK "451 4.3.0 Not now\r\n451 4.3.0 Not now\r\n"
     "451 4.3.0 Not now\r\n" TALK_OK, "mail<a@b>[] ", "", false},
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

UNIT_MAIN("smtp/cmd_bdat", tests)
