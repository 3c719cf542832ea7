// SPDX-License-Identifier: BSD-2-Clause
// smtp/server.h - one listener in one worker: who may come in, how many, and the sessions inside.
//
// A worker at its share stops accepting and leaves the backlog to a sibling. A client outside
// `clients` gets 554 5.7.1 and is closed. accept() failing for lack of descriptors pauses for a
// second.
#ifndef POSTERN_SMTP_SERVER_H
#define POSTERN_SMTP_SERVER_H

#include "smtp/session.h"

struct smtp_server;

struct smtp_share { // of all listeners of a worker together
    size_t connections, max;
};

struct smtp_server_config {             // borrowed for the server's life
    struct smtp_session_config session; // on_closed is the server's own
    struct smtp_share *share;
    void (*on_empty)(void *arg); // after smtp_server_drain: the last session is gone
    void *empty_arg;
};

// fd is a listening socket, shared with siblings, non-blocking; it stays the caller's.
struct smtp_server *smtp_server_new(struct loop *loop, int fd,
                                    const struct smtp_server_config *config);
void
smtp_server_drain(struct smtp_server *server); // stops accepting; sessions end as soon as they may
size_t smtp_server_session_count(const struct smtp_server *server);
void smtp_server_free(struct smtp_server **server); // aborts what is left

#endif
