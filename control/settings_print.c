// SPDX-License-Identifier: BSD-2-Clause
#include "control/settings.h"

#include <string.h>

#include "base/json.h"
#include "control/layout.h"

enum { VALUE_MAX = 1 << 20, TEXT_MAX = 1 << 26 };

// What is printed: values of rows, each with what it would be by default.
struct printer {
    enum settings_print which;
    struct buf *out;
};

static void
format(const struct setting_row *row, const void *section, struct buf *text)
{
    buf_init(text, VALUE_MAX);
    setting_format(row, section, text);
}

// A choice that is not made, a list that is not given and may not be empty.
static bool
has_form(const struct setting_row *row, const struct buf *value, enum settings_print which)
{
    bool is_empty_list = row->min > 0 && span_is(buf_span(value), "{}");

    return value->len > 0 && (which == SETTINGS_DEFAULTS || !is_empty_list);
}

// What has no form in the configuration is left out.
static bool
is_wanted(const struct setting_row *row, const void *section, const void *initial,
          enum settings_print which)
{
    struct buf is, was;
    bool result;

    format(row, section, &is);
    format(row, initial, &was);
    result = has_form(row, &is, which) && (which != SETTINGS_CHANGED || is.len != was.len ||
                                           memcmp(is.data, was.data, is.len) != 0);
    buf_clear(&is);
    buf_clear(&was);
    return result;
}

static void
print_rows(const struct printer *printer, const char *indent, const struct tree_table *table,
           const void *section, const void *initial)
{
    for (size_t i = 0; i < *table->count; i++) {
        const struct setting_row *row = &table->rows[i];

        if (!is_wanted(row, section, initial, printer->which))
            continue;
        if (printer->which == SETTINGS_DEFAULTS)
            (void)buf_printf(printer->out, "%s# %s\n", indent, row->help);
        (void)buf_printf(printer->out, "%s%s = ", indent, row->name);
        setting_format(row, section, printer->out);
        (void)buf_add_char(printer->out, '\n');
    }
}

static bool
has_wanted(const struct tree_table *table, const void *section, const void *initial,
           enum settings_print which)
{
    for (size_t i = 0; i < *table->count; i++) {
        if (is_wanted(&table->rows[i], section, initial, which))
            return true;
    }
    return false;
}

static void
print_head(struct buf *out, const char *kind, const struct addr *addr)
{
    char text[ADDR_TEXT_MAX];
    const char *borrowed = text;
    const struct setting_row row = {.name = kind, .type = SETTING_TEXT};

    addr_format(addr, text);
    (void)buf_printf(out, "%s ", kind);
    setting_format(&row, &borrowed, out); // with its quotes
    (void)buf_add_text(out, " {\n");
}

// A name that is the address is none: it may be longer than a name that is set.
static char *
shown_name(char *name, const struct addr *addr)
{
    static char none[1];
    char text[ADDR_TEXT_MAX];

    addr_format(addr, text);
    return strcmp(name, text) == 0 ? none : name;
}

static struct smtp_listener_settings
shown_listener(const struct smtp_listener_settings *listener)
{
    struct smtp_listener_settings shown = *listener;

    shown.name = shown_name(listener->name, &listener->addr);
    return shown;
}

static struct hop_settings
shown_hop(const struct hop_settings *hop)
{
    struct hop_settings shown = *hop;

    shown.name = shown_name(hop->name, &hop->addr);
    return shown;
}

static void
print_listener(const struct printer *printer, const struct smtp_listener_settings *listener,
               const struct smtp_listener_settings *initial)
{
    print_head(printer->out, "listen", &listener->addr);
    print_rows(printer, "    ", &layout_listen, listener, initial);
    if (has_wanted(&layout_listen_tls, listener, initial, printer->which)) {
        (void)buf_add_text(printer->out, "    tls {\n");
        print_rows(printer, "        ", &layout_listen_tls, listener, initial);
        (void)buf_add_text(printer->out, "    }\n");
    }
    (void)buf_add_text(printer->out, "}\n");
}

static void
print_part(const struct printer *printer, const struct layout_part *part,
           const struct settings *settings, const struct settings *initial)
{
    const void *is = (const char *)settings + part->offset;
    const void *was = (const char *)initial + part->offset;

    if (part->section[0] == '\0') {
        print_rows(printer, "", &part->table, is, was);
        return;
    }
    if (!has_wanted(&part->table, is, was, printer->which))
        return;
    (void)buf_printf(printer->out, "%s {\n", part->section);
    print_rows(printer, "    ", &part->table, is, was);
    (void)buf_add_text(printer->out, "}\n");
}

static void
print_titled(const struct printer *printer, const char *kind, const char *title,
             const struct tree_table *table, const void *is, const void *was)
{
    const struct setting_row row = {.name = kind, .type = SETTING_TEXT};

    (void)buf_printf(printer->out, "%s ", kind);
    setting_format(&row, &title, printer->out); // with its quotes
    (void)buf_add_text(printer->out, " {\n");
    print_rows(printer, "    ", table, is, was);
    (void)buf_add_text(printer->out, "}\n");
}

static void
print_verdicts(const struct printer *printer, const struct settings *settings,
               const struct settings *initial)
{
    for (size_t i = 0; i < settings->filter_count; i++)
        print_titled(printer, "filter", settings->filters[i].name, &layout_filter,
                     &settings->filters[i], &initial->filters[i]);
    for (size_t i = 0; i < settings->rule_count; i++)
        print_titled(printer, "rule", settings->rule_texts[i].name, &layout_rule,
                     &settings->rule_texts[i], &initial->rule_texts[i]);
}

