// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/session.h"

#include <poll.h>

#include "tests/unit/smtp/talk.h"

#define MAIL_ONE TALK_MAIL TALK_RCPT "DATA\r\nSubject: x\r\n\r\nhello\r\n.\r\n"
#define MAIL_TWO "MAIL FROM:<>\r\nRCPT TO:<postmaster>\r\nDATA\r\nSubject: y\r\n\r\n..dot\r\n.\r\n"
#define TWO_MAILS TALK_HELLO MAIL_ONE MAIL_TWO "QUIT\r\n"
#define MAIL_OK(id) TALK_MAIL_OK TALK_RCPT_OK TALK_DATA_OK TALK_SENT(id)
#define TWO_MAILS_OK TALK_HELLO_OK MAIL_OK("id1") MAIL_OK("id2") "221 2.0.0 Bye\r\n"
#define TWO_MAILS_EVENTS "mail<a@b>[] rcpt<c@d>[] data end mail<>[] rcpt<postmaster>[] data end "
#define TWO_MAILS_CONTENT "Subject: x\r\n\r\nhello\r\n|Subject: y\r\n\r\n.dot\r\n|"
#define LHLO "LHLO me\r\n"
#define LHLO_OK                                                                                    \
    "250-mx.test\r\n250-PIPELINING\r\n250-SIZE "                                                   \
    "1000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n"                                          \
    "250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n250 ENHANCEDSTATUSCODES\r\n"
#define MAIL_FIRST "503 5.5.1 Bad sequence of commands: MAIL first\r\n"

// clang-format off
static const struct talk_row rows[] = {
    {"one mail", 0,
     TALK_SAYS(TALK_UP_TO_RCPT "DATA\r\nSubject: x\r\n\r\nhello\r\n.\r\nQUIT\r\n"),
     TALK_UP_TO_RCPT_OK TALK_DATA_OK TALK_SENT("id1") "221 2.0.0 Bye\r\n",
     "mail<a@b>[] rcpt<c@d>[] data end ", "Subject: x\r\n\r\nhello\r\n|", true},
    {"two mails", 0, TALK_SAYS(TWO_MAILS), TWO_MAILS_OK, TWO_MAILS_EVENTS, TWO_MAILS_CONTENT, true},
    {"two mails, answered at once", TALK_FINISH_AT_ONCE,
     TALK_SAYS(TWO_MAILS), TWO_MAILS_OK, TWO_MAILS_EVENTS, TWO_MAILS_CONTENT, true},
    {"two mails, held", TALK_HOLD_CONTENT,
     TALK_SAYS(TWO_MAILS), TWO_MAILS_OK, TWO_MAILS_EVENTS, TWO_MAILS_CONTENT, true},
    {"an answer is awaited", TALK_NEVER_FINISH,
     TALK_SAYS(TALK_UP_TO_RCPT "DATA\r\nx\r\n.\r\nNOOP\r\nQUIT\r\n"),
     TALK_UP_TO_RCPT_OK TALK_DATA_OK,
     "mail<a@b>[] rcpt<c@d>[] data end ", "x\r\n|", false},
    {"every recipient its reply", TALK_LMTP | TALK_EACH_ITS_REPLY,
     TALK_SAYS(LHLO TALK_MAIL TALK_RCPT "RCPT TO:<c@\r\n" TALK_RCPT TALK_RCPT
               "DATA\r\nx\r\n.\r\nQUIT\r\n"),
     LHLO_OK TALK_MAIL_OK TALK_RCPT_OK "501 5.1.3 Bad recipient address syntax\r\n"
     TALK_RCPT_OK TALK_RCPT_OK TALK_DATA_OK
     TALK_SENT("id1") "451 4.3.0 Later\r\n" TALK_SENT("id1") "221 2.0.0 Bye\r\n",
     "mail<a@b>[] rcpt<c@d>[] rcpt<c@d>[] rcpt<c@d>[] data end ", "x\r\n|", true},
    {"one reply for every recipient", TALK_LMTP,
     TALK_SAYS(LHLO TALK_MAIL TALK_RCPT TALK_RCPT "DATA\r\nx\r\n.\r\n"
               TALK_MAIL TALK_RCPT "DATA\r\ny\r\n.\r\n"),
     LHLO_OK TALK_MAIL_OK TALK_RCPT_OK TALK_RCPT_OK TALK_DATA_OK TALK_SENT("id1") TALK_SENT("id1")
     TALK_MAIL_OK TALK_RCPT_OK TALK_DATA_OK TALK_SENT("id2"),
     NULL, "x\r\n|y\r\n|", false},
    {"MAIL refused, all pipelined", TALK_REFUSE_MAIL,
     TALK_SAYS(TALK_UP_TO_RCPT TALK_RCPT "DATA\r\nRSET\r\n"),
     TALK_HELLO_OK "452 4.3.1 No room\r\n" MAIL_FIRST MAIL_FIRST MAIL_FIRST TALK_OK,
     "", "", false},
};

