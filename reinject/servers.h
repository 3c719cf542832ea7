// SPDX-License-Identifier: BSD-2-Clause
// reinject/servers.h - the servers of one next hop: what they can do, which are dead, whose turn it
// is. Pure.
//
// A server that could not be reached or did not greet is dead; it is looked at again after
// dead_time while another one works, and else once a second. One that serves other connections of
// ours is not dead: it wants no more of them for a second.
#ifndef POSTERN_REINJECT_SERVERS_H
#define POSTERN_REINJECT_SERVERS_H

#include "reinject/caps.h"
#include "reinject/settings.h"

enum { SERVERS_PROBE_MS = 1000 };

struct server {
    struct addr addr;
    struct caps caps;
    bool is_known; // caps are
    bool is_dead;
    uint64_t retry_at_ms;    // dead: not tried before while another one works
    uint64_t quiet_until_ms; // alive: no further connection before
    size_t live, dialing;    // connections: greeted, not yet
};

struct servers {
    struct server *items; // in order of preference
    size_t count;
    uint64_t probe_at_ms; // all are dead: no connection before
};

void servers_init(struct servers *servers, const struct hop_settings *settings);
void servers_clear(struct servers *servers);

struct server *servers_best(const struct servers *servers); // the first that is not dead, or NULL
// A dead server that comes before the best one and may be looked at again, or NULL.
struct server *servers_due(const struct servers *servers, uint64_t now_ms);
// All are dead: the one to be looked at, or NULL while one is being looked at or it is too early.
struct server *servers_probe(const struct servers *servers, uint64_t now_ms);
bool servers_are_dialing(const struct servers *servers);

bool servers_revive(struct server *server); // it has greeted; was it dead?
// It has not; is it dead by that, and was it not before?
bool servers_blame(struct servers *servers, struct server *server, uint64_t now_ms,
                   uint64_t dead_time_ms);

// Are these abilities news?
bool servers_learn(struct server *server, const struct caps *caps);
struct server *servers_find(const struct servers *servers, const struct addr *addr); // NULL: none
bool servers_are_known(const struct servers *servers);                               // at least one
unsigned servers_offers(const struct servers *servers); // see hop_offers

#endif
