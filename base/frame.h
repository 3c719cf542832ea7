// SPDX-License-Identifier: BSD-2-Clause
// base/frame.h - length-prefixed messages between our own processes, strict both ways. Pure.
//
// A stream begins with a hello naming the build id, once; then frames: 4 bytes length (big-endian,
// of the payload), 2 bytes type, payload. Anything else is BAD and the stream is given up.
#ifndef POSTERN_BASE_FRAME_H
#define POSTERN_BASE_FRAME_H

#include "base/buf.h"

enum { FRAME_HEAD = 6, FRAME_PAYLOAD_MAX = 4 << 20, FRAME_BUILD_ID_MAX = 128 };

enum frame_result { FRAME_NEED_MORE, FRAME_DONE, FRAME_BAD };

struct frame {
    uint16_t type;
    struct span payload; // into the input
};

// -1: too large for out, or the build id is empty, too long or not one word.
int frame_hello_add(struct buf *out, const char *build_id);
// DONE: *used_out bytes were the hello of this very build. BAD: not a hello, or another build's.
enum frame_result frame_hello_read(struct span in, const char *build_id, size_t *used_out);

int frame_add(struct buf *out, uint16_t type,
              struct span payload); // -1: too large for out or the bound
// BAD as soon as the length is above payload_max (or the bound).
// DONE: *frame_out is set and *used_out bytes may be dropped once it was used.
enum frame_result frame_read(struct span in, size_t payload_max, struct frame *frame_out,
                             size_t *used_out);

#endif
