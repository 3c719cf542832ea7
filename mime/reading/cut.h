// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/cut.h - a multipart's body, cut at its boundary lines. Pure.
//
// Goes on behind the end boundary, where other readers do: what is cut there says so. Offsets are
// in the body. Linear in the body.
#ifndef POSTERN_MIME_CUT_H
#define POSTERN_MIME_CUT_H

#include "mime/reading/ebb.h"

enum cut_kind {
    CUT_PIECE,    // a part: header and body
    CUT_PROLOGUE, // in front of the first boundary line; everything, where there is none
    CUT_EPILOGUE, // behind an end boundary
};

struct cut {
    struct span body, boundary;
    size_t at;        // where the next one begins
    bool is_begun;    // a boundary line was seen
    bool is_ended;    // an end boundary was seen
    bool is_finished; // nothing is left
    enum cut_kind next;
    struct ebb *ebb; // may be set between init and next
};

struct cut_item {
    enum cut_kind kind;
    size_t begin, end;  // without the line end that belongs to the boundary
    bool is_behind_end; // a piece that only some readers see
    struct span token;  // of a hidden piece: its first line behind the dashes, trimmed
};

// The boundary without its leading dashes.
void cut_init(struct cut *cut, struct span body, struct span boundary);
bool cut_next(struct cut *cut, struct cut_item *item_out);

// Text that no boundary is known for: pieces are what stands between a line that begins with "--",
// is followed by a Content- field, and the next such line, or one with the same beginning.
// Searches from *at, moves it. False: no more. ebb may be NULL.
bool cut_find_hidden(struct span text, struct ebb *ebb, size_t *at, struct cut_item *item_out);

#endif
