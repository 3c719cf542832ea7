// SPDX-License-Identifier: BSD-2-Clause
// spool/adopt.h - takes free instances over and learns what lies in them.
//
// Walks them in small pool jobs, one at a time: names and times of a bucket's files, first lines of
// slots. A message found so waits in the agenda like any other, in its own time; it is read when it
// is due. Nothing is handed over while a walk goes on.
// What was never acknowledged is removed; what cannot be read now is tried again with the next
// look.
#ifndef POSTERN_SPOOL_ADOPT_H
#define POSTERN_SPOOL_ADOPT_H

#include "spool/room.h"

struct adopt *adopt_new(struct spool *spool);
void adopt_free(struct adopt **adopt); // no task is pending
void adopt_look(struct adopt *adopt);  // for free instances, now
void adopt_stop(struct adopt *adopt);  // nothing new is begun

#endif
