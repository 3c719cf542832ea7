// SPDX-License-Identifier: BSD-2-Clause
// policy/changes.h - all that is changed in a message whose reading took a given course. Private to
// deciding. Pure.
//
// In this order: incoming copies of our own fields go, filters' edits, then those of each rule that
// fired: fields removed, set, added, the subject's prefix; attachments last.
#ifndef POSTERN_POLICY_CHANGES_H
#define POSTERN_POLICY_CHANGES_H

#include "policy/reading.h"

enum { CHANGES_MAX = 500, CHANGES_SIZE_MAX = 200 << 10 }; // what one line of the journal can take

// PERM: it cannot be done, with the reason and the rule that asks too much; edits_out is empty
// then.
int changes_make(const struct reading *reading, const struct reading_course *course,
                 struct edit_list *edits_out, const char **rule_out, struct err *err);

#endif
