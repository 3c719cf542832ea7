// SPDX-License-Identifier: BSD-2-Clause
#include "policy/rule.h"

#include <string.h>

#include "base/mem.h"
#include "policy/rule_private.h"
#include "smtp/path.h"

enum { QUOTE_MAX = 100, SUMMARY_MAX = 400 };

static struct span
text_at(const struct setting_list *list, size_t index)
{
    char *const *texts = list->items;

    return span_of(texts[index]);
}

static char **
copy_texts(const struct setting_list *list)
{
    char **copies = mem_zarray(list->count, sizeof(copies[0]));

    for (size_t i = 0; i < list->count; i++) {
        struct span text = text_at(list, i);

        copies[i] = mem_strndup(text.data, text.len);
    }
    return copies;
}

static void
clear_texts(char ***texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mem_free(&(*texts)[i]);
    mem_free(texts);
}

static int
compile_conditions(const struct rule_settings *settings, struct condition_scope *scope,
                   struct rule *rule, struct err *err)
{
    rule->conditions = mem_zarray(CONDITION_COUNT, sizeof(rule->conditions[0]));
    for (int kind = 0; kind < CONDITION_COUNT; kind++) {
        struct condition *condition = &rule->conditions[rule->condition_count];
        int result = condition_compile((enum condition_kind)kind, settings, scope, condition, err);

        rule->condition_count++;
        if (result != 0)
            return -1;
        if (condition->count > 0) {
            rule->asks_filters |= condition_asks_filters(condition->kind);
            rule->asks_rcpt |= condition->kind == CONDITION_TO;
        } else {
            condition_clear(condition);
            rule->condition_count--;
        }
    }
    return 0;
}

static int
check_address(const char *setting, struct span address, struct err *err)
{
    struct path_rules rules = {.smtputf8 = true};
    char *text = mem_printf("<%.*s>", (int)address.len, address.data);
    struct path path;
    enum path_result result = path_parse(span_of(text), &rules, &path);
    bool is_good = result == PATH_OK && path.rest.len == 0 && path.text.len == address.len;

    mem_free(&text);
    if (is_good)
        return 0;
    return err_set(err, ERR_PERM, "%s: expected an address, not \"%.*s\"", setting,
                   (int)(address.len < QUOTE_MAX ? address.len : QUOTE_MAX), address.data);
}

static int
compile_verdict(const struct rule_settings *settings, struct rule *rule, struct err *err)
{
    struct span action = span_of(settings->action);
    struct span to = span_of(settings->redirect);

    if (action.len > 0) {
        rule->verdict = verdict_find(action);
        if (rule->verdict == VERDICT_NONE)
            return err_set(err, ERR_PERM,
                           "action: expected accept, quarantine, reject, discard, defer, hold or "
                           "redirect, not \"%s\"",
                           settings->action);
    }
    if ((rule->verdict == VERDICT_REDIRECT) != (to.len > 0))
        return err_set(err, ERR_PERM, "redirect: goes with action = redirect, and that with it");
    if (to.len > 0 && check_address("redirect", to, err) != 0)
        return -1;
    rule->to = to.len > 0 ? mem_strndup(to.data, to.len) : NULL;
    if (settings->reason != NULL && settings->reason[0] != '\0')
        rule->reason = mem_strdup(settings->reason);
    return 0;
}

// "Name: value".
static int
add_field(const char *setting, enum edit_op op, struct span text, struct edit_list *edits,
          struct err *err)
{
    struct span value = text;
    struct span name = span_trim(span_cut(&value, ':'));
    char *name_text;
    int result;

    if (value.data == NULL)
        return err_set(err, ERR_PERM, "%s: expected \"Name: value\", not \"%.*s\"", setting,
                       (int)(text.len < QUOTE_MAX ? text.len : QUOTE_MAX), text.data);
    name_text = mem_strndup(name.data, name.len);
    result = edit_list_add(edits, op, name_text, span_trim(value), 0, err);
    mem_free(&name_text);
    return result == 0 ? 0 : err_prefix(err, "%s", setting);
}

