// SPDX-License-Identifier: BSD-2-Clause
// spool/syncer.h - the shared fsync: what was written without one is durable at most 100 ms later.
//
// Slow:  it begins 40 to 80 ms later. Where the disk takes more than the rest of the 100 ms for a
//        round, it is the time of two rounds: the one that goes on, and the one that follows.
// Items: what was written stays open and is embedded in its owner; marking it again while it waits
//        does nothing. syncer_forget before the owner closes it or syncs it itself.
// Order: files before the folders they were renamed into, those before the folders they left.
// Fails: an item's failed is called (from the loop); it is not dirty then. A failed fsync is never
//        repeated by the syncer: what to do is the owner's decision.
#ifndef POSTERN_SPOOL_SYNCER_H
#define POSTERN_SPOOL_SYNCER_H

#include "spool/task.h"

struct syncer;

enum syncer_kind { SYNCER_FILE, SYNCER_BUCKET, SYNCER_INSTANCE, SYNCER_KINDS };

typedef void syncer_failed(void *arg, const struct err *err);

struct syncer_item {
    enum syncer_kind kind;
    int fd; // borrowed
    syncer_failed *failed;
    void *arg;
    struct syncer_item *next, *prev; // the syncer's own, as the rest
    uint64_t since_ms;
    bool is_dirty, is_taken; // waits for its turn; a thread is at it
};

// is_real false: nothing is ever synced (`sync = no`).
struct syncer *syncer_new(struct loop *loop, struct tasks *tasks, bool is_real);
void syncer_flush(struct syncer *syncer); // blocks: all that is dirty, now; no task is pending
void syncer_free(struct syncer **syncer); // flushed before, and knows no items any more

void syncer_item_init(struct syncer_item *item, enum syncer_kind kind, int fd,
                      syncer_failed *failed, void *arg);
void syncer_mark(struct syncer *syncer, struct syncer_item *item);
void syncer_forget(struct syncer *syncer, struct syncer_item *item);
void syncer_take(struct syncer *syncer, int fd_take); // a file to be synced and closed
bool syncer_is_full(const struct syncer *syncer);     // so many are taken that no more should come

#endif
