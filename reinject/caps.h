// SPDX-License-Identifier: BSD-2-Clause
// reinject/caps.h - what a server said it can do in its EHLO or LHLO reply. Pure.
#ifndef POSTERN_REINJECT_CAPS_H
#define POSTERN_REINJECT_CAPS_H

#include "base/buf.h"
#include "smtp/envelope.h"

enum caps_flag {
    CAPS_PIPELINING = 1,
    CAPS_SIZE = 2,
    CAPS_8BITMIME = 4,
    CAPS_SMTPUTF8 = 8,
    CAPS_DSN = 16,
    CAPS_CHUNKING = 32,
    CAPS_ENHANCED = 64,
    CAPS_STARTTLS = 128
};

struct caps {
    unsigned flags;
    uint64_t size;     // 0: no limit told
    unsigned xforward; // bit 1 << enum smtp_xforward
};

void caps_add_line(struct caps *caps, struct span line);    // one keyword line, without code
void caps_format(const struct caps *caps, struct buf *out); // keyword lines, LF: kept on disk
int caps_parse(struct span text, struct caps *caps_out);    // -1: damaged
bool caps_equal(const struct caps *a, const struct caps *b);

#endif
