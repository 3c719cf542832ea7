// SPDX-License-Identifier: BSD-2-Clause
#include "policy/changes.h"

#include <string.h>

#include "base/glob.h"
#include "base/mem.h"
#include "policy/strip.h"

#define OWN_PREFIX "X-Postern-"

static bool
is_removed(const struct edit_list *edits, size_t from, struct span name)
{
    for (size_t i = from; i < edits->count; i++) {
        if (edits->items[i].op == EDIT_REMOVE && span_is_nocase(name, edits->items[i].name))
            return true;
    }
    return false;
}

// A name that is none cannot be asked for either: whoever reads mail does not see such a field.
static void
remove_field(struct edit_list *edits, struct span name)
{
    char *text;

    if (edits->count > CHANGES_MAX)
        return;
    text = mem_strndup(name.data, name.len);
    (void)edit_list_add(edits, EDIT_REMOVE, text, (struct span){NULL, 0}, 0, NULL);
    mem_free(&text);
}

// All fields of the message whose name matches, each once.
static void
remove_matching(const struct findings *findings, const char *glob, struct edit_list *edits)
{
    size_t from = edits->count;

    for (size_t i = 0; i < findings->header_count && edits->count <= CHANGES_MAX; i++) {
        struct span name = findings->headers[i].name;

        if (glob_match(span_of(glob), name) && !is_removed(edits, from, name))
            remove_field(edits, name);
    }
}

static bool
is_header_known(const struct findings *findings)
{
    return findings != NULL && findings->limit == LIMIT_NONE;
}

static void
remove_own(const struct decide_case *question, struct edit_list *edits)
{
    const struct rules *rules = question->rules;

    for (size_t i = 0; i < rules->own_header_count; i++) {
        if (!is_header_known(question->findings) ||
            findings_header(question->findings, rules->own_headers[i], 0) != NULL)
            remove_field(edits, span_of(rules->own_headers[i]));
    }
    if (question->findings != NULL)
        remove_matching(question->findings, OWN_PREFIX "*", edits);
}

static void
add_results(const struct decide_case *question, struct edit_list *edits)
{
    for (size_t i = 0; question->results != NULL && i < question->filter_count; i++)
        edit_list_append(edits, &question->results[i].edits);
}

static void
add_rule(const struct decide_case *question, const struct rule *rule, struct edit_list *edits)
{
    for (size_t i = 0; i < rule->remove_count; i++) {
        if (question->findings != NULL)
            remove_matching(question->findings, rule->remove[i], edits);
        if (!is_header_known(question->findings))
            remove_field(edits, span_of(rule->remove[i]));
    }
    edit_list_append(edits, &rule->edits);
}

static int
check_size(const struct edit_list *edits, struct err *err)
{
    size_t size = 0;

    for (size_t i = 0; i < edits->count; i++) {
        if (edits->items[i].value != NULL)
            size += strlen(edits->items[i].value);
        if (edits->items[i].name != NULL)
            size += strlen(edits->items[i].name);
    }
    if (edits->count > CHANGES_MAX || size > CHANGES_SIZE_MAX)
        return err_set(err, ERR_PERM, "more than %d changes, or %d bytes of them", CHANGES_MAX,
                       CHANGES_SIZE_MAX);
    return 0;
}

// Whoever lets the message go in spite of it gets past this rule.
static const char *
culprit_of(const struct reading *reading, const struct reading_course *course, bool is_strip)
{
    const struct rule *rules = reading->evidence.question->rules->items;

    for (size_t i = course->fired_count; i > 0; i--) {
        const struct rule *rule = &rules[course->fired[i - 1]];

        if (is_strip ? rule->strip_count > 0 : rule->edits.count + rule->remove_count > 0)
            return rule->name;
    }
    return reading_filter_rule(reading, CONDITION_DISSECT);
}

int
changes_make(const struct reading *reading, const struct reading_course *course,
             struct edit_list *edits_out, const char **rule_out, struct err *err)
{
    const struct decide_case *question = reading->evidence.question;
    bool is_strip;

    *edits_out = (struct edit_list){NULL, 0};
    if (!reading_is_skipped(reading, reading_filter_rule(reading, CONDITION_DISSECT)))
        remove_own(question, edits_out);
    add_results(question, edits_out);
    for (size_t i = 0; i < course->fired_count; i++)
        add_rule(question, &question->rules->items[course->fired[i]], edits_out);
    is_strip = strip_parts(reading, course, edits_out, err) != 0;
    if (!is_strip && check_size(edits_out, err) == 0)
        return 0;
    *rule_out = culprit_of(reading, course, is_strip);
    edit_list_clear(edits_out);
    return -1;
}
