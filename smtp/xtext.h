// SPDX-License-Identifier: BSD-2-Clause
// smtp/xtext.h - xtext (RFC 3461 section 4): +XX for everything that could end or split a value.
// Pure.
//
// XFORWARD values, ENVID and ORCPT on the wire; values in the spool's envelope lines and journal.
#ifndef POSTERN_SMTP_XTEXT_H
#define POSTERN_SMTP_XTEXT_H

#include "base/buf.h"

// Bytes <= 32, >= 127, "+" and "=" become +XX. -1: out's ceiling; out may hold a part.
int xtext_encode(struct buf *out, struct span raw);
// -1: not xtext, or out's ceiling; nothing is promised about out then.
int xtext_decode(struct buf *out, struct span text);
bool xtext_is_valid(struct span text); // "=" is allowed raw here, as Postfix sends it
// The same, not empty, and what it stands for holds no control character.
bool xtext_is_printable(struct span text);

#endif
