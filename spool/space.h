// SPDX-License-Identifier: BSD-2-Clause
// spool/space.h - is there room for one more message? Free bytes and inodes, as of a moment ago.
//
// Asked from the file system in the pool, at most once a second and only while somebody wants to
// know. What was received since then, or is being received, is taken off.
#ifndef POSTERN_SPOOL_SPACE_H
#define POSTERN_SPOOL_SPACE_H

#include "base/fs.h"
#include "spool/task.h"

struct space;

struct space *space_new(struct loop *loop, struct tasks *tasks, int fd, struct err *err); // blocks
void space_free(struct space **space);
// Bytes that a message is about to take (len > 0), or that it gave back or has on disk (done).
void space_reserve(struct space *space, uint64_t len);
void space_settle(struct space *space, uint64_t len);
// What is left. Begins a new look if the last one is old.
struct fs_space space_left(struct space *space);

#endif
