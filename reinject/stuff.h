// SPDX-License-Identifier: BSD-2-Clause
// reinject/stuff.h - the only way bytes leave in DATA or BDAT: dots stuffed, no bare CR or LF ever.
// Pure.
//
// Looks at the outgoing stream itself. A bare LF leaves as CRLF, a bare CR as a blank; both are
// counted (the front door has mended them already: a count here means damage). The end adds a
// missing CRLF (counted too), and the dot in DATA mode.
#ifndef POSTERN_REINJECT_STUFF_H
#define POSTERN_REINJECT_STUFF_H

#include "base/buf.h"

enum stuff_mode { STUFF_DATA, STUFF_CHUNK };

struct stuff {
    enum stuff_mode mode;
    int state; // private
    uint64_t mended;
};

void stuff_init(struct stuff *stuff, enum stuff_mode mode);
// Appends to out what of in may leave; out must have room for 2 * in.len + 2.
void stuff_feed(struct stuff *stuff, struct span in, struct buf *out);
// Instead of stuff_feed, without a copy: true if what of in may leave now stands in it as it is.
bool stuff_pass(struct stuff *stuff, struct span in, struct span *out);
void stuff_end(struct stuff *stuff, struct buf *out); // room for 6

#endif
