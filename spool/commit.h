// SPDX-License-Identifier: BSD-2-Clause
// spool/commit.h - how a writer ends: in a slot, in a file, in memory, or not at all.
//
// Only writer.c and commit.c know what a writer is made of. While is_busy a task of it is in the
// pool, or it waits for a folder's fsync; only then a discarded one lives on.
#ifndef POSTERN_SPOOL_COMMIT_H
#define POSTERN_SPOOL_COMMIT_H

#include "spool/file.h"
#include "spool/writer.h"
#include "spool/writing.h"

struct writer {
    struct task task; // first
    struct spool *spool;
    enum writer_kind kind;
    struct spool_file *file; // what it will be
    struct writing writing;  // the task's while is_busy
    struct buf fill;         // the image so far, or the next block
    uint64_t len;
    struct slot *slot;
    struct bucket *target; // counted
    struct digest *digest; // of what was streamed so far
    bool is_digested;      // writing.message_digest is the whole message's
    bool is_streaming;     // no longer in memory as a whole
    bool is_busy, is_committing, is_discarded, is_waited_for;
    loop_callback *on_ready;
    void *ready_arg;
    writer_done *done;
    void *done_arg;
    struct bucket_waiter waiter;
    struct loop_deferred later;
    struct err err;
};

void commit_start(struct writer *writer);      // it is not busy
void commit_drop(struct writer *writer);       // it is not busy, and nothing was committed
void commit_find_place(struct writer *writer); // where its file goes
void commit_take_fill(struct writer *writer);  // fill becomes what the next task writes
void commit_digest(struct writer *writer);     // of the whole message: nothing is added any more

#endif