static int
compile_edits(const struct rule_settings *settings, struct rule *rule, struct err *err)
{
    struct span prefix = span_of(settings->subject_prefix);

    rule->remove = copy_texts(&settings->remove_header);
    rule->remove_count = settings->remove_header.count;
    rule->strip = copy_texts(&settings->strip);
    rule->strip_count = settings->strip.count;
    rule->copies = copy_texts(&settings->copy_to);
    rule->copy_count = settings->copy_to.count;
    for (size_t i = 0; i < settings->set_header.count; i++) {
        if (add_field("set_header", EDIT_SET, text_at(&settings->set_header, i), &rule->edits,
                      err) != 0)
            return -1;
    }
    for (size_t i = 0; i < settings->add_header.count; i++) {
        if (add_field("add_header", EDIT_ADD, text_at(&settings->add_header, i), &rule->edits,
                      err) != 0)
            return -1;
    }
    if (prefix.len > 0 && edit_list_add(&rule->edits, EDIT_PREFIX, NULL, prefix, 0, err) != 0)
        return err_prefix(err, "subject_prefix");
    for (size_t i = 0; i < settings->copy_to.count; i++) {
        if (check_address("copy_to", text_at(&settings->copy_to, i), err) != 0)
            return -1;
    }
    return 0;
}

static int
check_effect(const struct rule *rule, struct err *err)
{
    if (rule->verdict == VERDICT_NONE &&
        rule->edits.count + rule->remove_count + rule->strip_count + rule->copy_count == 0)
        return err_set(err, ERR_PERM, "action: the rule does nothing");
    return 0;
}

static void
add_item(struct buf *out, const char *what, struct span value)
{
    if (out->len > 0)
        buf_add_text(out, ", ");
    buf_add_text(out, what);
    if (value.len > 0)
        buf_add_char(out, ' ');
    buf_add_span(out, value);
}

static void
add_list(struct buf *out, const char *what, const struct setting_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        add_item(out, what, text_at(list, i));
}

static char *
summary_of(const struct rule *rule, const struct rule_settings *settings)
{
    struct buf all, cut;
    char *summary;

    buf_init(&all, (size_t)1 << 26);
    buf_init(&cut, SUMMARY_MAX);
    if (rule->verdict != VERDICT_NONE)
        add_item(&all, verdict_name(rule->verdict), span_of(rule->to));
    add_list(&all, "remove_header", &settings->remove_header);
    add_list(&all, "set_header", &settings->set_header);
    add_list(&all, "add_header", &settings->add_header);
    if (settings->subject_prefix != NULL && settings->subject_prefix[0] != '\0')
        add_item(&all, "subject_prefix", span_of(settings->subject_prefix));
    add_list(&all, "copy_to", &settings->copy_to);
    add_list(&all, "strip", &settings->strip);
    str_escape(&cut, buf_span(&all), NULL, SUMMARY_MAX);
    summary = mem_strndup(cut.data, cut.len);
    buf_clear(&all);
    buf_clear(&cut);
    return summary;
}

static int
compile_rule(const struct rule_settings *settings, struct condition_scope *scope, struct rule *rule,
             struct err *err)
{
    rule->name = mem_strdup(settings->name);
    rule->dry_run = settings->dry_run;
    if (compile_conditions(settings, scope, rule, err) != 0 ||
        compile_verdict(settings, rule, err) != 0 || compile_edits(settings, rule, err) != 0 ||
        check_effect(rule, err) != 0)
        return -1;
    rule->summary = summary_of(rule, settings);
    return 0;
}

static bool
is_own(const struct rules *rules, const char *name)
{
    for (size_t i = 0; i < rules->own_header_count; i++) {
        if (span_is_nocase(span_of(name), rules->own_headers[i]))
            return true;
    }
    return false;
}

