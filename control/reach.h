// SPDX-License-Identifier: BSD-2-Clause
// control/reach.h - what a configuration lets worker and scribe reach: files, and ports of TCP.
//
// Pure. A file that may be replaced (a log, the ledger's companions) is reached by its folder.
#ifndef POSTERN_CONTROL_REACH_H
#define POSTERN_CONTROL_REACH_H

#include "base/landlock.h"
#include "control/settings.h"

enum reach_process { REACH_WORKER, REACH_SCRIBE };

void reach_find(const struct settings *settings, enum reach_process process,
                struct landlock_rules *reach_out);
void reach_clear(struct landlock_rules *reach);

#endif