// clang-format on

static void
test_rows(void)
{
    talk_check_rows(rows, UNIT_COUNT(rows));
}

// What other servers have taken for an end (CVE-2023-51764 and its kin): each form followed by a
// second transaction, and exactly one message comes out.
#define SMUGGLED "MAIL FROM:<evil@x>\r\nRCPT TO:<victim@y>\r\nDATA\r\nevil\r\n"

struct smuggle_row {
    const char *name;
    const char *end;
    const char *becomes;
};

static const struct smuggle_row smuggle_rows[] = {
    {"LF.LF",       "a\n.\n",       "a\r\n.\r\n"  },
    {"LF.CRLF",     "a\n.\r\n",     "a\r\n.\r\n"  },
    {"CRLF.LF",     "a\r\n.\n",     "a\r\n\r\n"   },
    {"CR.CR",       "a\r.\r",       "a . "        },
    {"CR.CRLF",     "a\r.\r\n",     "a .\r\n"     },
    {"CRLF.CRCRLF", "a\r\n.\r\r\n", "a\r\n \r\n"  },
    {"LFCR.LFCR",   "a\n\r.\n\r",   "a\r\n .\r\n "},
};

static void
check_smuggling(const struct smuggle_row *smuggle)
{
    char says[400], content[400], bad[400];
    struct talk_row row = {.name = smuggle->name, .events = NULL, .content = content};

    snprintf(says, sizeof(says), TALK_UP_TO_RCPT "DATA\r\n%s" SMUGGLED ".\r\n", smuggle->end);
    snprintf(content, sizeof(content), "%s" SMUGGLED "|", smuggle->becomes);
    row.says = span_of(says);
    row.hears = TALK_UP_TO_RCPT_OK TALK_DATA_OK TALK_SENT("id1");
    talk_check_row(&row);
    row.flags = TALK_REJECT_NEWLINES;
    row.content = "";
    snprintf(bad, sizeof(bad),
             TALK_UP_TO_RCPT_OK TALK_DATA_OK "550 5.5.2 Bare <CR> or <LF> received\r\n");
    row.hears = bad;
    row.events = "mail<a@b>[] rcpt<c@d>[] data abort ";
    talk_check_row(&row);
}

static void
test_smuggling(void)
{
    for (size_t i = 0; i < UNIT_COUNT(smuggle_rows); i++)
        check_smuggling(&smuggle_rows[i]);
}

static void
test_greeting(void)
{
    struct talk talk;

    talk_init(&talk, 0);
    talk_start(&talk);
    talk_settle(&talk);
    CU_ASSERT(span_is(buf_span(&talk.got), "220 mx.test ESMTP Postern\r\n"));
    talk_clear(&talk);
    talk_init(&talk, TALK_LMTP);
    talk_start(&talk);
    talk_settle(&talk);
    CU_ASSERT(span_is(buf_span(&talk.got), "220 mx.test LMTP Postern\r\n"));
    talk_clear(&talk);
}

