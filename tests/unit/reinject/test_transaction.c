// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/transaction.h"

#include "tests/unit/reinject/dialogue.h"

#define HELLO "S 220 mx ESMTP\nC EHLO me.example\n"
#define FULL HELLO "S 250-mx\nS 250-PIPELINING\nS 250-SIZE 1000\nS 250-DSN\nS 250 8BITMIME\n"
#define CHUNK HELLO "S 250-mx\nS 250-PIPELINING\nS 250 CHUNKING\n"
#define LMTP "S 220 mx LMTP\nC LHLO me.example\nS 250-mx\nS 250 PIPELINING\n"
#define LMTP_CHUNK "S 220 mx\nC LHLO me.example\nS 250-mx\nS 250-PIPELINING\nS 250 CHUNKING\n"
#define PLAIN HELLO "S 250 mx\n"
#define FORWARD                                                                                    \
    HELLO "S 250-mx\nS 250-PIPELINING\nS 250 XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\n"
#define MAIL "C MAIL FROM:<from@example.org>\n"

enum { IS_LMTP = 1, NO_CHUNKS = 2, IS_EMPTY = 4, IS_FORWARDED = 8 };

struct row {
    const char *name;
    const char *script;
    const char *rcpts;
    unsigned flags;
    const char *results, *queue_id;
    bool dot_sent, alarm;
};

