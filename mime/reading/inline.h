// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/inline.h - files that stand in a text: uuencode and yEnc. Pure.
#ifndef POSTERN_MIME_INLINE_H
#define POSTERN_MIME_INLINE_H

#include "mime/reading/decode.h"

enum inline_kind { INLINE_UUENCODE, INLINE_YENC };

struct inline_file {
    enum inline_kind kind;
    struct span name;
    struct span raw; // from its first line to its last
};

// Cuts *rest behind what was found. False: there is none. ebb may be NULL.
bool inline_next(struct span *rest, struct ebb *ebb, struct inline_file *file_out);
// Appends; -1: out's ceiling. *junk_out: bytes that do not belong there.
int inline_decode(const struct inline_file *file, struct buf *out, uint64_t *junk_out);

#endif
