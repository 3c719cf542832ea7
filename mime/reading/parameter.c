// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/parameter.h"

#include <string.h>

#include "base/mem.h"

struct split {
    struct span text;
    size_t at;
    bool quotes;
    struct parameter_list *list;
    size_t size, max;
};

static bool
is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct span
trim(struct span text)
{
    while (text.len > 0 && is_blank(text.data[0]))
        text = span_skip(text, 1);
    while (text.len > 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

static size_t
skip_blanks(struct span text, size_t at)
{
    while (at < text.len && is_blank(text.data[at]))
        at++;
    return at;
}

static bool
is_name_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '*' || byte == '-' || byte == '_';
}

// "name=" or "name =": the ";" in front of it was forgotten.
static bool
is_parameter(struct span text, size_t at)
{
    size_t begin = at;

    while (at < text.len && is_name_letter(text.data[at]))
        at++;
    if (at == begin)
        return false;
    at = skip_blanks(text, at);
    return at < text.len && text.data[at] == '=';
}

// From an opening quote to behind the closing one, or to the end.
static size_t
skip_quoted(struct split *split, size_t at)
{
    struct span text = split->text;

    for (at++; at < text.len && text.data[at] != '"'; at++) {
        split->list->is_quote_odd |= text.data[at] == ';';
        if (text.data[at] == '\\' && at + 1 < text.len)
            at++;
    }
    if (at < text.len)
        return at + 1;
    split->list->is_quote_odd = true;
    return at;
}

static void
split_name(struct span name, struct parameter_piece *piece)
{
    size_t digits, number = 0;

    name = trim(name);
    for (size_t i = name.len; i > 0; i--) {
        if (is_blank(name.data[i - 1])) {
            name = span_skip(name, i); // the last word
            break;
        }
    }
    if (name.len >= 2 && name.data[0] == '"' && name.data[name.len - 1] == '"')
        name = span_from(name.data + 1, name.len - 2);
    piece->number = -1;
    piece->is_extended = name.len > 1 && name.data[name.len - 1] == '*';
    name.len -= piece->is_extended;
    digits = name.len;
    while (digits > 0 && name.data[digits - 1] >= '0' && name.data[digits - 1] <= '9')
        digits--;
    if (digits > 1 && digits < name.len && name.data[digits - 1] == '*') {
        for (size_t i = digits; i < name.len; i++)
            number = number > 1000000 ? number : number * 10 + (size_t)(name.data[i] - '0');
        piece->number = (int)number;
        name.len = digits - 1;
    }
    piece->name = name;
}

// Behind "=": up to ";", or to where another parameter begins without one.
static struct span
take_value(struct split *split)
{
    struct span text = split->text;
    size_t at = skip_blanks(text, split->at), begin = at;

    while (at < text.len && text.data[at] != ';') {
        if (split->quotes && text.data[at] == '"') {
            at = skip_quoted(split, at);
        } else if (is_blank(text.data[at])) {
            at = skip_blanks(text, at);
            if (is_parameter(text, at))
                break;
        } else {
            at++;
        }
    }
    split->at = at;
    return trim(span_from(text.data + begin, at - begin));
}

// True where "=" ends what could be a name; else it stands at ";" or at the end.
static bool
find_equals(struct split *split)
{
    struct span text = split->text;

    while (split->at < text.len && text.data[split->at] != ';') {
        if (text.data[split->at] == '=')
            return true;
        if (split->quotes && text.data[split->at] == '"')
            split->at = skip_quoted(split, split->at);
        else
            split->at++;
    }
    return false;
}

static void
add_piece(struct split *split, const struct parameter_piece *piece)
{
    struct parameter_list *list = split->list;

    if (piece->name.len == 0)
        return;
    if (list->count == split->max) {
        list->is_cut = true;
        return;
    }
    if (list->count == split->size) {
        split->size = split->size == 0 ? 8 : split->size * 2;
        list->pieces = mem_regrow(list->pieces, split->size, sizeof(*list->pieces));
    }
    list->pieces[list->count++] = *piece;
}

// All parameters as far as ";". Only the first is given all that follows it: a sum of tails would
// be a square.
static void
split_segment(struct split *split)
{
    struct parameter_piece first = {.number = -1};
    size_t begin = split->at, first_at = split->list->count;

    while (find_equals(split)) {
        struct parameter_piece piece = {.number = -1};

        split_name(span_from(split->text.data + begin, split->at - begin), &piece);
        split->at++;
        piece.value = take_value(split);
        piece.whole = piece.value;
        if (first.name.len == 0)
            first = piece;
        add_piece(split, &piece);
        begin = split->at;
    }
    if (split->list->count > first_at && first.value.data != NULL) {
        first.whole.len = (size_t)(split->text.data + split->at - first.whole.data);
        split->list->pieces[first_at].whole = trim(first.whole);
    }
}

// In front of the first ";", or of a parameter that stands there already.
static struct span
find_main(struct split *split)
{
    struct split ahead = *split;
    struct span main;

    if (!find_equals(&ahead)) {
        main = span_from(split->text.data, ahead.at);
        split->at = ahead.at;
        return trim(main);
    }
    main = trim(span_from(split->text.data, ahead.at));
    while (main.len > 0 && !is_blank(main.data[main.len - 1]))
        main.len--;
    split->at = (size_t)(main.data - split->text.data) + main.len;
    return trim(main);
}

void
parameter_split(struct span text, bool quotes, size_t max, struct parameter_list *list_out)
{
    struct split split = {.text = text, .quotes = quotes, .list = list_out, .max = max};

    *list_out = (struct parameter_list){
        .main = {"", 0}
    };
    if (text.len > 0)
        list_out->main = find_main(&split);
    while (split.at < text.len) {
        if (text.data[split.at] == ';')
            split.at++;
        else
            split_segment(&split);
    }
}

void
parameter_clear(struct parameter_list *list)
{
    mem_free(&list->pieces);
    list->count = 0;
}

void
parameter_unfold(struct span text, bool keep_blanks, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\r' && i + 1 < text.len && text.data[i + 1] == '\n')
            continue;
        if (text.data[i] != '\n') {
            buf_add_char(out, text.data[i]);
            continue;
        }
        while (!keep_blanks && i + 1 < text.len && is_blank(text.data[i + 1]))
            i++;
    }
}

void
parameter_strip_comments(struct span text, struct buf *out)
{
    size_t depth = 0;
    bool is_quoted = false;

    for (size_t i = 0; i < text.len; i++) {
        char byte = text.data[i];
        size_t len = byte == '\\' && (depth > 0 || is_quoted) && i + 1 < text.len ? 2 : 1;

        if (depth == 0 && byte == '"')
            is_quoted = !is_quoted;
        if (!is_quoted && byte == '(')
            depth++;
        else if (depth > 0 && byte == ')')
            depth--;
        else if (depth == 0)
            buf_add(out, text.data + i, len);
        i += len - 1;
    }
}

void
parameter_unquote(struct span value, bool escapes, struct buf *out)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] == '"')
            continue;
        if (escapes && value.data[i] == '\\' && i + 1 < value.len)
            i++;
        buf_add_char(out, value.data[i]);
    }
}

void
parameter_take(struct span value, struct buf *out)
{
    if (value.len == 0 || value.data[0] != '"') {
        buf_add_span(out, value);
        return;
    }
    for (size_t i = 1; i < value.len && value.data[i] != '"'; i++) {
        if (value.data[i] == '\\' && i + 1 < value.len)
            i++;
        buf_add_char(out, value.data[i]);
    }
}
