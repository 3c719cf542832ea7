// SPDX-License-Identifier: BSD-2-Clause
#include "base/tls.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/base/certs.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

// One end: its session, what it has for the wire, and the plaintext it got.
struct end {
    struct tls_session *session;
    struct buf wire, plain;
    int result;
    struct err err;
};

struct fixture {
    struct tempdir dir;
    char path[6][200];
    struct tls_context *server, *client;
    struct end a, b; // a is the client
};

enum { CA, CERT, KEY, CLIENT_CERT, STRANGER, LOCKED };

static void
set_up(struct fixture *f)
{
    static const char *const names[] = {"ca.pem",     "server.pem",   "server.key",
                                        "client.pem", "stranger.pem", "locked.key"};

    memset(f, 0, sizeof *f);
    tempdir_make(&f->dir);
    certs_write(&f->dir);
    for (size_t i = 0; i < UNIT_COUNT(names); i++)
        snprintf(f->path[i], sizeof f->path[i], "%s/%s", f->dir.path, names[i]);
}

static void
meet(struct fixture *f, const char *server_name, size_t plain_max)
{
    buf_init(&f->a.wire, 1 << 24);
    buf_init(&f->b.wire, 1 << 24);
    buf_init(&f->a.plain, plain_max);
    buf_init(&f->b.plain, plain_max);
    f->a.session = tls_session_new(f->client, server_name);
    f->b.session = tls_session_new(f->server, NULL);
    f->a.result = tls_session_handshake(f->a.session, &f->a.wire, &f->a.err);
    f->b.result = tls_session_handshake(f->b.session, &f->b.wire, &f->b.err);
}

static void
part(struct fixture *f)
{
    struct end *const ends[] = {&f->a, &f->b};

    for (size_t i = 0; i < 2; i++) {
        tls_session_free(&ends[i]->session);
        buf_clear(&ends[i]->wire);
        buf_clear(&ends[i]->plain);
    }
}

static void
tear_down(struct fixture *f)
{
    part(f);
    tls_context_free(&f->server);
    tls_context_free(&f->client);
    tempdir_remove(&f->dir);
}

// Carries what is on the wire, in bites; a failed end takes no more.
static bool
carry(struct end *from, struct end *to, size_t bite)
{
    bool moved = from->wire.len > 0;

    while (from->wire.len > 0) {
        size_t len = from->wire.len < bite ? from->wire.len : bite;
        struct span wire = span_from(from->wire.data, len);

        if (to->result == 0)
            to->result = tls_session_receive(to->session, wire, &to->plain, &to->wire, &to->err);
        buf_drop(&from->wire, len);
    }
    return moved;
}

static void
carry_all(struct fixture *f, size_t bite)
{
    bool moved = true;

    while (moved) {
        moved = carry(&f->a, &f->b, bite);
        moved = carry(&f->b, &f->a, bite) || moved;
    }
}

static void
make_contexts(struct fixture *f)
{
    struct err err;

    f->server = tls_server_context_new(f->path[CERT], f->path[KEY], NULL, &err);
    f->client = tls_client_context_new(NULL, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->server);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->client);
}

static void
test_conversation_in_bites(void)
{
    static const size_t bites[] = {1, 7, 100, 16384, 1000000};
    struct fixture f;

    set_up(&f);
    make_contexts(&f);
    for (size_t i = 0; i < UNIT_COUNT(bites); i++) {
        struct err err;

        meet(&f, "mx.example.com", 1 << 20);
        CU_ASSERT_FALSE(tls_session_is_open(f.a.session));
        CU_ASSERT_EQUAL(tls_session_send(f.a.session, SPAN_LITERAL("early"), &f.a.wire, &err), -1);
        carry_all(&f, bites[i]);
        CU_ASSERT_TRUE(tls_session_is_open(f.a.session) && tls_session_is_open(f.b.session));
        CU_ASSERT_EQUAL(strncmp(tls_session_description(f.a.session), "TLSv1.3 TLS_", 12), 0);
        CU_ASSERT_STRING_EQUAL(tls_session_description(f.a.session),
                               tls_session_description(f.b.session));
        CU_ASSERT_EQUAL(tls_session_send(f.a.session, SPAN_LITERAL("EHLO x\r\n"), &f.a.wire, &err),
                        0);
        CU_ASSERT_EQUAL(tls_session_send(f.b.session, SPAN_LITERAL("250 y\r\n"), &f.b.wire, &err),
                        0);
        carry_all(&f, bites[i]);
        CU_ASSERT_TRUE(span_is(buf_span(&f.b.plain), "EHLO x\r\n"));
        CU_ASSERT_TRUE(span_is(buf_span(&f.a.plain), "250 y\r\n"));
        tls_session_shutdown(f.a.session, &f.a.wire);
        CU_ASSERT_FALSE(tls_session_is_ended(f.b.session));
        carry_all(&f, bites[i]);
        CU_ASSERT_TRUE(tls_session_is_ended(f.b.session));
        CU_ASSERT_FALSE(tls_session_is_ended(f.a.session));
        CU_ASSERT_EQUAL(f.a.result, 0);
        CU_ASSERT_EQUAL(f.b.result, 0);
        part(&f);
    }
    tear_down(&f);
}

