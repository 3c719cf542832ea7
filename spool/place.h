// SPDX-License-Identifier: BSD-2-Clause
// spool/place.h - the folders of the spool: instances, buckets, hold, corrupt; names, locks, moves.
//
// Layout: active/<instance>/slot-NNNN, active/<instance>/<bucket>/<id>, hold/<id>,
// quarantine/<day>/<id>, corrupt/<name>.<n>, hops/<server> (learned EHLO). All functions block
// (pool, tool, start-up); none follows a link inside the spool. An instance belongs to who holds
// the flock on its directory (close-on-exec; the link count and fstat/stat are compared after
// locking). Instance names are never reused: time, pid and a random number.
#ifndef POSTERN_SPOOL_PLACE_H
#define POSTERN_SPOOL_PLACE_H

#include "base/fs.h"
#include "base/id.h"

enum spool_place { PLACE_ACTIVE, PLACE_HOLD, PLACE_QUARANTINE, PLACE_CORRUPT, PLACE_NOWHERE };

const char *spool_place_name(enum spool_place place);

struct place_root { // one spool
    char *path;
    int root_fd, active_fd, hold_fd, quarantine_fd, corrupt_fd, hops_fd;
};

struct place_instance {
    char name[64];
    int fd;      // directory, flocked
    bool is_own; // made by us, not adopted
};

enum { PLACE_BUCKET_FILES = 1000, PLACE_BUCKET_NAME = 16 };

// Makes what is missing if `make`; modes 0700; fsyncs what it made.
int place_root_open(struct place_root *root, const char *path, bool make, struct err *err);
void place_root_close(struct place_root *root);

// A new instance directory, locked and durable: "<ms since 1970, base 36>-<pid>-<8 random hex>".
int place_instance_new(struct place_root *root, struct place_instance *instance_out,
                       struct err *err);
// Tries to lock an existing one. 1: got it; 0: somebody has it or it is gone; -1.
int place_instance_try(struct place_root *root, const char *name,
                       struct place_instance *instance_out, struct err *err);
// Removes it with its empty buckets while it is locked, and closes it. -1: something is in it, or
// an error; it stays open and locked.
int place_instance_remove(struct place_root *root, struct place_instance *instance,
                          struct err *err);
void place_instance_close(struct place_instance *instance); // unlocks

// For each entry but the folders that are walked into. is_ours: a plain file with the name of a
// slot (bucket NULL) or an id. dir_fd is borrowed for the call, in which entries may be removed,
// renamed and added; what vanishes meanwhile is passed over. Not 0: the walk ends and returns it.
typedef int place_visit(void *arg, int dir_fd,
                        const char *bucket /* NULL: slot or instance level */, const char *name,
                        bool is_ours);
// Names of instances only, locked or not; foreign entries are passed over.
int place_walk_instances(struct place_root *root, int (*visit)(void *arg, const char *name),
                         void *arg, struct err *err);
int place_walk_instance(const struct place_instance *instance, place_visit *visit, void *arg,
                        struct err *err);
int place_walk_hold(struct place_root *root, place_visit *visit, void *arg, struct err *err);
// bucket: the day, "2026-11-21". Days in order, the oldest first.
int place_walk_quarantine(struct place_root *root, place_visit *visit, void *arg, struct err *err);
// is_ours: never; what lies there has the names it was given then.
int place_walk_corrupt(struct place_root *root, place_visit *visit, void *arg, struct err *err);
// The folder of that day (UTC), made and durable if need be: its descriptor.
int place_quarantine_day(struct place_root *root, int64_t now_ms, struct err *err);
// The folder of the day on which a file of that name lies: its descriptor. errno ENOENT: on none.
int place_find_quarantined(struct place_root *root, const char *name, struct err *err);
// Days before that of before_ms in which nothing lies.
void place_remove_empty_days(struct place_root *root, int64_t before_ms);
bool place_is_day_name(const char *name);

// In hold/ and quarantine/ a file belongs to who holds its flock. fd was opened under that name. 1:
// got it; 0: somebody has it; -1: it was renamed or removed meanwhile.
int place_lock_file(int dir_fd, const char *name, int fd);

bool place_is_slot_name(const char *name);     // "slot-0001"
bool place_is_bucket_name(const char *name);   // "00ff"
bool place_is_instance_name(const char *name); // as place_instance_new makes it

// Puts a damaged file out of the way, under a free name of corrupt/; durable. Never deletes, never
// overwrites.
int place_set_corrupt(struct place_root *root, int dir_fd, const char *name, struct err *err);

#endif
