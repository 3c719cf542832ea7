// SPDX-License-Identifier: BSD-2-Clause
#include "base/tls.h"
#include "tests/unit/base/certs.h"
#include "tests/unit/smtp/talk.h"

#define EHLO "EHLO me\r\n"
#define BEFORE_TLS                                                                                 \
    "250-mx.test\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-STARTTLS\r\n"                           \
    "250 ENHANCEDSTATUSCODES\r\n"
#define UNDER_TLS "250-mx.test\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 ENHANCEDSTATUSCODES\r\n"
#define READY "220 2.0.0 Ready to start TLS\r\n"

struct secure_talk {
    struct talk talk;
    struct tempdir dir;
    struct tls_context *server, *client;
    struct conn *conn; // the client's, once it speaks TLS
};

static void
set_up(struct secure_talk *secure)
{
    char cert[200], key[200];
    struct err err;

    tempdir_make(&secure->dir);
    certs_write(&secure->dir);
    snprintf(cert, sizeof(cert), "%s/server.pem", secure->dir.path);
    snprintf(key, sizeof(key), "%s/server.key", secure->dir.path);
    secure->server = tls_server_context_new(cert, key, NULL, &err);
    secure->client = tls_client_context_new(NULL, &err);
    CU_ASSERT_FATAL(secure->server != NULL && secure->client != NULL);
    secure->conn = NULL;
    talk_init(&secure->talk, TALK_NO_OFFERS | TALK_NO_XFORWARD);
    secure->talk.listener.tls_mode = SMTP_TLS_REQUIRE;
    secure->talk.config.tls = secure->server;
    talk_start(&secure->talk);
}

static void
tear_down(struct secure_talk *secure)
{
    conn_abort(&secure->conn);
    talk_clear(&secure->talk);
    tls_context_free(&secure->server);
    tls_context_free(&secure->client);
    tempdir_remove(&secure->dir);
}

static void
ignore(void *arg)
{
    (void)arg;
}

static void
ignore_end(void *arg, enum conn_end end, const struct err *err)
{
    (void)arg;
    (void)end;
    (void)err;
}

static void
go_secure(struct secure_talk *secure)
{
    static const struct conn_callbacks callbacks = {.on_input = ignore, .on_end = ignore_end};

    secure->conn = conn_new(secure->talk.loop, secure->talk.fd, &callbacks, NULL);
    secure->talk.fd = -1;
    (void)conn_start_tls(secure->conn, secure->client, NULL);
    talk_turns(&secure->talk, 30);
    CU_ASSERT_FATAL(conn_is_tls(secure->conn));
}

static bool
ask(struct secure_talk *secure, const char *words, const char *expected)
{
    bool is_good;

    conn_write(secure->conn, words, strlen(words));
    talk_turns(&secure->talk, 30);
    is_good = talk_same(words, "heard", conn_input(secure->conn), expected);
    conn_consume(secure->conn, conn_input(secure->conn).len);
    return is_good;
}

static void
test_starttls(void)
{
    struct secure_talk secure;

    set_up(&secure);
    talk_say(&secure.talk, SPAN_LITERAL(EHLO "STARTTLS x\r\n" TALK_MAIL "STARTTLS\r\n"));
    talk_settle(&secure.talk);
    CU_ASSERT(talk_same("clear", "heard", talk_heard(&secure.talk),
                        BEFORE_TLS "501 5.5.4 STARTTLS takes no argument\r\n"
                                   "530 5.7.0 Must issue STARTTLS first\r\n" READY));
    go_secure(&secure);
    // All that was said before is forgotten (RFC 3207 4.2).
    CU_ASSERT(ask(&secure, TALK_MAIL, "503 5.5.1 Bad sequence of commands: Say hello first\r\n"));
    CU_ASSERT_PTR_NULL(secure.talk.session->envelope.helo);
    CU_ASSERT(ask(&secure, EHLO, UNDER_TLS));
    CU_ASSERT(ask(&secure, "STARTTLS\r\n", "503 5.5.1 TLS is active already\r\n"));
    CU_ASSERT(ask(&secure, TALK_MAIL TALK_RCPT "DATA\r\n", TALK_MAIL_OK TALK_RCPT_OK TALK_DATA_OK));
    CU_ASSERT_TRUE(secure.talk.session->envelope.tls);
    CU_ASSERT(ask(&secure, "x\r\n.\r\n", TALK_SENT("id1")));
    CU_ASSERT(span_is(buf_span(&secure.talk.content), "x\r\n|"));
    tear_down(&secure);
}

// Whoever can write into the clear stream could put commands there, to be obeyed under TLS
// (CVE-2011-0411).
static void
test_injected_commands(void)
{
    struct secure_talk secure;

    set_up(&secure);
    talk_say(&secure.talk, SPAN_LITERAL(EHLO));
    talk_settle(&secure.talk);
    talk_say(&secure.talk, SPAN_LITERAL("STARTTLS\r\nRSET\r\n"));
    talk_settle(&secure.talk);
    CU_ASSERT_PTR_NULL(secure.talk.session);
    CU_ASSERT(talk_same("injected", "heard", talk_heard(&secure.talk), BEFORE_TLS));
    tear_down(&secure);
}

static void
test_handshake_fails(void)
{
    struct secure_talk secure;

    set_up(&secure);
    talk_say(&secure.talk, SPAN_LITERAL(EHLO "STARTTLS\r\n"));
    talk_settle(&secure.talk);
    talk_say(&secure.talk, SPAN_LITERAL("EHLO again, in clear\r\nMAIL FROM:<a@b>\r\n"));
    talk_settle(&secure.talk);
    CU_ASSERT_PTR_NULL(secure.talk.session);
    CU_ASSERT_EQUAL(secure.talk.events.len, 0);
    tear_down(&secure);
}

static void
test_before_a_greeting(void)
{
    struct secure_talk secure;

    set_up(&secure);
    talk_say(&secure.talk, SPAN_LITERAL("STARTTLS\r\n"));
    talk_settle(&secure.talk);
    CU_ASSERT(talk_same("fresh", "heard", talk_heard(&secure.talk),
                        "503 5.5.1 Bad sequence of commands: Say hello first\r\n"));
    tear_down(&secure);
}

static const struct unit_test tests[] = {
    {"starttls",          test_starttls         },
    {"injected commands", test_injected_commands},
    {"handshake fails",   test_handshake_fails  },
    {"before a greeting", test_before_a_greeting},
};

UNIT_MAIN("smtp/cmd_starttls", tests)
