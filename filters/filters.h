// SPDX-License-Identifier: BSD-2-Clause
// filters/filters.h - all filters of one worker: their servers, connections and probes.
//
// A filter's connections are shared by all messages: what comes on top waits in order. Dead servers
// are probed by a timer; who dies and who is back is logged here.
#ifndef POSTERN_FILTERS_FILTERS_H
#define POSTERN_FILTERS_FILTERS_H

#include "filters/filter.h"

struct filters;
struct filters_one;

struct filters_config {
    struct loop *loop;
    const struct filter_settings *settings; // borrowed
    size_t count;
    size_t workers; // connections are divided among them
};

struct filters *filters_new(const struct filters_config *config);
void filters_free(struct filters **filters); // no runner may be open
size_t filters_count(const struct filters *filters);
struct loop *filters_loop(const struct filters *filters);
const struct filter_settings *filters_settings(const struct filters *filters, size_t index);
// For status and metrics: servers, then backups; is that server of that filter alive?
size_t filters_server_count(const struct filters *filters, size_t filter);
const struct addr *filters_server_addr(const struct filters *filters, size_t filter, size_t server);
bool filters_server_is_up(const struct filters *filters, size_t filter, size_t server);

#endif
