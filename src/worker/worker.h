// SPDX-License-Identifier: BSD-2-Clause
// src/worker/worker.h - one worker: takes mail, owns it from accept to finish; never returns.
//
// Owns:  its instance of the spool, its sessions, its jobs. Shares only listeners and the counter
// page. Ends:  on SIGTERM it drains: stops accepting, finishes what is in the air, leaves the rest
// in the
//        spool, exits 0; at the latest after WORKER_DRAIN_MS, whatever is still open. A second
//        signal changes nothing. When the master dies, it dies.
#ifndef POSTERN_SRC_WORKER_H
#define POSTERN_SRC_WORKER_H

#include "base/counter.h"
#include "base/loop.h"
#include "base/ring.h"
#include "control/settings.h"

enum { WORKER_DRAIN_MS = 80000 };

struct worker_start { // what the master hands to the process it has just forked; all borrowed
    struct loop *loop;
    const struct settings *settings;
    const int *listener_fds; // as settings->listeners
    struct counter_page *page;
    size_t row;          // of the page and of the rings
    struct rings *rings; // NULL: nobody is told
    uint16_t id_tag;     // for message ids
    int channel;         // to the master
};

_Noreturn void worker_run(const struct worker_start *start);

#endif
