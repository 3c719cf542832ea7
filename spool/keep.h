// SPDX-License-Identifier: BSD-2-Clause
// spool/keep.h - sweeps quarantine/ at start and once an hour, in the pool.
//
// All workers of a machine try; one at a time does it. What went is told from the loop, line by
// line, when the sweep is over.
#ifndef POSTERN_SPOOL_KEEP_H
#define POSTERN_SPOOL_KEEP_H

#include "spool/room.h"

struct keep *keep_new(struct spool *spool);
void keep_free(struct keep **keep); // no task is pending
void keep_start(struct keep *keep, const struct quarantine_settings *settings);
void keep_stop(struct keep *keep); // nothing new is begun

#endif
