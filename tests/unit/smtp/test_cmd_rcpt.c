// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/smtp/talk.h"

#define FORM "501 5.5.4 Syntax: RCPT TO:<address>\r\n"
#define BAD "501 5.1.3 Bad recipient address syntax\r\n"
#define BEGIN TALK_HELLO TALK_MAIL
#define BEGIN_OK TALK_HELLO_OK TALK_MAIL_OK
#define LONG_LOCAL "<0123456789012345678901234567890123456789012345678901234567890123x@d>"

// clang-format off
static const struct talk_row rows[] = {
    {"kept in order, with parameters", 0,
     TALK_SAYS(BEGIN "RCPT TO:<c@d> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;c@d \r\nrcpt to: <Postmaster>\r\n"
               "RCPT TO:<\"a>b\"@c>\r\nDATA\r\n"),
     BEGIN_OK TALK_RCPT_OK TALK_RCPT_OK TALK_RCPT_OK TALK_DATA_OK,
     "mail<a@b>[] rcpt<c@d>[NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;c@d] rcpt<Postmaster>[] "
     "rcpt<\"a>b\"@c>[] data ", "", false},
    {"before MAIL", 0, TALK_SAYS(TALK_HELLO TALK_RCPT),
     TALK_HELLO_OK "503 5.5.1 Bad sequence of commands: MAIL first\r\n", "", "", false},
    {"too many", 0, TALK_SAYS(BEGIN TALK_RCPT TALK_RCPT TALK_RCPT TALK_RCPT "RSET\r\n" TALK_MAIL TALK_RCPT),
     BEGIN_OK TALK_RCPT_OK TALK_RCPT_OK TALK_RCPT_OK "452 4.5.3 Too many recipients\r\n" TALK_OK
     TALK_MAIL_OK TALK_RCPT_OK, "mail<a@b>[] abort mail<a@b>[] ", "", false},
    {"no argument", 0, TALK_SAYS(BEGIN "RCPT\r\nRCPT FROM:<a@b>\r\nRCPT TO\r\n"),
     BEGIN_OK FORM FORM FORM, NULL, "", false},
    {"bad paths", 0, TALK_SAYS(BEGIN "RCPT TO:<>\r\nRCPT TO:a@b\r\nRCPT TO:<user>\r\nRCPT TO:<a@b c@d>\r\n"),
     BEGIN_OK BAD BAD BAD BAD, NULL, "", false},
    {"source route", 0, TALK_SAYS(BEGIN "RCPT TO:<@x:a@b>\r\n"),
     BEGIN_OK "501 5.1.3 Source routes are not accepted\r\n", NULL, "", false},
    {"source route, taken off", TALK_STRIP, TALK_SAYS(BEGIN "RCPT TO:<@x:c@d>\r\nDATA\r\n"),
     BEGIN_OK TALK_RCPT_OK TALK_DATA_OK, "mail<a@b>[] rcpt<c@d>[] data ", "", false},
    {"parameters", 0, TALK_SAYS(BEGIN "RCPT TO:<a@b> SIZE=1\r\nRCPT TO:<a@b> NOTIFY=NEVER,DELAY\r\n"),
     BEGIN_OK "555 5.5.4 Unsupported option: SIZE=1\r\n501 5.5.4 Bad value: NOTIFY=NEVER,DELAY\r\n",
     NULL, "", false},
    {"8-bit, strict", TALK_STRICT, TALK_SAYS(BEGIN "RCPT TO:<\xc3\xbc@b>\r\n"),
     BEGIN_OK "553 5.6.7 Address needs SMTPUTF8\r\n", NULL, "", false},
    {"8-bit, announced at MAIL", TALK_STRICT,
     TALK_SAYS(TALK_HELLO "MAIL FROM:<a@b> SMTPUTF8\r\nRCPT TO:<\xc3\xbc@b>\r\n"),
     TALK_HELLO_OK TALK_MAIL_OK TALK_RCPT_OK, NULL, "", false},
    {"long, strict", TALK_STRICT, TALK_SAYS(BEGIN "RCPT TO:" LONG_LOCAL "\r\n"),
     BEGIN_OK "501 5.1.3 Address is too long\r\n", NULL, "", false},
    {"long and odd ones are counted", 0,
     TALK_SAYS(BEGIN "RCPT TO:" LONG_LOCAL "\r\nRCPT TO:<a..b@c>\r\n" TALK_RCPT "DATA\r\n.\r\n"),
     BEGIN_OK TALK_RCPT_OK TALK_RCPT_OK TALK_RCPT_OK TALK_DATA_OK TALK_SENT("id1"),
     "mail<a@b>[] rcpt" LONG_LOCAL "[] rcpt<a..b@c>[] rcpt<c@d>[] data end odd=2 ", "|", false},
    {"refusals are no errors", TALK_FEW_ERRORS,
     TALK_SAYS(BEGIN "RCPT TO:x\r\nRCPT TO:x\r\nRCPT TO:x\r\nRCPT TO:x\r\n" TALK_RCPT),
     BEGIN_OK BAD BAD BAD BAD TALK_RCPT_OK, NULL, "", false},
};

// clang-format on

static void
test_rows(void)
{
    talk_check_rows(rows, UNIT_COUNT(rows));
}

// Recipients are bounded by their bytes, too.
static void
test_large_recipients(void)
{
    char line[4096];
    struct talk talk;

    memset(line, 'a', sizeof(line));
    memcpy(line, "RCPT TO:<", 9);
    memcpy(line + sizeof(line) - 5, "@b>\r\n", 5);
    talk_init(&talk, 0);
    talk_start(&talk);
    talk_say(&talk, SPAN_LITERAL(BEGIN));
    for (int i = 0; i < 3; i++)
        talk_say(&talk, span_from(line, sizeof(line)));
    talk_say(&talk, SPAN_LITERAL(TALK_RCPT));
    talk_settle(&talk);
    CU_ASSERT(talk_same("large", "heard", talk_heard(&talk),
                        BEGIN_OK TALK_RCPT_OK TALK_RCPT_OK
                        "452 4.5.3 Too many recipients\r\n" TALK_RCPT_OK));
    talk_clear(&talk);
}

static const struct unit_test tests[] = {
    {"rows",             test_rows            },
    {"large recipients", test_large_recipients},
};

UNIT_MAIN("smtp/cmd_rcpt", tests)
