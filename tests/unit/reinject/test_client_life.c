// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/client.h"

#include "tests/unit/reinject/dialogue.h"

#define HELLO "S 220 mx ESMTP\nC EHLO me.example\nS 250-mx\nS 250-CHUNKING\nS 250 PIPELINING\n"
#define MAIL "C MAIL FROM:<from@example.org>\nP RCPT TO:<a@x>\n"

struct row {
    const char *name;
    const char *script;
    uint64_t connect_timeout, timeout, dot_timeout, deadline; // ms
    bool chunking;
    const char *results, *text;
    bool dot_sent;
};

// Everything not under test takes 5 s, and the dialogue's watchdog 10.
static const struct row rows[] = {
    {"no greeting in time",         "E\n",                                                    30,   5000, 5000, 0,   false, "temporary 0",
     "did not answer greeting in time",                                                                                                                                   false},
    {"no ehlo reply in time",       "S 220 mx\nC EHLO me.example\nE\n",                       30,   5000, 5000, 0,   false,
     "temporary 0",                                                                                                                        "did not answer ehlo in time", false},
    {"no MAIL reply in time",       HELLO MAIL "P DATA\nE\n",                                 5000, 30,   5000, 0,   false, "temporary 0",
     "did not answer mail in time",                                                                                                                                       false},
    {"no RCPT reply in time",       HELLO MAIL "P DATA\nS 250 Ok\nE\n",                       5000, 30,   5000, 0,   false,
     "temporary 0",                                                                                                                        "did not answer rcpt in time", false},
    {"no DATA reply in time",       HELLO MAIL "P DATA\nS 250 Ok\nS 250 Ok\nE\n",             5000, 30,   5000, 0,
     false,                                                                                                                 "temporary 0", "did not answer data in time", false},
    {"each reply has its time",
     HELLO MAIL "P DATA\nW 150\nS 250 Ok\nW 150\nS 250 Ok\nW 150\n"
                "S 354 go\nC x\nP .\nS 250 Ok\nQ\n",                                          5000, 100,  5000, 0,   false, "sent 250",    "Ok",                          false},
    {"the dot may take longer",
     HELLO MAIL "P DATA\nS 250 Ok\nS 250 Ok\nS 354 go\nC x\nP .\n"
                "W 400\nS 250 Ok\nQ\n",                                                       5000, 30,   5000, 0,   false, "sent 250",    "Ok",                          false},
    {"no reply to the dot in time",
     HELLO MAIL "P DATA\nS 250 Ok\nS 250 Ok\nS 354 go\nC x\nP .\nE\n",                        5000, 5000, 100,  0,   false,
     "temporary 0",                                                                                                                        "did not answer dot in time",  true },
    {"no reply to BDAT in time",    HELLO MAIL "P BDAT 3 LAST\nP x\nS 250 Ok\nS 250 Ok\nE\n", 5000,
     5000,                                                                                                30,   0,   true,  "temporary 0", "did not answer dot in time",  true },
    {"deadline while connecting",   "E\n",                                                    5000, 5000, 5000, 30,  false, "temporary 0",
     "deadline passed",                                                                                                                                                   false},
    {"deadline at MAIL",            HELLO MAIL "P DATA\nE\n",                                 5000, 5000, 5000, 200, false, "temporary 0",
     "deadline passed",                                                                                                                                                   false},
    {"no deadline behind the dot",
     HELLO MAIL "P DATA\nS 250 Ok\nS 250 Ok\nS 354 go\nC x\nP .\n"
                "W 400\nS 250 Ok\nQ\n",                                                       5000, 5000, 5000, 300, false, "sent 250",    "Ok",                          false},
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
    dialogue_check_results(row->name, &mail.delivery, row->results);
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
