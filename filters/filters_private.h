// SPDX-License-Identifier: BSD-2-Clause
// filters/filters_private.h - one filter of a worker from inside: for filters, question and runner.
#ifndef POSTERN_FILTERS_FILTERS_PRIVATE_H
#define POSTERN_FILTERS_FILTERS_PRIVATE_H

#include "filters/filters.h"
#include "filters/upstream.h"

struct filters_one {
    struct loop *loop;
    const struct filter_settings *settings;
    const struct filter_type *type;
    struct filter_shared *shared; // NULL: the type has no such thing
    struct upstream *upstream;
    size_t seats, taken; // connections
    struct filters_turn *first, *last;
    struct loop_timer *probe_timer;
    struct filters_probe *probes; // one a server
};

struct filters_turn { // embedded in who waits for a connection
    void (*on_turn)(struct filters_turn *turn);
    struct filters_turn *next, *prev;
};

struct filters_one *filters_get(const struct filters *filters, size_t index);
// Takes a connection, or waits: on_turn comes when one has been given, from another's leave.
bool filters_enter(struct filters_one *one, struct filters_turn *turn);
void filters_leave(struct filters_one *one);                              // gives it back
void filters_give_up(struct filters_one *one, struct filters_turn *turn); // waits no more
void filters_blame(struct filters_one *one, size_t server, const struct err *err);
void filters_praise(struct filters_one *one, size_t server);

#endif
