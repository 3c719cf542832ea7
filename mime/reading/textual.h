// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/textual.h - is it a text, and which kind? Answers in microseconds what libmagic
// takes a millisecond for; all that is not plainly text is libmagic's to tell. Pure.
#ifndef POSTERN_MIME_TEXTUAL_H
#define POSTERN_MIME_TEXTUAL_H

#include "base/str.h"

// "text/plain", "text/html", "text/x-shellscript" ...; {NULL, 0} where a byte is none that texts
// have: a control other than tab, line feed, form feed, CR and escape, or no UTF-8; or where an
// archive begins so. head is the beginning of a content; a character cut at its end does no harm.
struct span textual_type(struct span head);

#endif
