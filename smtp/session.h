// SPDX-License-Identifier: BSD-2-Clause
// smtp/session.h - one client's connection, commands in, replies out: RFC 5321, 2033, 2920, 3030,
// 3207. Hands envelopes and content right by callbacks; knows no spool. One transaction at a time.
//
// Order:   on_mail, then on_data once there are recipients, on_content any number of times, on_end;
//          then the handler answers with session_finish. on_abort may come at any time between a
//          good on_mail and session_finish, and ends the transaction.
// Batches: replies to pipelined commands leave in one write. While an answer is awaited, nothing
//          more is read than conn holds; a client that closes meanwhile, or half-closes, is gone.
#ifndef POSTERN_SMTP_SESSION_H
#define POSTERN_SMTP_SESSION_H

#include "base/conn.h"
#include "base/counter.h"
#include "smtp/envelope.h"
#include "smtp/param.h"
#include "smtp/reply.h"
#include "smtp/settings.h"

struct smtp_session;

struct smtp_transaction {
    struct smtp_session *session;
    const struct smtp_envelope *envelope; // the session's; copy what is to be kept
    uint64_t declared_size;               // SIZE=, 0 if none
    uint64_t bare_newlines;               // mended so far (at on_end: in all)
    uint64_t odd_paths;                   // accepted, but beyond RFC limits (smtp/path.h)
    bool is_loop;                         // at on_end: the loop guard says so
    void *state;                          // the handler's own
};

enum smtp_go { SMTP_GO_ON, SMTP_WAIT }; // WAIT: no more content until session_resume

struct smtp_handler {
    // Writes the new message's id into id_out. -1: refused with *reply_out (452 4.3.1 ...), nothing
    // kept.
    int (*on_mail)(void *arg, struct smtp_transaction *transaction, char id_out[ID_MAX + 1],
                   struct smtp_reply *reply_out);
    // The envelope is complete. -1: refused with *reply_out; on_abort does not follow.
    int (*on_data)(void *arg, struct smtp_transaction *transaction, struct smtp_reply *reply_out);
    enum smtp_go (*on_content)(void *arg, struct smtp_transaction *transaction,
                               struct span content);
    void (*on_end)(void *arg, struct smtp_transaction *transaction);
    // RSET, disconnect, too large, refused content: forget it. After it the transaction is gone.
    // When on_end came before, the client is gone (is_gone) and no answer can be given.
    void (*on_abort)(void *arg, struct smtp_transaction *transaction, bool is_gone);
    unsigned (*offers)(
        void *arg); // of SMTP_OFFER_8BITMIME, _SMTPUTF8, _DSN: what the next hop takes
};

struct smtp_session_config { // borrowed for the session's life
    const struct smtp_settings *settings;
    const struct smtp_listener_settings *listener;
    const char *next_hop; // resolved name
    enum smtp_handoff handoff;
    struct tls_context *tls; // NULL: no STARTTLS
    const struct smtp_handler *handler;
    void *handler_arg;
    struct counter_worker *counters;                            // NULL: nobody counts the refusals
    void (*on_closed)(void *arg, struct smtp_session *session); // the session is freed after it
    void *closed_arg;
};

// Takes fd; greets. xforward_allowed and the client's right to connect were settled by the server.
struct smtp_session *session_new(struct loop *loop, int fd_take,
                                 const struct smtp_session_config *config, bool xforward_allowed);

// The answer to on_end: one reply (SMTP), or one for each recipient in order (LMTP; one reply and
// count 1 is repeated for all). The transaction is over.
void session_finish(struct smtp_session *session, const struct smtp_reply *replies, size_t count);
void session_resume(struct smtp_session *session); // content may flow again
// Right behind session_finish: heard comes once, later, when it is known whether the client has
// read the answer. He has who says more than he had said by then, closes in order, or just stays.
typedef void smtp_heard(void *arg, bool is_heard);
void session_watch(struct smtp_session *session, smtp_heard *heard, void *arg);

// Draining: a transaction under way is finished; then, or at the next command, 421 4.3.2 and close.
void session_drain(struct smtp_session *session);
void session_abort(struct smtp_session *session); // at once; on_abort and on_closed come as usual

#endif
