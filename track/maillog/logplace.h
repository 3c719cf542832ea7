// SPDX-License-Identifier: BSD-2-Clause
// track/maillog/logplace.h - a place in a log file, so that the file is known again. Pure.
//
// Names change with every rotation, inodes are used again: a file is known by its first bytes, and
// where there are few of them by its inode too.
#ifndef POSTERN_TRACK_LOGPLACE_H
#define POSTERN_TRACK_LOGPLACE_H

#include "base/buf.h"
#include "base/digest.h"

enum { LOGPLACE_HEAD_MAX = 1024 };

struct logplace { // all zero: at the beginning of a file that is yet to come
    uint64_t device, inode;
    uint64_t written_ns;      // when it was last written to; files of later rotations were later
    uint64_t head_len;        // of the first bytes: at most LOGPLACE_HEAD_MAX
    struct digest_value head; // of them
    uint64_t offset;
};

void logplace_format(const struct logplace *place, struct buf *out);
int logplace_parse(struct span text, struct logplace *place_out); // -1: none of ours

#endif
