// SPDX-License-Identifier: BSD-2-Clause
#include "control/settings.h"

#include <string.h>

#include "control/layout.h"
#include "control/settings_print.h"

enum { TEXT_MAX = 1 << 26 };

// What is printed: values of rows, each with what it would be by default.
struct printer {
    enum settings_print which;
    struct buf *out;
};

void
print_value(const struct setting_row *row, const void *section, struct buf *text)
{
    buf_init(text, PRINT_VALUE_MAX);
    setting_format(row, section, text);
}

// Of a secret only whether there is one: what is printed is sent to others who are asked for help.
void
print_shown(const struct setting_row *row, const void *section, struct buf *text)
{
    print_value(row, section, text);
    if (!row->is_secret || span_is(buf_span(text), "\"\""))
        return;
    buf_clear(text);
    buf_init(text, PRINT_VALUE_MAX);
    (void)buf_add_text(text, "\"***\"");
}

// A choice that is not made, a list that is not given and may not be empty.
static bool
has_form(const struct setting_row *row, const struct buf *value, enum settings_print which)
{
    bool is_empty_list = row->min > 0 && span_is(buf_span(value), "{}");

    return value->len > 0 && (which == SETTINGS_DEFAULTS || !is_empty_list);
}

// What has no form in the configuration is left out.
bool
print_is_wanted(const struct setting_row *row, const void *section, const void *initial,
                enum settings_print which)
{
    struct buf is, was;
    bool result;

    print_value(row, section, &is);
    print_value(row, initial, &was);
    result = has_form(row, &is, which) &&
             (which != SETTINGS_CHANGED || !span_equal(buf_span(&is), buf_span(&was)));
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
        struct buf value;

        if (!print_is_wanted(row, section, initial, printer->which))
            continue;
        if (printer->which == SETTINGS_DEFAULTS)
            (void)buf_printf(printer->out, "%s# %s\n", indent, row->help);
        print_shown(row, section, &value);
        (void)buf_printf(printer->out, "%s%s = %s\n", indent, row->name, buf_text(&value));
        buf_clear(&value);
    }
}

bool
print_has_wanted(const struct tree_table *table, const void *section, const void *initial,
                 enum settings_print which)
{
    for (size_t i = 0; i < *table->count; i++) {
        if (print_is_wanted(&table->rows[i], section, initial, which))
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
    if (print_has_wanted(&layout_listen_tls, listener, initial, printer->which)) {
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
    if (!print_has_wanted(&part->table, is, was, printer->which))
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
print_https(const struct printer *printer, const struct settings *settings,
            const struct settings *initial)
{
    for (size_t i = 0; i < settings->http_count; i++) {
        print_head(printer->out, "http", &settings->https[i].addr);
        print_rows(printer, "    ", &layout_http, &settings->https[i], &initial->https[i]);
        (void)buf_add_text(printer->out, "}\n");
    }
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
print_template(const struct printer *printer, const char *head, const struct tree_table *table,
               const void *initial)
{
    (void)buf_printf(printer->out, "# %s {\n", head);
    for (size_t i = 0; i < *table->count; i++) {
        const struct setting_row *row = &table->rows[i];
        struct buf value;

        print_value(row, initial, &value);
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
    struct http_settings http;

    filter_settings_init(&filter, "");
    rule_settings_init(&rule, "");
    setting_defaults(http_rows, http_row_count, &http);
    print_template(printer, "http \"inet:127.0.0.1:11380\"", &layout_http, &http);
    print_template(printer, "filter \"NAME\"", &layout_filter, &filter);
    print_template(printer, "rule \"NAME\"", &layout_rule, &rule);
    setting_clear(http_rows, http_row_count, &http);
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
    print_https(printer, settings, initial);
    print_verdicts(printer, settings, initial);
    if (printer->which == SETTINGS_DEFAULTS)
        print_templates(printer);
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
    for (size_t i = 0; i < settings->http_count; i++)
        (void)layout_add_http(initial, &settings->https[i].addr);
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
        result = settings_print_json(settings, initial, which, &text);
    else
        print_text(&printer, settings, initial);
    if (result == 0)
        result = buf_add_span(out, buf_span(&text));
    buf_clear(&text);
    settings_free(&initial);
    settings_free(&defaults);
    return result;
}
