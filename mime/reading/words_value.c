// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mime/reading/parameter.h"
#include "mime/reading/readings.h"
#include "mime/reading/words.h"

static bool
is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static bool
is_same_nocase(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.data, b.data, a.len) == 0);
}

struct slot { // a parameter that comes to be
    struct span name;
    struct readings readings;
};

struct parse {
    struct readings_setup setup;
    struct words_oddities *oddities;
    size_t max;
    struct slot *slots;
    size_t count, size;
    struct parameter_piece **picked; // of one name
    struct buf scratch;
    bool is_first; // view: the one by the book
    bool is_over;
};

static struct span
copy_lower(struct arena *arena, struct span text)
{
    struct span copy = arena_copy(arena, text);
    char *data = (char *)(uintptr_t)copy.data;

    for (size_t i = 0; i < copy.len; i++)
        data[i] = data[i] >= 'A' && data[i] <= 'Z' ? (char)(data[i] + 32) : data[i];
    return copy;
}

static size_t
find_slot(struct parse *parse, struct span name)
{
    for (size_t i = 0; i < parse->count; i++) {
        if (is_same_nocase(parse->slots[i].name, name))
            return i;
    }
    name =
        parse->count < parse->max ? copy_lower(parse->setup.arena, name) : (struct span){NULL, 0};
    if (name.data == NULL) {
        parse->is_over = true;
        return SIZE_MAX;
    }
    if (parse->count == parse->size) {
        parse->size = parse->size == 0 ? 4 : parse->size * 2;
        parse->slots = mem_regrow(parse->slots, parse->size, sizeof(*parse->slots));
    }
    parse->slots[parse->count] = (struct slot){.name = name};
    return parse->count++;
}

enum join { JOIN_BOOK, JOIN_ALL_PERCENT, JOIN_AS_IT_STANDS, JOIN_COUNT };

// charset'language'text (RFC 2231 4): only the first of several has it.
static struct span
cut_charset(struct span text, char charset[64])
{
    struct span rest = text, name = span_cut(&rest, '\'');

    charset[0] = '\0';
    if (rest.data == NULL)
        return text;
    span_cut(&rest, '\'');
    if (rest.data == NULL || name.len >= 64)
        return text;
    if (name.len > 0)
        memcpy(charset, name.data, name.len);
    charset[name.len] = '\0';
    return rest;
}

// True: that was a new reading.
static bool
add_joined(struct parse *parse, struct slot *slot, size_t count, enum join how)
{
    char charset[64] = "";
    struct buf bytes, out;
    bool is_new;

    buf_init(&bytes, parse->scratch.ceiling);
    buf_init(&out, parse->scratch.ceiling * 4);
    for (size_t i = 0; i < count; i++) {
        const struct parameter_piece *piece = parse->picked[i];
        bool is_encoded = how == JOIN_ALL_PERCENT || (how == JOIN_BOOK && piece->is_extended);
        struct span text;

        buf_reset(&parse->scratch);
        parameter_take(piece->value, &parse->scratch);
        text = buf_span(&parse->scratch);
        if (i == 0 && is_encoded)
            text = cut_charset(text, charset);
        if (is_encoded)
            readings_percent(text, &bytes);
        else
            buf_add_span(&bytes, text);
    }
    if (charset[0] == '\0')
        buf_add_span(&out, buf_span(&bytes));
    else if (charset_decode(parse->setup.charsets, span_of(charset), buf_span(&bytes), &out) == 1)
        parse->oddities->unknown_charset = true;
    is_new = readings_add(&slot->readings, buf_span(&out), parse->setup.arena);
    buf_clear(&bytes);
    buf_clear(&out);
    return is_new;
}

enum kind { KIND_EXTENDED, KIND_CONTINUED, KIND_PLAIN };

static enum kind
kind_of(const struct parameter_piece *piece)
{
    if (piece->number >= 0)
        return KIND_CONTINUED;
    return piece->is_extended ? KIND_EXTENDED : KIND_PLAIN;
}

static size_t
pick(struct parse *parse, const struct parameter_list *list, size_t group, enum kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (list->pieces[i].group == group && kind_of(&list->pieces[i]) == kind)
            parse->picked[count++] = &list->pieces[i];
    }
    return count;
}

static void
note_repeated(struct parse *parse, bool is_new)
{
    parse->oddities->repeated_parameter |= is_new && parse->is_first;
}

static void
add_single(struct parse *parse, struct slot *slot, size_t count, enum join how)
{
    for (size_t i = 0; i < count; i++) {
        bool is_new;

        parse->picked[0] = parse->picked[i];
        is_new = add_joined(parse, slot, 1, how);
        note_repeated(parse, i > 0 && is_new);
    }
}

static int
compare_pieces(const void *a, const void *b)
{
    const struct parameter_piece *one = *(struct parameter_piece *const *)a;
    const struct parameter_piece *other = *(struct parameter_piece *const *)b;

    if (one->number != other->number)
        return one->number < other->number ? -1 : 1;
    return one < other ? -1 : 1;
}

