// SPDX-License-Identifier: BSD-2-Clause
// spool/writer.h - puts one new message on disk so that no crash can lose it.
//
// Owns:    the slot or file, until commit or discard.
// Order:   new, add any number of times, then one of commit or discard.
// Memory:  a message that fits a slot stays in memory and is one disk job; a larger one streams
// into
//          a file of its own with at most two blocks under way.
// Fails:   TEMP only (disk full, I/O error); the caller answers 4xx. Nothing is left behind.
// Promise: once commit is done, the message survives loss of power (WRITER_SPOOL, WRITER_CHILD).
#ifndef POSTERN_SPOOL_WRITER_H
#define POSTERN_SPOOL_WRITER_H

#include "spool/spool.h"

enum writer_kind {
    WRITER_SPOOL,
    WRITER_RELAY, // nothing durable: memory, or an unnamed file where it is large
    WRITER_CHILD  // made under its own id exclusively; existing means it was made before a crash
};

struct writer;

// envelope is copied; its id is the file's. on_ready: add may be called again after WRITER_WAIT.
struct writer *writer_new(struct spool *spool, enum writer_kind kind,
                          const struct smtp_envelope *envelope, loop_callback *on_ready, void *arg);

enum writer_go { WRITER_GO_ON, WRITER_WAIT }; // the bytes were taken in both cases

enum writer_go writer_add(struct writer *writer, struct span content);
uint64_t writer_len(const struct writer *writer);
struct digest_value writer_digest(struct writer *writer); // nothing is added after it
// Another message has these recipients already: its journal says so from the beginning, as `moved`.
void writer_move(struct writer *writer, const struct ranges *set, const char *child);

// done gets the open file (its owner is the callback's) or err. For WRITER_CHILD file is NULL and
// err is NULL where the child exists already (it is somebody's, and done). The writer is gone when
// done is called; until then writer_discard may still be called, and done will not come: the
// message is removed (or, where it is too late for that, was never acknowledged).
typedef void writer_done(void *arg, struct spool_file *file_take, const struct err *err);
void writer_commit(struct writer *writer, writer_done *done, void *arg);
void writer_discard(struct writer **writer);

#endif
