// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/param.h"

#include "tests/unit/harness.h"

enum { ALL = SMTP_OFFER_8BITMIME | SMTP_OFFER_SMTPUTF8 | SMTP_OFFER_DSN };

struct mail_row {
    const char *text;
    unsigned offers;
    int code; // 0: good
    uint64_t size;
    bool smtputf8;
};

static const struct mail_row mail_rows[] = {
    {"",                                                       ALL,                 0,   0,          false},
    {"  ",                                                     ALL,                 0,   0,          false},
    {" SIZE=1234",                                             ALL,                 0,   1234,       false},
    {" size=1234",                                             0,                   0,   1234,       false},
    {" SIZE=18446744073709551615",                             0,                   0,   UINT64_MAX, false},
    {" SIZE=18446744073709551616",                             0,                   501, 0,          false},
    {" SIZE=",                                                 0,                   501, 0,          false},
    {" SIZE",                                                  0,                   501, 0,          false},
    {" SIZE=-1",                                               0,                   501, 0,          false},
    {" SIZE=1x",                                               0,                   501, 0,          false},
    {" SIZE=1 SIZE=1",                                         0,                   501, 0,          false},
    {"SIZE=1",                                                 0,                   501, 0,          false},
    {"\tSIZE=1",                                               0,                   501, 0,          false},
    {" SIZE=1\tBODY=7BIT",                                     ALL,                 501, 0,          false},
    {" SIZE=1  BODY=8BITMIME RET=HDRS ENVID=abc+2Bd SMTPUTF8", ALL,                 0,   1,          true },
    {" BODY=7BIT",                                             ALL,                 0,   0,          false},
    {" body=8bitmime",                                         ALL,                 0,   0,          false},
    {" BODY=BINARYMIME",                                       ALL,                 555, 0,          false},
    {" BODY=9BIT",                                             ALL,                 501, 0,          false},
    {" BODY=8BITMIME",                                         0,                   555, 0,          false},
    {" SMTPUTF8",                                              ALL,                 0,   0,          true },
    {" SMTPUTF8=1",                                            ALL,                 501, 0,          false},
    {" SMTPUTF8=",                                             ALL,                 501, 0,          false},
    {" SMTPUTF8",                                              0,                   555, 0,          false},
    {" RET=FULL",                                              ALL,                 0,   0,          false},
    {" RET=half",                                              ALL,                 501, 0,          false},
    {" RET=FULL",                                              SMTP_OFFER_8BITMIME, 555, 0,          false},
    {" ENVID=",                                                ALL,                 501, 0,          false},
    {" ENVID=a+",                                              ALL,                 501, 0,          false},
    {" ENVID=a+0D+0Ab",                                        ALL,                 501, 0,          false},
    {" ENVID=\xc3\xbc",                                        ALL,                 501, 0,          false},
    {" AUTH=<>",                                               0,                   0,   0,          false},
    {" AUTH=a+40b",                                            0,                   0,   0,          false},
    {" AUTH=",                                                 0,                   501, 0,          false},
    {" MT-PRIORITY=3",                                         ALL,                 555, 0,          false},
    {" REQUIRETLS",                                            ALL,                 555, 0,          false},
    {" BY=120;R",                                              ALL,                 555, 0,          false},
    {" NOTIFY=NEVER",                                          ALL,                 555, 0,          false},
    {" =x",                                                    ALL,                 555, 0,          false},
    {" x",                                                     ALL,                 555, 0,          false},
};

static void
test_mail(void)
{
    for (size_t i = 0; i < UNIT_COUNT(mail_rows); i++) {
        const struct mail_row *row = &mail_rows[i];
        struct smtp_reply reply = {.code = 0};
        struct param_mail mail;
        int result = param_check_mail(span_of(row->text), row->offers, &mail, &reply);

        UNIT_CHECK_ROW(row->text, (result == 0) == (row->code == 0));
        UNIT_CHECK_ROW(row->text, reply.code == row->code);
        UNIT_CHECK_ROW(row->text, result == 0 || strcmp(reply.enhanced, "5.5.4") == 0);
        UNIT_CHECK_ROW(row->text,
                       result != 0 || (mail.size == row->size && mail.smtputf8 == row->smtputf8));
    }
}

struct rcpt_row {
    const char *text;
    unsigned offers;
    int code;
};

static const struct rcpt_row rcpt_rows[] = {
    {"",                                         ALL, 0  },
    {" NOTIFY=NEVER",                            ALL, 0  },
    {" notify=success,failure,delay",            ALL, 0  },
    {" NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;r@b", ALL, 0  },
    {" NOTIFY=NEVER,SUCCESS",                    ALL, 501},
    {" NOTIFY=SUCCESS,NEVER",                    ALL, 501},
    {" NOTIFY=SUCCESS,",                         ALL, 501},
    {" NOTIFY=",                                 ALL, 501},
    {" NOTIFY",                                  ALL, 501},
    {" NOTIFY=NEVER",                            0,   555},
    {" ORCPT=rfc822;a+2Bb@c",                    ALL, 0  },
    {" ORCPT=rfc822;a=b@c",                      ALL, 0  },
    {" ORCPT=rfc822;+C3+BCser@b",                ALL, 0  },
    {" ORCPT=rfc822;\"u+201\"@b",                ALL, 0  },
    {" ORCPT=utf-8;\xc3\xbcser@b",               ALL, 0  },
    {" ORCPT=UTF-8;a\\x{20AC}@b",                ALL, 0  },
    {" ORCPT=utf-8;\xff@b",                      ALL, 501},
    {" ORCPT=utf-8;",                            ALL, 501},
    {" ORCPT=rfc822;\xc3\xbcser@b",              ALL, 501},
    {" ORCPT=rfc822;a+0Ab",                      ALL, 501},
    {" ORCPT=rfc822",                            ALL, 501},
    {" ORCPT=rfc822;",                           ALL, 501},
    {" ORCPT=;a@b",                              ALL, 501},
    {" ORCPT=rfc822;a@b",                        0,   555},
    {" ORCPT=rfc822;a@b ORCPT=rfc822;a@b",       ALL, 501},
    {" SIZE=1",                                  ALL, 555},
    {" X=1",                                     ALL, 555},
};

static void
test_rcpt(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rcpt_rows); i++) {
        const struct rcpt_row *row = &rcpt_rows[i];
        struct smtp_reply reply = {.code = 0};
        int result = param_check_rcpt(span_of(row->text), row->offers, &reply);

        UNIT_CHECK_ROW(row->text, (result == 0) == (row->code == 0));
        UNIT_CHECK_ROW(row->text, reply.code == row->code);
    }
}

static const struct unit_test tests[] = {
    {"mail", test_mail},
    {"rcpt", test_rcpt},
};

UNIT_MAIN("smtp/param", tests)