static void
test_envelope(void)
{
    struct talk talk;
    const struct smtp_envelope *envelope;

    talk_init(&talk, TALK_LMTP);
    free(talk.listener.name);
    talk.listener.name = strdup("inside");
    talk.config.handoff = SMTP_HANDOFF_RELAY;
    talk_start(&talk);
    talk_say(&talk, SPAN_LITERAL("LHLO there.example\r\n" TALK_MAIL TALK_RCPT));
    talk_settle(&talk);
    envelope = &talk.session->envelope;
    CU_ASSERT_STRING_EQUAL(envelope->id, "id1");
    CU_ASSERT_STRING_EQUAL(envelope->listener, "inside");
    CU_ASSERT_STRING_EQUAL(envelope->next_hop, "out");
    CU_ASSERT_STRING_EQUAL(envelope->hostname, "mx.test");
    CU_ASSERT_STRING_EQUAL(envelope->client, "local");
    CU_ASSERT_STRING_EQUAL(envelope->helo, "there.example");
    CU_ASSERT(envelope->esmtp && !envelope->tls && envelope->arrived_ms > 0);
    CU_ASSERT_EQUAL(envelope->protocol, SMTP_PROTOCOL_LMTP);
    CU_ASSERT_EQUAL(envelope->handoff, SMTP_HANDOFF_RELAY);
    talk_clear(&talk);
}

// Replies to a batch come in one write: a stream socket would not show it, so a packet one does.
static void
test_batch_is_one_write(void)
{
    struct talk talk;
    char bytes[2000];
    int fds[2];
    ssize_t len;

    talk_init(&talk, 0);
    CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0);
    talk.session = session_new(talk.loop, fds[1], &talk.config, true);
    talk_turns(&talk, 4);
    CU_ASSERT(read(fds[0], bytes, sizeof(bytes)) > 0);
    CU_ASSERT(write(fds[0], TALK_UP_TO_RCPT "DATA\r\n", sizeof(TALK_UP_TO_RCPT "DATA\r\n") - 1) >
              0);
    talk_turns(&talk, 4);
    len = read(fds[0], bytes, sizeof(bytes));
    CU_ASSERT(len > 0 && span_is(span_from(bytes, (size_t)len), TALK_UP_TO_RCPT_OK TALK_DATA_OK));
    close(fds[0]);
    talk_clear(&talk);
}

struct gone_row {
    const char *says, *events;
};

static const struct gone_row gone_rows[] = {
    {"",                                           ""                                             },
    {TALK_HELLO,                                   ""                                             },
    {TALK_HELLO TALK_MAIL,                         "mail<a@b>[] abort(gone) "                     },
    {TALK_UP_TO_RCPT,                              "mail<a@b>[] abort(gone) "                     },
    {TALK_UP_TO_RCPT "DATA\r\n",                   "mail<a@b>[] rcpt<c@d>[] data abort(gone) "    },
    {TALK_UP_TO_RCPT "DATA\r\nx\r\n.\r",           "mail<a@b>[] rcpt<c@d>[] data abort(gone) "    },
    {TALK_UP_TO_RCPT "DATA\r\nx\r\n.\r\n",         "mail<a@b>[] rcpt<c@d>[] data end abort(gone) "},
    {TALK_UP_TO_RCPT "DATA\r\nx\r\n.\r\nQUIT\r\n", "mail<a@b>[] rcpt<c@d>[] data end abort(gone) "},
    {TALK_UP_TO_RCPT "BDAT 5\r\nab",               "mail<a@b>[] rcpt<c@d>[] data abort(gone) "    },
    {TALK_UP_TO_RCPT "BDAT 2\r\nab",               "mail<a@b>[] rcpt<c@d>[] data abort(gone) "    },
};

static void
test_client_goes(void)
{
    for (size_t i = 0; i < UNIT_COUNT(gone_rows); i++) {
        struct talk talk;

        talk_init(&talk, TALK_NEVER_FINISH | TALK_CHUNKING);
        talk_start(&talk);
        talk_say(&talk, span_of(gone_rows[i].says));
        talk_settle(&talk);
        talk_hang_up(&talk);
        talk_settle(&talk);
        UNIT_CHECK_ROW(gone_rows[i].says, talk.session == NULL);
        UNIT_CHECK_ROW(gone_rows[i].says, span_is(buf_span(&talk.events), gone_rows[i].events));
        talk_clear(&talk);
    }
}

