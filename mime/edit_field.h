// SPDX-License-Identifier: BSD-2-Clause
// mime/edit_field.h - writes one header field: encoded words, folding. Pure.
//
// What is not ASCII becomes encoded words (RFC 2047: UTF-8, B), unless is_utf8 and it is UTF-8;
// only words that need it, with the blanks between them. Words are whole characters, at most 75
// octets, on lines of at most 76. Other text folds at its blanks near 78 columns, unless it is
// folded already; what has no blank stays long.
#ifndef POSTERN_MIME_EDIT_FIELD_H
#define POSTERN_MIME_EDIT_FIELD_H

#include "base/buf.h"

// "Name: value" and a CRLF. -1: out's ceiling; part of it may be there. The same below.
int edit_field_write(const char *name, struct span value, bool is_utf8, struct buf *out);

// The field as it stands, with text between the blanks behind its colon and its value.
int edit_field_prefix(struct span field, struct span text, bool is_utf8, struct buf *out);

#endif
