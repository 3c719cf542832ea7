// SPDX-License-Identifier: BSD-2-Clause
// track/figures.h - what the scribe has counted and seen, for /metrics and `postern status`. Pure.
//
// Times come from records, how workers and servers are from vitals (a worker not heard of for three
// rounds is forgotten), the rest from the counter page. Bounded: names of filters and servers are
// those of the configuration.
#ifndef POSTERN_TRACK_FIGURES_H
#define POSTERN_TRACK_FIGURES_H

#include "base/counter.h"
#include "base/histogram.h"
#include "track/record.h"
#include "track/vitals.h"

struct figures;

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
// Of the workers heard of by now; valid until the next call on these figures.
size_t figures_servers(struct figures *figures, uint64_t now_ms,
                       const struct figures_server **servers_out);

#endif
