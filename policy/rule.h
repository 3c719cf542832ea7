// SPDX-License-Identifier: BSD-2-Clause
// policy/rule.h - rules compiled: conditions that can be asked, edits that can be made. Pure.
//
// All conditions of a rule must hold; within a list any. A value is a glob (* ? [..], case
// ignored), a range ("6..15", "15..", "..1M"), a network, a name of a list that is given, or an
// expression "/.../i", which is numbered here and tried where content is read: only its hits are
// known here. "!" in front turns a value round; a rule's value "filter:value" asks one filter only.
#ifndef POSTERN_POLICY_RULE_H
#define POSTERN_POLICY_RULE_H

#include "filters/settings.h"
#include "mime/query.h"
#include "policy/settings.h"

struct rule;

struct rules { // of one configuration
    struct rule *items;
    size_t count;
    struct pattern_spec *patterns; // numbered over all rules
    size_t pattern_count;
    char **own_headers; // "X-..." names that rules add or set: incoming copies are removed
    size_t own_header_count;
    // What acts where no rule does: "filter:NAME", as filters, and behind them "filter:dissect".
    char **filter_rules;
    size_t filter_count; // of filters
    size_t memo_count;   // conditions that findings alone answer
    bool needs_findings;
};

// filters: for names in conditions. PERM, "RULE-SETTING: ..." with *rule_out the index of the rule:
// an unknown filter, defect or action, a bad range, network or address, an expression where none is
// possible (virus, score, ...), a condition that cannot hold, an edit that is none.
int rules_compile(const struct rule_settings *settings, size_t count,
                  const struct filter_settings *filters, size_t filter_count,
                  struct rules *rules_out, size_t *rule_out, struct err *err);
void rules_clear(struct rules *rules);
const char *rules_name(const struct rules *rules, size_t index);
size_t rules_find(const struct rules *rules, const char *name); // SIZE_MAX

#endif
