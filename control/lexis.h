// SPDX-License-Identifier: BSD-2-Clause
// control/lexis.h - makes a configuration text safe for libconfuse's scanner. Pure.
//
// The scanner takes some mistakes in silence: an open section or comment at the end of the file, a
// NUL, a `*` or `+` outside of quotes, `${` with the rest of the file, a backslash that it drops;
// and counts lines wrongly after a /* */ comment. Here they are errors, and comments are blanks.
#ifndef POSTERN_CONTROL_LEXIS_H
#define POSTERN_CONTROL_LEXIS_H

#include "base/err.h"
#include <stddef.h>

// Comments in text are overwritten with blanks, line ends stay. PERM: *line_out is where the
// culprit begins.
int lexis_clean(char *text, size_t len, unsigned *line_out, struct err *err);

#endif
