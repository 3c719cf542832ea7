// SPDX-License-Identifier: BSD-2-Clause
#include "policy/condition.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "mime/pattern.h"

enum {
    FROM_FINDINGS = 1,
    FROM_FILTERS = 2,
    MAY_NAME_FILTER = 4, // "filter:value"
};

#define NO_TARGET PATTERN_TARGET_COUNT // no expression is possible

struct condition_type {
    const char *name;
    size_t offset;              // of the list
    enum pattern_target target; // of an expression
    unsigned flags;
};

#define TYPE(setting, target, flags)                                                               \
    {                                                                                              \
#setting, offsetof(struct rule_settings, setting), (target), (flags)                       \
    }

static const struct condition_type types[CONDITION_COUNT] = {
    [CONDITION_FROM] = TYPE(from, PATTERN_FROM, 0),
    [CONDITION_TO] = TYPE(to, PATTERN_TO, 0),
    [CONDITION_CLIENT] = TYPE(client, PATTERN_CLIENT_NAME, 0),
    [CONDITION_HELO] = TYPE(helo, PATTERN_HELO, 0),
    [CONDITION_USER] = TYPE(user, PATTERN_USER, 0),
    [CONDITION_SIZE] = TYPE(size, NO_TARGET, 0),
    [CONDITION_SCORE] = TYPE(score, NO_TARGET, FROM_FILTERS | MAY_NAME_FILTER),
    [CONDITION_VIRUS] = TYPE(virus, NO_TARGET, FROM_FILTERS | MAY_NAME_FILTER),
    [CONDITION_SYMBOL] = TYPE(symbol, NO_TARGET, FROM_FILTERS | MAY_NAME_FILTER),
    [CONDITION_RESULT] = TYPE(result, NO_TARGET, FROM_FILTERS | MAY_NAME_FILTER),
    [CONDITION_FAILED] = TYPE(failed, NO_TARGET, FROM_FILTERS),
    [CONDITION_UNSCANNABLE] = TYPE(unscannable, NO_TARGET, FROM_FILTERS),
    [CONDITION_ENCRYPTED] = TYPE(encrypted, NO_TARGET, FROM_FINDINGS),
    [CONDITION_DEFECT] = TYPE(defect, NO_TARGET, FROM_FINDINGS),
    [CONDITION_AUTH] = TYPE(auth, NO_TARGET, FROM_FINDINGS),
    [CONDITION_HEADER] = TYPE(header, PATTERN_HEADER, FROM_FINDINGS),
    [CONDITION_SUBJECT] = TYPE(subject, PATTERN_SUBJECT, FROM_FINDINGS),
    [CONDITION_MIME_TYPE] = TYPE(mime_type, PATTERN_MIME_TYPE, FROM_FINDINGS),
    [CONDITION_ATTACHMENT] = TYPE(attachment, PATTERN_ATTACHMENT, FROM_FINDINGS),
};

bool
condition_asks_filters(enum condition_kind kind)
{
    assert(kind < CONDITION_COUNT);
    return (types[kind].flags & FROM_FILTERS) != 0;
}

bool
condition_is_told_by(enum condition_kind kind, int filter_type)
{
    if (kind == CONDITION_VIRUS)
        return filter_type == FILTER_CLAMD;
    if (kind == CONDITION_SCORE || kind == CONDITION_SYMBOL)
        return filter_type == FILTER_RSPAMD;
    return condition_asks_filters(kind);
}

bool
condition_needs_findings(const struct condition *condition)
{
    for (size_t i = 0; i < condition->count; i++) {
        const struct condition_value *value = &condition->values[i];

        if ((types[condition->kind].flags & FROM_FINDINGS) != 0 || value->form == FORM_PATTERN ||
            (condition->kind == CONDITION_UNSCANNABLE && value->filter == CONDITION_DISSECT))
            return true;
    }
    return false;
}

// A condition that no filter can ever fill would look like protection.
static int
check_told(enum condition_kind kind, const struct condition_scope *scope, size_t filter,
           struct err *err)
{
    const char *name = types[kind].name;

    if (filter < CONDITION_ANY)
        return condition_is_told_by(kind, scope->filters[filter].type)
                   ? 0
                   : err_set(err, ERR_PERM, "filter \"%s\" tells of no %s",
                             scope->filters[filter].name, name);
    for (size_t i = 0; i < scope->filter_count; i++) {
        if (condition_is_told_by(kind, scope->filters[i].type))
            return 0;
    }
    return err_set(err, ERR_PERM, "there is no filter that tells of a %s", name);
}

// "filter:value"; "*:value" asks any, for values that hold a colon.
static int
take_filter(enum condition_kind kind, const struct condition_scope *scope, struct span *text,
            struct condition_value *value, struct err *err)
{
    struct span rest = *text;
    struct span name = span_cut(&rest, ':');

