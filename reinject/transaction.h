// SPDX-License-Identifier: BSD-2-Clause
// reinject/transaction.h - one MAIL transaction on an open connection: what is sent, what replies
// mean.
//
// Owns:    nothing but its batch of commands; the client owns it, the connection and the time.
// Sends:   with PIPELINING all commands in one write, with a small body under BDAT that too;
//          without it, line by line, each after the reply to the one before.
// Results: stand in the delivery's recipients when TRANSACTION_OVER or _RESET is returned. Those
//          still without result then did not fit in (452 4.5.3): they want another transaction.
#ifndef POSTERN_REINJECT_TRANSACTION_H
#define POSTERN_REINJECT_TRANSACTION_H

#include "base/conn.h"
#include "reinject/step.h"

struct transaction {
    struct delivery *delivery; // NULL: none under way
    struct conn *conn;
    const struct caps *caps;
    bool is_lmtp, is_bdat;

    enum step_state state; // whose reply comes next
    struct buf batch;      // commands not yet sent
    bool is_held;          // nothing may leave yet: transaction_release
    unsigned xforwards;    // replies to come
    size_t rcpts;          // replies to come
    size_t rcpt_at;        // the next reply is for the first open one from here
    size_t accepted;
    size_t chunks;           // BDATs whose replies are to come
    size_t dots;             // recipients whose reply to the end is to come
    bool is_failed;          // MAIL was refused
    bool is_forward_refused; // for good: the next ones may spare it
    bool is_answered;        // a reply to it has come
    bool is_sending;         // content is leaving
    bool is_dot_out;         // all of it has been given away: nothing can be taken back
    uint64_t began_us;
};

enum transaction_result {
    TRANSACTION_GOES_ON,
    TRANSACTION_OVER,
    TRANSACTION_RESET,   // over, but it did not end as it should: RSET first
    TRANSACTION_DISTRUST // what came makes no sense here, or nothing more can be sent: drop it
};

struct transaction_way {
    bool is_lmtp;
    bool may_chunk;       // BDAT, where it is offered
    bool may_hurry;       // the body right behind the commands
    bool is_held;         // wait for transaction_release
    bool without_forward; // the server refused XFORWARD before
};

// ready is called when more of the body can be sent (transaction_send).
void transaction_begin(struct transaction *transaction, struct delivery *delivery,
                       const struct transaction_way *way, loop_callback *ready, void *arg);
void transaction_release(struct transaction *transaction);
// Gives the connection the next piece of content, if it has room. DISTRUST: the body cannot be
// read.
enum transaction_result transaction_send(struct transaction *transaction);
enum transaction_result transaction_read(struct transaction *transaction,
                                         const struct answer *answer);
// Ends it in any state; results that are there stay.
void transaction_clear(struct transaction *transaction);

#endif
