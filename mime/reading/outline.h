// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/outline.h - where GMime sees leaves in an entity; door to GMime.
//
// GMime reads and tells places; what it decodes, names or writes is not used. It opens no charset:
// addresses are not parsed. What it is given must have passed mime/prescan.
#ifndef POSTERN_MIME_OUTLINE_H
#define POSTERN_MIME_OUTLINE_H

#include "mime/reading/ebb.h"

struct outline_leaf {  // offsets in the text
    size_t head_begin; // of its first field; body_begin where it has none
    size_t body_begin, body_end;
};

typedef void outline_found(void *arg, const struct outline_leaf *leaf);

void outline_init(void); // once in a process
// -1: GMime can make nothing of it. ebb may be NULL.
int outline_read(struct span text, struct ebb *ebb, outline_found *found, void *arg);

#endif
