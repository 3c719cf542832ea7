// SPDX-License-Identifier: BSD-2-Clause
// mime/edits.h - changes to a message, made on its original bytes on the way out. Pure.
//
// What is not named is not touched, byte for byte. An edit is text in the journal (`edit=`), one
// each, in the order in which they apply: op, name, value as written by edit_format.
#ifndef POSTERN_MIME_EDITS_H
#define POSTERN_MIME_EDITS_H

#include "base/buf.h"
#include "base/err.h"

enum { EDIT_NAME_MAX = 255, EDIT_VALUE_MAX = 65536, EDIT_TEXT_MAX = EDIT_VALUE_MAX + 300 };

enum edit_op {
    EDIT_ADD,    // a field; position 0: above all of the message, n: below its n-th, -1: at the end
    EDIT_SET,    // replaces the first of that name, removes the others; adds one at the end if none
    EDIT_REMOVE, // position n: the n-th of that name (from 1); 0: all; -n: counted from the end
    EDIT_PREFIX, // of Subject: in front of its value as it stands; a Subject is added if none
    EDIT_REPLACE, // len bytes of the message at offset by value (strip); behind the header only
};

const char *edit_op_name(enum edit_op op);

struct edit {
    enum edit_op op;
    int32_t position;
    uint64_t offset, len; // EDIT_REPLACE
    char *name;           // of a field; NULL: EDIT_REPLACE
    char *value;          // no CR but before LF; folded where it was; NULL: EDIT_REMOVE
};

struct edit_list {
    struct edit *items;
    size_t count;
};

// Copies name and value, less the blanks around the value (a prefix keeps them); a prefix needs no
// name. PERM: not a field name (RFC 5322 2.2) or over 255 bytes, a value with a NUL, over 64 KB, or
// with a further line that does not begin with a blank or has nothing else: it would begin a new
// field or end the header. A value that is not ASCII is kept as it is (UTF-8); CR, LF and CRLF
// become CRLF. An operation that failed changes nothing.
int edit_list_add(struct edit_list *list, enum edit_op op, const char *name, struct span value,
                  int32_t position, struct err *err);
int edit_list_replace(struct edit_list *list, uint64_t offset, uint64_t len, struct span value,
                      struct err *err);
void edit_list_append(struct edit_list *list, const struct edit_list *more); // copies
void edit_list_clear(struct edit_list *list);
bool edit_list_equal(const struct edit_list *a, const struct edit_list *b);

void edit_format(const struct edit *edit, struct buf *out);                // room for EDIT_TEXT_MAX
int edit_parse(struct span text, struct edit_list *list, struct err *err); // appends one

// Where the header block ends: behind the first empty line; the whole length if there is none.
size_t edits_header_len(struct span message);

// Header edits on a header block (all fields and the empty line, where there is one), appended to
// out. Fields keep their bytes and line ends; new ones end in CRLF, are folded at blanks near 78
// columns where they are not folded already, and encoded (RFC 2047, UTF-8, B) unless is_utf8 allows
// raw UTF-8. A block without an end (no empty line) gets its fields at its end. Lines that are no
// field keep their place and are not counted. Time and memory go with edits times fields: the
// header is bounded by the caller. -1: out's ceiling, nothing was added.
int edits_apply(const struct edit_list *list, struct span header, bool is_utf8, struct buf *out);

// The message as pieces: new header, then its own bytes with replacements. Pieces of own bytes
// begin at header.len.
struct edit_piece {
    uint64_t offset, len; // of the message; literal.data NULL
    struct span literal;  // into the list
};

// Of replacements that overlap the first in the message stays; those that lie outside
// [header_len, len) are dropped. At most 2 * count + 1 pieces; mem_free.
struct edit_piece *edits_pieces(const struct edit_list *list, uint64_t header_len, uint64_t len,
                                size_t *count_out);

#endif
