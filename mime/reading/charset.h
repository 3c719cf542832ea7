// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/charset.h - character sets to UTF-8; the one user of iconv, opened ahead of the
// jail.
//
// A list of charsets is opened once and kept; one that is not in it is unknown, and its text is
// taken as UTF-8 where it is that, else as ISO-8859-1.
#ifndef POSTERN_MIME_CHARSET_H
#define POSTERN_MIME_CHARSET_H

#include "base/buf.h"
#include "base/err.h"

struct charsets;

struct charsets *charsets_new(struct err *err); // NULL, PERM: not even the basic ones
void charsets_free(struct charsets **charsets);
// Appends text as UTF-8, each bad byte as U+FFFD. 0; 1: the charset is unknown (see above);
// -1: out's ceiling, as much as fits was added.
int charset_decode(struct charsets *charsets, struct span charset, struct span text,
                   struct buf *out);

#endif
