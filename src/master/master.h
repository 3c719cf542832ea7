// SPDX-License-Identifier: BSD-2-Clause
// src/master/master.h - the only one that forks: listeners, workers, scribe, reload, upgrade,
// shutdown.
//
// Single-threaded; reads no mail and no peer's bytes. A configuration takes effect as a generation
// of children: the new one must be ready before the old one is told to drain, so a reload that
// cannot work changes nothing. Signals: HUP reload, TERM and INT drain and end, USR1 reopen log
// files, USR2 new binary in place.
#ifndef POSTERN_SRC_MASTER_H
#define POSTERN_SRC_MASTER_H

#include "control/settings.h"

struct master_options {
    const char *config_file;
    char *const *argv;  // for an upgrade
    const char *binary; // absolute path of this program, as it was at start
    bool to_stderr;
    int verbosity;
    int started_fd; // gets one byte once mail can come in; -1: nobody waits
};

// Takes settings. The process's exit status: 0 after a shutdown, 1 where it could not start.
int master_run(const struct master_options *options, struct settings **settings_take);

#endif
