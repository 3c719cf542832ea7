// SPDX-License-Identifier: BSD-2-Clause
#include "mime/edits.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "mime/edit_field.h"

// What stands between two places where a change can be made: a field, or lines that are none.
struct field {
    struct span bytes;  // of the header, or own; empty: removed
    size_t name_len;    // 0: no field
    struct buf own;     // of a new or changed one
    struct field *next; // in the order in which they leave
};

struct header {
    struct field *fields; // an array: those of the header, and room for one for each edit
    size_t used;
    struct field *first, *last;
    struct span tail; // the empty line
    bool is_utf8;
};

size_t
edits_header_len(struct span message)
{
    size_t at = 0;
    const char *end;

    while (at < message.len) {
        const char *line = message.data + at;

        end = memchr(line, '\n', message.len - at);
        if (end == NULL)
            return message.len;
        at = (size_t)(end - message.data) + 1;
        if (end == line || (end == line + 1 && *line == '\r'))
            return at;
    }
    return message.len;
}

static size_t
line_len(struct span text)
{
    const char *end = memchr(text.data, '\n', text.len);

    return end == NULL ? text.len : (size_t)(end - text.data) + 1;
}

// The next field with its further lines; nothing at the empty line or the end.
static struct span
take_field(struct span *rest)
{
    struct span taken = span_from(rest->data, 0);

    if (rest->len == 0 || rest->data[0] == '\n' ||
        (rest->len >= 2 && memcmp(rest->data, "\r\n", 2) == 0))
        return taken;
    do {
        size_t len = line_len(*rest);

        taken.len += len;
        *rest = span_skip(*rest, len);
    } while (rest->len > 0 && (rest->data[0] == ' ' || rest->data[0] == '\t'));
    return taken;
}

// Of what stands in front of the colon and the blanks there. 0: no field.
static size_t
find_name(struct span bytes)
{
    size_t len = 0, colon;

    while (len < bytes.len && bytes.data[len] > 32 && bytes.data[len] < 127 &&
           bytes.data[len] != ':')
        len++;
    colon = len;
    while (colon < bytes.len && (bytes.data[colon] == ' ' || bytes.data[colon] == '\t'))
        colon++;
    return colon < bytes.len && bytes.data[colon] == ':' ? len : 0;
}

static void
split(struct header *header, struct span block, size_t edit_count)
{
    struct span rest = block;
    size_t count = 0;

    while (take_field(&rest).len > 0)
        count++;
    header->tail = rest;
    header->fields = mem_zarray(count + edit_count + 1, sizeof *header->fields);
    header->used = count;
    rest = block;
    for (size_t i = 0; i < count; i++) {
        struct field *field = &header->fields[i];

        field->bytes = take_field(&rest);
        field->name_len = find_name(field->bytes);
        field->next = i + 1 < count ? field + 1 : NULL;
    }
    header->first = count > 0 ? header->fields : NULL;
    header->last = count > 0 ? &header->fields[count - 1] : NULL;
}

static void
clear(struct header *header)
{
    for (size_t i = 0; i < header->used; i++)
        buf_clear(&header->fields[i].own);
    mem_free(&header->fields);
}

static void
drop(struct field *field)
{
    field->bytes.len = 0;
    field->name_len = 0;
}

static bool
has_name(const struct field *field, const char *name, size_t len)
{
    return field->name_len == len && strncasecmp(field->bytes.data, name, len) == 0;
}

static struct field *
next_named(struct field *from, const char *name)
{
    size_t len = strlen(name);

    while (from != NULL && !has_name(from, name, len))
        from = from->next;
    return from;
}

static void
fill(struct field *field, struct buf *text_take)
{
    buf_clear(&field->own);
    field->own = *text_take;
    field->bytes = buf_span(&field->own);
    field->name_len = find_name(field->bytes);
}

static void
write_field(const struct header *header, const struct edit *edit, struct field *field)
{
    struct buf text;

    buf_init(&text, SIZE_MAX / 4);
    (void)edit_field_write(edit->name, span_of(edit->value), header->is_utf8, &text);
    fill(field, &text);
}

// behind NULL: on top.
static struct field *
insert(struct header *header, struct field *behind)
{
    struct field *field = &header->fields[header->used++];
    struct field **link = behind == NULL ? &header->first : &behind->next;

    field->next = *link;
    *link = field;
    if (header->last == behind)
        header->last = field;
    return field;
}

// A header may begin with a further line of nothing: on top of it, a field would take it in.
static struct field *
find_top(const struct header *header)
{
    struct field *first = header->first;
    bool is_further = first != NULL && first->bytes.len > 0 &&
                      (first->bytes.data[0] == ' ' || first->bytes.data[0] == '\t');

    return is_further ? first : NULL;
}

// The n-th field; the last of all where there are fewer, or n is -1. NULL: above all.
static struct field *
find_place(const struct header *header, int32_t n)
{
    struct field *field = find_top(header);

    for (struct field *next = header->first; n > 0 && next != NULL; next = next->next) {
        field = next;
        if (next->name_len > 0)
            n--;
    }
    return n == 0 ? field : header->last;
}

