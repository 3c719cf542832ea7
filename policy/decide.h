// SPDX-License-Identifier: BSD-2-Clause
// policy/decide.h - findings, results, envelope and rules in; a verdict for each recipient out.
// Pure.
//
// Reads the rules in order for each recipient, with three answers for a condition: holds, holds
// not, cannot tell (a filter is pending or failed, nobody looked). delivery.md's "Results and
// rules" is the law here; each of its sentences is a row in the unit test.
#ifndef POSTERN_POLICY_DECIDE_H
#define POSTERN_POLICY_DECIDE_H

#include "filters/result.h"
#include "mime/findings.h"
#include "policy/rule.h"
#include "smtp/envelope.h"
#include "spool/ranges.h"
#include "spool/state.h"

struct decide_case { // all borrowed
    const struct rules *rules;
    const struct setting_list *use_rules; // the listener's: names (char *); NULL or empty: all
    const char *skip_rule;                // a released message's, parted by commas; NULL
    const struct policy_settings *policy;
    const struct dissect_settings *dissect;
    const struct filter_settings *filters;
    const struct result *results; // as filters; NULL: nobody was asked (all pending)
    size_t filter_count;
    const struct findings *findings; // NULL: nobody looked (is_unlooked says why)
    bool look_failed;                // no dissector was to be had: defer
    const struct smtp_envelope *envelope;
    uint64_t len;         // of the message
    const char *hostname; // ours
    // NULL, or rules->memo_count bytes, zero at first: what the findings answered, kept for the
    // next call about the same message.
    unsigned char *memo;
};

struct decide_group { // recipients whose verdict and all that follows from it is the same
    struct ranges rcpts;
    enum verdict verdict;
    const char *rule; // into the rules: a name, or "filter:NAME" where none had a verdict (a virus,
                      // a wish, on_error, on_unscannable; NAME dissect: the look). NULL: accepted
    char *reason;     // NULL: none
    char *to;         // redirect: the address; NULL
    struct edit_list edits; // of what may go on as it is: accept, redirect, hold
    bool is_virus;
    double score;     // the highest of all filters; NAN: none
    bool is_rejected; // quarantined, since a reject would have bounced to somebody innocent
};

struct decide_copy { // copy_to
    char *address;
    const char *rule;
};

struct decide_note { // dry_run: what a rule would have done
    struct ranges rcpts;
    const char *rule;
    char *text; // "quarantine", "add_header X-Spam-Flag: YES"
};

struct decision {
    struct decide_group *groups;
    size_t group_count;
    struct decide_copy *copies;
    size_t copy_count;
    struct decide_note *notes;
    size_t note_count;
};

// Pending results count as failed with reason "not asked".
void decide(const struct decide_case *question, struct decision *decision_out);
void decision_clear(struct decision *decision);

// Would the decision be the same whatever the pending results turn out to be? Edits and copies that
// pending results could still add count, too.
bool decide_is_settled(const struct decide_case *question);

#endif
