// SPDX-License-Identifier: BSD-2-Clause
// smtp/xtext.h - xtext (RFC 3461 section 4): +XX for everything that could end or split a value.
// Pure.
//
// XFORWARD values, ENVID and ORCPT on the wire; values in the spool's envelope lines and journal.
#ifndef POSTERN_SMTP_XTEXT_H
#define POSTERN_SMTP_XTEXT_H

#include "base/buf.h"

void xtext_encode(struct buf *out, struct span raw); // bytes <= 32, >= 127, "+" and "=" as +XX
int xtext_decode(struct buf *out,
                 struct span text);    // -1: not xtext (nothing is promised about out)
bool xtext_is_valid(struct span text); // "=" is allowed raw here, as Postfix sends it

#endif