    value->filter = CONDITION_ANY;
    if (rest.data != NULL) {
        if (!span_is(name, "*") && condition_find_filter(scope, name, &value->filter, err) != 0)
            return -1;
        *text = rest;
    }
    return check_told(kind, scope, value->filter, err);
}

// "/.../" or "/.../i": 1 and the flag; 0: no expression.
static int
cut_expression(struct span *text, bool *ignore_case_out)
{
    const char *end;
    struct span flags;

    if (text->len < 2 || text->data[0] != '/')
        return 0;
    end = memrchr(text->data, '/', text->len);
    flags = span_skip(*text, (size_t)(end - text->data) + 1);
    if (end == text->data || !(flags.len == 0 || span_is(flags, "i")))
        return 0;
    *ignore_case_out = flags.len > 0;
    *text = span_from(text->data + 1, (size_t)(end - text->data) - 1);
    return 1;
}

static int
add_pattern(enum pattern_target target, struct span text, bool ignore_case,
            struct condition_scope *scope, struct condition_value *value, struct err *err)
{
    struct pattern *pattern;

    if (target == NO_TARGET)
        return err_set(err, ERR_PERM, "no expression can be asked for here");
    if (text.len > PATTERN_TEXT_MAX || text.len == 0 || scope->pattern_count == PATTERNS_MAX)
        return err_set(err, ERR_PERM, "expected at most %d expressions of 1 to %d bytes",
                       PATTERNS_MAX, PATTERN_TEXT_MAX);
    pattern = pattern_new(text, ignore_case, err);
    if (pattern == NULL)
        return -1;
    pattern_free(&pattern);
    value->form = FORM_PATTERN;
    value->pattern = (uint32_t)scope->pattern_count;
    value->text = mem_strndup(text.data, text.len);
    scope->patterns =
        mem_regrow(scope->patterns, scope->pattern_count + 1, sizeof(scope->patterns[0]));
    scope->patterns[scope->pattern_count++] = (struct pattern_spec){
        .target = target, .text = span_of(value->text), .ignore_case = ignore_case};
    return 0;
}

static int
compile_value(enum condition_kind kind, struct span text, struct condition_scope *scope,
              struct condition_value *value, struct err *err)
{
    const struct condition_type *type = &types[kind];
    bool ignore_case = false;

    value->is_negated = text.len > 0 && text.data[0] == '!';
    if (value->is_negated)
        text = span_trim(span_skip(text, 1));
    if (cut_expression(&text, &ignore_case) != 0)
        return add_pattern(type->target, text, ignore_case, scope, value, err);
    if ((type->flags & MAY_NAME_FILTER) != 0 && take_filter(kind, scope, &text, value, err) != 0)
        return -1;
    if (text.len == 0)
        return err_set(err, ERR_PERM, "a value is empty");
    return condition_value_parse(kind, text, scope, value, err);
}

static struct span *
spans_of(const struct setting_list *list, size_t *count_out)
{
    char **texts = list->items;
    struct span *spans = mem_zarray(list->count, sizeof(spans[0]));

    for (size_t i = 0; i < list->count; i++)
        spans[i] = span_of(texts[i]);
    *count_out = list->count;
    return spans;
}

// `encrypted` is no list: "" is none.
static struct span *
values_of(enum condition_kind kind, const struct rule_settings *settings, size_t *count_out)
{
    struct setting_list one = {(void *)&settings->encrypted, 1};

    if (kind != CONDITION_ENCRYPTED)
        return spans_of((const void *)((const char *)settings + types[kind].offset), count_out);
    if (settings->encrypted == NULL || settings->encrypted[0] == '\0')
        one.count = 0;
    return spans_of(&one, count_out);
}

int
condition_compile(enum condition_kind kind, const struct rule_settings *settings,
                  struct condition_scope *scope, struct condition *condition_out, struct err *err)
{
    size_t count;
    struct span *values = values_of(kind, settings, &count);
    int result = 0;

    *condition_out = (struct condition){.kind = kind, .memo = SIZE_MAX};
    if (count > 0 && (types[kind].flags & FROM_FINDINGS) != 0)
        condition_out->memo = scope->memo_count++;
    condition_out->values = mem_zarray(count, sizeof(condition_out->values[0]));
    for (; result == 0 && condition_out->count < count; condition_out->count++) {
        struct condition_value *value = &condition_out->values[condition_out->count];

        result = compile_value(kind, span_trim(values[condition_out->count]), scope, value, err);
    }
    mem_free(&values);
    return result == 0 ? 0 : err_prefix(err, "%s", types[kind].name);
}

void
condition_clear(struct condition *condition)
{
    for (size_t i = 0; i < condition->count; i++) {
        mem_free(&condition->values[i].text);
        mem_free(&condition->values[i].name);
    }
    mem_free(&condition->values);
    condition->count = 0;
}
