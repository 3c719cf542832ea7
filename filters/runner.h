// SPDX-License-Identifier: BSD-2-Clause
// filters/runner.h - asks all filters about one message, side by side, under one deadline.
//
// Results stand in the order of the configuration, whoever answers first. A filter is skipped by
// its settings, unscannable above its max_size, failed when its tries or its time are used up.
// After each result `is_settled` is asked: where nothing that is still pending can change the
// decision, the rest is cancelled (their results stay PENDING). done comes once, later.
#ifndef POSTERN_FILTERS_RUNNER_H
#define POSTERN_FILTERS_RUNNER_H

#include "filters/filter.h"
#include "filters/upstream.h"

struct filters; // all filters of one worker: upstreams, connections in use, probes
struct runner;

struct filters_config {
    struct loop *loop;
    const struct filter_settings *settings; // borrowed
    size_t count;
    size_t workers; // connections are divided among them
};

struct filters *filters_new(const struct filters_config *config);
void filters_free(struct filters **filters); // no runner may be open
size_t filters_count(const struct filters *filters);
const struct filter_settings *filters_settings(const struct filters *filters, size_t index);
// For status and metrics: is that server of that filter alive?
bool filters_server_is_up(const struct filters *filters, size_t filter, size_t server);

struct runner_request {
    struct filter_message message;
    uint64_t deadline_ms; // loop time
    bool (*is_settled)(void *arg, const struct result *results, size_t count);
    void (*done)(void *arg, struct result *results, size_t count); // valid until runner_free
    void *arg;
};

struct runner *runner_start(struct filters *filters, const struct runner_request *request);
void runner_free(struct runner **runner); // cancels what is under way; no done after it

#endif
