// SPDX-License-Identifier: BSD-2-Clause
// reinject/client.h - one connection to one server: greets, takes transactions one after another.
//
// Owns:     its conn. Reports to the hop that made it; never retries by itself.
// Doubt:    any reply that does not fit drops the connection and makes a temporary failure; once
//           our dot has left it says dot_sent. No transaction begins on a connection in doubt.
// Stale:    a kept connection that ends before the first reply of a new transaction, and before
//           all of the message left, is reported as stale: the hop tries once more on a new one.
#ifndef POSTERN_REINJECT_CLIENT_H
#define POSTERN_REINJECT_CLIENT_H

#include "base/conn.h"
#include "reinject/caps.h"
#include "reinject/delivery.h"
#include "reinject/settings.h"

struct client;

struct client_handler {
    void (*on_ready)(void *arg, struct client *client); // greeted, abilities known
    // The transaction is over; results are filled in. Then the client is idle or gone (is_usable).
    void (*on_done)(void *arg, struct client *client, struct delivery *delivery, bool is_stale);
    // Gone: could not connect or greet (why, no transaction began), or an idle one was closed (why
    // NULL).
    void (*on_closed)(void *arg, struct client *client, const struct err *why);
};

struct client_config { // copied; what it points to is borrowed
    const struct hop_settings *settings;
    const char *hostname; // EHLO name
    struct tls_context *tls;
    const struct client_handler *handler;
    void *arg;
};

struct client *client_new(struct loop *loop, const struct addr *addr,
                          const struct client_config *config);
void client_send(struct client *client, struct delivery *delivery); // must be usable and idle
int client_cancel(struct client *client); // 0: the transaction was taken back (connection dropped);
                                          // -1: the dot is out
bool client_is_usable(const struct client *client); // greeted and idle
const struct caps *client_caps(const struct client *client);
uint64_t client_connect_us(const struct client *client);
void client_quit(struct client **client); // idle: QUIT, then close in the background
void client_abort(struct client **client);

#endif
