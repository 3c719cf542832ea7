// SPDX-License-Identifier: BSD-2-Clause
// src/scribe/scribe.h - the process that talks to people and keeps the books; mail never waits for
// it.
//
// The control socket: a request of the tool is given to every worker (each owns its own messages);
// the best answer for each id goes back. Reload goes to the master. Nothing here can touch a
// message but by asking its owner. The ledger, Redis, Postfix's log: the clerk. Ends with the
// master, and on SIGTERM: open requests get their answer, and what the workers tell to their end is
// written down, for at most SCRIBE_DRAIN_MS.
#ifndef POSTERN_SRC_SCRIBE_H
#define POSTERN_SRC_SCRIBE_H

#include "base/counter.h"
#include "base/loop.h"
#include "base/ring.h"
#include "control/settings.h"

enum { SCRIBE_DRAIN_MS = 83000 };

struct scribe_start { // borrowed
    struct loop *loop;
    const struct settings *settings;
    int control_fd; // listening; -1: none
    struct counter_page *page;
    struct rings *rings;
    const int *http_fds; // as settings->https
    int channel;         // to the master
};

_Noreturn void scribe_run(const struct scribe_start *start);

#endif
