// SPDX-License-Identifier: BSD-2-Clause
// policy/strip.h - puts a short text in place of attachments that rules want removed. Private to
// deciding. Pure.
//
// A part goes with its header; what lies in a decoded part or an archive has no place of its own in
// the message, so the part around it goes. Replacements that touch each other become one.
#ifndef POSTERN_POLICY_STRIP_H
#define POSTERN_POLICY_STRIP_H

#include "policy/reading.h"

enum { STRIP_MAX = 100 }; // parts

// Appends the edits. PERM where it cannot be done: the message itself is the attachment, there are
// more than STRIP_MAX, or it has no place.
int strip_parts(const struct reading *reading, const struct reading_course *course,
                struct edit_list *edits, struct err *err);

// The text that stands for an attachment, as lines; with_header: a part's header before it.
void strip_format(struct span name, const char *hostname, const char *reason, bool with_header,
                  struct buf *out);

#endif
