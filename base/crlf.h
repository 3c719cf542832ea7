// SPDX-License-Identifier: BSD-2-Clause
// base/crlf.h - how far content is as SMTP wants it, 64 bytes at a time. Pure.
#ifndef POSTERN_BASE_CRLF_H
#define POSTERN_BASE_CRLF_H

#include "base/str.h"

// How much of content, which must not begin with an LF, may go on as it is: all before the first CR
// or LF that stands alone (a CR at its end may do so) and, if dots count, before the first dot
// behind an LF. What stands before content, and a dot at its beginning, is the caller's to look at.
size_t crlf_plain_len(struct span content, bool dots_count);

#endif
