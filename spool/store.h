// SPDX-License-Identifier: BSD-2-Clause
// spool/store.h - the blocking steps that are done to one message file. For pool jobs.
//
// A new file has no name until it is whole (O_TMPFILE); where the file system has no such files, a
// hidden one, which adoption removes. So whatever carries a message's name is sealed, and a crash
// while receiving leaves nothing behind.
// Errors are TEMP. Nothing here is durable by itself unless it says so.
#ifndef POSTERN_SPOOL_STORE_H
#define POSTERN_SPOOL_STORE_H

#include "base/err.h"
#include "spool/format.h"

enum {
    STORE_SLOT_SIZE = 64 * 1024,
    STORE_IMAGE_MAX = 60 * 1024, // the largest that may go into a slot
    STORE_BLOCK = 64 * 1024,
    STORE_NAME_MAX = ID_MAX + 8
};

// Room kept behind the message for the journal's lines, so that a full disk cannot lose a `sent`.
uint64_t store_journal_room(size_t rcpt_count);

struct store_draft { // a file that has no name yet
    int fd;          // -1: none
    int dir_fd;      // borrowed
    bool is_hidden;
    char hidden[STORE_NAME_MAX];
};

bool store_can_unnamed(int dir_fd); // may files be made without a name, and be named later?
int store_draft_make(int dir_fd, const char *name, bool unnamed, struct store_draft *draft_out,
                     struct err *err);
// Names it, in its folder or another of the file system. errno EEXIST is kept; the draft stays.
// Then it has only its new name; fd is the caller's.
int store_draft_publish(struct store_draft *draft, int dir_fd, const char *name, struct err *err);
// The same, in place of a file that may have that name.
int store_draft_replace(struct store_draft *draft, int dir_fd, const char *name, struct err *err);
void store_draft_drop(struct store_draft *draft); // closes and forgets it; fine if there is none
bool store_is_hidden_name(const char *name);

// Writes a sealed image over what a slot held, so that a kill in between leaves it unsealed.
int store_write_image(int fd, struct span image, struct err *err);
int store_unseal(int fd, struct err *err);
int store_reserve(int fd, uint64_t end, uint64_t room, struct err *err);
int store_cut(int fd, uint64_t end, uint64_t room, struct err *err); // nothing behind end; reserves
int store_set_due(int fd, int64_t due_ms, struct err *err);
int store_rename(int from_dir, const char *from, int to_dir, const char *to, struct err *err);
int store_remove(int dir_fd, const char *name, struct err *err); // gone already is fine
// len bytes of one file to the same offsets of another.
int store_copy(int from_fd, int to_fd, uint64_t offset, uint64_t len, struct err *err);

#endif
