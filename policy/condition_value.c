// SPDX-License-Identifier: BSD-2-Clause
// What stands in a value, by kind of condition.
#include "policy/condition.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

enum { QUOTE_MAX = 100 };

typedef int parse_value(const struct condition_scope *scope, struct span text,
                        struct condition_value *value, struct err *err);

static int
quote_len(struct span text)
{
    return (int)(text.len < QUOTE_MAX ? text.len : QUOTE_MAX);
}

static void
set_text(char **member, struct span text)
{
    *member = mem_strndup(text.data, text.len);
}

// What counts at the beginning of a value alone would make a glob here that nothing matches, and a
// rule that looks like protection.
static int
check_begin(struct span text, struct err *err)
{
    if (text.data[0] == '!')
        return err_set(err, ERR_PERM, "expected \"!\" in front of all of the value, or \"\\!\"");
    if (text.data[0] == '/' && memchr(text.data + 1, '/', text.len - 1) != NULL)
        return err_set(err, ERR_PERM,
                       "expected \"/.../\" or \"/.../i\" for all of the value, or \"\\/\"");
    return 0;
}

static int
parse_glob(const struct condition_scope *scope, struct span text, struct condition_value *value,
           struct err *err)
{
    (void)scope;
    (void)err;
    set_text(&value->text, text);
    return 0;
}

// ".example.com" is what lies below it.
static int
parse_address(const struct condition_scope *scope, struct span text, struct condition_value *value,
              struct err *err)
{
    (void)scope;
    (void)err;
    value->text = mem_printf("%s%.*s", text.data[0] == '.' ? "*" : "", (int)text.len, text.data);
    return 0;
}

static bool
is_like_address(struct span text)
{
    bool has_colon = memchr(text.data, ':', text.len) != NULL;

    for (size_t i = 0; i < text.len; i++) {
        if (strchr(has_colon ? "0123456789abcdefABCDEF.:" : "0123456789.", text.data[i]) == NULL)
            return false;
    }
    return true;
}

static int
parse_client(const struct condition_scope *scope, struct span text, struct condition_value *value,
             struct err *err)
{
    (void)scope;
    if (is_like_address(text) || memchr(text.data, '/', text.len) != NULL) {
        value->form = FORM_NET;
        return net_parse(text, &value->net, err);
    }
    set_text(&value->text, text);
    return 0;
}

static int
parse_size(const struct condition_scope *scope, struct span text, struct condition_value *value,
           struct err *err)
{
    (void)scope;
    value->form = FORM_RANGE;
    return match_range_parse(text, true, &value->range, err);
}

static int
parse_score(const struct condition_scope *scope, struct span text, struct condition_value *value,
            struct err *err)
{
    (void)scope;
    value->form = FORM_RANGE;
    return match_range_parse(text, false, &value->range, err);
}

int
condition_find_filter(const struct condition_scope *scope, struct span name, size_t *index_out,
                      struct err *err)
{
    for (size_t i = 0; i < scope->filter_count; i++) {
        if (span_is(name, scope->filters[i].name)) {
            *index_out = i;
            return 0;
        }
    }
    return err_set(err, ERR_PERM, "there is no filter \"%.*s\"", quote_len(name), name.data);
}

static int
parse_filter(const struct condition_scope *scope, struct span text, struct condition_value *value,
             struct err *err)
{
    value->filter = CONDITION_ANY;
    return span_is(text, "*") ? 0 : condition_find_filter(scope, text, &value->filter, err);
}

static int
parse_unscannable(const struct condition_scope *scope, struct span text,
                  struct condition_value *value, struct err *err)
{
    value->filter = CONDITION_DISSECT;
    return span_is(text, "dissect") ? 0 : parse_filter(scope, text, value, err);
}

static int
parse_encrypted(const struct condition_scope *scope, struct span text,
                struct condition_value *value, struct err *err)
{
    (void)scope;
    value->form = span_is(text, "yes") ? FORM_YES : FORM_NO;
    if (value->form == FORM_NO && !span_is(text, "no"))
        return err_set(err, ERR_PERM, "expected yes or no, not \"%.*s\"", quote_len(text),
                       text.data);
    return 0;
}

static int
parse_defect(const struct condition_scope *scope, struct span text, struct condition_value *value,
             struct err *err)
{
    (void)scope;
    value->form = FORM_DEFECT;
    value->defect = DEFECT_COUNT;
    if (span_is(text, "*"))
        return 0;
    value->defect = DEFECT_AMBIGUOUS;
    if (span_is(text, "ambiguous"))
        return 0;
    value->defect = (int)finding_defect_find(text);
    if (value->defect >= DEFECT_COUNT)
        return err_set(err, ERR_PERM, "there is no defect \"%.*s\"", quote_len(text), text.data);
    return 0;
}

// "name SEPARATOR text" into both.
static int
parse_pair(struct span text, char separator, const char *expected, struct condition_value *value,
           struct err *err)
{
    struct span rest = text;
    struct span name = span_trim(span_cut(&rest, separator));

    rest = span_trim(rest);
    if (name.len == 0 || rest.len == 0)
        return err_set(err, ERR_PERM, "expected \"%s\", not \"%.*s\"", expected, quote_len(text),
                       text.data);
    if (check_begin(rest, err) != 0)
        return -1;
    set_text(&value->name, name);
    set_text(&value->text, rest);
    return 0;
}

static int
parse_auth(const struct condition_scope *scope, struct span text, struct condition_value *value,
           struct err *err)
{
    (void)scope;
    return parse_pair(text, '=', "method=result", value, err);
}

static int
parse_header(const struct condition_scope *scope, struct span text, struct condition_value *value,
             struct err *err)
{
    (void)scope;
    return parse_pair(text, ':', "Name: glob", value, err);
}

static parse_value *const parsers[CONDITION_COUNT] = {
    [CONDITION_FROM] = parse_address,        [CONDITION_TO] = parse_address,
    [CONDITION_CLIENT] = parse_client,       [CONDITION_HELO] = parse_glob,
    [CONDITION_USER] = parse_glob,           [CONDITION_SIZE] = parse_size,
    [CONDITION_SCORE] = parse_score,         [CONDITION_VIRUS] = parse_glob,
    [CONDITION_SYMBOL] = parse_glob,         [CONDITION_RESULT] = parse_glob,
    [CONDITION_FAILED] = parse_filter,       [CONDITION_UNSCANNABLE] = parse_unscannable,
    [CONDITION_ENCRYPTED] = parse_encrypted, [CONDITION_DEFECT] = parse_defect,
    [CONDITION_AUTH] = parse_auth,           [CONDITION_HEADER] = parse_header,
    [CONDITION_SUBJECT] = parse_glob,        [CONDITION_MIME_TYPE] = parse_glob,
    [CONDITION_ATTACHMENT] = parse_glob,
};

int
condition_value_parse(enum condition_kind kind, struct span text,
                      const struct condition_scope *scope, struct condition_value *value,
                      struct err *err)
{
    assert(kind < CONDITION_COUNT && text.len > 0);
    if (check_begin(text, err) != 0)
        return -1;
    return parsers[kind](scope, text, value, err);
}
