// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/client.h"

#include "tests/unit/base/certs.h"
#include "tests/unit/reinject/dialogue.h"

#define SMTP "S 220 mx ESMTP\nC EHLO me.example\n"
#define SENT                                                                                       \
    "C MAIL FROM:<from@example.org>\nP RCPT TO:<a@x>\nP DATA\nS 250 Ok\nS 250 Ok\nS 354 go\n"      \
    "C x\nP .\nS 250 2.0.0 Ok\nQ\n"
#define SENT_SLOWLY                                                                                \
    "C MAIL FROM:<from@example.org>\nS 250 Ok\nC RCPT TO:<a@x>\nS 250 Ok\nC DATA\nS 354 go\n"      \
    "C x\nP .\nS 250 2.0.0 Ok\nQ\n"

enum ca { CA_NONE, CA_RIGHT, CA_STRANGER };

struct row {
    const char *name;
    const char *script;
    int protocol, tls;
    enum ca ca;
    const char *params, *results, *text; // text: a part of the first answer
    bool is_tls, alarm;
};

static const struct row rows[] = {
    {"ehlo",                                  SMTP "S 250-mx\nS 250 PIPELINING\n" SENT,                         HOP_SMTP, HOP_TLS_NO,      CA_NONE,     "",
     "sent 250 2.0.0",                                                                                                                                                        "Ok",                          false, false},
    {"keywords in the first line are a name", SMTP "S 250 PIPELINING\n" SENT_SLOWLY,                            HOP_SMTP,
     HOP_TLS_NO,                                                                                                                           CA_NONE,     "", "sent 250 2.0.0", "Ok",                          false, false},
    {"helo",                                  SMTP "S 502 what?\nC HELO me.example\nS 250 mx\n" SENT_SLOWLY,    HOP_SMTP, HOP_TLS_NO,
     CA_NONE,                                                                                                                                           "", "sent 250 2.0.0", "Ok",                          false, false},
    {"lhlo",                                  "S 220 mx\nC LHLO me.example\nS 250-mx\nS 250 PIPELINING\n" SENT, HOP_LMTP, HOP_TLS_NO,
     CA_NONE,                                                                                                                                           "", "sent 250 2.0.0", "Ok",                          false, false},
    {"lhlo has no second try",                "S 220 mx\nC LHLO me.example\nS 500 what?\nE\n",                  HOP_LMTP,
     HOP_TLS_NO,                                                                                                                           CA_NONE,     "", "temporary 0",    "answered ehlo with 500",      false, false},
    {"greeting 554",                          "S 554 go away\nE\n",                                             HOP_SMTP, HOP_TLS_NO,      CA_NONE,     "", "temporary 0",
     "answered greeting with 554",                                                                                                                                                                           false, false},
    {"greeting 421",                          "S 421 4.3.2 later\nE\n",                                         HOP_SMTP, HOP_TLS_NO,      CA_NONE,     "", "temporary 0",
     "421 4.3.2 later",                                                                                                                                                                                      false, false},
    {"greeting of another kind",              "S +OK POP3\nE\n",                                                HOP_SMTP, HOP_TLS_NO,      CA_NONE,     "",
     "temporary 0",                                                                                                                                                           "not one of SMTP",             false, false},
    {"answers behind the greeting",           "S 220 mx ESMTP\nS 250 mx\nE\n",                                  HOP_SMTP, HOP_TLS_NO,      CA_NONE,
     "",                                                                                                                                                    "temporary 0",    "said more than it was asked", false, false},
    {"answers behind that to EHLO",
     SMTP "S 250-mx\nS 250-CHUNKING\nS 250 PIPELINING\nS 250 Ok\nS 250 Ok\nS 250 Ok\nE\n",                      HOP_SMTP,
     HOP_TLS_NO,                                                                                                                           CA_NONE,     "", "temporary 0",    "said more than it was asked", false, false},
    {"no greeting",                           "X\n",                                                            HOP_SMTP, HOP_TLS_NO,      CA_NONE,     "", "temporary 0",
     "lost 127.0.0.1:",                                                                                                                                                                                      false, false},
    {"ehlo 451",                              SMTP "S 451 no\nE\n",                                             HOP_SMTP, HOP_TLS_NO,      CA_NONE,     "", "temporary 0",
     "answered ehlo with 451",                                                                                                                                                                               false, false},
    {"helo refused",                          SMTP "S 550 no\nC HELO me.example\nS 550 no\nE\n",                HOP_SMTP, HOP_TLS_NO,
     CA_NONE,                                                                                                                                           "", "temporary 0",    "answered helo with 550",      false, false},
    {"needs smtputf8",                        SMTP "S 250-mx\nS 250 8BITMIME\nQ\n",                             HOP_SMTP, HOP_TLS_NO,      CA_NONE,
     "SMTPUTF8",                                                                                                                                            "temporary 0",    "does not offer SMTPUTF8",     false, true },
    {"needs 8bitmime",                        SMTP "S 250-mx\nS 250 SMTPUTF8\nQ\n",                             HOP_SMTP, HOP_TLS_NO,      CA_NONE,
     "BODY=8BITMIME",                                                                                                                                       "temporary 0",    "does not offer 8BITMIME",     false, true },
    {"tls if you may: offered",
     SMTP "S 250-mx\nS 250 STARTTLS\nC STARTTLS\nS 220 go\nT\nC EHLO me.example\n"
          "S 250-mx\nS 250 PIPELINING\n" SENT,
     HOP_SMTP,                                                                                                            HOP_TLS_MAY,     CA_NONE,     "", "sent 250 2.0.0", "Ok",                          true,  false},
    {"tls if you may: not offered",           SMTP "S 250-mx\nS 250 PIPELINING\n" SENT,                         HOP_SMTP, HOP_TLS_MAY,
     CA_NONE,                                                                                                                                           "", "sent 250 2.0.0", "Ok",                          false, false},
    {"tls if you may: not today",
     SMTP "S 250-mx\nS 250-STARTTLS\nS 250 PIPELINING\nC STARTTLS\nS 454 no\n" SENT,                            HOP_SMTP,
     HOP_TLS_MAY,                                                                                                                          CA_NONE,     "", "sent 250 2.0.0", "Ok",                          false, false},
    {"tls required: not offered",             SMTP "S 250-mx\nS 250 PIPELINING\nE\n",                           HOP_SMTP, HOP_TLS_REQUIRE,
     CA_NONE,                                                                                                                                           "", "temporary 0",    "required and not offered",    false, false},
    {"tls required: not today",               SMTP "S 250-mx\nS 250 STARTTLS\nC STARTTLS\nS 454 no\nE\n",
     HOP_SMTP,                                                                                                            HOP_TLS_REQUIRE, CA_NONE,     "", "temporary 0",    "answered starttls with 454",  false,
     false                                                                                                                                                                                                               },
    {"tls required and verified",
     SMTP "S 250-mx\nS 250 STARTTLS\nC STARTTLS\nS 220 go\nT\nC EHLO me.example\n"
          "S 250-mx\nS 250 PIPELINING\n" SENT,
     HOP_SMTP,                                                                                                            HOP_TLS_REQUIRE, CA_RIGHT,    "", "sent 250 2.0.0", "Ok",                          true,  false},
    {"tls required and not verified",         SMTP "S 250-mx\nS 250 STARTTLS\nC STARTTLS\nS 220 go\nT\nE\n",
     HOP_SMTP,                                                                                                            HOP_TLS_REQUIRE, CA_STRANGER, "", "temporary 0",    "",                            false, false},
    {"clear text behind the word to begin",
     SMTP "S 250-mx\nS 250 STARTTLS\nC STARTTLS\nS 220 go\nS 250 injected\nE\n",                                HOP_SMTP,
     HOP_TLS_MAY,                                                                                                                          CA_NONE,     "", "temporary 0",    "clear text behind",           false, false},
};