// Content is "Subject: x", "", ".dot".
static const struct row rows[] = {
    {"pipelined DATA",
     FULL "C MAIL FROM:<from@example.org> SIZE=20\nP RCPT TO:<a@x>\nP RCPT TO:<b@x>\nP DATA\n"
          "S 250 2.1.0 Ok\nS 250 2.1.5 Ok\nS 250 2.1.5 Ok\nS 354 go\n"
          "C Subject: x\nP \nP ..dot\nP .\nS 250 2.0.0 Ok: queued as 4F1A22C0D7\nQ\n",                                    "a@x b@x",     0,            "sent 250 2.0.0, sent 250 2.0.0",                           "4F1A22C0D7", false, false},
    {"empty message",
     FULL "C MAIL FROM:<from@example.org> SIZE=0\nP RCPT TO:<a@x>\nP DATA\n"
          "S 250 Ok\nS 250 Ok\nS 354 go\nC .\nS 250 Ok\nQ\n",                                                             "a@x",         IS_EMPTY,     "sent 250",                                                 "",           false, false},
    {"one write with BDAT",
     CHUNK MAIL "P RCPT TO:<a@x>\nP BDAT 20 LAST\nP Subject: x\nP \nP .dot\n"
                "S 250 Ok\nS 250 Ok\nS 250 2.0.0 Ok: 20 bytes queued as 4F1A22C0D7\nQ\n",                                 "a@x",         0,            "sent 250 2.0.0",                                           "4F1A22C0D7", false, false},
    {"empty message with BDAT",
     CHUNK MAIL "P RCPT TO:<a@x>\nP BDAT 0 LAST\n"
                "S 250 Ok\nS 250 Ok\nS 250 Ok\nQ\n",                                                                      "a@x",         IS_EMPTY,     "sent 250",                                                 "",           false, false},
    {"chunking switched off",
     CHUNK MAIL "P RCPT TO:<a@x>\nP DATA\nS 250 Ok\nS 250 Ok\nS 354 go\n"
                "C Subject: x\nP \nP ..dot\nP .\nS 250 Ok\nQ\n",                                                          "a@x",         NO_CHUNKS,    "sent 250",                                                 "",           false, false},
    {"BDAT, one of two refused",
     CHUNK MAIL "P RCPT TO:<a@x>\nP RCPT TO:<b@x>\nP BDAT 20 LAST\nP Subject: x\nP \nP .dot\n"
                "S 250 Ok\nS 550 5.1.1 no\nS 250 Ok\nS 250 Ok\nQ\n",                                                      "a@x b@x",     0,            "permanent 550 5.1.1, sent 250",                            "",           false, false},
    {"BDAT, all refused",
     CHUNK MAIL "P RCPT TO:<a@x>\nP BDAT 20 LAST\nP Subject: x\nP \nP .dot\n"
                "S 250 Ok\nS 450 4.1.1 no\nS 554 5.5.1 no valid recipients\nC RSET\nS 250 Ok\nQ\n",                       "a@x",         0,            "temporary 450 4.1.1",                                      "",           false, false},
    {"BDAT, all refused and yet taken",
     CHUNK MAIL "P RCPT TO:<a@x>\nP BDAT 20 LAST\nP Subject: x\nP \nP .dot\n"
                "S 250 Ok\nS 550 5.1.1 no\nS 250 thanks\nE\n",                                                            "a@x",         0,            "permanent 550 5.1.1",                                      "",           false, false},
    {"BDAT refused for now",
     CHUNK MAIL "P RCPT TO:<a@x>\nP BDAT 20 LAST\nP Subject: x\nP \nP .dot\n"
                "S 250 Ok\nS 250 Ok\nS 452 4.3.1 full\nC RSET\nS 250 Ok\nQ\n",                                            "a@x",         0,            "temporary 452 4.3.1",                                      "",           false, false},
    {"line by line",
     PLAIN MAIL "S 250 Ok\nC RCPT TO:<a@x>\nS 250 Ok\nC RCPT TO:<b@x>\nS 550 5.1.1 no\nC DATA\n"
                "S 354 go\nC Subject: x\nP \nP ..dot\nP .\nS 250 2.0.0 Ok\nQ\n",                                          "a@x b@x",     0,            "sent 250 2.0.0, permanent 550 5.1.1",                      "",           false, false},
    {"line by line, nobody accepted",
     PLAIN MAIL "S 250 Ok\nC RCPT TO:<a@x>\nS 550 no\nC RSET\nS 250 Ok\nQ\n",                                             "a@x",         0,
     "permanent 550",                                                                                                                                                                                              "",           false, false},
    {"line by line, sender refused",             PLAIN MAIL "S 550 5.7.1 no\nC RSET\nS 250 Ok\nQ\n",                      "a@x",         0,
     "permanent 550 5.7.1",                                                                                                                                                                                        "",           false, false},
    {"sender refused",
     CHUNK MAIL "P RCPT TO:<a@x>\nP RCPT TO:<b@x>\nP DATA\n"
                "S 550 5.1.0 no\nS 503 5.5.1 need MAIL\nS 503 5.5.1 need MAIL\nS 503 5.5.1 no\n"
                "C RSET\nS 250 Ok\nQ\n",                                                                                  "a@x b@x",     NO_CHUNKS,    "permanent 550 5.1.0, permanent 550 5.1.0",                 "",           false, false},
    {"sender put off",
     CHUNK MAIL "P RCPT TO:<a@x>\nP DATA\nS 451 4.3.0 later\nS 503 no\nS 503 no\n"
                "C RSET\nS 250 Ok\nQ\n",                                                                                  "a@x",         NO_CHUNKS,    "temporary 451 4.3.0",                                      "",           false, false},
    {"all refused",
     CHUNK MAIL "P RCPT TO:<a@x>\nP RCPT TO:<b@x>\nP DATA\n"
                "S 250 Ok\nS 550 5.1.1 no\nS 450 4.2.0 later\nS 554 5.5.1 no valid recipients\n"
                "C RSET\nS 250 Ok\nQ\n",                                                                                  "a@x b@x",     NO_CHUNKS,    "permanent 550 5.1.1, temporary 450 4.2.0",                 "",           false, false},
    {"all refused and 354 nevertheless: no dot",
     CHUNK MAIL "P RCPT TO:<a@x>\nP DATA\nS 250 Ok\nS 550 5.1.1 no\nS 354 go\nE\n",                                       "a@x",
     NO_CHUNKS,                                                                                                                                        "permanent 550 5.1.1",                                      "",           false, false},
    {"DATA refused",
     CHUNK MAIL
     "P RCPT TO:<a@x>\nP DATA\nS 250 Ok\nS 250 Ok\nS 554 5.7.1 no\nC RSET\nS 250 Ok\nQ\n",                                "a@x",         NO_CHUNKS,    "permanent 554 5.7.1",                                      "",           false, false},
    {"DATA put off",
     CHUNK MAIL
     "P RCPT TO:<a@x>\nP DATA\nS 250 Ok\nS 250 Ok\nS 451 4.3.0 no\nC RSET\nS 250 Ok\nQ\n",                                "a@x",         NO_CHUNKS,    "temporary 451 4.3.0",                                      "",           false, false},
    {"DATA out of step",
     CHUNK MAIL "P RCPT TO:<a@x>\nP DATA\nS 250 Ok\nS 250 Ok\nS 503 need RCPT\nE\n",                                      "a@x",
     NO_CHUNKS,                                                                                                                                        "temporary 503",                                            "",           false, false},
    {"DATA answered 250",                        CHUNK MAIL "P RCPT TO:<a@x>\nP DATA\nS 250 Ok\nS 250 Ok\nS 250 Ok\nE\n",
     "a@x",                                                                                                                              NO_CHUNKS,    "temporary 0",                                              "",           false, false},
    {"dot refused",
     CHUNK MAIL "P RCPT TO:<a@x>\nP RCPT TO:<b@x>\nP DATA\nS 250 Ok\nS 250 Ok\nS 450 4.2.1 no\n"
                "S 354 go\nC Subject: x\nP \nP ..dot\nP .\nS 554 5.6.0 bad\nC RSET\nS 250 Ok\nQ\n",                       "a@x b@x",     NO_CHUNKS,    "permanent 554 5.6.0, temporary 450 4.2.1",                 "",           false, false},
    {"dot put off",
     CHUNK MAIL "P RCPT TO:<a@x>\nP DATA\nS 250 Ok\nS 250 Ok\nS 354 go\n"
                "C Subject: x\nP \nP ..dot\nP .\nS 451 4.3.0 no\nC RSET\nS 250 Ok\nQ\n",                                  "a@x",         NO_CHUNKS,    "temporary 451 4.3.0",                                      "",           false, false},
    {"dot answered 354",
     CHUNK MAIL "P RCPT TO:<a@x>\nP DATA\nS 250 Ok\nS 250 Ok\nS 354 go\n"
                "C Subject: x\nP \nP ..dot\nP .\nS 354 go\nE\n",                                                          "a@x",         NO_CHUNKS,    "temporary 0",                                              "",           true,  false},
    {"a word before the dot",
     CHUNK MAIL "P RCPT TO:<a@x>\nP DATA\nS 250 Ok\nS 250 Ok\nS 354 go\nS 250 thanks\nE\n",                               "a@x",
     NO_CHUNKS | IS_EMPTY,                                                                                                                             "temporary 0",                                              "",           false, false},
    {"shutdown at RCPT",
     CHUNK MAIL "P RCPT TO:<a@x>\nP RCPT TO:<b@x>\nP DATA\nS 250 Ok\nS 550 5.1.1 no\n"
                "S 421 4.3.2 bye\nE\n",                                                                                   "a@x b@x",     NO_CHUNKS,    "permanent 550 5.1.1, temporary 421 4.3.2",                 "",           false, false},
    {"shutdown at the dot",
     CHUNK MAIL "P RCPT TO:<a@x>\nP DATA\nS 250 Ok\nS 250 Ok\nS 354 go\n"
                "C Subject: x\nP \nP ..dot\nP .\nS 421 4.3.2 bye\nE\n",                                                   "a@x",         NO_CHUNKS,    "temporary 421 4.3.2",                                      "",           false, false},
    {"gone at the dot",
     CHUNK MAIL "P RCPT TO:<a@x>\nP DATA\nS 250 Ok\nS 250 Ok\nS 354 go\n"
                "C Subject: x\nP \nP ..dot\nP .\nX\n",                                                                    "a@x",         NO_CHUNKS,    "temporary 0",                                              "",           true,  false},
    {"gone before the dot",                      CHUNK MAIL "P RCPT TO:<a@x>\nP DATA\nS 250 Ok\nS 250 Ok\nX\n",           "a@x",
     NO_CHUNKS,                                                                                                                                        "temporary 0",                                              "",           false, false},
    {"gone with the body of BDAT",
     CHUNK MAIL "P RCPT TO:<a@x>\nP BDAT 20 LAST\nP Subject: x\nP \nP .dot\nX\n",                                         "a@x",         0,
     "temporary 0",                                                                                                                                                                                                "",           true,  false},
    {"nonsense",                                 CHUNK MAIL "P RCPT TO:<a@x>\nP DATA\nS 250 Ok\nS hello\nE\n",            "a@x",         NO_CHUNKS,
     "temporary 0",                                                                                                                                                                                                "",           false, false},
    {"lmtp",
     LMTP MAIL "P RCPT TO:<a@x>\nP RCPT TO:<b@x>\nP RCPT TO:<c@x>\nP DATA\n"
               "S 250 Ok\nS 250 Ok\nS 550 5.1.1 no\nS 250 Ok\nS 354 go\n"
               "C Subject: x\nP \nP ..dot\nP .\nS 250 2.0.0 Ok: queued as 4F1A22C0D7\n"
               "S 452 4.2.2 full\nQ\n",                                                                                   "a@x b@x c@x", IS_LMTP,      "sent 250 2.0.0, permanent 550 5.1.1, temporary 452 4.2.2",
     "4F1A22C0D7",                                                                                                                                                                                                               false, false},
    {"lmtp with BDAT",
     LMTP_CHUNK MAIL "P RCPT TO:<a@x>\nP RCPT TO:<b@x>\nP BDAT 20 LAST\nP Subject: x\nP \nP .dot\n"
                     "S 250 Ok\nS 250 Ok\nS 250 Ok\nS 250 Ok\nS 550 5.2.2 full\nQ\n",                                     "a@x b@x",     IS_LMTP,      "sent 250, permanent 550 5.2.2",                            "",           false, false},
    {"lmtp with BDAT, all refused",
     LMTP_CHUNK MAIL "P RCPT TO:<a@x>\nP RCPT TO:<b@x>\nP BDAT 20 LAST\nP Subject: x\nP \nP .dot\n"
                     "S 250 Ok\nS 550 no\nS 550 no\nS 503 5.5.1 no\nC RSET\nS 250 Ok\nQ\n",                               "a@x b@x",     IS_LMTP,      "permanent 550, permanent 550",                             "",           false, false},
    {"lmtp, too few replies",
     LMTP MAIL "P RCPT TO:<a@x>\nP RCPT TO:<b@x>\nP DATA\nS 250 Ok\nS 250 Ok\nS 250 Ok\nS 354 go\n"
               "C Subject: x\nP \nP ..dot\nP .\nS 250 2.0.0 Ok\nX\n",                                                     "a@x b@x",     IS_LMTP,      "sent 250 2.0.0, temporary 0",                              "",           true,  false},
    {"lmtp, too many replies",
     LMTP MAIL "P RCPT TO:<a@x>\nP DATA\nS 250 Ok\nS 250 Ok\nS 354 go\n"
               "C Subject: x\nP \nP ..dot\nP .\nS 250 2.0.0 Ok\nS 550 and more\nE\n",                                     "a@x",         IS_LMTP,      "sent 250 2.0.0",                                           "",           false, false},
    {"xforward, verbatim",
     FORWARD
     "C XFORWARD NAME=host.example ADDR=192.0.2.7 IDENT=4Zb1+2B\n"
     "P MAIL FROM:<from@example.org>\nP RCPT TO:<a@x>\nP DATA\n"
     "S 250 Ok\nS 250 Ok\nS 250 Ok\nS 354 go\nC Subject: x\nP \nP ..dot\nP .\nS 250 Ok\nQ\n",                             "a@x",         IS_FORWARDED, "sent 250",                                                 "",           false, false},
    {"xforward refused",
     FORWARD "C XFORWARD NAME=host.example ADDR=192.0.2.7 IDENT=4Zb1+2B\n"
             "P MAIL FROM:<from@example.org>\nP RCPT TO:<a@x>\nP DATA\n"
             "S 550 5.7.0 no\nS 250 Ok\nS 250 Ok\nS 354 go\n"
             "C Subject: x\nP \nP ..dot\nP .\nS 250 Ok\nQ\n",                                                             "a@x",         IS_FORWARDED, "sent 250",                                                 "",           false, false},
    {"shutdown at xforward",
     FORWARD "C XFORWARD NAME=host.example ADDR=192.0.2.7 IDENT=4Zb1+2B\n"
             "P MAIL FROM:<from@example.org>\nP RCPT TO:<a@x>\nP DATA\nS 421 4.3.0 bye\nE\n",                             "a@x",         IS_FORWARDED, "temporary 421 4.3.0",                                      "",           false, false},
    {"the rest in the next transaction",
     CHUNK MAIL "P RCPT TO:<a@x>\nP RCPT TO:<b@x>\nP RCPT TO:<c@x>\nP DATA\nS 250 Ok\nS 250 Ok\n"
                "S 452 4.5.3 too many\nS 452 4.5.3 too many\nS 354 go\n"
                "C Subject: x\nP \nP ..dot\nP .\nS 250 2.0.0 Ok: queued as 1111111\n"
                "C MAIL FROM:<from@example.org>\nP RCPT TO:<b@x>\nP RCPT TO:<c@x>\nP DATA\n"
                "S 250 Ok\nS 250 Ok\nS 550 5.1.1 no\nS 354 go\n"
                "C Subject: x\nP \nP ..dot\nP .\nS 250 2.0.0 Ok: queued as 2222222\nQ\n",                                 "a@x b@x c@x", NO_CHUNKS,    "sent 250 2.0.0, sent 250 2.0.0, permanent 550 5.1.1",      "1111111",
     false,                                                                                                                                                                                                                             false},
    {"no next transaction without progress",
     CHUNK MAIL "P RCPT TO:<a@x>\nP RCPT TO:<b@x>\nP DATA\nS 250 Ok\nS 250 Ok\n"
                "S 452 4.5.3 too many\nS 354 go\nC Subject: x\nP \nP ..dot\nP .\nS 451 4.3.0 no\n"
                "C RSET\nS 250 Ok\nQ\n",                                                                                  "a@x b@x",     NO_CHUNKS,    "temporary 451 4.3.0, temporary 452 4.5.3",                 "",           false, false},
    {"452 to the first is no sign of that",
     CHUNK MAIL "P RCPT TO:<a@x>\nP RCPT TO:<b@x>\nP DATA\nS 250 Ok\nS 452 4.5.3 too many\n"
                "S 250 Ok\nS 354 go\nC Subject: x\nP \nP ..dot\nP .\nS 250 Ok\nQ\n",                                      "a@x b@x",     NO_CHUNKS,    "temporary 452 4.5.3, sent 250",                            "",           false, false},
};

