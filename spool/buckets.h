// SPDX-License-Identifier: BSD-2-Clause
// spool/buckets.h - the instances that we hold (homes: our own and adopted ones) and their folders.
//
// One bucket of our own home runs: new files go there until it holds 1,000, then into the next.
// They are made and fsynced ahead of use. A folder is open as long as files of ours lie in it; an
// empty bucket of our own is removed, an adopted instance as a whole when the last of its files has
// gone. Counts:  a file is counted (bucket_enter) before it is put there and until after it has
// left. Durable: bucket_sync is one fsync for all that wait for it; bucket_mark leaves it to the
// syncer.
#ifndef POSTERN_SPOOL_BUCKETS_H
#define POSTERN_SPOOL_BUCKETS_H

#include "spool/place.h"
#include "spool/syncer.h"

struct home;
struct homes;

struct bucket_waiter {
    struct bucket_waiter *next;
    void (*done)(struct bucket_waiter *waiter, const struct err *err);
};

struct bucket {
    struct task task; // first: the shared fsync, the removal
    struct home *home;
    struct bucket *next;
    char name[PLACE_BUCKET_NAME]; // "": the instance directory itself, where the slots are
    int fd;
    uint32_t files;
    bool is_spare, is_syncing;
    struct bucket_waiter *waiting, *served;
    struct syncer_item sync;
    struct err err;
};

struct home {
    struct task task; // first: the removal
    struct homes *homes;
    struct home *next;
    struct place_instance instance;
    struct bucket top;
    struct bucket *buckets;
    bool is_walked; // adopted: all its files are known
};

struct homes {
    struct task task; // first: the making of the next bucket
    struct tasks *tasks;
    struct syncer *syncer;
    struct place_root *root;
    bool sync;
    struct home *own;
    struct home *adopted;
    struct bucket *running;
    unsigned spares;
    uint32_t next_number;
    bool is_making;
    char making[PLACE_BUCKET_NAME];
    int made_fd;
    struct err err;
};

// Blocks: our own instance with its first bucket.
int homes_open(struct homes *homes, struct tasks *tasks, struct syncer *syncer,
               struct place_root *root, bool sync, struct err *err);
// Blocks: unlocks all; our own is removed if it is empty. No task may be pending.
void homes_close(struct homes *homes);

struct bucket *homes_reserve(struct homes *homes); // where a new file goes; it is counted already
struct home *homes_adopt(struct homes *homes, const struct place_instance *instance_take);
void home_walked(struct home *home); // may remove it at once
struct bucket *home_add_bucket(struct home *home, const char *name, int fd_take);

void bucket_enter(struct bucket *bucket);
void bucket_leave(struct bucket *bucket);
void bucket_mark(struct bucket *bucket);
void bucket_sync(struct bucket *bucket, struct bucket_waiter *waiter);

#endif
