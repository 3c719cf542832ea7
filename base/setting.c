// SPDX-License-Identifier: BSD-2-Clause
#include "base/setting.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/setting_value.h"

enum { LIST_MAX = 256, DEFAULT_TEXT_MAX = 1 << 24 };

// Room for any member, for values that are parsed before they replace another.
union value {
    bool yes;
    uint64_t number;
    char *text;
    int choice;
    struct addr addr;
    struct setting_list list;
};

static void
clear_list(const struct setting_value_type *type, struct setting_list *list)
{
    for (size_t i = 0; type->is_owned && i < list->count; i++)
        mem_free((char **)list->items + i);
    mem_free(&list->items);
    list->count = 0;
}

static void
clear_value(const struct setting_value_type *type, void *value)
{
    if (type->is_list)
        clear_list(type, value);
    else if (type->is_owned)
        mem_free((char **)value);
}

static int
parse_list(const struct setting_row *row, const struct span *values, size_t count,
           struct setting_list *list, struct err *err)
{
    const struct setting_value_type *type = setting_value_type(row->type);
    uint64_t max = row->max > 0 ? row->max : LIST_MAX;

    *list = (struct setting_list){NULL, 0};
    if (count < row->min || count > max)
        return err_set(err, ERR_PERM, "%s: expected %" PRIu64 " to %" PRIu64 " values, not %zu",
                       row->name, row->min, max, count);
    if (count == 0)
        return 0;
    list->items = mem_zarray(count, type->size);
    for (; list->count < count; list->count++) {
        void *item = (char *)list->items + list->count * type->size;

        if (type->parse(row, values[list->count], item, err) != 0) {
            clear_list(type, list);
            return -1;
        }
    }
    return 0;
}

static int
parse_value(const struct setting_row *row, const struct span *values, size_t count,
            union value *value, struct err *err)
{
    if (setting_value_type(row->type)->is_list)
        return parse_list(row, values, count, &value->list, err);
    if (count != 1)
        return err_set(err, ERR_PERM, "%s: expected one value, not %zu", row->name, count);
    return setting_value_type(row->type)->parse(row, values[0], value, err);
}

// The default is code: a bad one is a bug. A list that is not there may be empty, whatever one that
// is written must hold.
static void
parse_initial(const struct setting_row *row, union value *value)
{
    const char *initial = row->initial == NULL ? "" : row->initial;
    struct span rest = span_of(initial);
    struct span *values;
    struct err err;
    size_t count = 0;

    values = mem_zarray(rest.len + 1, sizeof(*values));
    if (!setting_value_type(row->type)->is_list)
        values[count++] = span_cut(&rest, '\0');
    while (rest.len > 0)
        values[count++] = span_trim(span_cut(&rest, ','));
    if (count == 0) {
        value->list = (struct setting_list){NULL, 0};
    } else if (parse_value(row, values, count, value, &err) != 0) {
        fprintf(stderr, "bad default: %s\n", err.text);
        abort();
    }
    mem_free(&values);
}

static size_t
member_size(const struct setting_value_type *type)
{
    return type->is_list ? sizeof(struct setting_list) : type->size;
}

static void
format_value(const struct setting_row *row, const void *value, struct buf *out)
{
    const struct setting_value_type *type = setting_value_type(row->type);
    const struct setting_list *list = value;

    if (!type->is_list) {
        type->format(row, value, out);
        return;
    }
    buf_add_char(out, '{');
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            buf_add_text(out, ", ");
        type->format(row, (const char *)list->items + i * type->size, out);
    }
    buf_add_char(out, '}');
}

void
setting_defaults(const struct setting_row *rows, size_t count, void *section)
{
    union value value = {
        .list = {NULL, 0}
    };

    for (size_t i = 0; i < count; i++) {
        parse_initial(&rows[i], &value);
        memcpy((char *)section + rows[i].offset, &value,
               member_size(setting_value_type(rows[i].type)));
    }
}

const struct setting_row *
setting_find(const struct setting_row *rows, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++) {
        if (span_is(name, rows[i].name))
            return &rows[i];
    }
    return NULL;
}

int
setting_parse(const struct setting_row *row, const struct span *values, size_t count, void *section,
              struct err *err)
{
    const struct setting_value_type *type = setting_value_type(row->type);
    void *member = (char *)section + row->offset;
    union value value = {
        .list = {NULL, 0}
    };

    if (parse_value(row, values, count, &value, err) != 0)
        return -1;
    clear_value(type, member);
    memcpy(member, &value, member_size(type));
    return 0;
}

void
setting_format(const struct setting_row *row, const void *section, struct buf *out)
{
    format_value(row, (const char *)section + row->offset, out);
}

bool
setting_is_default(const struct setting_row *row, const void *section)
{
    struct buf is, initial;
    union value value = {
        .list = {NULL, 0}
    };
    bool is_same;

    parse_initial(row, &value);
    buf_init(&is, DEFAULT_TEXT_MAX);
    buf_init(&initial, DEFAULT_TEXT_MAX);
    setting_format(row, section, &is);
    format_value(row, &value, &initial);
    is_same = span_equal(buf_span(&is), buf_span(&initial));
    buf_clear(&is);
    buf_clear(&initial);
    clear_value(setting_value_type(row->type), &value);
    return is_same;
}

void
setting_clear(const struct setting_row *rows, size_t count, void *section)
{
    for (size_t i = 0; i < count; i++)
        clear_value(setting_value_type(rows[i].type), (char *)section + rows[i].offset);
}