static const char content[] = "Subject: x\r\n\r\n.dot\r\n";

static void
run_row(const struct row *row)
{
    const char *scripts[] = {row->script, NULL};
    size_t len = (row->flags & IS_EMPTY) != 0 ? 0 : strlen(content);
    struct dialogue dialogue;
    struct dialogue_mail mail;
    struct hop_settings settings;
    struct hop_config config = {.settings = &settings, .hostname = "me.example", .connections = 1};
    struct hop *hop;

    dialogue_begin(&dialogue, row->name, scripts);
    settings = dialogue_settings(&dialogue);
    settings.protocol = (row->flags & IS_LMTP) != 0 ? HOP_LMTP : HOP_SMTP;
    settings.chunking = (row->flags & NO_CHUNKS) == 0;
    hop = hop_new(dialogue.loop, &config, NULL);
    dialogue_mail(&mail, dialogue.loop, "", row->rcpts, span_from(content, len));
    if ((row->flags & IS_FORWARDED) != 0) {
        mail.envelope.xforward[XFORWARD_NAME] = (char *)(uintptr_t) "host.example";
        mail.envelope.xforward[XFORWARD_ADDR] = (char *)(uintptr_t) "192.0.2.7";
        mail.envelope.xforward[XFORWARD_IDENT] = (char *)(uintptr_t) "4Zb1+2B";
    }
    hop_send(hop, &mail.delivery);
    loop_run(dialogue.loop);
    UNIT_CHECK_ROW(row->name, mail.done == 1);
    dialogue_check_results(row->name, &mail.delivery, row->results);
    UNIT_CHECK_ROW(row->name, strcmp(mail.delivery.queue_id, row->queue_id) == 0);
    UNIT_CHECK_ROW(row->name, mail.delivery.dot_sent == row->dot_sent);
    UNIT_CHECK_ROW(row->name, mail.delivery.alarm == row->alarm);
    if (delivery_count(&mail.delivery, DELIVERY_SENT) > 0)
        UNIT_CHECK_ROW(row->name, mail.delivery.body_same);
    dialogue_linger(&dialogue, 5);
    hop_free(&hop);
    dialogue_linger(&dialogue, 5);
    dialogue_mail_clear(&mail);
    dialogue_end(&dialogue);
}

