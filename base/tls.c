// SPDX-License-Identifier: BSD-2-Clause
#include "base/tls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/mem.h"

enum { PIECE = 16384 }; // a TLS record's content at most

struct tls_context {
    SSL_CTX *ctx;
    bool is_server;
    bool is_verifying;
};

struct tls_session {
    SSL *ssl;
    BIO *in, *out; // memory; owned by ssl
    bool is_open, is_ended;
    char description[96];
};

// The first error of the queue is the cause, the others are who passed it on.
static const char *
library_reason(void)
{
    unsigned long code = ERR_peek_error();
    const char *reason;

    if (code == 0)
        return "no reason given";
    if (ERR_SYSTEM_ERROR(code))
        return strerror(ERR_GET_REASON(code));
    reason = ERR_reason_error_string(code);
    return reason != NULL ? reason : "unknown reason";
}

static int
fail_file(struct err *err, const char *what, const char *file)
{
    err_set(err, ERR_PERM, "%s %s: %s", what, file, library_reason());
    ERR_clear_error();
    return -1;
}

void
tls_prepare(void)
{
    (void)OPENSSL_init_ssl(0, NULL);
}

// A key with a pass phrase would make the library ask on the terminal.
static int
give_no_passphrase(char *out, int size, int is_writing, void *arg)
{
    (void)out;
    (void)size;
    (void)is_writing;
    (void)arg;
    return 0;
}

static struct tls_context *
new_context(const SSL_METHOD *method, bool is_server)
{
    struct tls_context *context = mem_zalloc(sizeof *context);
    long done;

    ERR_clear_error();
    context->is_server = is_server;
    context->ctx = SSL_CTX_new(method);
    assert(context->ctx != NULL);
    done = SSL_CTX_set_min_proto_version(context->ctx, TLS1_2_VERSION);
    assert(done == 1);
    SSL_CTX_set_options(context->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context->ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_default_passwd_cb(context->ctx, give_no_passphrase);
    return context;
}

static int
load_server_files(SSL_CTX *ctx, const char *cert_file, const char *key_file, struct err *err)
{
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1)
        return fail_file(err, "cannot use the certificate", cert_file);
    if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1)
        return fail_file(err, "cannot use the private key", key_file);
    return 0;
}

static int
load_client_ca(SSL_CTX *ctx, const char *file, struct err *err)
{
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(file);

    if (names == NULL)
        return fail_file(err, "cannot use the client CA file", file);
    SSL_CTX_set_client_CA_list(ctx, names);
    if (SSL_CTX_load_verify_file(ctx, file) != 1)
        return fail_file(err, "cannot use the client CA file", file);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return 0;
}

struct tls_context *
tls_server_context_new(const char *cert_file, const char *key_file, const char *client_ca_file,
                       struct err *err)
{
    static const unsigned char session_context[] = "postern";
    struct tls_context *context = new_context(TLS_server_method(), true);