// Leaves one of each number, in their order. Returns how many; gap_out: where one is missing.
static size_t
order(struct parse *parse, size_t count, bool last_wins, size_t *gap_out)
{
    size_t kept = 0;

    qsort(parse->picked, count, sizeof(struct parameter_piece *), compare_pieces);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || parse->picked[kept - 1]->number != parse->picked[i]->number)
            parse->picked[kept++] = parse->picked[i];
        else if (last_wins)
            parse->picked[kept - 1] = parse->picked[i];
    }
    *gap_out = 0;
    while (*gap_out < kept && (size_t)parse->picked[*gap_out]->number == *gap_out)
        (*gap_out)++;
    return kept;
}

static void
add_continued(struct parse *parse, struct slot *slot, size_t count)
{
    size_t gap, kept = order(parse, count, false, &gap);

    if (kept == 0)
        return;
    parse->oddities->gap |= parse->is_first && gap < kept;
    add_joined(parse, slot, gap > 0 ? gap : kept, JOIN_BOOK);
}

// As readers take it who stop at no gap, take the last of two, the order in which they stand, or
// know no encoding.
static void
add_continued_others(struct parse *parse, struct slot *slot, const struct parameter_list *list,
                     size_t group)
{
    size_t count, gap;

    for (enum join how = JOIN_BOOK; how < JOIN_COUNT; how++) {
        count = pick(parse, list, group, KIND_CONTINUED);
        if (count == 0)
            return;
        add_joined(parse, slot, count, how);
        count = order(parse, count, false, &gap);
        add_joined(parse, slot, count, how);
        count = order(parse, pick(parse, list, group, KIND_CONTINUED), true, &gap);
        note_repeated(parse, add_joined(parse, slot, count, how) && how == JOIN_BOOK);
    }
}

static void
add_scratch(struct parse *parse, struct slot *slot)
{
    readings_add(&slot->readings, buf_span(&parse->scratch), parse->setup.arena);
    buf_reset(&parse->scratch);
}

// As readers take it who know quotes and backslashes, quotes only, or nothing but words.
static void
add_unquoted(struct parse *parse, struct slot *slot, struct span value)
{
    size_t len = 0;

    buf_reset(&parse->scratch);
    parameter_take(value, &parse->scratch);
    add_scratch(parse, slot);
    parameter_unquote(value, true, &parse->scratch);
    add_scratch(parse, slot);
    parameter_unquote(value, false, &parse->scratch);
    add_scratch(parse, slot);
    if (value.len > 0 && value.data[0] == '"')
        return;
    while (len < value.len && !is_blank(value.data[len]))
        len++;
    buf_add(&parse->scratch, value.data, len);
    add_scratch(parse, slot);
}

static void
add_group(struct parse *parse, const struct parameter_list *list, size_t group)
{
    struct slot *slot = &parse->slots[group];

    add_single(parse, slot, pick(parse, list, group, KIND_EXTENDED), JOIN_BOOK);
    add_continued(parse, slot, pick(parse, list, group, KIND_CONTINUED));
    add_single(parse, slot, pick(parse, list, group, KIND_PLAIN), JOIN_AS_IT_STANDS);
}

static void
add_group_others(struct parse *parse, const struct parameter_list *list, size_t group)
{
    struct slot *slot = &parse->slots[group];

    add_continued_others(parse, slot, list, group);
    for (size_t i = 0; i < list->count; i++) {
        struct parameter_piece *piece = &list->pieces[i];

        if (piece->group != group || piece->number >= 0)
            continue;
        for (enum join how = JOIN_BOOK; how < JOIN_COUNT; how++) {
            parse->picked[0] = piece;
            add_joined(parse, slot, 1, how);
        }
        add_unquoted(parse, slot, piece->value);
        if (piece->whole.len != piece->value.len)
            add_unquoted(parse, slot, piece->whole);
    }
}

static struct span
lower_main(struct parse *parse, struct span main)
{
    struct buf *out = &parse->scratch;

    buf_reset(out);
    for (size_t i = 0; i < main.len; i++) {
        bool is_over = out->len > 0 && out->data[out->len - 1] == '/';

        if (main.data[i] == '/') { // no blank in front of it, either
            while (out->len > 0 && is_blank(out->data[out->len - 1]))
                out->len--;
        }
        if (main.data[i] != '"' && !(is_over && is_blank(main.data[i])))
            buf_add_char(out, main.data[i]);
    }
    return copy_lower(parse->setup.arena, buf_span(out));
}

static bool
has_encoded_boundary(const struct parameter_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (kind_of(&list->pieces[i]) != KIND_PLAIN &&
            span_is_nocase(list->pieces[i].name, "boundary"))
            return true;
    }
    return false;
}

