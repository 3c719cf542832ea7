// SPDX-License-Identifier: BSD-2-Clause
// src/worker/intake.h - from the front door into the spool: the callbacks that a session hands its
// mail to.
//
// Spool hand-off: its turn (flow.h), sealed and durable, then 250, then a job. Relay: a job first,
// its outcome is the answer. A client that is gone before it was told anything still owns its
// message: what was kept of it is removed.
#ifndef POSTERN_SRC_INTAKE_H
#define POSTERN_SRC_INTAKE_H

#include "smtp/session.h"
#include "src/job/job.h"
#include "src/worker/flow.h"

struct intake {
    struct loop *loop;
    struct spool *spool;
    struct jobs *jobs;
    struct flow *flow;
    struct routes *routes;
    const struct settings *settings;
    const struct counter_page *page;
    struct counter_worker *counters;
    struct id_maker ids;
};

struct intake_door { // a listener's way in: handler_arg of its sessions
    struct intake *intake;
    const char *next_hop;
};

extern const struct smtp_handler intake_handler;

#endif
