// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/policy/story.h - a message's story in a line, and a decision as a line: for rows.
//
// A story is words: "virus@clamav=Eicar score=7 rspamd!failed on_error@rspamd=accept limit=depth
// from=a@b to=c@d header=Name:value part=name hit=0 skip=rule nolook". "_" stands for a blank in
// values. A decision: "0-1 quarantine rule (reason) >to {edits} !; 2 accept", "!" rejected.
#ifndef POSTERN_TESTS_UNIT_POLICY_STORY_H
#define POSTERN_TESTS_UNIT_POLICY_STORY_H

#include "tests/unit/policy/kit.h"

static inline size_t
story_find(const char *const *names, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++) {
        if (span_is(name, names[i]))
            return i;
    }
    fprintf(stderr, "story: %.*s\n", (int)name.len, name.data);
    CU_FAIL_FATAL("a word of a story is unknown");
    return 0;
}

static inline size_t
story_filter(struct span name)
{
    static const char *const names[] = {"clamav", "rspamd", "second"};

    return story_find(names, UNIT_COUNT(names), name);
}

static inline void
story_result(struct kit *kit, struct span filter, struct span kind)
{
    static const char *const kinds[] = {"pending",     "clean",  "hit",
                                        "unscannable", "failed", "skipped"};
    struct result *result = &kit->results[story_filter(filter)];

    result->kind = (enum result_kind)story_find(kinds, UNIT_COUNT(kinds), kind);
    if (result->kind == RESULT_FAILED || result->kind == RESULT_UNSCANNABLE)
        result_set_text(&result->reason, SPAN_LITERAL("why"));
}

static inline void
story_setting(struct kit *kit, const char *what, struct span filter, const char *value)
{
    static const char *const errors[] = {"defer", "accept", "quarantine", "rules"};
    static const char *const unscannables[] = {"quarantine", "hold", "accept"};
    struct span text = span_of(value);

    if (strcmp(what, "virus") == 0)
        kit_virus(kit, story_filter(filter), value);
    else if (strcmp(what, "on_error") == 0)
        kit->filters[story_filter(filter)].on_error =
            (int)story_find(errors, UNIT_COUNT(errors), text);
    else if (span_is(filter, "dissect"))
        kit->dissect.on_unscannable = (int)story_find(unscannables, UNIT_COUNT(unscannables), text);
    else
        kit->filters[story_filter(filter)].on_unscannable =
            (int)story_find(unscannables, UNIT_COUNT(unscannables), text);
}

static inline void
story_wish(struct kit *kit, size_t filter, struct span text)
{
    static const char *const wishes[] = {"none",  "accept",     "reject",
                                         "defer", "quarantine", "discard"};

    kit->results[filter].wish = (enum result_wish)story_find(wishes, UNIT_COUNT(wishes), text);
    result_set_text(&kit->results[filter].action, text);
}

static inline void
story_header(struct kit *kit, const char *text)
{
    struct span value = span_of(text);
    struct span name = span_cut(&value, ':');
    char *name_text = mem_strndup(name.data, name.len);

    kit_header(kit, name_text, value.data);
    mem_free(&name_text);
}

static inline void
story_edit(struct kit *kit, const char *name)
{
    CU_ASSERT(edit_list_add(&kit->results[KIT_RSPAMD].edits, EDIT_ADD, name,
                            SPAN_LITERAL("by filter"), 0, NULL) == 0);
}

