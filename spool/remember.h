// SPDX-License-Identifier: BSD-2-Clause
// spool/remember.h - what became of each recipient, for a client that comes again with him.
//
// One file in the spool, of rows of fixed size in buckets, shared by all workers of all
// generations: it outlives a kill of them all, which shared memory would not. Rows are read and
// written, not mapped: a full or failing disk is an error here, never a signal. A torn row is no
// row, and where there is no room the oldest goes; no mail waits for it.
// Each worker holds a lock on a byte of its own far behind the rows; it goes with him, so that a
// row under way whose owner's byte is free is nobody's. Buckets are locked so, too, but for the
// owner of a row under way: it is his alone, and he answers it where it stands.
#ifndef POSTERN_SPOOL_REMEMBER_H
#define POSTERN_SPOOL_REMEMBER_H

#include "base/digest.h"
#include "base/err.h"
#include "base/id.h"
#include "smtp/reply.h"
#include "spool/settings.h"

struct remember; // everywhere: NULL remembers nothing

// dir_fd is the spool's. NULL with ERR_NONE where the settings want none; else TEMP. May block.
struct remember *remember_open(int dir_fd, const struct spool_settings *settings, struct err *err);
void remember_close(struct remember **remember);

// What the recipients are known by here: seeded with a number that was drawn when the file was made
// and that nobody outside knows.
struct digest_value remember_key(const struct remember *remember, struct span text);

// The same key, but near all others of that message.
struct digest_value remember_near(struct digest_value message, struct digest_value key);

enum remember_find {
    REMEMBER_OURS,      // nobody has him; from now on he is under way here
    REMEMBER_TOLD,      // the answer is known
    REMEMBER_UNDER_WAY, // somebody has him, or may have left him in the spool: ask again
    REMEMBER_NO_ROOM    // as OURS, but nobody will know
};

struct remember_claim {
    struct digest_value key;
    const char *id; // of the message that he is a recipient of now
    int64_t now_ms;
    bool is_heir;      // takes what a process has left under way that is no more
    bool is_anew;      // a 5xx is not good enough
    bool is_left_only; // as an heir, or not at all
};

struct remember_told {
    char id[ID_MAX + 1]; // of the first message, also with UNDER_WAY ("": not known)
    struct smtp_reply reply;
    uint64_t row; // with OURS: where he is under way
};

// Who claims many goes through them by their places, and holds each place while he claims those who
// have it, and nobody else. False: it could not be written, so nobody was claimed.
uint64_t remember_place(const struct remember *remember, struct digest_value key);
void remember_hold(struct remember *remember, uint64_t place);
bool remember_release(struct remember *remember);

enum remember_find remember_claim(struct remember *remember, const struct remember_claim *claim,
                                  struct remember_told *told_out);

// The answer, 2xx or 5xx, since at_ms, to one who is under way here, in that row.
struct remember_answer {
    struct digest_value key;
    uint64_t row;
    const char *id;
    const struct smtp_reply *reply;
    int64_t at_ms;
};

void remember_tell(struct remember *remember, const struct remember_answer *answer);
// He was under way here, in that row, and has no answer that would last.
void remember_forget(struct remember *remember, struct digest_value key, uint64_t row);
// What was told and forgotten is written by then: rows that follow each other at once.
bool remember_flush(struct remember *remember);
// His answer, if he has one, need not last any more.
void remember_forget_answer(struct remember *remember, struct digest_value key);
// Writes what the disk refused of the last three. A claim in the same bucket does so, too.
void remember_settle(struct remember *remember);

#endif
