// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/orderly.h - the leaves of a message that leaves readers nothing to differ about.
// Pure.
//
// Most mail is so: fields in lines of their own, one type, boundaries of plain letters that every
// line either is or does not begin like. What GMime would see in it is known without asking; what
// is odd in any way is not orderly, and asked about.
#ifndef POSTERN_MIME_ORDERLY_H
#define POSTERN_MIME_ORDERLY_H

#include "mime/reading/ebb.h"
#include "mime/reading/outline.h"

// False: not orderly, and nothing was told. The text has no NUL, no bare CR, no line above 998
// octets (mime/reading/prescan knows). ebb may be NULL.
bool orderly_read(struct span text, struct ebb *ebb, outline_found *found, void *arg);

#endif
