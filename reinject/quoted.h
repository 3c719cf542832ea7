// SPDX-License-Identifier: BSD-2-Clause
// reinject/quoted.h - quoted-printable (RFC 2045 6.7), for what must not travel as it is. Pure.
#ifndef POSTERN_REINJECT_QUOTED_H
#define POSTERN_REINJECT_QUOTED_H

#include "base/buf.h"

// May text (CRLF lines) travel as it is: no line over 998 octets, no NUL, no bare CR or LF; 8-bit
// only if may_be_8bit and all is UTF-8?
bool quoted_is_needless(struct span text, bool may_be_8bit);
void quoted_add(struct buf *out, struct span text); // CRLF is kept as line end

#endif
