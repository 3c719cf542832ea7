// SPDX-License-Identifier: BSD-2-Clause
// reinject/hop.h - one next hop of one worker: its servers, the connections kept, and who waits for
// one.
//
// Bound:    at most `connections` (the worker's share) at once; the rest waits in order.
// Servers:  the first that is not dead; a server that cannot be reached or does not greet is dead
//           for dead_time, the next is tried at once. All dead: the waiting fail TEMPORARY, and one
//           probe at a time is let through.
// Split:    452 4.5.3 after some RCPTs: the rest goes at once in a next transaction, unseen by the
//           asker.
// Learned:  abilities are told by on_caps whenever they differ from what was known.
#ifndef POSTERN_REINJECT_HOP_H
#define POSTERN_REINJECT_HOP_H

#include "reinject/client.h"

struct hop;

struct hop_config { // borrowed
    const struct hop_settings *settings;
    const char *hostname;
    size_t connections; // the worker's share, at least 1
    void (*on_caps)(void *arg, const struct addr *server, const struct caps *caps);
    void *arg;
};

struct hop *hop_new(struct loop *loop, const struct hop_config *config, struct err *err);
void hop_learn(struct hop *hop, const struct addr *addr,
               const struct caps *caps); // from disk, at start
// Flags every known server of the hop has; CAPS_8BITMIME | CAPS_SMTPUTF8 | CAPS_DSN while none is
// known.
unsigned hop_offers(const struct hop *hop);
bool hop_is_known(const struct hop *hop);

void hop_send(struct hop *hop, struct delivery *delivery); // on_done comes later, once
int hop_cancel(
    struct hop *hop,
    struct delivery *delivery); // 0: taken back, no on_done. -1: the dot is out, on_done comes
size_t hop_waiting(const struct hop *hop);

struct hop_server { // for status and metrics
    const struct addr *addr;
    bool is_up;
    size_t connections; // open, and greeted
};

// The first, then the backups; false behind the last.
bool hop_server(const struct hop *hop, size_t index, struct hop_server *server_out);
void hop_free(struct hop **hop); // no delivery may be under way; QUITs idle connections

#endif
