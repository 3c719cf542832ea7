// SPDX-License-Identifier: BSD-2-Clause
// reinject/body.h - the content of one transaction: our trace field, edits, the message; on demand.
//
// Source:  the message in memory, or read block by block through a callback (spool_file_read).
// Pieces:  what leaves is a row of literals and of ranges of the source, in any order.
// Proof:   a digest runs over the source's bytes as they leave; where all of them do, in order,
//          body_is_same tells whether they are those that came in, bit by bit.
#ifndef POSTERN_REINJECT_BODY_H
#define POSTERN_REINJECT_BODY_H

#include "base/digest.h"
#include "base/loop.h"
#include "reinject/stuff.h"

enum { BODY_BLOCK = 65536 };

typedef void body_read_done(void *arg, const struct err *err);

struct body_source {
    struct span memory; // the whole message, or {NULL, 0} and then read is used
    uint64_t len;
    void (*read)(void *arg, uint64_t offset, char *data, size_t len, body_read_done *done,
                 void *done_arg);
    void *arg;
    struct digest_value digest; // of the message as it came in
};

enum body_result {
    BODY_READY, // *out is to be sent
    BODY_WAIT,  // on_ready will be called (then ask again: it may be WAIT once more)
    BODY_END,   // everything was given, the end (dot) included
    BODY_FAILED // could not be read: nothing more; the connection must be dropped before the dot
};

struct body;

enum { BODY_PARTS = 3 };

struct body_bite { // what leaves next: its parts, one behind the other; some may be empty
    struct span parts[BODY_PARTS];
    size_t len; // of all
};

struct body_piece {
    struct span literal;  // copied; lines end in CRLF
    uint64_t offset, len; // where literal.data is NULL: of the source
};

// May be used for one transaction after another, each begun with body_begin. Ranges lie inside the
// source, else it is a bug.
struct body *body_new(const struct body_source *source, const struct body_piece *pieces,
                      size_t count);
bool body_is_whole(const struct body *body); // the source's bytes leave in whole and in order
void body_free(struct body **body);          // a read under way may still answer; it is ignored
uint64_t body_size(const struct body *body); // octets for SIZE= and BDAT, before dot stuffing

void body_begin(struct body *body, enum stuff_mode mode, loop_callback *on_ready, void *arg);
// No more on_ready: the transaction is over, or will not be finished.
void body_stop(struct body *body);
// The next bite, at most about two blocks (stuffed more). Its parts are valid until the next call.
// is_last is set with the last one (CHUNK mode: LAST).
enum body_result body_next(struct body *body, struct body_bite *out, bool *is_last_out);
bool body_is_same(const struct body *body); // after the last bite of a transaction
struct digest_value body_digest(const struct body *body);
const struct err *body_err(const struct body *body);

#endif
