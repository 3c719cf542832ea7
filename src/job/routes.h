// SPDX-License-Identifier: BSD-2-Clause
// src/job/routes.h - the next hops of one worker by name, and what their servers are known to be
// able to.
//
// A server's abilities are learned from its EHLO and kept in the spool's hops/ folder, a file a
// server, so that the front door offers the right things from the first connection after a start.
#ifndef POSTERN_SRC_ROUTES_H
#define POSTERN_SRC_ROUTES_H

#include "base/pool.h"
#include "control/settings.h"
#include "reinject/hop.h"

struct routes;

// settings are borrowed. Blocks (start-up): reads what was learned.
struct routes *routes_new(struct loop *loop, struct pool *pool, const struct settings *settings,
                          struct err *err);
void routes_free(struct routes **routes);
struct hop *routes_find(struct routes *routes,
                        const char *name); // NULL: no such next hop (any more)
// For status and metrics: in the order of the configuration; NULL behind the last.
const struct hop *routes_at(const struct routes *routes, size_t index, const char **name_out);
unsigned routes_offers(struct routes *routes, const char *name); // enum smtp_offer

#endif
