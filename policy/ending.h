// SPDX-License-Identifier: BSD-2-Clause
// policy/ending.h - what reading came to, as a verdict: the built-in steps behind the last rule,
// and the bar before a reject. Private to deciding. Pure.
//
// Where no rule had a verdict, in this order: a virus that a filter found is quarantined; the most
// severe wish of a filter applies (reject, discard, quarantine, defer); a filter that could not
// tell is followed by its on_error or on_unscannable; else the message is accepted. The bar: a
// reject becomes a quarantine where its bounce would hit somebody innocent (null sender, a list, a
// virus, a score above bounce_max_score).
#ifndef POSTERN_POLICY_ENDING_H
#define POSTERN_POLICY_ENDING_H

#include "policy/reading.h"

enum { ENDING_REASON_MAX = 300 };

struct ending {
    enum verdict verdict;
    const char *rule; // borrowed from the rules; NULL: none
    char *reason;     // NULL: none
    const char *to;   // borrowed from the rules; NULL
    bool is_rejected;
};

void ending_of(const struct reading *reading, const struct reading_course *course,
               struct ending *ending_out);
void ending_clear(struct ending *ending);
// A verdict with which the message may yet go on as it is now: header edits count.
bool ending_keeps_edits(enum verdict verdict);

// While settling: can no pending result change what comes of this course?
bool ending_is_settled(const struct reading *reading, const struct reading_course *course);

#endif
