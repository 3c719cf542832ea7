// SPDX-License-Identifier: BSD-2-Clause
#include "policy/settings.h"

#include <stddef.h>

#include "base/mem.h"
#include "policy/match.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define RULE(member) offsetof(struct rule_settings, member)
#define POLICY(member) offsetof(struct policy_settings, member)

// Conditions and edits: all are lists of texts.
#define TEXTS_FROM(member, text, least)                                                            \
    {                                                                                              \
        .name = #member, .type = SETTING_TEXTS, .offset = RULE(member), .min = (least),            \
        .max = 10000, .initial = "", .help = (text),                                               \
    }

// A condition that is written with nothing in it would ask for nothing: the rule would mean all
// mail.
#define ASKED(member, text) TEXTS_FROM(member, text, 1)
#define TEXTS(member, text) TEXTS_FROM(member, text, 0)

const struct setting_row rule_rows[] = {
    ASKED(from, "Sender, as globs; \"<>\" is the null sender."),
    ASKED(to, "Recipient, as globs."),
    ASKED(client, "Client's network, or globs of its name."),
    ASKED(helo, "What the client called itself."),
    ASKED(user, "Who logged in."),
    ASKED(header, "\"Name: glob\": a field of the header."),
    ASKED(subject, "The subject, decoded."),
    ASKED(size, "Range of the message's size: \"10M..\"."),
    ASKED(attachment, "Any name of any part, members of archives too."),
    ASKED(mime_type, "Declared or found by looking at the bytes."),
    ASKED(virus, "Name of a virus that a filter found."),
    ASKED(score, "Range: \"6..15\"; \"filter:6..\" asks one filter, else the highest counts."),
    ASKED(symbol, "Name of a filter's symbol."),
    ASKED(defect, "Name of an oddity, \"ambiguous\", or \"*\"."),
    ASKED(auth, "\"dkim=pass\" and the like, from Authentication-Results that are ours."),
    ASKED(result, "\"filter:reject\": what a filter said, or wished."),
    ASKED(failed, "Filters that gave no answer."),
    ASKED(unscannable, "Filters that could not scan it; \"dissect\": nobody could read it."),
    {
                                                                                         .name = "encrypted",
                                                                                         .type = SETTING_TEXT,
                                                                                         .offset = RULE(encrypted),
                                                                                         .max = 3,
                                                                                         .initial = "",
                                                                                         .help = "yes: something inside is encrypted; no: nothing is.",
                                                                                         },
    {
                                                                                         .name = "action",
                                                                                         .type = SETTING_TEXT,
                                                                                         .offset = RULE(action),
                                                                                         .max = 16,
                                                                                         .initial = "",
                                                                                         .help =
            "accept, quarantine, reject, discard, defer, hold or redirect; empty: go on reading.", },
    {
                                                                                         .name = "reason",
                                                                                         .type = SETTING_TEXT,
                                                                                         .offset = RULE(reason),
                                                                                         .max = 200,
                                                                                         .initial = "",
                                                                                         .help = "For journal, log and the reply of a reject.",
                                                                                         },
    {
                                                                                         .name = "redirect",
                                                                                         .type = SETTING_TEXT,
                                                                                         .offset = RULE(redirect),
                                                                                         .max = 512,
                                                                                         .initial = "",
                                                                                         .help = "The address for action = redirect.",
                                                                                         },
    TEXTS(add_header, "\"Name: value\": a field to add."),
    TEXTS(set_header, "\"Name: value\": a field to put in place of those of that name."),
    TEXTS(remove_header, "Names of fields to remove, as globs."),
    {
                                                                                         .name = "subject_prefix",
                                                                                         .type = SETTING_TEXT,
                                                                                         .offset = RULE(subject_prefix),
                                                                                         .max = 200,
                                                                                         .initial = "",
                                                                                         .help = "Text in front of the subject.",
                                                                                         },
    TEXTS(copy_to, "Addresses that get a copy."),
    TEXTS(strip, "Names of attachments to remove, as globs."),
    {
                                                                                         .name = "dry_run",
                                                                                         .type = SETTING_BOOL,
                                                                                         .offset = RULE(dry_run),
                                                                                         .initial = "no",
                                                                                         .help = "Only log what the rule would have done.",
                                                                                         },
};

const size_t rule_row_count = COUNT(rule_rows);

const struct setting_row policy_rows[] = {
    {
     .name = "deadline",
     .type = SETTING_TIME,
     .offset = POLICY(deadline),
     .min = 1000,
     .max = 590000,
     .initial = "120s",
     .help = "Time for looking into a message and asking all filters about it.",
     },
    {
     .name = "bounce_max_score",
     .type = SETTING_TEXT,
     .offset = POLICY(bounce_max_score),
     .min = 1,
     .max = 16,
     .initial = "10",
     .help = "Above it a reject becomes a quarantine: its bounce would hit somebody innocent.",
     },
    {
     .name = "authserv_id",
     .type = SETTING_TEXT,
     .offset = POLICY(authserv_id),
     .max = 255,
     .initial = "",
     .help = "Whose Authentication-Results are believed; empty: hostname.",
     },
};

const size_t policy_row_count = COUNT(policy_rows);

void
rule_settings_init(struct rule_settings *settings, const char *name)
{
    *settings = (struct rule_settings){0};
    setting_defaults(rule_rows, rule_row_count, settings);
    settings->name = mem_strdup(name);
}

void
rule_settings_clear(struct rule_settings *settings)
{
    setting_clear(rule_rows, rule_row_count, settings);
    mem_free(&settings->name);
}

int
policy_settings_check(const struct policy_settings *settings, struct err *err)
{
    double score;

    if (match_number_parse(span_of(settings->bounce_max_score), &score) == 0)
        return 0;
    return err_set(err, ERR_PERM, "bounce_max_score: expected a number, not \"%s\"",
                   settings->bounce_max_score);
}
