// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/magic.h - what bytes are, by their looks; door to libmagic.
#ifndef POSTERN_MIME_MAGIC_H
#define POSTERN_MIME_MAGIC_H

#include "base/err.h"
#include "base/str.h"

struct magic;

struct magic *magic_new(struct err *err); // loads the database; NULL, PERM
void magic_free(struct magic **magic);
// A media type, "application/x-dosexec"; "" where nothing can be said. Looks at the first 4 KB.
// Valid until the next call.
struct span magic_of(struct magic *magic, struct span content);

#endif
