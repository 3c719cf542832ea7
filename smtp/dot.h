// SPDX-License-Identifier: BSD-2-Clause
// smtp/dot.h - the content of DATA (and BDAT) as it arrives: unstuffed, line ends mended. Pure.
//
// Ends at CRLF.CRLF (or .CRLF at the very start) and at nothing else. A bare LF becomes CRLF and a
// bare CR becomes a blank, both counted; a dot is unstuffed only directly behind a real CRLF of the
// wire. What comes out never holds a bare CR or LF. Survives any split of its input.
#ifndef POSTERN_SMTP_DOT_H
#define POSTERN_SMTP_DOT_H

#include "base/buf.h"

enum dot_mode { DOT_DATA, DOT_CHUNK }; // CHUNK: BDAT, no dots, the end is told by dot_finish

enum dot_result { DOT_NEED_MORE, DOT_FULL, DOT_DONE };

struct dot {
    enum dot_mode mode;
    int state;                 // private
    uint64_t bare_lf, bare_cr; // seen so far
    uint64_t out_len;          // bytes given so far
};

void dot_init(struct dot *dot, enum dot_mode mode);

// Reads from in, appends to out until in is used up (NEED_MORE), out's ceiling is near (FULL: empty
// it and call again with what is left), or the end was read (DONE). *used_out tells how much of in
// is gone. out's ceiling is at least 2.
enum dot_result dot_feed(struct dot *dot, struct span in, struct buf *out, size_t *used_out);

// The same without a copy, as far as what comes out is what went in: takes that much of in
// (nothing, where dot_feed has something to do first) and returns it.
struct span dot_pass(struct dot *dot, struct span in);

// CHUNK: after the last chunk. A CR at the very end is a bare one; a missing last CRLF is added.
// out has room for 3 bytes.
void dot_finish(struct dot *dot, struct buf *out);

#endif
