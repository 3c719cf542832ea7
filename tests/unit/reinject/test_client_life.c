// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/client.h"

#include "tests/unit/reinject/dialogue.h"

#define HELLO "S 220 mx ESMTP\nC EHLO me.example\nS 250-mx\nS 250-CHUNKING\nS 250 PIPELINING\n"
#define MAIL "C MAIL FROM:<from@example.org>\nP RCPT TO:<a@x>\n"

#define AT_DATA HELLO MAIL "P DATA\nS 250 Ok\nS 250 Ok\n"
#define AT_DOT AT_DATA "S 354 go\nC x\nP .\n"
#define IN_CHUNKS HELLO MAIL "P BDAT 3 LAST\nP x\nS 250 Ok\nS 250 Ok\n"
#define SLOWLY HELLO MAIL "P DATA\nW 150\nS 250 Ok\nW 150\nS 250 Ok\nW 150\nS 354 go\nC x\nP .\n"

enum { LONG = 5000, SHORT = 100, SOME = 300 }; // the dialogue's watchdog: 10000

struct row {
    const char *name;
    const char *script;
    uint64_t connect_timeout, timeout, dot_timeout, deadline; // ms
    bool chunking, dot_sent;
    const char *text; // of the answer; NULL: sent
};

static const struct row rows[] = {
    {"greeting late",           "E\n",                              SHORT, LONG,  LONG,  0,     false, false, "did not answer greeting in time"},
    {"ehlo late",               "S 220 mx\nC EHLO me.example\nE\n", SHORT, LONG,  LONG,  0,     false, false,
     "did not answer ehlo in time"                                                                                                             },
    {"MAIL late",               HELLO MAIL "P DATA\nE\n",           LONG,  SHORT, LONG,  0,     false, false,
     "did not answer mail in time"                                                                                                             },
    {"RCPT late",               HELLO MAIL "P DATA\nS 250 Ok\nE\n", LONG,  SHORT, LONG,  0,     false, false,
     "did not answer rcpt in time"                                                                                                             },
    {"DATA late",               AT_DATA "E\n",                      LONG,  SHORT, LONG,  0,     false, false, "did not answer data in time"    },
    {"each reply has its time", SLOWLY "S 250 Ok\nQ\n",             LONG,  SOME,  LONG,  0,     false, false, NULL                             },
    {"the dot may take longer", AT_DOT "W 450\nS 250 Ok\nQ\n",      LONG,  SOME,  LONG,  0,     false, false,
     NULL                                                                                                                                      },
    {"dot late",                AT_DOT "E\n",                       LONG,  LONG,  SHORT, 0,     false, true,  "did not answer dot in time"     },
    {"BDAT late",               IN_CHUNKS "E\n",                    LONG,  LONG,  SHORT, 0,     true,  true,  "did not answer dot in time"     },
    {"overdue while dialing",   "E\n",                              LONG,  LONG,  LONG,  SHORT, false, false, "deadline passed"                },
    {"overdue at MAIL",         HELLO MAIL "P DATA\nE\n",           LONG,  LONG,  LONG,  SOME,  false, false,
     "deadline passed"                                                                                                                         },
    {"overdue behind the dot",  AT_DOT "W 450\nS 250 Ok\nQ\n",      LONG,  LONG,  LONG,  SOME,  false, false,
     NULL                                                                                                                                      },
};

static void
run_row(const struct row *row)
{
    const char *scripts[] = {row->script, NULL};
    struct dialogue dialogue;
    struct dialogue_mail mail;
    struct hop_settings settings;
    struct hop_config config = {.settings = &settings, .hostname = "me.example", .connections = 1};
    struct hop *hop;

    dialogue_begin(&dialogue, row->name, scripts);
    settings = dialogue_settings(&dialogue);
    settings.connect_timeout = row->connect_timeout;
    settings.timeout = row->timeout;
    settings.dot_timeout = row->dot_timeout;
    settings.chunking = row->chunking;
    hop = hop_new(dialogue.loop, &config, NULL);
    dialogue_mail(&mail, dialogue.loop, "", "a@x", SPAN_LITERAL("x\r\n"));
    if (row->deadline > 0)
        mail.delivery.deadline_ms = loop_now_ms(dialogue.loop) + row->deadline;
    hop_send(hop, &mail.delivery);
    loop_run(dialogue.loop);
    dialogue_check_results(row->name, &mail.delivery,
                           row->text == NULL ? "sent 250" : "temporary 0");
    if (row->text != NULL)
        UNIT_CHECK_ROW(row->name, strstr(mail.rcpts[0].answer.text, row->text) != NULL);
    UNIT_CHECK_ROW(row->name, mail.delivery.dot_sent == row->dot_sent);
    hop_free(&hop);
    dialogue_linger(&dialogue, 10);
    dialogue_mail_clear(&mail);
    dialogue_end(&dialogue);
}

static void
test_rows(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        run_row(&rows[i]);
}

static const struct unit_test tests[] = {
    {"time-outs and deadlines", test_rows},
};

UNIT_MAIN("reinject/client_life", tests)
