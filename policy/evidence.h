// SPDX-License-Identifier: BSD-2-Clause
// policy/evidence.h - all that is known about a message, and whether a condition holds against it.
// Private to deciding. Pure.
//
// Three answers. "Cannot tell" says who could: filters that are pending, failed or could not scan
// it, and the dissector where nobody looked or a limit cut the look short. A value that holds
// anyway holds, whoever is silent.
#ifndef POSTERN_POLICY_EVIDENCE_H
#define POSTERN_POLICY_EVIDENCE_H

#include "policy/authres.h"
#include "policy/condition.h"
#include "policy/decide.h"
#include "policy/origin.h"

enum answer_kind { ANSWER_NO, ANSWER_YES, ANSWER_UNKNOWN };

struct answer {
    enum answer_kind kind;
    uint64_t causes; // UNKNOWN: bits of filters' indexes, CONDITION_DISSECT too
};

struct evidence {
    const struct decide_case *question;
    bool is_settling; // pending results may still become anything; else they count as failed
    struct origin origin;
    struct authres authres;
};

void evidence_init(struct evidence *evidence, const struct decide_case *question, bool is_settling);
void evidence_clear(struct evidence *evidence);

// rcpt counts for `to` alone.
struct answer evidence_ask(const struct evidence *evidence, const struct condition *condition,
                           size_t rcpt);

// What a filter said; PENDING only while settling.
enum result_kind evidence_result_kind(const struct evidence *evidence, size_t filter);
// The highest score of all filters; NAN: none.
double evidence_score(const struct evidence *evidence);
// The first filter that found a virus; SIZE_MAX: none.
size_t evidence_virus(const struct evidence *evidence);
// Does the message say of itself that it is a list's, or is its sender like one?
bool evidence_is_list(const struct evidence *evidence);

// One value, not negated. evidence_results.c and evidence_findings.c.
struct answer evidence_results_ask(const struct evidence *evidence, enum condition_kind kind,
                                   const struct condition_value *value);
struct answer evidence_findings_ask(const struct evidence *evidence, enum condition_kind kind,
                                    const struct condition_value *value);

struct answer evidence_answer(bool is_so);                     // YES or NO
struct answer evidence_answer_or(bool is_so, uint64_t causes); // YES; UNKNOWN if causes; NO

#endif
