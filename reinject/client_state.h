// SPDX-License-Identifier: BSD-2-Clause
// reinject/client_state.h - what the files of a client share: client.c (transactions and the
// interface), client_hello.c (from the greeting to idle), client_life.c (time, and how it ends).
#ifndef POSTERN_REINJECT_CLIENT_STATE_H
#define POSTERN_REINJECT_CLIENT_STATE_H

#include "reinject/client.h"
#include "reinject/transaction.h"

struct client {
    struct loop *loop;
    struct client_config config;
    struct addr addr;
    char relay[ADDR_TEXT_MAX]; // "127.0.0.1:10025", "/path"
    struct conn *conn;
    enum step_state state; // IDLE: greeted, whether a transaction is under way or not
    bool is_connected;
    struct caps caps;
    unsigned lines; // of an EHLO reply, seen so far
    struct transaction transaction;
    bool is_resetting;       // the reply to RSET is to come
    bool is_forward_refused; // XFORWARD, for good
    bool is_used;            // had a transaction before
    uint64_t idle_since_ms;
    uint64_t began_us, connect_us;

    struct loop_timer *timer;
    uint64_t timer_at_ms;         // when it fires
    uint64_t due_ms;              // when what we wait for is overdue; the timer may fire earlier
    struct loop_deferred refusal; // tells that the delivery was not even begun
    bool is_refusing;
};

void client_set_state(struct client *client, enum step_state state);
bool client_is_busy(const struct client *client);
void client_expect(struct client *client); // the next reply, or room for more content, in time
void client_say(struct client *client, const char *verb, const char *argument); // may be NULL

// The connection is over, and with it a transaction under way; the hop is told.
void client_lose(struct client *client, const struct err *err, bool may_be_stale);
void client_lose_for(struct client *client, const char *what);
void client_lose_by_answer(struct client *client, const struct answer *answer);
// answer tells why: the server's, or ours (code 0).
void client_lose_transaction(struct client *client, const struct answer *answer, bool may_be_stale);
loop_callback client_check_time;                // the timer's
void client_say_goodbye(struct client *client); // QUIT; what it answers is nobody's concern
void client_close_conn(struct client *client);  // tells nobody

void client_hello(struct client *client, enum step_state state); // STEP_EHLO or STEP_HELO
void client_read_greeting(struct client *client, const struct answer *answer);

#endif