    SSL_CTX_set_options(context->ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_dh_auto(context->ctx, 1);
    // Tickets carry the sessions; a cache would grow.
    SSL_CTX_set_session_cache_mode(context->ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(context->ctx, session_context, sizeof session_context - 1);
    if (load_server_files(context->ctx, cert_file, key_file, err) < 0 ||
        (client_ca_file != NULL && load_client_ca(context->ctx, client_ca_file, err) < 0))
        tls_context_free(&context);
    return context;
}

struct tls_context *
tls_client_context_new(const char *ca_file, struct err *err)
{
    struct tls_context *context = new_context(TLS_client_method(), false);

    if (ca_file == NULL)
        return context;
    context->is_verifying = true;
    SSL_CTX_set_verify(context->ctx, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_load_verify_file(context->ctx, ca_file) != 1) {
        fail_file(err, "cannot use the CA file", ca_file);
        tls_context_free(&context);
    }
    return context;
}

void
tls_context_free(struct tls_context **context)
{
    if (*context == NULL)
        return;
    SSL_CTX_free((*context)->ctx);
    mem_free(context);
}

static bool
is_address(const char *name)
{
    unsigned char bytes[16];

    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

// RFC 6066, 3: addresses are not sent as a server name.
static void
name_server(struct tls_session *session, const char *name, bool is_verifying)
{
    long done;

    if (is_address(name)) {
        done = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session->ssl), name);
        assert(done == 1);
        return;
    }
    if (strlen(name) <= TLSEXT_MAXLEN_host_name) {
        done = SSL_set_tlsext_host_name(session->ssl, name);
        assert(done == 1);
    }
    if (!is_verifying)
        return;
    done = SSL_set1_host(session->ssl, name);
    assert(done == 1);
}

struct tls_session *
tls_session_new(struct tls_context *context, const char *server_name)
{
    struct tls_session *session = mem_zalloc(sizeof *session);

    session->ssl = SSL_new(context->ctx);
    session->in = BIO_new(BIO_s_mem());
    session->out = BIO_new(BIO_s_mem());
    assert(session->ssl != NULL && session->in != NULL && session->out != NULL);
    BIO_set_mem_eof_return(session->in, -1); // empty means: more will come
    SSL_set_bio(session->ssl, session->in, session->out);
    if (context->is_server) {
        SSL_set_accept_state(session->ssl);
        return session;
    }
    SSL_set_connect_state(session->ssl);
    if (server_name != NULL)
        name_server(session, server_name, context->is_verifying);
    return session;
}

void
tls_session_free(struct tls_session **session)
{
    if (*session == NULL)
        return;
    SSL_free((*session)->ssl);
    mem_free(session);
}

static int
drain(struct tls_session *session, struct buf *wire_out, struct err *err)
{
    char *data;
    long len = BIO_get_mem_data(session->out, &data);

    if (len <= 0)
        return 0;
    if (buf_add(wire_out, data, (size_t)len) < 0)
        return err_set(err, ERR_TEMP, "TLS: no room for %ld bytes of output", len);
    (void)BIO_reset(session->out);
    return 0;
}

// Lets out the alert that tells the peer, too.
static int
fail(struct tls_session *session, struct buf *wire_out, struct err *err)
{
    long verified = SSL_get_verify_result(session->ssl);

    (void)drain(session, wire_out, NULL);
    if (verified != X509_V_OK && SSL_get_verify_mode(session->ssl) != SSL_VERIFY_NONE)
        err_set(err, ERR_TEMP, "TLS: %s: %s", library_reason(),
                X509_verify_cert_error_string(verified));
    else
        err_set(err, ERR_TEMP, "TLS: %s", library_reason());
    ERR_clear_error();
    return -1;
}

static int
shake_hands(struct tls_session *session, struct buf *wire_out, struct err *err)
{
    int done;

    if (session->is_open)
        return 0;
    ERR_clear_error();
    done = SSL_do_handshake(session->ssl);
    if (done != 1 && SSL_get_error(session->ssl, done) != SSL_ERROR_WANT_READ)
        return fail(session, wire_out, err);
    if (done == 1) {
        session->is_open = true;
        snprintf(session->description, sizeof session->description, "%s %s",
                 SSL_get_version(session->ssl), SSL_get_cipher_name(session->ssl));
    }
    return drain(session, wire_out, err);
}

static int
decrypt(struct tls_session *session, struct buf *plain_out, struct buf *wire_out, struct err *err)
{
    while (!session->is_ended) {
        size_t room = plain_out->ceiling - plain_out->len;
        size_t got = 0;
        int reason;

        if (room == 0)
            return 0;
        room = room < PIECE ? room : PIECE;
        ERR_clear_error();
        if (SSL_read_ex(session->ssl, buf_space(plain_out, room), room, &got) == 1) {
            buf_filled(plain_out, got);
            continue;
        }
        reason = SSL_get_error(session->ssl, 0);
        if (reason == SSL_ERROR_WANT_READ)
            return 0;
        if (reason != SSL_ERROR_ZERO_RETURN)
            return fail(session, wire_out, err);
        session->is_ended = true;
    }
    return 0;
}

int
tls_session_receive(struct tls_session *session, struct span wire, struct buf *plain_out,
                    struct buf *wire_out, struct err *err)
{
    assert(wire.len <= INT_MAX);
    if (wire.len > 0) {
        int taken = BIO_write(session->in, wire.data, (int)wire.len);

        assert(taken == (int)wire.len);
    }
    if (shake_hands(session, wire_out, err) < 0)
        return -1;
    if (session->is_open && decrypt(session, plain_out, wire_out, err) < 0)
        return -1;
    return drain(session, wire_out, err);
}

// In pieces, so that the memory BIO does not grow to a second copy of it all.
int
tls_session_send(struct tls_session *session, struct span plain, struct buf *wire_out,
                 struct err *err)
{
    if (!session->is_open)
        return err_set(err, ERR_TEMP, "TLS: the handshake is not done");
    while (plain.len > 0) {
        size_t len = plain.len < PIECE ? plain.len : PIECE;
        size_t written = 0;

        ERR_clear_error();
        if (SSL_write_ex(session->ssl, plain.data, len, &written) != 1)
            return fail(session, wire_out, err);
        if (drain(session, wire_out, err) < 0)
            return -1;
        plain = span_skip(plain, written);
    }
    return 0;
}

int
tls_session_handshake(struct tls_session *session, struct buf *wire_out, struct err *err)
{
    return shake_hands(session, wire_out, err);
}

void
tls_session_shutdown(struct tls_session *session, struct buf *wire_out)
{
    if (!session->is_open)
        return;
    ERR_clear_error();
    (void)SSL_shutdown(session->ssl);
    ERR_clear_error();
    (void)drain(session, wire_out, NULL);
}

bool
tls_session_is_open(const struct tls_session *session)
{
    return session->is_open;
}

bool
tls_session_is_ended(const struct tls_session *session)
{
    return session->is_ended;
}

const char *
tls_session_description(const struct tls_session *session)
{
    return session->description;
}
