// SPDX-License-Identifier: BSD-2-Clause
// policy/condition.h - one condition of a rule, compiled: what its values mean. Private to rules.
// Pure.
//
// Owns: its texts; patterns' texts are borrowed by the list of patterns.
#ifndef POSTERN_POLICY_CONDITION_H
#define POSTERN_POLICY_CONDITION_H

#include "filters/settings.h"
#include "mime/findings.h"
#include "mime/query.h"
#include "policy/match.h"
#include "policy/settings.h"

// Those that cost little are asked first.
enum condition_kind {
    CONDITION_FROM,
    CONDITION_TO,
    CONDITION_CLIENT,
    CONDITION_HELO,
    CONDITION_USER,
    CONDITION_SIZE,
    CONDITION_SCORE,
    CONDITION_VIRUS,
    CONDITION_SYMBOL,
    CONDITION_RESULT,
    CONDITION_FAILED,
    CONDITION_UNSCANNABLE,
    CONDITION_ENCRYPTED,
    CONDITION_DEFECT,
    CONDITION_AUTH,
    CONDITION_HEADER,
    CONDITION_SUBJECT,
    CONDITION_MIME_TYPE,
    CONDITION_ATTACHMENT,
    CONDITION_COUNT
};

// In place of a filter's index.
enum { CONDITION_ANY = FILTERS_MAX, CONDITION_DISSECT };

enum condition_form {
    FORM_GLOB,
    FORM_PATTERN, // an expression: its hits are findings
    FORM_NET,
    FORM_RANGE,
    FORM_DEFECT,
    FORM_YES,
    FORM_NO
};

struct condition_value {
    bool is_negated;
    enum condition_form form;
    char *text;       // glob, or the expression without slashes
    char *name;       // glob of a header's name; of an authentication method
    size_t filter;    // its index; CONDITION_ANY, CONDITION_DISSECT
    uint32_t pattern; // number
    int defect;       // enum finding_defect; DEFECT_AMBIGUOUS: any of those; DEFECT_COUNT: any
    struct match_range range;
    struct net net;
};

struct condition {
    enum condition_kind kind;
    struct condition_value *values;
    size_t count;
    size_t memo; // its number among those that findings alone answer; SIZE_MAX: none of these
};

struct condition_scope { // what the rules of one configuration share
    const struct filter_settings *filters;
    size_t filter_count;
    struct pattern_spec *patterns; // grows
    size_t pattern_count;
    size_t memo_count;
};

bool condition_needs_findings(const struct condition *condition);
bool condition_asks_filters(enum condition_kind kind);
// Can a filter of that type (enum filter_type_index) say what the condition asks for?
bool condition_is_told_by(enum condition_kind kind, int filter_type);

// condition_value.c: text, not empty, is what stands there without "!", a filter's name, slashes.
int condition_value_parse(enum condition_kind kind, struct span text,
                          const struct condition_scope *scope, struct condition_value *value,
                          struct err *err);
int condition_find_filter(const struct condition_scope *scope, struct span name, size_t *index_out,
                          struct err *err);

// The values of that kind in a rule as it is written; count 0: nothing is asked. PERM with the name
// of the setting and what was expected; condition_clear then, too.
int condition_compile(enum condition_kind kind, const struct rule_settings *settings,
                      struct condition_scope *scope, struct condition *condition_out,
                      struct err *err);
void condition_clear(struct condition *condition);

#endif
