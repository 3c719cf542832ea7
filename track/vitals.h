// SPDX-License-Identifier: BSD-2-Clause
// track/vitals.h - how a worker is: its servers and next hops, told every few seconds. Plain data
// and its codec, pure.
#ifndef POSTERN_TRACK_VITALS_H
#define POSTERN_TRACK_VITALS_H

#include "base/arena.h"
#include "base/buf.h"

enum { VITALS_EVERY_MS = 5000, VITALS_SERVERS_MAX = 1024 };

struct vitals_server {   // of a filter, or a next hop
    struct span owner;   // the filter's or next hop's name
    struct span address; // "inet:127.0.0.1:11333"
    bool is_hop, is_up;
    uint32_t connections; // open, of a next hop
};

struct vitals {
    int64_t pid;
    uint64_t jobs, waiting; // messages under way, and waiting for their time
    bool is_draining;
    struct vitals_server *servers;
    size_t server_count;
};

// In the ring: behind the byte RECORD_VITALS (track/record.h). As record_write and record_read.
int vitals_write(const struct vitals *vitals, struct buf *out);
int vitals_read(struct span payload, struct arena *arena, struct vitals *vitals_out);

#endif