static void
test_abort(void)
{
    for (size_t i = 0; i < UNIT_COUNT(gone_rows); i++) {
        struct talk talk;

        talk_init(&talk, TALK_NEVER_FINISH | TALK_CHUNKING);
        talk_start(&talk);
        talk_say(&talk, span_of(gone_rows[i].says));
        talk_settle(&talk);
        session_abort(talk.session);
        CU_ASSERT_PTR_NULL(talk.session);
        UNIT_CHECK_ROW(gone_rows[i].says, span_is(buf_span(&talk.events), gone_rows[i].events));
        talk_clear(&talk);
    }
}

// Replies that wait are still written for a client that only closed its sending side.
static void
test_half_closed(void)
{
    struct talk talk;

    talk_init(&talk, 0);
    talk_start(&talk);
    talk_say(&talk, SPAN_LITERAL(TALK_HELLO "NOOP\r\nNO"));
    CU_ASSERT(shutdown(talk.fd, SHUT_WR) == 0);
    talk_settle(&talk);
    CU_ASSERT_PTR_NULL(talk.session);
    CU_ASSERT(span_is(talk_heard(&talk), TALK_HELLO_OK TALK_OK));
    CU_ASSERT(talk.is_eof);
    talk_clear(&talk);
}

#define DRAINED "421 4.3.2 mx.test Service is shutting down\r\n"

struct drain_row {
    const char *before, *after, *hears;
    bool is_closed_at_once;
};

static const struct drain_row drain_rows[] = {
    {"",                              "",                                          DRAINED,                            true },
    {TALK_HELLO,                      "",                                          TALK_HELLO_OK DRAINED,              true },
    {TALK_HELLO TALK_MAIL,            TALK_RCPT "DATA\r\nx\r\n.\r\nRSET\r\n",
     TALK_UP_TO_RCPT_OK TALK_DATA_OK TALK_SENT("id1") DRAINED,                                                         false},
    {TALK_UP_TO_RCPT "DATA\r\n",      "x\r\n.\r\n" TALK_MAIL TALK_RCPT "DATA\r\n",
     TALK_UP_TO_RCPT_OK TALK_DATA_OK TALK_SENT("id1") DRAINED,                                                         false},
    {TALK_UP_TO_RCPT "DATA\r\nx\r\n", ".\r\nQUIT\r\n",
     TALK_UP_TO_RCPT_OK TALK_DATA_OK TALK_SENT("id1") DRAINED,                                                         false},
    {TALK_UP_TO_RCPT,                 "RSET\r\nNOOP\r\n",                          TALK_UP_TO_RCPT_OK TALK_OK DRAINED, false},
};

static void
test_drain(void)
{
    for (size_t i = 0; i < UNIT_COUNT(drain_rows); i++) {
        const struct drain_row *row = &drain_rows[i];
        struct talk talk;

        talk_init(&talk, 0);
        talk_start(&talk);
        talk_say(&talk, span_of(row->before));
        talk_settle(&talk);
        session_drain(talk.session);
        UNIT_CHECK_ROW(row->before, (talk.session == NULL) == row->is_closed_at_once);
        talk_say(&talk, span_of(row->after));
        talk_settle(&talk);
        UNIT_CHECK_ROW(row->before, talk.session == NULL);
        UNIT_CHECK_ROW(row->before, talk_same(row->before, "heard", talk_heard(&talk), row->hears));
        talk_clear(&talk);
    }
}

// After the last message the answer goes out alone; the 421 is kept for the next command.
static void
test_drain_behind_a_mail(void)
{
    struct talk talk;

    talk_init(&talk, 0);
    talk_start(&talk);
    talk_say(&talk, SPAN_LITERAL(TALK_UP_TO_RCPT "DATA\r\nx\r\n"));
    talk_settle(&talk);
    session_drain(talk.session);
    talk_say(&talk, SPAN_LITERAL(".\r\n"));
    talk_settle(&talk);
    CU_ASSERT(span_is(talk_heard(&talk), TALK_UP_TO_RCPT_OK TALK_DATA_OK TALK_SENT("id1")));
    CU_ASSERT_PTR_NOT_NULL(talk.session);
    talk_clear(&talk);
}