static void
set_up_tls(const struct row *row, const struct tempdir *dir, struct dialogue *dialogue,
           struct hop_settings *settings)
{
    static const char *const cas[] = {"", "ca.pem", "stranger.pem"};
    char cert[200], key[200];
    struct err err;

    snprintf(cert, sizeof(cert), "%s/server.pem", dir->path);
    snprintf(key, sizeof(key), "%s/server.key", dir->path);
    dialogue->tls = tls_server_context_new(cert, key, NULL, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(dialogue->tls);
    settings->tls = row->tls;
    settings->tls_ca = row->ca == CA_NONE ? strdup("") : strdup(tempdir_name(dir, cas[row->ca]));
}

static void
run_row(const struct row *row, const struct tempdir *dir)
{
    const char *scripts[] = {row->script, NULL};
    struct dialogue dialogue;
    struct dialogue_mail mail;
    struct hop_settings settings;
    struct hop_config config = {.settings = &settings, .hostname = "me.example", .connections = 1};
    struct hop *hop;

    dialogue_begin(&dialogue, row->name, scripts);
    settings = dialogue_settings(&dialogue);
    settings.protocol = row->protocol;
    set_up_tls(row, dir, &dialogue, &settings);
    hop = hop_new(dialogue.loop, &config, NULL);
    dialogue_mail(&mail, dialogue.loop, row->params, "a@x", SPAN_LITERAL("x\r\n"));
    hop_send(hop, &mail.delivery);
    loop_run(dialogue.loop);
    dialogue_check_results(row->name, &mail.delivery, row->results);
    UNIT_CHECK_ROW(row->name, strstr(mail.rcpts[0].answer.text, row->text) != NULL);
    UNIT_CHECK_ROW(row->name, mail.delivery.tls == row->is_tls);
    UNIT_CHECK_ROW(row->name, mail.delivery.alarm == row->alarm);
    UNIT_CHECK_ROW(row->name, !mail.delivery.dot_sent);
    hop_free(&hop);
    dialogue_linger(&dialogue, 10);
    dialogue_mail_clear(&mail);
    tls_context_free(&dialogue.tls);
    dialogue_end(&dialogue);
    free(settings.tls_ca);
}

static void
test_rows(void)
{
    struct tempdir dir;

    tempdir_make(&dir);
    certs_write(&dir);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        run_row(&rows[i], &dir);
    tempdir_remove(&dir);
}

static const struct unit_test tests[] = {
    {"dialogues", test_rows},
};

UNIT_MAIN("reinject/client_hello", tests)
