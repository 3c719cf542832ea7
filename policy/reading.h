// SPDX-License-Identifier: BSD-2-Clause
// policy/reading.h - reads the rules in order for one recipient after another. Private to deciding.
// Pure.
//
// What does not depend on the recipient is asked once for all of them, and only when reading gets
// there.
#ifndef POSTERN_POLICY_READING_H
#define POSTERN_POLICY_READING_H

#include "policy/evidence.h"
#include "policy/rule_private.h"

enum { READING_CAUSES = CONDITION_DISSECT + 1 };

enum reading_stop {
    READ_TO_END,      // no rule had a verdict
    READ_VERDICT,     // the last that fired had
    READ_CANNOT_TELL, // a rule could not be answered, and its filter's setting says to stop
    READ_OPEN         // settling: it depends on a result that is pending
};

struct reading_course { // what reading came to
    enum reading_stop stop;
    size_t cause;    // CANNOT_TELL: a filter's index, or CONDITION_DISSECT
    bool stands_in;  // a rule that is skipped would have acted on what filters said: so nobody else
                     // does
    uint16_t *fired; // rules that apply, in order; borrowed from the reading until the next course
    size_t fired_count;
    uint16_t *dry; // that would have, but for dry_run
    size_t dry_count;
};

struct reading_rule; // what is known of one rule already

struct reading {
    struct evidence evidence;
    enum verdict effect[READING_CAUSES]; // of each silent one: DEFER, HOLD, QUARANTINE; NONE: none
    uint64_t stops, opens;               // bits of those that have an effect; that are pending
    struct reading_rule *rules;
    uint16_t *fired, *dry;
};

void reading_init(struct reading *reading, const struct decide_case *question, bool is_settling);
void reading_clear(struct reading *reading);
void reading_course(struct reading *reading, size_t rcpt, struct reading_course *course_out);

// Of several that could not tell, the one whose setting counts: to defer before to hold before to
// quarantine, then the first. SIZE_MAX: none of these bits has an effect.
size_t reading_worst(const struct reading *reading, uint64_t causes);
// Is it the rule that a released message is not to meet again? name: into the rules.
bool reading_is_skipped(const struct reading *reading, const char *name);
// The name under which a silent filter, or one that acts by itself, goes: "filter:NAME".
const char *reading_filter_rule(const struct reading *reading, size_t cause);

#endif
