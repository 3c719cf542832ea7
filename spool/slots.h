// SPDX-License-Identifier: BSD-2-Clause
// spool/slots.h - the pool of slot files: made and written through ahead of use, used again and
// again.
//
// Order:  the one freed last is taken first, so that under load a message's commit makes the former
//         one's end durable. An idle freed one is synced by the syncer.
// Size:   grows while few are free, up to 512; what was not needed for a minute goes.
// Owns:   the descriptors of the slots that are free; who has taken one has its descriptor too.
// Fails:  slots_take gives NULL where none is free; the caller uses a file in a bucket.
#ifndef POSTERN_SPOOL_SLOTS_H
#define POSTERN_SPOOL_SLOTS_H

#include "spool/buckets.h"
#include "spool/store.h"

enum { SLOTS_FIRST = 16, SLOTS_MAX = 512, SLOTS_NAME_MAX = 16 };

struct slots;

struct slot {
    int fd;
    uint16_t number;
    char name[SLOTS_NAME_MAX];
    struct slots *slots;
    struct syncer_item sync; // its failed and arg are the taker's while it is taken
};

// Blocks: makes the first ones. unnamed: see store_can_unnamed.
struct slots *slots_new(struct loop *loop, struct homes *homes, bool unnamed, struct err *err);
// Blocks: removes those that are free. No task may be pending; none is taken any more.
void slots_free(struct slots **slots);

struct slot *slots_take(struct slots *slots);
// It was unsealed and is as large as a slot is.
void slots_give_back(struct slots *slots, struct slot *slot);
// It is no slot of ours any more: renamed or removed. close_fd: nobody else does.
void slots_let_go(struct slots *slots, struct slot *slot, bool close_fd);
// It holds a message for the next owner of the instance: its name stays in use.
void slots_leave_lying(struct slots *slots, struct slot *slot);

size_t slots_count(const struct slots *slots); // free and taken
size_t slots_idle(const struct slots *slots);  // free

#endif