static void
test_rows(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        run_row(&rows[i]);
}

// What a decision changed goes out as it stands, whatever the envelope says: another sender, other
// recipients with what they asked for, SIZE and the length of a chunk of what leaves.
static const struct {
    const char *name, *from, *from_params, *path, *params, *script;
} changed_rows[] = {
    {"changed, DATA",         "new@example.org", "SIZE=99999 BODY=8BITMIME RET=HDRS ENVID=x", "r@y",
     "NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a@x",                                                                        FULL
     "C MAIL FROM:<new@example.org> SIZE=20 BODY=8BITMIME RET=HDRS ENVID=x\n"
     "P RCPT TO:<r@y> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a@x\nP RCPT TO:<b@x>\nP DATA\n"
     "S 250 Ok\nS 250 Ok\nS 250 Ok\nS 354 go\nC X: new\nP \nP gone\nP ..d\nP .\nS 250 Ok\nQ\n"},
    {"changed, BDAT",         "",                "size=1",                                    "r@y", "",
     CHUNK "C MAIL FROM:<>\nP RCPT TO:<r@y>\nP RCPT TO:<b@x>\nP BDAT 20 LAST\n"
           "P X: new\nP \nP gone\nP .d\nS 250 Ok\nS 250 Ok\nS 250 Ok\nS 250 Ok\nQ\n"                                                       },
    {"changed, no abilities", "new@example.org", "SIZE=7 RET=FULL",                           "r@y", "NOTIFY=NEVER",
     PLAIN "C MAIL FROM:<new@example.org>\nS 250 Ok\nC RCPT TO:<r@y>\nS 250 Ok\n"
           "C RCPT TO:<b@x>\nS 250 Ok\nC DATA\nS 354 go\nC X: new\nP \nP gone\nP ..d\nP .\n"
           "S 250 Ok\nQ\n"                                                                                                                 },
};