static void
apply_add(struct header *header, const struct edit *edit)
{
    write_field(header, edit, insert(header, find_place(header, edit->position)));
}

static void
drop_all(struct field *from, const char *name)
{
    for (struct field *field = from; (field = next_named(field, name)) != NULL;)
        drop(field);
}

static void
apply_set(struct header *header, const struct edit *edit)
{
    struct field *field = next_named(header->first, edit->name);

    if (field == NULL)
        field = insert(header, header->last);
    else
        drop_all(field->next, edit->name);
    write_field(header, edit, field);
}

static void
apply_remove(struct header *header, const struct edit *edit)
{
    struct field *field = next_named(header->first, edit->name);
    int64_t n = edit->position;

    if (n == 0) {
        drop_all(header->first, edit->name);
        return;
    }
    if (n < 0) {
        for (struct field *each = field; each != NULL; each = next_named(each->next, edit->name))
            n++;
        n++;
    }
    for (; field != NULL && n > 1; n--)
        field = next_named(field->next, edit->name);
    if (field != NULL && n == 1)
        drop(field);
}

static void
apply_prefix(struct header *header, const struct edit *edit)
{
    struct field *field = next_named(header->first, edit->name);
    struct span text = span_of(edit->value);
    struct buf changed;

    if (field == NULL) {
        field = insert(header, header->last);
        buf_init(&changed, SIZE_MAX / 4);
        (void)edit_field_write(edit->name, span_trim(text), header->is_utf8, &changed);
        fill(field, &changed);
    } else if (text.len > 0) {
        buf_init(&changed, SIZE_MAX / 4);
        (void)edit_field_prefix(field->bytes, text, header->is_utf8, &changed);
        fill(field, &changed);
    }
}

static int
write_header(const struct header *header, struct buf *out)
{
    size_t start = out->len;
    int failed = 0;

    for (const struct field *field = header->first; field != NULL; field = field->next) {
        if (field->bytes.len == 0)
            continue;
        if (out->len > start && out->data[out->len - 1] != '\n')
            failed |= buf_add(out, "\r\n", 2);
        failed |= buf_add_span(out, field->bytes);
    }
    failed |= buf_add_span(out, header->tail);
    if (failed != 0)
        buf_cut(out, start);
    return failed;
}

int
edits_apply(const struct edit_list *list, struct span header, bool is_utf8, struct buf *out)
{
    static void (*const apply[])(struct header *, const struct edit *) = {
        [EDIT_ADD] = apply_add,
        [EDIT_SET] = apply_set,
        [EDIT_REMOVE] = apply_remove,
        [EDIT_PREFIX] = apply_prefix,
    };
    struct header work = {.is_utf8 = is_utf8};
    int result;

    split(&work, header, list->count);
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].op != EDIT_REPLACE)
            apply[list->items[i].op](&work, &list->items[i]);
    }
    result = write_header(&work, out);
    clear(&work);
    return result;
}

static int
compare_places(const void *a, const void *b)
{
    const struct edit *x = *(const struct edit *const *)a, *y = *(const struct edit *const *)b;

    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return x < y ? -1 : 1; // as they stand in the list
}

// Those that lie in the body, in its order.
static const struct edit **
sort_replacements(const struct edit_list *list, uint64_t header_len, uint64_t len,
                  size_t *count_out)
{
    const struct edit **sorted = mem_zarray(list->count + 1, sizeof(struct edit *));
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct edit *edit = &list->items[i];

        if (edit->op == EDIT_REPLACE && edit->offset >= header_len && edit->offset <= len &&
            edit->len <= len - edit->offset)
            sorted[count++] = edit;
    }
    qsort(sorted, count, sizeof(struct edit *), compare_places);
    *count_out = count;
    return sorted;
}

struct edit_piece *
edits_pieces(const struct edit_list *list, uint64_t header_len, uint64_t len, size_t *count_out)
{
    size_t edit_count, count = 0;
    const struct edit **sorted = sort_replacements(list, header_len, len, &edit_count);
    struct edit_piece *pieces = mem_zarray(2 * edit_count + 1, sizeof *pieces);
    uint64_t at = header_len;

    for (size_t i = 0; i < edit_count; i++) {
        if (sorted[i]->offset < at)
            continue;
        if (sorted[i]->offset > at)
            pieces[count++] = (struct edit_piece){.offset = at, .len = sorted[i]->offset - at};
        if (sorted[i]->value[0] != '\0')
            pieces[count++] = (struct edit_piece){.literal = span_of(sorted[i]->value)};
        at = sorted[i]->offset + sorted[i]->len;
    }
    if (at < len)
        pieces[count++] = (struct edit_piece){.offset = at, .len = len - at};
    mem_free(&sorted);
    *count_out = count;
    return pieces;
}