// Waits on the real clock, for what is sure to come.
static void
settle_until_closed(struct talk *talk)
{
    for (int i = 0; i < 5000 && talk->session != NULL; i++) {
        talk_settle(talk);
        (void)poll(NULL, 0, 1);
    }
    talk_settle(talk);
}

#define SILENT "421 4.4.2 mx.test Timeout\r\n"
#define TOO_LONG "421 4.4.2 mx.test Session has lasted too long\r\n"

struct time_row {
    const char *name;
    uint64_t timeout, max_session;
    const char *says, *hears, *events;
};

static const struct time_row time_rows[] = {
    {"silence, fresh",       20,    60000, "",                          SILENT,                                   ""                                         },
    {"silence, greeted",     20,    60000, TALK_HELLO "NO",             TALK_HELLO_OK SILENT,                     ""                                         },
    {"silence, transaction", 20,    60000, TALK_UP_TO_RCPT,             TALK_UP_TO_RCPT_OK SILENT,
     "mail<a@b>[] abort(gone) "                                                                                                                              },
    {"silence, data",        20,    60000, TALK_UP_TO_RCPT "DATA\r\nx",
     TALK_UP_TO_RCPT_OK TALK_DATA_OK SILENT,                                                                      "mail<a@b>[] rcpt<c@d>[] data abort(gone) "},
    {"long, fresh",          60000, 20,    "",                          TOO_LONG,                                 ""                                         },
    {"long, transaction",    60000, 20,    TALK_UP_TO_RCPT,             TALK_UP_TO_RCPT_OK TOO_LONG,
     "mail<a@b>[] abort(gone) "                                                                                                                              },
    {"long, data",           60000, 20,    TALK_UP_TO_RCPT "DATA\r\nx", TALK_UP_TO_RCPT_OK TALK_DATA_OK TOO_LONG,
     "mail<a@b>[] rcpt<c@d>[] data abort(gone) "                                                                                                             },
};

static void
test_time(void)
{
    for (size_t i = 0; i < UNIT_COUNT(time_rows); i++) {
        const struct time_row *row = &time_rows[i];
        struct talk talk;

        talk_init(&talk, 0);
        talk.listener.timeout = row->timeout;
        talk.settings.max_session = row->max_session;
        talk_start(&talk);
        talk_say(&talk, span_of(row->says));
        settle_until_closed(&talk);
        UNIT_CHECK_ROW(row->name, talk.session == NULL);
        UNIT_CHECK_ROW(row->name, talk_same(row->name, "heard", talk_heard(&talk), row->hears));
        UNIT_CHECK_ROW(row->name, span_is(buf_span(&talk.events), row->events));
        talk_clear(&talk);
    }
}