// What plain_out has no room for stays in the session, and comes when asked with an empty span.
static void
test_plaintext_ceiling(void)
{
    enum { LEN = 300000, ROOM = 1000 };
    struct fixture f;
    struct buf sent, got;
    struct err err;

    set_up(&f);
    make_contexts(&f);
    meet(&f, NULL, ROOM);
    carry_all(&f, 16384);
    buf_init(&sent, LEN);
    buf_init(&got, LEN);
    for (unsigned i = 0; i < LEN; i++)
        buf_add_char(&sent, (char)(i * 31 % 251));
    CU_ASSERT_EQUAL(tls_session_send(f.a.session, buf_span(&sent), &f.a.wire, &err), 0);
    carry(&f.a, &f.b, SIZE_MAX);
    CU_ASSERT_EQUAL(f.b.plain.len, ROOM);
    while (f.b.plain.len > 0 && f.b.result == 0) {
        CU_ASSERT_TRUE(f.b.plain.len <= ROOM);
        buf_add_span(&got, buf_span(&f.b.plain));
        buf_reset(&f.b.plain);
        f.b.result =
            tls_session_receive(f.b.session, span_from(NULL, 0), &f.b.plain, &f.b.wire, &f.b.err);
    }
    CU_ASSERT_EQUAL(got.len, LEN);
    CU_ASSERT_EQUAL(memcmp(got.data, sent.data, LEN), 0);
    buf_clear(&sent);
    buf_clear(&got);
    tear_down(&f);
}

static void
test_nonsense(void)
{
    struct fixture f;

    set_up(&f);
    make_contexts(&f);
    meet(&f, NULL, 1000);
    buf_reset(&f.a.wire);
    buf_add_text(&f.a.wire, "MAIL FROM:<a@b> and what else is no TLS\r\n");
    carry(&f.a, &f.b, 1000);
    CU_ASSERT_EQUAL(f.b.result, -1);
    CU_ASSERT_EQUAL(f.b.err.kind, ERR_TEMP);
    CU_ASSERT_EQUAL(strncmp(f.b.err.text, "TLS: ", 5), 0);
    part(&f);
    // In the middle: a record that was tampered with.
    meet(&f, NULL, 1000);
    carry_all(&f, 1000);
    CU_ASSERT_EQUAL(tls_session_send(f.a.session, SPAN_LITERAL("hello"), &f.a.wire, &f.a.err), 0);
    f.a.wire.data[f.a.wire.len - 1] ^= 1;
    carry(&f.a, &f.b, 1000);
    CU_ASSERT_EQUAL(f.b.result, -1);
    CU_ASSERT_EQUAL(f.b.plain.len, 0);
    CU_ASSERT_TRUE(f.b.wire.len > 0); // the alert
    carry(&f.b, &f.a, 1000);
    CU_ASSERT_EQUAL(f.a.result, -1);
    tear_down(&f);
}

static void
test_verification(void)
{
    static const struct {
        const char *name;
        int ca; // -1: no verification
        const char *server_name, *complaint;
    } rows[] = {
        {"no verification",     -1,       "other.example.com", NULL               },
        {"right name",          CA,       "mx.example.com",    NULL               },
        {"right address",       CA,       "127.0.0.1",         NULL               },
        {"chain alone",         CA,       NULL,                NULL               },
        {"wrong name",          CA,       "other.example.com", "hostname mismatch"},
        {"wrong address",       CA,       "127.0.0.2",         "IP address"       },
        {"IPv6 address",        CA,       "::1",               "IP address"       },
        {"another certificate", STRANGER, "mx.example.com",    "certificate"      },
    };
    struct fixture f;
    struct err err;

    set_up(&f);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        f.server = tls_server_context_new(f.path[CERT], f.path[KEY], NULL, &err);
        f.client = tls_client_context_new(rows[i].ca < 0 ? NULL : f.path[rows[i].ca], &err);
        CU_ASSERT_PTR_NOT_NULL_FATAL(f.client);
        meet(&f, rows[i].server_name, 1000);
        carry_all(&f, 1000);
        UNIT_CHECK_ROW(rows[i].name, (f.a.result == 0) == (rows[i].complaint == NULL));
        UNIT_CHECK_ROW(rows[i].name, rows[i].complaint != NULL || tls_session_is_open(f.b.session));
        UNIT_CHECK_ROW(rows[i].name, rows[i].complaint == NULL ||
                                         strstr(f.a.err.text, rows[i].complaint) != NULL);
        UNIT_CHECK_ROW(rows[i].name, rows[i].complaint == NULL || f.b.result == -1);
        part(&f);
        tls_context_free(&f.server);
        tls_context_free(&f.client);
    }
    tear_down(&f);
}

