// SPDX-License-Identifier: BSD-2-Clause
// filters/runner.h - asks all filters about one message, side by side, under one deadline.
//
// Results stand in the order of the configuration, whoever answers first. A filter is skipped by
// its settings, unscannable above its max_size, failed when its tries or its time are used up.
// Before the first question and after each result `is_settled` is asked: where nothing that is
// still pending can change the decision, the rest is cancelled (their results stay PENDING). Both
// callbacks come from the loop only; done comes once.
#ifndef POSTERN_FILTERS_RUNNER_H
#define POSTERN_FILTERS_RUNNER_H

#include "filters/filter.h"
#include "filters/filters.h"

struct runner;

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
