// SPDX-License-Identifier: BSD-2-Clause
// spool/writing.h - the blocking half of a writer: what its pool jobs do to one new file.
//
// The image is the file up to its journal: head, envelope, message. It comes whole (into a slot, or
// a file) or in blocks, of which the first holds all of head and envelope. Sealing is the last
// write. Nothing has a name before it is sealed.
#ifndef POSTERN_SPOOL_WRITING_H
#define POSTERN_SPOOL_WRITING_H

#include "spool/place.h"
#include "spool/store.h"

struct writing_move { // recipients that another message has
    char *set, *child;
    int64_t at_ms;
};

struct writing {
    const char *id;
    size_t rcpt_count;
    int dir_fd;
    struct place_root *root; // a child may be set aside there already; NULL: no need to look
    bool unnamed, sync;
    struct store_draft draft;
    struct digest_value message_digest; // the caller's, before it is sealed
    struct digest_value envelope_digest;
    struct buf flight; // the block, or the image
    uint64_t written;
    struct format_seal seal; // offset is set by the caller, the rest by sealing
    struct writing_move *moves;
    size_t move_count;
    struct buf journal; // the moves, from sealing on
    bool exists;        // somebody has made it: nothing was done
    struct err err;     // of the first that failed
};

void writing_init(struct writing *writing);
void writing_clear(struct writing *writing); // memory only: the draft was dropped or handed over

int writing_block(struct writing *writing);       // flight, behind what is there
void writing_seal_image(struct writing *writing); // flight is the image; no I/O
int writing_into_slot(struct writing *writing, int fd);
int writing_into_file(struct writing *writing); // what is left in flight, sealed, durable, named
int writing_end_relay(struct writing *writing); // what is left in flight; not sealed

#endif