// Sections that nobody has by default: what could stand in them, as comments.
static void
print_template(const struct printer *printer, const char *kind, const struct tree_table *table,
               const void *initial)
{
    (void)buf_printf(printer->out, "# %s \"NAME\" {\n", kind);
    for (size_t i = 0; i < *table->count; i++) {
        const struct setting_row *row = &table->rows[i];
        struct buf value;

        format(row, initial, &value);
        (void)buf_printf(printer->out, "#     # %s\n#     %s = %s\n", row->help, row->name,
                         value.len > 0 ? buf_text(&value) : "\"\"");
        buf_clear(&value);
    }
    (void)buf_add_text(printer->out, "# }\n");
}

static void
print_templates(const struct printer *printer)
{
    struct filter_settings filter;
    struct rule_settings rule;

    filter_settings_init(&filter, "");
    rule_settings_init(&rule, "");
    print_template(printer, "filter", &layout_filter, &filter);
    print_template(printer, "rule", &layout_rule, &rule);
    filter_settings_clear(&filter);
    rule_settings_clear(&rule);
}

static void
print_text(const struct printer *printer, const struct settings *settings,
           const struct settings *initial)
{
    for (size_t i = 0; i < LAYOUT_PARTS; i++)
        print_part(printer, &layout_parts[i], settings, initial);
    for (size_t i = 0; i < settings->listener_count; i++) {
        struct smtp_listener_settings is = shown_listener(&settings->listeners[i]);
        struct smtp_listener_settings was = shown_listener(&initial->listeners[i]);

        print_listener(printer, &is, &was);
    }
    for (size_t i = 0; i < settings->hop_count; i++) {
        struct hop_settings is = shown_hop(&settings->hops[i]);
        struct hop_settings was = shown_hop(&initial->hops[i]);

        print_head(printer->out, "next_hop", &is.addr);
        print_rows(printer, "    ", &layout_next_hop, &is, &was);
        (void)buf_add_text(printer->out, "}\n");
    }
    print_verdicts(printer, settings, initial);
    if (printer->which == SETTINGS_DEFAULTS)
        print_templates(printer);
}

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

        buf_init(&plain, VALUE_MAX);
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

    format(row, section, &text);
    buf_init(&plain, VALUE_MAX);
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
        if (is_wanted(&table->rows[i], section, initial, which))
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
    if (has_wanted(&layout_listen_tls, listener, initial, which)) {
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

static int
print_json(const struct printer *printer, const struct settings *settings,
           const struct settings *initial)
{
    struct json *all = json_object_new(), *list;
    int result;

    for (size_t i = 0; i < LAYOUT_PARTS; i++) {
        const struct layout_part *part = &layout_parts[i];
        const void *is = (const char *)settings + part->offset;
        const void *was = (const char *)initial + part->offset;
        struct json *section;

        if (part->section[0] == '\0') {
            add_rows(all, &part->table, is, was, printer->which);
        } else if (has_wanted(&part->table, is, was, printer->which)) {
            section = json_object_new();
            add_rows(section, &part->table, is, was, printer->which);
            json_set_take(all, part->section, &section);
        }
    }
    list = json_array_new();
    for (size_t i = 0; i < settings->listener_count; i++) {
        struct json *listener =
            json_of_listener(&settings->listeners[i], &initial->listeners[i], printer->which);

        json_add_take(list, &listener);
    }
    json_set_take(all, "listen", &list);
    list = json_array_new();
    for (size_t i = 0; i < settings->hop_count; i++) {
        struct json *hop = json_of_hop(&settings->hops[i], &initial->hops[i], printer->which);

        json_add_take(list, &hop);
    }
    json_set_take(all, "next_hop", &list);
    set_verdicts(all, settings, initial, printer->which);
    result = json_print(all, printer->out) == 0 ? buf_add_char(printer->out, '\n') : -1;
    json_free(&all);
    return result;
}

// What the same listeners and next hops would be without any setting of theirs.
static struct settings *
make_initial(const struct settings *settings)
{
    struct settings *initial = layout_new(settings->file);
    char text[ADDR_TEXT_MAX];

    layout_derive(initial);
    for (size_t i = 0; i < settings->listener_count; i++) {
        addr_format(&settings->listeners[i].addr, text);
        (void)layout_add_listener(initial, &settings->listeners[i].addr, text);
    }
    for (size_t i = 0; i < settings->hop_count; i++) {
        addr_format(&settings->hops[i].addr, text);
        (void)layout_add_hop(initial, &settings->hops[i].addr, text);
    }
    for (size_t i = 0; i < settings->filter_count; i++)
        (void)layout_add_filter(initial, settings->filters[i].name);
    for (size_t i = 0; i < settings->rule_count; i++)
        (void)layout_add_rule(initial, settings->rule_texts[i].name);
    return initial;
}

int
settings_print(const struct settings *settings, enum settings_print which, bool as_json,
               struct buf *out)
{
    struct settings *defaults = layout_new(settings->file), *initial;
    struct buf text; // in whole or not at all
    struct printer printer = {.which = which, .out = &text};
    int result = 0;

    buf_init(&text, TEXT_MAX);
    layout_derive(defaults);
    layout_add_defaults(defaults);
    if (which == SETTINGS_DEFAULTS)
        settings = defaults;
    initial = make_initial(settings);
    if (as_json)
        result = print_json(&printer, settings, initial);
    else
        print_text(&printer, settings, initial);
    if (result == 0)
        result = buf_add_span(out, buf_span(&text));
    buf_clear(&text);
    settings_free(&initial);
    settings_free(&defaults);
    return result;
}