static inline void
story_value(struct kit *kit, const char *what, char *value)
{
    if (strcmp(what, "score") == 0)
        kit_score(kit, strtod(value, NULL));
    else if (strcmp(what, "symbol") == 0)
        result_add_name(&kit->results[KIT_RSPAMD], span_of(value));
    else if (strcmp(what, "wish") == 0)
        story_wish(kit, KIT_RSPAMD, span_of(value));
    else if (strcmp(what, "wish2") == 0)
        story_wish(kit, KIT_SECOND, span_of(value));
    else if (strcmp(what, "edit") == 0)
        story_edit(kit, value);
    else if (strcmp(what, "limit") == 0)
        kit->findings->limit = (enum finding_limit)strtol(value, NULL, 10);
    else if (strcmp(what, "from") == 0)
        kit_from(kit, strcmp(value, "<>") == 0 ? "" : value);
    else if (strcmp(what, "to") == 0)
        kit_rcpt(kit, value);
    else if (strcmp(what, "header") == 0)
        story_header(kit, value);
    else if (strcmp(what, "part") == 0)
        kit_part(kit, value, 200, 300);
    else if (strcmp(what, "hit") == 0)
        kit_hit(kit, (uint32_t)strtol(value, NULL, 10), FINDING_ALL_RCPTS);
    else if (strcmp(what, "skip") == 0)
        kit->question.skip_rule = kit->skip_rule = mem_strdup(value);
    else if (strcmp(what, "bounce_max_score") == 0)
        result_set_text(&kit->policy.bounce_max_score, span_of(value));
    else
        (void)story_find(NULL, 0, span_of(what));
}

static inline void
story_word(struct kit *kit, struct span word)
{
    struct span value = word;
    struct span head = span_cut(&value, '=');
    struct span filter = head;
    struct span what = span_cut(&filter, '@');
    struct span kind = word;
    char *what_text = mem_strndup(what.data, what.len);
    char *value_text = mem_strndup(value.data, value.len);

    for (char *at = value_text; (at = strchr(at, '_')) != NULL;)
        *at = ' ';
    head = span_cut(&kind, '!');
    if (span_is(word, "nolook"))
        kit->question.findings = NULL;
    else if (span_is(word, "look_failed"))
        kit->question.look_failed = true;
    else if (span_is(word, "unasked"))
        kit->question.results = NULL;
    else if (kind.data != NULL)
        story_result(kit, head, kind);
    else if (filter.data != NULL)
        story_setting(kit, what_text, filter, value_text);
    else
        story_value(kit, what_text, value_text);
    mem_free(&what_text);
    mem_free(&value_text);
}

static inline void
story_tell(struct kit *kit, const char *story)
{
    struct span rest = span_of(story);

    while (rest.len > 0) {
        struct span word = span_cut(&rest, ' ');

        if (word.len > 0)
            story_word(kit, word);
    }
}

static inline void
story_edits(const struct edit_list *edits, struct buf *out)
{
    for (size_t i = 0; i < edits->count; i++) {
        const struct edit *edit = &edits->items[i];

        buf_printf(out, "%s%s", i > 0 ? ", " : " {", edit_op_name(edit->op));
        if (edit->op == EDIT_REPLACE)
            buf_printf(out, " %d+%d", (int)edit->offset, (int)edit->len);
        else if (edit->op != EDIT_PREFIX)
            buf_printf(out, " %s", edit->name);
    }
    buf_add_text(out, edits->count > 0 ? "}" : "");
}

static inline void
story_decision(const struct decision *decision, struct buf *out)
{
    for (size_t i = 0; i < decision->group_count; i++) {
        const struct decide_group *group = &decision->groups[i];

        buf_add_text(out, i > 0 ? "; " : "");
        ranges_format(&group->rcpts, out);
        buf_printf(out, " %s", verdict_name(group->verdict));
        if (group->rule != NULL)
            buf_printf(out, " %s", group->rule);
        if (group->reason != NULL)
            buf_printf(out, " (%s)", group->reason);
        if (group->to != NULL)
            buf_printf(out, " >%s", group->to);
        story_edits(&group->edits, out);
        buf_add_text(out, group->is_rejected ? " !" : "");
    }
    for (size_t i = 0; i < decision->copy_count; i++)
        buf_printf(out, "; copy %s %s", decision->copies[i].address, decision->copies[i].rule);
    for (size_t i = 0; i < decision->note_count; i++) {
        buf_add_text(out, "; note ");
        ranges_format(&decision->notes[i].rcpts, out);
        buf_printf(out, " %s: %s", decision->notes[i].rule, decision->notes[i].text);
    }
}

#endif
