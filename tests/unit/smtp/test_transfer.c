// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/smtp/talk.h"

#define BEGIN TALK_UP_TO_RCPT "DATA\r\n"
#define BEGIN_OK TALK_UP_TO_RCPT_OK TALK_DATA_OK
#define EVENTS "mail<a@b>[] rcpt<c@d>[] data "
#define X100                                                                                       \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
    "xxxxxx\r\n"
#define X900 X100 X100 X100 X100 X100 X100 X100 X100 X100
#define TOO_LARGE "552 5.3.4 Message size exceeds limit of 1000 bytes\r\n"
#define OURS "Received: from a by b (Postern) with ESMTP\r\n"
#define LHLO "LHLO me\r\n"
#define LHLO_OK                                                                                    \
    "250-mx.test\r\n250-PIPELINING\r\n250-SIZE "                                                   \
    "1000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n"                                          \
    "250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n250 ENHANCEDSTATUSCODES\r\n"

// clang-format off
static const struct talk_row rows[] = {
    {"as large as may be", 0, TALK_SAYS(BEGIN X900 X100 ".\r\n"), BEGIN_OK TALK_SENT("id1"),
     EVENTS "end ", X900 X100 "|", false},
    {"dots do not count", 0, TALK_SAYS(BEGIN "..\r\n" X900 "..................................."
     "..........................................................\r\n..\r\n.\r\n"),
     BEGIN_OK TALK_SENT("id1"), EVENTS "end ", NULL, false},
    {"too large, swallowed", 0, TALK_SAYS(BEGIN X900 X100 "\r\nQUIT\r\n" X900 ".\r\nNOOP\r\n"),
     BEGIN_OK TOO_LARGE TALK_OK, EVENTS "abort ", "", false},
    {"too large over LMTP", TALK_LMTP,
     TALK_SAYS(LHLO TALK_MAIL TALK_RCPT TALK_RCPT "DATA\r\n" X900 X900 ".\r\nNOOP\r\n"),
     LHLO_OK TALK_MAIL_OK TALK_RCPT_OK TALK_RCPT_OK TALK_DATA_OK TOO_LARGE TOO_LARGE TALK_OK,
     "mail<a@b>[] rcpt<c@d>[] rcpt<c@d>[] data abort ", "", false},
    {"and the next one is good", 0,
     TALK_SAYS(BEGIN X900 X900 ".\r\n" TALK_MAIL TALK_RCPT "DATA\r\nx\r\n.\r\n"),
     BEGIN_OK TOO_LARGE TALK_MAIL_OK TALK_RCPT_OK TALK_DATA_OK TALK_SENT("id2"),
     EVENTS "abort mail<a@b>[] rcpt<c@d>[] data end ", "x\r\n|", false},
    {"bare ones are mended and counted", 0, TALK_SAYS(BEGIN "a\nb\rc\r\n.\r\n"),
     BEGIN_OK TALK_SENT("id1"), EVENTS "end bare=2 ", "a\r\nb c\r\n|", false},
    {"bare ones are rejected", TALK_REJECT_NEWLINES, TALK_SAYS(BEGIN "a\nb\r\n.\r\nNOOP\r\n"),
     BEGIN_OK "550 5.5.2 Bare <CR> or <LF> received\r\n" TALK_OK, EVENTS "abort ", "", false},
    {"the first reason counts", TALK_REJECT_NEWLINES, TALK_SAYS(BEGIN "a\n" X900 X900 ".\r\n"),
     BEGIN_OK "550 5.5.2 Bare <CR> or <LF> received\r\n", EVENTS "abort ", "", false},
    {"NUL and 8-bit", 0, TALK_SAYS(BEGIN "\x80\xff\r\n.\r\n"), BEGIN_OK TALK_SENT("id1"),
     EVENTS "end ", "\x80\xff\r\n|", false},
    {"a loop", 0, TALK_SAYS(BEGIN OURS OURS OURS OURS "\r\n.\r\n"), BEGIN_OK TALK_SENT("id1"),
     EVENTS "end(loop) ", NULL, false},
    {"no loop", 0, TALK_SAYS(BEGIN OURS OURS OURS "\r\n" OURS OURS ".\r\n"), BEGIN_OK TALK_SENT("id1"),
     EVENTS "end ", NULL, false},
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

UNIT_MAIN("smtp/transfer", tests)
