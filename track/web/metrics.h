// SPDX-License-Identifier: BSD-2-Clause
// track/web/metrics.h - the figures as Prometheus reads them (text format 0.0.4). Pure.
//
// Labels come from the configuration and from fixed sets, never from mail.
#ifndef POSTERN_TRACK_METRICS_H
#define POSTERN_TRACK_METRICS_H

#include "track/redis/publisher.h"
#include "track/web/figures.h"

struct metrics_process {
    const char *kind; // "master", "worker", "scribe", "nursery", "dissector"
    int64_t pid;
    double cpu_seconds;
    uint64_t resident_bytes, open_fds; // open_fds 0: not known
    double start_seconds;              // since 1970
};

struct metrics_view { // beside the figures; all borrowed
    const struct counter_page *page;
    uint64_t events_dropped, log_dropped;
    uint64_t hold, quarantine, corrupt; // files there; UINT64_MAX: not known yet
    const struct metrics_process *processes;
    size_t process_count;
    bool is_ledger_up;
    const char *ledger_trouble;             // why not; ""
    uint64_t ledger_rows, ledger_behind_ms; // written since start; age of what waits to be written
    bool has_redis;
    struct publisher_figures redis;
    uint64_t redis_behind; // changes that Redis does not have yet
    const char *version;
    uint64_t now_ms;
};

void metrics_write(struct figures *figures, const struct metrics_view *view, struct buf *out);

#endif
