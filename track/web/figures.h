// SPDX-License-Identifier: BSD-2-Clause
// track/web/figures.h - what the scribe has counted and seen, for /metrics and `postern status`.
// Pure.
//
// Times come from records (receive and seal are counted once it was looked into), how workers and
// servers are from vitals: a worker not heard of for three rounds is forgotten. Bounded: names of
// filters and servers are those of the configuration.
#ifndef POSTERN_TRACK_FIGURES_H
#define POSTERN_TRACK_FIGURES_H

#include "base/counter.h"
#include "base/histogram.h"
#include "track/record.h"
#include "track/vitals.h"

struct figures;

enum {
    FIGURES_FRESH_MS = 3 * VITALS_EVERY_MS,
    FIGURES_FILTERS_MAX = 64, // of two generations
    FIGURES_SERVERS_MAX = 1024
};

struct figures *figures_new(size_t rows);
void figures_free(struct figures **figures);

void figures_add_record(struct figures *figures, const struct record *record);
void figures_add_vitals(struct figures *figures, size_t row, const struct vitals *vitals,
                        uint64_t now_ms);

struct figures_filter {
    char *name;
    struct histogram by_result[RESULT_SKIPPED + 1];
};

struct figures_server { // as the worker says that sees it worst
    char *owner, *address;
    bool is_hop, is_up;
    uint64_t connections; // of all workers together
};

const struct histogram *figures_stage(const struct figures *figures, enum record_stage stage);
size_t figures_filters(const struct figures *figures, const struct figures_filter **filters_out);
// Of the workers heard of by now, filters' first, by name; valid until the next call on these
// figures.
size_t figures_servers(struct figures *figures, uint64_t now_ms,
                       const struct figures_server **servers_out);

struct figures_worker {
    int64_t pid;
    uint64_t jobs, waiting;
    bool is_draining;
};

// False: nobody is heard of there by now.
bool figures_worker(const struct figures *figures, size_t row, uint64_t now_ms,
                    struct figures_worker *worker_out);
uint64_t figures_waiting(const struct figures *figures, uint64_t now_ms); // of all workers

#endif
