// SPDX-License-Identifier: BSD-2-Clause
// base/tls.h - TLS over memory, so that conn knows no OpenSSL; door to libssl.
//
// A context is made once from files; a session moves bytes between the wire (ciphertext) and the
// owner (plaintext). TLS 1.2 and newer only.
#ifndef POSTERN_BASE_TLS_H
#define POSTERN_BASE_TLS_H

#include "base/buf.h"
#include "base/err.h"

struct tls_context;
struct tls_session;

// Before the process is confined: the library reads its configuration, with what that includes and
// loads (an administrator's policy, FIPS). Later it would go on without, and say nothing.
void tls_prepare(void);

// PERM with file and reason. client_ca_file NULL: clients are not asked for a certificate; else one
// signed by it is required.
struct tls_context *tls_server_context_new(const char *cert_file, const char *key_file,
                                           const char *client_ca_file, struct err *err);
// ca_file NULL: no verification of the server (opportunistic, as Postfix's "may" and "encrypt").
struct tls_context *tls_client_context_new(const char *ca_file, struct err *err);
void tls_context_free(struct tls_context **context);

// server_name: of the server one calls (a name or an address), NULL if unknown or for a server.
struct tls_session *tls_session_new(struct tls_context *context, const char *server_name);
void tls_session_free(struct tls_session **session);

// Feeds wire bytes in, lets plaintext out to plain_out and answers to wire_out. 0, or -1 with err
// (wire_out may then hold an alert for the peer). Plaintext that plain_out's ceiling has no room
// for stays in the session: make room and call again, with an empty span.
int tls_session_receive(struct tls_session *session, struct span wire, struct buf *plain_out,
                        struct buf *wire_out, struct err *err);
int tls_session_send(struct tls_session *session, struct span plain, struct buf *wire_out,
                     struct err *err);
int tls_session_handshake(struct tls_session *session, struct buf *wire_out, struct err *err);
void tls_session_shutdown(struct tls_session *session, struct buf *wire_out); // close_notify
bool tls_session_is_open(const struct tls_session *session);                  // handshake done
bool tls_session_is_ended(const struct tls_session *session); // peer's close_notify came
const char *tls_session_description(const struct tls_session *session);

#endif
