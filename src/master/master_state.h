// SPDX-License-Identifier: BSD-2-Clause
// src/master/master_state.h - what master.c, master_spawn.c and master_change.c share. Private to
// the three.
#ifndef POSTERN_SRC_MASTER_STATE_H
#define POSTERN_SRC_MASTER_STATE_H

#include "base/ring.h"
#include "src/master/child.h"
#include "src/master/master.h"
#include "src/master/premises.h"

enum {
    MASTER_SIGNALS = 6,
    MASTER_ROWS = 260,       // two generations of SETTINGS' 64 workers, and slack
    MASTER_READY_MS = 60000, // a new generation's time to become ready
    MASTER_STUCK_MS = 60000, // a worker without a heartbeat for as long is killed
    MASTER_STOP_MS = 85000,  // after SIGTERM; workers give up at 80 s themselves
    MASTER_RESPAWN_MAX_MS = 4000
};

enum master_phase { MASTER_STARTING, MASTER_RUNNING, MASTER_CHANGING, MASTER_STOPPING };

struct master_pause { // before a child of that kind is replaced; grows with early deaths
    uint64_t pause_ms, due_ms;
};

struct master {
    const struct master_options *options;
    struct settings *settings, *next_settings; // next: of the generation that is not ready yet
    struct premises premises, next_premises;
    struct listen_set sockets;
    struct counter_page *page;
    struct rings *rings; // what workers tell; a row each, as of the page
    struct child *children;
    unsigned generation; // the one in force
    unsigned newest;     // the last number given; above generation while a change is under way
    enum master_phase phase;
    struct loop *loop;
    struct loop_signal *signals[MASTER_SIGNALS];
    struct loop_timer *tick, *watchdog, *respawn, *phase_limit;
    struct master_pause pauses[CHILD_NURSERY + 1];
    uint16_t next_tag;
    pid_t checking; // the new binary's own check, before an upgrade
    // What callbacks ask for; done between two runs of the loop, since a fork must not happen
    // inside.
    bool wants_reload, wants_upgrade, wants_stop, wants_reap, wants_respawn;
    bool is_over;
    int exit_status;
};

// master.c: signals and timers are the master's own; a child forgets them.
void master_unwatch(struct master *master);

// master_spawn.c: starts what a generation lacks (all of it, or what has died). In a child it does
// not return.
int master_spawn(struct master *master, unsigned generation, struct err *err);

// master_change.c: reload and upgrade.
void master_begin_reload(struct master *master);
void master_generation_ready(struct master *master); // all of the next are ready
void master_generation_failed(struct master *master,
                              const char *why_not); // one has died, or time is over
void master_begin_upgrade(struct master *master);
void master_check_ended(struct master *master, int status); // of the new binary

#endif
