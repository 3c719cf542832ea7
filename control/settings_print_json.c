// SPDX-License-Identifier: BSD-2-Clause
#include "control/settings_print.h"

#include <string.h>

#include "base/json.h"
#include "control/layout.h"

// A value in quotes as the text it stands for.
static struct span
unquote(struct span value, struct buf *plain)
{
    if (value.len < 2 || value.data[0] != '"')
        return value;
    for (size_t i = 1; i + 1 < value.len; i++) {
        if (value.data[i] == '\\')
            i++;
        (void)buf_add_char(plain, value.data[i]);
    }
    return buf_span(plain);
}

static size_t
item_end(struct span rest)
{
    size_t at = 1;

    while (at < rest.len && rest.data[at] != '"')
        at += rest.data[at] == '\\' ? 2 : 1;
    return at + 1;
}

static struct json *
json_of_list(struct span value)
{
    struct json *list = json_array_new();
    struct span rest = span_skip(value, 1); // {"a", "b"}

    while (rest.len > 1) {
        struct span item = span_from(rest.data, item_end(rest));
        struct buf plain;

        buf_init(&plain, PRINT_VALUE_MAX);
        json_add_text(list, unquote(item, &plain));
        buf_clear(&plain);
        rest = span_skip(rest, item.len);
        while (rest.len > 1 && rest.data[0] != '"')
            rest = span_skip(rest, 1);
    }
    return list;
}

static void
add_json(struct json *object, const struct setting_row *row, const void *section)
{
    const char *member = (const char *)section + row->offset;
    struct buf text, plain;

    print_shown(row, section, &text);
    buf_init(&plain, PRINT_VALUE_MAX);
    if (tree_is_list(row)) {
        struct json *list = json_of_list(buf_span(&text));

        json_set_take(object, row->name, &list);
    } else if (row->type == SETTING_BOOL) {
        json_set_bool(object, row->name, *(const bool *)member);
    } else if (row->type == SETTING_NUMBER) {
        json_set_number(object, row->name, (int64_t) * (const uint64_t *)(const void *)member);
    } else {
        json_set_text(object, row->name, unquote(buf_span(&text), &plain));
    }
    buf_clear(&text);
    buf_clear(&plain);
}

static void
add_rows(struct json *object, const struct tree_table *table, const void *section,
         const void *initial, enum settings_print which)
{
    for (size_t i = 0; i < *table->count; i++) {
        if (print_is_wanted(&table->rows[i], section, initial, which))
            add_json(object, &table->rows[i], section);
    }
}

static struct json *
json_of_listener(const struct smtp_listener_settings *listener,
                 const struct smtp_listener_settings *initial, enum settings_print which)
{
    struct json *object = json_object_new();
    char text[ADDR_TEXT_MAX];

    addr_format(&listener->addr, text);
    json_set_text(object, "address", span_of(text));
    add_rows(object, &layout_listen, listener, initial, which);
    if (print_has_wanted(&layout_listen_tls, listener, initial, which)) {
        struct json *tls = json_object_new();

        add_rows(tls, &layout_listen_tls, listener, initial, which);
        json_set_take(object, "tls", &tls);
    }
    return object;
}

static struct json *
json_of_hop(const struct hop_settings *hop, const struct hop_settings *initial,
            enum settings_print which)
{
    struct json *object = json_object_new();
    char text[ADDR_TEXT_MAX];

    addr_format(&hop->addr, text);
    json_set_text(object, "address", span_of(text));
    add_rows(object, &layout_next_hop, hop, initial, which);
    return object;
}

static void
set_titled(struct json *list, const char *name, const struct tree_table *table, const void *is,
           const void *was, enum settings_print which)
{
    struct json *object = json_object_new();

    json_set_text(object, "name", span_of(name));
    add_rows(object, table, is, was, which);
    json_add_take(list, &object);
}

static void
set_https(struct json *all, const struct settings *settings, const struct settings *initial,
          enum settings_print which)
{
    struct json *list = json_array_new();
    char text[ADDR_TEXT_MAX];

    for (size_t i = 0; i < settings->http_count; i++) {
        struct json *object = json_object_new();

        addr_format(&settings->https[i].addr, text);
        json_set_text(object, "address", span_of(text));
        add_rows(object, &layout_http, &settings->https[i], &initial->https[i], which);
        json_add_take(list, &object);
    }
    json_set_take(all, "http", &list);
}

static void
set_verdicts(struct json *all, const struct settings *settings, const struct settings *initial,
             enum settings_print which)
{
    struct json *list = json_array_new();

    for (size_t i = 0; i < settings->filter_count; i++)
        set_titled(list, settings->filters[i].name, &layout_filter, &settings->filters[i],
                   &initial->filters[i], which);
    json_set_take(all, "filter", &list);
    list = json_array_new();
    for (size_t i = 0; i < settings->rule_count; i++)
        set_titled(list, settings->rule_texts[i].name, &layout_rule, &settings->rule_texts[i],
                   &initial->rule_texts[i], which);
    json_set_take(all, "rule", &list);
}

int
settings_print_json(const struct settings *settings, const struct settings *initial,
                    enum settings_print which, struct buf *out)
{
    struct json *all = json_object_new(), *list;
    int result;

    for (size_t i = 0; i < LAYOUT_PARTS; i++) {
        const struct layout_part *part = &layout_parts[i];
        const void *is = (const char *)settings + part->offset;
        const void *was = (const char *)initial + part->offset;
        struct json *section;

        if (part->section[0] == '\0') {
            add_rows(all, &part->table, is, was, which);
        } else if (print_has_wanted(&part->table, is, was, which)) {
            section = json_object_new();
            add_rows(section, &part->table, is, was, which);
            json_set_take(all, part->section, &section);
        }
    }
    list = json_array_new();
    for (size_t i = 0; i < settings->listener_count; i++) {
        struct json *listener =
            json_of_listener(&settings->listeners[i], &initial->listeners[i], which);

        json_add_take(list, &listener);
    }
    json_set_take(all, "listen", &list);
    list = json_array_new();
    for (size_t i = 0; i < settings->hop_count; i++) {
        struct json *hop = json_of_hop(&settings->hops[i], &initial->hops[i], which);

        json_add_take(list, &hop);
    }
    json_set_take(all, "next_hop", &list);
    set_https(all, settings, initial, which);
    set_verdicts(all, settings, initial, which);
    result = json_print(all, out) == 0 ? buf_add_char(out, '\n') : -1;
    json_free(&all);
    return result;
}
