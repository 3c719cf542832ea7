// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/pieces.h - what a part holds, decoded, a piece at a time: little of it is in memory.
//
// Order: init, next until it says false, clear. Between two calls of next, keep may be called.
#ifndef POSTERN_MIME_PIECES_H
#define POSTERN_MIME_PIECES_H

#include "mime/reading/decode.h"
#include "mime/reading/ebb.h"

// A zip's end is looked for in what is kept (archive_kind), a type's signs in the first piece.
enum { PIECES_STRIDE = 256 << 10, PIECES_KEPT = 128 << 10 };

struct pieces {
    struct span window; // what was kept, and behind it the piece
    struct span piece;
    uint64_t len; // decoded so far
    struct decode decode;
    bool is_over; // no further piece comes

    struct span raw, rest; // rest: still to be decoded
    struct buf decoded;    // nothing where raw stands for itself
    bool keeps_all;
    struct ebb *ebb;

    // As in the enumeration, unless somebody changes them before the first piece.
    size_t stride; // raw bytes at a time; a piece has a quarter of it, or it is the last
    size_t kept;   // stands in front of a piece at least, or all there was
};

// raw and ebb are borrowed. What decodes to more than it is long (uuencode) has no pieces.
void pieces_init(struct pieces *pieces, struct span raw, enum decode_encoding encoding,
                 struct ebb *ebb);
void pieces_clear(struct pieces *pieces);
bool pieces_next(struct pieces *pieces);
// Nothing is dropped any more: called before anything was, all of it is the window in the end.
void pieces_keep(struct pieces *pieces);
// All of it. Where something was dropped, it is decoded once more.
struct span pieces_all(struct pieces *pieces);

#endif
