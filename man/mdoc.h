// SPDX-License-Identifier: BSD-2-Clause
// man/mdoc.h - plain text as mdoc takes it. Pure.
#ifndef POSTERN_MAN_MDOC_H
#define POSTERN_MAN_MDOC_H

#include "base/buf.h"

// As one argument of a macro: never a macro's name, never several arguments.
void mdoc_add_word(struct buf *out, struct span text);
// As lines of their own, one a sentence, ended.
void mdoc_add_sentences(struct buf *out, struct span text);

#endif
