// SPDX-License-Identifier: BSD-2-Clause
// policy/rule_private.h - the inside of a compiled rule, for those who read rules. Private.
#ifndef POSTERN_POLICY_RULE_PRIVATE_H
#define POSTERN_POLICY_RULE_PRIVATE_H

#include "mime/edits.h"
#include "policy/condition.h"
#include "policy/rule.h"
#include "spool/state.h"

struct rule {
    char *name;
    struct condition *conditions;
    size_t condition_count;
    bool asks_filters; // some condition does
    bool asks_rcpt;    // `to` is there: the answer differs between recipients

    enum verdict verdict;   // VERDICT_NONE: reading goes on
    char *reason;           // NULL: none
    char *to;               // VERDICT_REDIRECT
    struct edit_list edits; // to set, to add, prefix
    char **remove;          // globs of fields' names
    size_t remove_count;
    char **copies; // addresses
    size_t copy_count;
    char **strip; // globs of file names
    size_t strip_count;
    bool dry_run;
    char *summary; // what it does, for notes of a dry run
};

#endif