static void
test_client_without_certificate_is_refused(void)
{
    struct fixture f;
    struct err err;

    set_up(&f);
    f.server = tls_server_context_new(f.path[CERT], f.path[KEY], f.path[CA], &err);
    f.client = tls_client_context_new(NULL, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f.server);
    meet(&f, NULL, 1000);
    carry_all(&f, 1000);
    CU_ASSERT_EQUAL(f.b.result, -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.b.err.text, "certificate"));
    CU_ASSERT_EQUAL(f.a.result, -1);
    tear_down(&f);
}

static void
test_files(void)
{
    static const struct {
        const char *name;
        int cert, key, ca; // -1: a file that is missing; -2: none
        const char *complaint;
    } rows[] = {
        {"good",                   CERT,        KEY,    CA,  NULL                       },
        {"no certificate file",    -1,          KEY,    -2,  "No such file"             },
        {"key as certificate",     KEY,         KEY,    -2,  "server.key: "             },
        {"no key file",            CERT,        -1,     -2,  "No such file"             },
        {"another's key",          CLIENT_CERT, KEY,    -2,  "mismatch"                 },
        {"key with a pass phrase", CERT,        LOCKED, -2,  "locked.key: "             },
        {"no CA file",             CERT,        KEY,    -1,  "client CA file /missing: "},
        {"key as CA",              CERT,        KEY,    KEY, "server.key: "             },
    };
    struct fixture f;

    set_up(&f);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct err err = {ERR_NONE, ""};
        const char *cert = rows[i].cert < 0 ? "/missing" : f.path[rows[i].cert];
        const char *key = rows[i].key < 0 ? "/missing" : f.path[rows[i].key];
        const char *ca = rows[i].ca == -2 ? NULL : rows[i].ca < 0 ? "/missing" : f.path[rows[i].ca];
        struct tls_context *context = tls_server_context_new(cert, key, ca, &err);

        UNIT_CHECK_ROW(rows[i].name, (context != NULL) == (rows[i].complaint == NULL));
        UNIT_CHECK_ROW(rows[i].name, context != NULL || err.kind == ERR_PERM);
        UNIT_CHECK_ROW(rows[i].name,
                       rows[i].complaint == NULL || strstr(err.text, rows[i].complaint) != NULL);
        tls_context_free(&context);
        CU_ASSERT_PTR_NULL(context);
    }
    CU_ASSERT_PTR_NULL(tls_client_context_new("/missing", NULL));
    tear_down(&f);
}

// 0: the administrator's policy holds, which finds the server's key too short.
static int
prepare_and_lose_files(const struct fixture *f, const char *configuration)
{
    struct tls_context *context;
    struct err err;

    (void)setenv("OPENSSL_CONF", configuration, 1);
    tls_prepare();
    (void)unlink(configuration); // as from within a jail
    context = tls_server_context_new(f->path[CERT], f->path[KEY], NULL, &err);
    return context == NULL && strstr(err.text, "key too small") != NULL ? 0 : 1;
}

static void
test_prepared(void)
{
    static const char policy[] = "openssl_conf = init\n"
                                 "[init]\nssl_conf = ssl\n"
                                 "[ssl]\nsystem_default = policy\n"
                                 "[policy]\nCipherString = DEFAULT:@SECLEVEL=5\n";
    char configuration[200];
    struct fixture f;
    int status = -1;
    pid_t child;
    FILE *file;

    set_up(&f);
    (void)snprintf(configuration, sizeof configuration, "%s/openssl.cnf", f.dir.path);
    file = fopen(configuration, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT(fputs(policy, file) >= 0 && fclose(file) == 0);
    child = fork();
    if (child == 0)
        _exit(prepare_and_lose_files(&f, configuration));
    CU_ASSERT(waitpid(child, &status, 0) == child && status == 0);
    tear_down(&f);
}

// What is prepared has to come first: it is done once in a process.
static const struct unit_test tests[] = {
    {"a configuration is read before the jail", test_prepared                             },
    {"a conversation in bites of any size",     test_conversation_in_bites                },
    {"plaintext up to the ceiling",             test_plaintext_ceiling                    },
    {"nonsense on the wire",                    test_nonsense                             },
    {"verification of the server",              test_verification                         },
    {"a client without certificate",            test_client_without_certificate_is_refused},
    {"files",                                   test_files                                },
};

UNIT_MAIN("base/tls", tests)