// Whether the text is odd enough to look at it without quotes, too.
static bool
add_view(struct parse *parse, struct span text, bool quotes, struct span *main_out)
{
    struct parameter_list list;
    bool is_odd;

    parameter_split(text, quotes, parse->max, &list);
    parse->is_over |= list.is_cut;
    parse->picked = mem_regrow(parse->picked, list.count + 1, sizeof(struct parameter_piece *));
    for (size_t i = 0; i < list.count; i++)
        list.pieces[i].group = find_slot(parse, list.pieces[i].name);
    for (size_t group = 0; group < parse->count; group++)
        add_group(parse, &list, group);
    for (size_t group = 0; group < parse->count; group++)
        add_group_others(parse, &list, group);
    if (main_out != NULL)
        *main_out = lower_main(parse, list.main);
    parse->oddities->odd_boundary |= parse->is_first && has_encoded_boundary(&list);
    is_odd = list.is_quote_odd;
    parse->is_first = false;
    parameter_clear(&list);
    return is_odd;
}

// A fold where it is not expected: elsewhere than behind a parameter.
static bool
has_inner_fold(struct span raw)
{
    char last = ';';

    for (size_t i = 0; i < raw.len; i++) {
        if (raw.data[i] == '\n' && last != ';')
            return true;
        if (!is_blank(raw.data[i]))
            last = raw.data[i];
    }
    return false;
}

static void
add_views(struct parse *parse, struct span raw, struct span *main_out)
{
    struct buf unfolded, other;
    bool is_odd;

    buf_init(&unfolded, raw.len);
    buf_init(&other, raw.len);
    parameter_unfold(raw, true, &unfolded);
    parameter_strip_comments(buf_span(&unfolded), &other);
    is_odd = add_view(parse, buf_span(&other), true, main_out);
    if (other.len != unfolded.len)
        is_odd |= add_view(parse, buf_span(&unfolded), true, NULL);
    if (is_odd)
        add_view(parse, buf_span(&unfolded), false, NULL);
    if (has_inner_fold(raw)) {
        buf_reset(&other);
        parameter_unfold(raw, false, &other);
        add_view(parse, buf_span(&other), true, NULL);
    }
    buf_clear(&unfolded);
    buf_clear(&other);
}

static bool
is_odd_boundary(struct span value)
{
    enum { LEN_MAX = 70 }; // RFC 2046 5.1.1

    return value.len == 0 || value.len > LEN_MAX || is_blank(value.data[value.len - 1]) ||
           (memmem(value.data, value.len, "=?", 2) != NULL &&
            memmem(value.data, value.len, "?=", 2) != NULL);
}

static int
finish(struct parse *parse, struct words_value *value_out)
{
    struct arena *arena = parse->setup.arena;

    value_out->parameters = arena_array(arena, parse->count, sizeof(*value_out->parameters));
    if (value_out->parameters == NULL)
        return -1;
    for (size_t i = 0; i < parse->count; i++) {
        struct slot *slot = &parse->slots[i];
        struct words_parameter *parameter = &value_out->parameters[value_out->count];
        bool is_name = span_is(slot->name, "name") || span_is(slot->name, "filename");

        readings_derive(&slot->readings, is_name, &parse->setup);
        parse->is_over |= slot->readings.is_over;
        if (slot->readings.count == 0)
            continue;
        if (span_is(slot->name, "boundary"))
            parse->oddities->odd_boundary |= is_odd_boundary(slot->readings.texts[0]);
        parameter->others = arena_array(arena, slot->readings.count, sizeof(*parameter->others));
        if (parameter->others == NULL)
            return -1;
        parameter->name = slot->name;
        parameter->value = slot->readings.texts[0];
        parameter->other_count = slot->readings.count - 1;
        for (size_t n = 0; n < parameter->other_count; n++)
            parameter->others[n] = slot->readings.texts[n + 1];
        value_out->count++;
    }
    return parse->is_over ? -1 : 0;
}

int
words_parse(struct charsets *charsets, struct span raw, size_t max, struct arena *arena,
            struct words_value *value_out, struct words_oddities *oddities)
{
    enum { WORK = 256 << 10 };
    struct parse parse = {
        .setup = {charsets, arena, oddities, WORK + raw.len * 8},
        .oddities = oddities,
        .max = max,
        .is_first = true
    };
    int result;

    *value_out = (struct words_value){
        .main = {NULL, 0}
    };
    buf_init(&parse.scratch, raw.len);
    add_views(&parse, raw, &value_out->main);
    result = finish(&parse, value_out);
    if (value_out->main.data == NULL)
        result = -1;
    for (size_t i = 0; i < parse.count; i++)
        readings_clear(&parse.slots[i].readings);
    mem_free(&parse.slots);
    mem_free(&parse.picked);
    buf_clear(&parse.scratch);
    return result;
}

const struct words_parameter *
words_find(const struct words_value *value, const char *name)
{
    for (size_t i = 0; i < value->count; i++) {
        if (span_is(value->parameters[i].name, name))
            return &value->parameters[i];
    }
    return NULL;
}
