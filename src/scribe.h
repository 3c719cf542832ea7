// SPDX-License-Identifier: BSD-2-Clause
// src/scribe.h - the process that talks to people: the control socket; mail never waits for it.
//
// A request of the tool is given to every worker (each owns its own messages); the best answer for
// each id goes back. Reload goes to the master. Nothing here can touch a message but by asking its
// owner. Ends on SIGTERM (open requests get their answer, at most SCRIBE_DRAIN_MS) and with the
// master.
#ifndef POSTERN_SRC_SCRIBE_H
#define POSTERN_SRC_SCRIBE_H

#include "base/counter.h"
#include "base/loop.h"
#include "control/settings.h"

enum { SCRIBE_DRAIN_MS = 5000 };

struct scribe_start { // borrowed
    struct loop *loop;
    const struct settings *settings;
    int control_fd; // listening; -1: none
    struct counter_page *page;
    int channel; // to the master
};

_Noreturn void scribe_run(const struct scribe_start *start);

#endif
