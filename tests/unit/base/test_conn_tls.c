// SPDX-License-Identifier: BSD-2-Clause
#include "base/conn.h"

#include "base/tls.h"
#include "tests/unit/base/certs.h"
#include "tests/unit/base/conn_owner.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

struct tls_fixture {
    struct fixture base;
    struct tempdir dir;
    struct tls_context *server, *client;
};

// owner is the server, other the client.
static void
set_up_tls(struct tls_fixture *t)
{
    struct fixture *f = &t->base;
    char cert[200], key[200];
    struct err err;

    tempdir_make(&t->dir);
    certs_write(&t->dir);
    snprintf(cert, sizeof cert, "%s/server.pem", t->dir.path);
    snprintf(key, sizeof key, "%s/server.key", t->dir.path);
    t->server = tls_server_context_new(cert, key, NULL, &err);
    t->client = tls_client_context_new(NULL, &err);
    set_up(f, CONSUME);
    f->other.conn = conn_new(f->loop, f->peer, &callbacks, &f->other);
    f->peer = -1;
}

static void
tear_down_tls(struct tls_fixture *t)
{
    tear_down(&t->base);
    tls_context_free(&t->server);
    tls_context_free(&t->client);
    tempdir_remove(&t->dir);
}

static void
test_starttls(void)
{
    struct tls_fixture t;
    struct fixture *f = &t.base;

    set_up_tls(&t);
    f->owner.habit = LEAVE;
    conn_write(f->other.conn, "STARTTLS;EVIL", 13);
    run_for(f, 5);
    CU_ASSERT_STRING_EQUAL(f->owner.trace, "input:STARTTLS;EVIL;");
    conn_consume(f->owner.conn, 9);
    conn_write(f->owner.conn, "220 ready", 9);
    f->owner.habit = CONSUME;
    CU_ASSERT_EQUAL(conn_start_tls(f->owner.conn, t.server, NULL), 4);
    CU_ASSERT_EQUAL(conn_input(f->owner.conn).len, 0);
    CU_ASSERT_FALSE(conn_is_tls(f->owner.conn));
    CU_ASSERT_STRING_EQUAL(conn_tls_description(f->owner.conn), "");
    run_for(f, 5);
    CU_ASSERT_STRING_EQUAL(f->other.trace, "drained;input:220 ready;");
    CU_ASSERT_EQUAL(conn_start_tls(f->other.conn, t.client, "mx.example.com"), 0);
    conn_write(f->other.conn, "EHLO", 4);
    f->owner.trace[0] = f->other.trace[0] = '\0';
    run_for(f, 50);
    CU_ASSERT_STRING_EQUAL(f->other.trace, "open;drained;");
    CU_ASSERT_STRING_EQUAL(f->owner.trace, "open;input:EHLO;");
    CU_ASSERT_EQUAL(strncmp(conn_tls_description(f->owner.conn), "TLSv1.3 ", 8), 0);
    conn_write(f->owner.conn, "221", 3);
    conn_close(&f->owner.conn, 1000);
    run_for(f, 10);
    CU_ASSERT_STRING_EQUAL(f->other.trace, "open;drained;last:221;end:eof;");
    tear_down_tls(&t);
}

static void
test_tls_bulk_and_small_input_max(void)
{
    static char bytes[200000];
    struct tls_fixture t;
    struct fixture *f = &t.base;

    set_up_tls(&t);
    conn_start_tls(f->owner.conn, t.server, NULL);
    conn_start_tls(f->other.conn, t.client, NULL);
    conn_set_input_max(f->owner.conn, 1000);
    conn_write(f->other.conn, bytes, sizeof bytes);
    conn_close(&f->other.conn, 5000);
    run_for(f, 20);
    // Before the handshake was done: what was written then is lost with the connection.
    CU_ASSERT_STRING_EQUAL(f->owner.trace, "end:error;");
    tear_down_tls(&t);
    set_up_tls(&t);
    conn_start_tls(f->owner.conn, t.server, NULL);
    conn_start_tls(f->other.conn, t.client, NULL);
    conn_set_input_max(f->owner.conn, 1000);
    run_for(f, 50);
    conn_write(f->other.conn, bytes, sizeof bytes);
    conn_close(&f->other.conn, 5000);
    run_for(f, 100);
    CU_ASSERT_EQUAL(f->owner.got, sizeof bytes);
    CU_ASSERT_STRING_EQUAL(f->owner.trace, "open;end:eof;");
    tear_down_tls(&t);
}

static void
test_tls_handshake_fails(void)
{
    struct tls_fixture t;
    struct fixture *f = &t.base;

    set_up_tls(&t);
    conn_start_tls(f->owner.conn, t.server, NULL);
    conn_write(f->other.conn, "this is no TLS at all\r\n", 23);
    run_for(f, 20);
    CU_ASSERT_STRING_EQUAL(f->owner.trace, "end:error;");
    CU_ASSERT_EQUAL(strncmp(f->owner.err.text, "TLS: ", 5), 0);
    CU_ASSERT_STRING_EQUAL(f->other.trace, "drained;end:eof;");
    tear_down_tls(&t);
}

// The client does not trust the certificate; its alert tells the server why.
static void
test_tls_alert_arrives(void)
{
    struct tls_fixture t;
    struct fixture *f = &t.base;
    char ca[200];

    set_up_tls(&t);
    tls_context_free(&t.client);
    snprintf(ca, sizeof ca, "%s/stranger.pem", t.dir.path);
    t.client = tls_client_context_new(ca, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t.client);
    conn_start_tls(f->owner.conn, t.server, NULL);
    conn_start_tls(f->other.conn, t.client, "mx.example.com");
    conn_write(f->other.conn, "never seen", 10);
    run_for(f, 50);
    CU_ASSERT_STRING_EQUAL(f->other.trace, "end:error;");
    CU_ASSERT_PTR_NOT_NULL(strstr(f->other.err.text, "certificate verify failed"));
    CU_ASSERT_STRING_EQUAL(f->owner.trace, "end:error;");
    CU_ASSERT_PTR_NOT_NULL(strstr(f->owner.err.text, "alert"));
    CU_ASSERT_EQUAL(f->owner.got, 0);
    tear_down_tls(&t);
}

static const struct unit_test tests[] = {
    {"STARTTLS",            test_starttls                    },
    {"TLS in bulk",         test_tls_bulk_and_small_input_max},
    {"TLS handshake fails", test_tls_handshake_fails         },
    {"TLS alert arrives",   test_tls_alert_arrives           },
};

UNIT_MAIN("base/conn_tls", tests)
