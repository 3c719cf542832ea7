// SPDX-License-Identifier: BSD-2-Clause
// spool/due.h - hands what is due to the handler: loaded and verified in the pool, in order of
// time; but an adopted child not while its parent, which may be about to make it, is under way.
//
// A few are loaded ahead of is_ready, so that the handler need not wait for the disk between two;
// they are handed over when he is ready. What is damaged goes to corrupt/, what is done goes away,
// what has been held goes to hold/; none of it stops anything else.
#ifndef POSTERN_SPOOL_DUE_H
#define POSTERN_SPOOL_DUE_H

#include "spool/room.h"

struct due *due_new(struct spool *spool);
void due_free(struct due **due);
void due_look(struct spool *spool); // something may be due, or be ready; from the loop, later
void due_stop(struct spool *spool); // what is loaded lies for the next owner
// Files are handed over only when all files of all homes are known: an adopted child is then found
// by the parent that would make it again.
void due_pause(struct spool *spool, bool is_paused);

#endif