// The silence of a client that waits for us is not its fault, however long we take; and a message
// that was taken is answered, however old the session.
static void
test_time_does_not_pass_while_we_work(void)
{
    struct talk talk;

    talk_init(&talk, TALK_NEVER_FINISH);
    talk.listener.timeout = 20;
    talk.settings.max_session = 20;
    talk_start(&talk);
    talk_say(&talk, SPAN_LITERAL(TALK_UP_TO_RCPT "DATA\r\nx\r\n.\r\n"));
    talk_settle(&talk);
    for (int i = 0; i < 60; i++) {
        (void)poll(NULL, 0, 1);
        talk_settle(&talk);
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(talk.session);
    talk.listener.timeout = 60000; // the session is over its time, and waits for a last word
    talk_finish(&talk);
    talk_settle(&talk);
    CU_ASSERT(span_is(talk_heard(&talk), TALK_UP_TO_RCPT_OK TALK_DATA_OK TALK_SENT("id1")));
    talk_say(&talk, SPAN_LITERAL("RSET\r\n"));
    talk_settle(&talk);
    CU_ASSERT(
        span_is(talk_heard(&talk), TALK_UP_TO_RCPT_OK TALK_DATA_OK TALK_SENT("id1") TOO_LONG));
    CU_ASSERT_PTR_NULL(talk.session);
    talk_clear(&talk);
}

// Commands whose answers are not read are not served for ever.
static void
test_unread_replies_are_bounded(void)
{
    static const char noop[] = "NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n";
    struct talk talk;
    size_t written = 0;
    ssize_t len;

    talk_init(&talk, 0);
    talk_start(&talk);
    for (int i = 0; i < 100000; i++) {
        len = write(talk.fd, noop, sizeof(noop) - 1);
        if (len > 0)
            written += (size_t)len;
        else
            talk_turns(&talk, 3);
        if (i % 1000 == 0)
            talk_turns(&talk, 3);
    }
    CU_ASSERT(written < 2000000);
    CU_ASSERT(conn_unsent(talk.session->conn) < 70000);
    talk_settle(&talk);
    CU_ASSERT(talk_heard(&talk).len > 100000);
    talk_clear(&talk);
}

static void
test_large_message(void)
{
    enum { LEN = 5 << 20 };

    char *text = malloc(LEN);
    struct talk talk;

    for (size_t i = 0; i < LEN; i++)
        text[i] = i % 1000 == 998 ? '\r' : i % 1000 == 999 ? '\n' : 'x';
    memcpy(text + LEN - 2, "\r\n", 2);
    talk_init(&talk, TALK_UNLIMITED | TALK_HOLD_CONTENT);
    talk_start(&talk);
    talk_say(&talk, SPAN_LITERAL(TALK_UP_TO_RCPT "DATA\r\n"));
    talk_say(&talk, span_from(text, LEN));
    talk_say(&talk, SPAN_LITERAL(".\r\n"));
    talk_settle(&talk);
    CU_ASSERT_EQUAL(talk.content.len, LEN + 1);
    CU_ASSERT(memcmp(talk.content.data, text, LEN) == 0);
    CU_ASSERT(span_is(talk_heard(&talk), TALK_UP_TO_RCPT_OK TALK_DATA_OK TALK_SENT("id1")));
    talk_clear(&talk);
    free(text);
}

// A client that waits is answered before anything else is done; where more is to be said, in one
// write with that.
static void
test_answer_at_once(void)
{
    static const struct row {
        const char *end, *said;
    } ends[] = {
        {".\r\n",         "250 2.0.0 Ok: queued as id1\r\n"},
        {".\r\nNOOP\r\n", ""                               },
    };

    for (size_t i = 0; i < UNIT_COUNT(ends); i++) {
        struct talk talk;

        talk_init(&talk, TALK_NEVER_FINISH);
        talk_start(&talk);
        talk_say(&talk, SPAN_LITERAL(TALK_UP_TO_RCPT "DATA\r\nx\r\n"));
        talk_settle(&talk);
        talk_say(&talk, span_of(ends[i].end));
        talk_settle(&talk);
        buf_reset(&talk.got);
        talk_finish(&talk);
        (void)talk_read(&talk); // the loop has not run
        UNIT_CHECK_ROW(ends[i].end,
                       talk_same(ends[i].end, "said", buf_span(&talk.got), ends[i].said));
        talk_clear(&talk);
    }
}

static void
test_state_names(void)
{
    CU_ASSERT_STRING_EQUAL(session_state_name(SESSION_FRESH), "fresh");
    CU_ASSERT_STRING_EQUAL(session_state_name(SESSION_CLOSED), "closed");
}

static const struct unit_test tests[] = {
    {"rows",                test_rows                            },
    {"smuggling",           test_smuggling                       },
    {"greeting",            test_greeting                        },
    {"envelope",            test_envelope                        },
    {"batch is one write",  test_batch_is_one_write              },
    {"client goes",         test_client_goes                     },
    {"abort",               test_abort                           },
    {"half-closed",         test_half_closed                     },
    {"drain",               test_drain                           },
    {"drain behind a mail", test_drain_behind_a_mail             },
    {"time",                test_time                            },
    {"time while we work",  test_time_does_not_pass_while_we_work},
    {"unread replies",      test_unread_replies_are_bounded      },
    {"large message",       test_large_message                   },
    {"answer at once",      test_answer_at_once                  },
    {"state names",         test_state_names                     },
};

UNIT_MAIN("smtp/session", tests)
