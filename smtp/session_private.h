// SPDX-License-Identifier: BSD-2-Clause
// smtp/session_private.h - a session from inside: for session, dispatch, transfer, server and
// cmd_*.
//
// State is nested by lifetime: the connection's, the session's (envelope's greeting part), the
// transaction's (envelope, transaction), the content's (transfer, from DATA or the first BDAT on).
#ifndef POSTERN_SMTP_SESSION_PRIVATE_H
#define POSTERN_SMTP_SESSION_PRIVATE_H

#include "smtp/command.h"
#include "smtp/session.h"

enum session_state {
    SESSION_FRESH,   // the client has not greeted yet, or anew after STARTTLS
    SESSION_GREETED, // between transactions
    SESSION_MAIL,    // no recipient yet
    SESSION_RCPT,
    SESSION_DATA,    // content of DATA comes
    SESSION_BDAT,    // between two chunks
    SESSION_CHUNK,   // content of a chunk comes
    SESSION_WAITING, // on_end was called, session_finish is to come
    SESSION_CLOSED
};

struct transfer;

struct smtp_session {
    struct loop *loop;
    const struct smtp_session_config *config;
    struct conn *conn;
    enum session_state state;
    bool xforward_allowed;
    bool is_draining;
    unsigned errors;
    struct loop_timer *life; // max_session, of the session or of the transfer under way
    uint64_t expires_ms;     // when the session has lasted max_session
    struct loop_deferred turn;

    struct command_reader reader;
    uint64_t swallow_left;         // bytes of a refused BDAT still to come
    struct smtp_reply *late_reply; // what to say behind them

    struct smtp_envelope envelope;
    uint64_t envelope_size; // bytes of recipients
    struct smtp_transaction transaction;
    bool has_transaction; // the handler knows of it: on_abort is due
    bool is_held;         // SMTP_WAIT, until session_resume
    smtp_heard *heard;    // of the answer before; NULL: nobody asks, or it is known
    void *heard_arg;
    struct loop_timer *heard_timer;
    struct transfer *transfer;

    struct smtp_session *next, *prev; // the server's
};

const char *session_state_name(enum session_state state);
void session_set_state(struct smtp_session *session, enum session_state state);

// Queues a reply; nothing once the session is closed.
void session_reply(struct smtp_session *session, const struct smtp_reply *reply);
// The end of a transaction: one reply, or over LMTP one for each recipient.
void session_reply_all(struct smtp_session *session, const struct smtp_reply *replies,
                       size_t count);
// Every 4xx and 5xx that a client is told.
void session_count_reject(const struct smtp_session_config *config, const struct smtp_reply *reply);
// One line a refusal. args: what stood behind the verb.
void session_log_reject(const struct smtp_session *session, const char *verb, struct span args,
                        const struct smtp_reply *reply);

unsigned session_offers(const struct smtp_session *session); // enum smtp_offer
// Tells the handler that the transaction is over, if it knows of one.
void session_abort_transaction(struct smtp_session *session, bool is_gone);
void session_reset(struct smtp_session *session); // RSET: to SESSION_GREETED
// Says the reply (unless NULL) and what is queued, closes; a transaction is aborted.
void session_close(struct smtp_session *session, const struct smtp_reply *reply);

#endif
