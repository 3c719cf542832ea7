// SPDX-License-Identifier: BSD-2-Clause
// src/worker/flow.h - back pressure at the front door: whose message may go into the spool now.
//
// What is acknowledged beyond the room that there is under way (jobs_room) lies in the spool in
// files of its own and is read once more, which costs more than its client's patience. So it waits
// for its turn at the end of its data, in order, until there is room, but no longer than a second:
// a scanner or a next hop that hangs slows the clients down, and refuses nothing.
#ifndef POSTERN_SRC_FLOW_H
#define POSTERN_SRC_FLOW_H

#include "src/job/job.h"

struct flow;

struct flow_turn {     // one message's; embedded in its owner, zeroed before
    struct flow *flow; // NULL: neither waiting nor passing
    struct flow_turn *next, *prev;
    bool is_waiting;
    uint64_t until_ms;
    loop_callback *go;
    void *arg;
};

struct flow *flow_new(struct loop *loop, struct jobs *jobs); // borrowed
void flow_free(struct flow **flow);                          // none has a turn any more

// True: it is its turn. Else go comes later, once.
bool flow_enter(struct flow *flow, struct flow_turn *turn, loop_callback *go, void *arg);
// It is a job now, or never will be. Nothing happens to one that is in no flow.
void flow_leave(struct flow_turn *turn);

void flow_open(struct flow *flow); // draining: nobody waits from now on

#endif
