// SPDX-License-Identifier: BSD-2-Clause
// policy/settings.h - rule "NAME" { ... } as it is written, and the global settings of deciding.
#ifndef POSTERN_POLICY_SETTINGS_H
#define POSTERN_POLICY_SETTINGS_H

#include "base/setting.h"

// All conditions and edits are lists of texts (struct setting_list of char *); an empty list means
// that nothing is asked, so no condition may be written with one. policy/rule.h gives them their
// meaning.
struct rule_settings {
    char *name; // the title; [0-9A-Za-z_.-], at most 64
    // Conditions.
    struct setting_list from, to, client, helo, user, header, subject, size, attachment, mime_type,
        virus, score, symbol, defect, auth, result, failed, unscannable;
    char *encrypted; // "" | yes | no
    // What follows.
    char *action;   // "" | accept | quarantine | reject | discard | defer | hold | redirect
    char *reason;   // [""] for the journal, the log, and the reply of a reject
    char *redirect; // address: action = redirect
    struct setting_list add_header, set_header, remove_header; // "Name: value"; globs of names
    char *subject_prefix;
    struct setting_list copy_to; // addresses
    struct setting_list strip;   // globs of attachments' names
    bool dry_run;
};

struct policy_settings { // global
    uint64_t deadline;   // ms for looking and asking together [120s]
    char
        *bounce_max_score; // a reject above it is quarantined: a bounce would hit somebody innocent
                           // ["10"]
    char *authserv_id;     // whose Authentication-Results are believed ["" = hostname]
};

enum { RULES_MAX = 1000 };

extern const struct setting_row rule_rows[];
extern const size_t rule_row_count;
extern const struct setting_row policy_rows[];
extern const size_t policy_row_count;

void rule_settings_init(struct rule_settings *settings, const char *name);
void rule_settings_clear(struct rule_settings *settings);
// What rows cannot tell: bounce_max_score is a number. PERM with the setting's name.
int policy_settings_check(const struct policy_settings *settings, struct err *err);

#endif