// "Subject: x", "", ".dot" with another header, a text put in, and "ot" left out.
static struct body *
edited_body(void)
{
    struct body_source source = {
        .memory = span_of(content), .len = strlen(content), .digest = digest_of(span_of(content))};
    struct body_piece pieces[] = {
        {SPAN_LITERAL("X: new\r\n\r\n"), 0,  0},
        {SPAN_LITERAL("gone\r\n"),       0,  0},
        {{NULL, 0},                      14, 2},
        {{NULL, 0},                      18, 2},
    };

    return body_new(&source, pieces, UNIT_COUNT(pieces));
}

static void
run_changed(size_t i)
{
    const char *scripts[] = {changed_rows[i].script, NULL};
    const char *name = changed_rows[i].name;
    struct dialogue dialogue;
    struct dialogue_mail mail;
    struct hop_settings settings;
    struct hop_config config = {.settings = &settings, .hostname = "me.example", .connections = 1};
    struct hop *hop;

    dialogue_begin(&dialogue, name, scripts);
    settings = dialogue_settings(&dialogue);
    hop = hop_new(dialogue.loop, &config, NULL);
    dialogue_mail(&mail, dialogue.loop, changed_rows[i].from_params, "a@x b@x", span_of(""));
    mail.envelope.from = (char *)(uintptr_t) "from@example.org";
    mail.envelope.from_params = (char *)(uintptr_t) "SIZE=20 BODY=7BIT";
    body_free(&mail.body);
    mail.body = edited_body();
    mail.delivery.body = mail.body;
    mail.delivery.from = changed_rows[i].from;
    free((void *)(uintptr_t)mail.rcpts[0].path);
    mail.rcpts[0].path = strdup(changed_rows[i].path);
    mail.rcpts[0].params = changed_rows[i].params;
    hop_send(hop, &mail.delivery);
    loop_run(dialogue.loop);
    dialogue_check_results(name, &mail.delivery, "sent 250, sent 250");
    UNIT_CHECK_ROW(name, !mail.delivery.body_same);
    dialogue_linger(&dialogue, 5);
    hop_free(&hop);
    dialogue_linger(&dialogue, 5);
    dialogue_mail_clear(&mail);
    dialogue_end(&dialogue);
}

static void
test_changed(void)
{
    for (size_t i = 0; i < UNIT_COUNT(changed_rows); i++)
        run_changed(i);
}

static const struct unit_test tests[] = {
    {"dialogues", test_rows   },
    {"changed",   test_changed},
};

UNIT_MAIN("reinject/transaction", tests)