// Only names that nobody else relies on: a rule that sets Reply-To for some mail must not cost all
// other mail its own.
static void
learn_own_headers(const struct rule *rule, struct rules *rules)
{
    for (size_t i = 0; i < rule->edits.count; i++) {
        const struct edit *edit = &rule->edits.items[i];

        if (edit->op == EDIT_PREFIX || !span_starts_nocase(span_of(edit->name), "X-") ||
            is_own(rules, edit->name))
            continue;
        rules->own_headers = mem_regrow(rules->own_headers, rules->own_header_count + 1,
                                        sizeof(rules->own_headers[0]));
        rules->own_headers[rules->own_header_count++] = mem_strdup(edit->name);
    }
}

static bool
needs_findings(const struct rule *rule)
{
    for (size_t i = 0; i < rule->remove_count; i++) {
        if (strpbrk(rule->remove[i], "*?[\\") != NULL)
            return true;
    }
    for (size_t i = 0; i < rule->condition_count; i++) {
        if (condition_needs_findings(&rule->conditions[i]))
            return true;
    }
    return rule->strip_count > 0;
}

static void
name_filters(const struct condition_scope *scope, struct rules *rules)
{
    rules->filter_count = scope->filter_count;
    rules->filter_rules = mem_zarray(scope->filter_count + 1, sizeof(rules->filter_rules[0]));
    for (size_t i = 0; i < scope->filter_count; i++)
        rules->filter_rules[i] = mem_printf("filter:%s", scope->filters[i].name);
    rules->filter_rules[scope->filter_count] = mem_strdup("filter:dissect");
}

int
rules_compile(const struct rule_settings *settings, size_t count,
              const struct filter_settings *filters, size_t filter_count, struct rules *rules_out,
              size_t *rule_out, struct err *err)
{
    struct condition_scope scope = {.filters = filters, .filter_count = filter_count};
    int result = 0;

    *rules_out = (struct rules){.items = mem_zarray(count, sizeof(rules_out->items[0]))};
    name_filters(&scope, rules_out);
    for (size_t i = 0; i < count && result == 0; i++) {
        struct rule *rule = &rules_out->items[rules_out->count++];

        *rule_out = i;
        result = compile_rule(&settings[i], &scope, rule, err);
        learn_own_headers(rule, rules_out);
        rules_out->needs_findings |= needs_findings(rule);
    }
    rules_out->patterns = scope.patterns;
    rules_out->pattern_count = scope.pattern_count;
    rules_out->memo_count = scope.memo_count;
    if (result != 0)
        rules_clear(rules_out);
    return result;
}

static void
clear_rule(struct rule *rule)
{
    for (size_t i = 0; i < rule->condition_count; i++)
        condition_clear(&rule->conditions[i]);
    mem_free(&rule->conditions);
    edit_list_clear(&rule->edits);
    clear_texts(&rule->remove, rule->remove_count);
    clear_texts(&rule->copies, rule->copy_count);
    clear_texts(&rule->strip, rule->strip_count);
    mem_free(&rule->name);
    mem_free(&rule->reason);
    mem_free(&rule->to);
    mem_free(&rule->summary);
}

void
rules_clear(struct rules *rules)
{
    for (size_t i = 0; i < rules->count; i++)
        clear_rule(&rules->items[i]);
    mem_free(&rules->items);
    mem_free(&rules->patterns);
    clear_texts(&rules->own_headers, rules->own_header_count);
    clear_texts(&rules->filter_rules, rules->filter_rules == NULL ? 0 : rules->filter_count + 1);
    *rules = (struct rules){.items = NULL};
}

const char *
rules_name(const struct rules *rules, size_t index)
{
    return index < rules->count ? rules->items[index].name : NULL;
}

size_t
rules_find(const struct rules *rules, const char *name)
{
    for (size_t i = 0; i < rules->count; i++) {
        if (strcmp(rules->items[i].name, name) == 0)
            return i;
    }
    return SIZE_MAX;
}
