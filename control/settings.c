// SPDX-License-Identifier: BSD-2-Clause
#include "control/settings.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "control/grammar.h"
#include "control/layout.h"
#include "control/settings_check.h"

enum { VALUES_MAX = 1024 };

// Values of one row, borrowed from the file and the default; addresses with names are our own.
struct values {
    struct span spans[VALUES_MAX];
    size_t count;
    char (*resolved)[ADDR_TEXT_MAX];
};

static int
add_value(struct values *values, struct span value)
{
    if (values->count == VALUES_MAX)
        return -1;
    values->spans[values->count++] = value;
    return 0;
}

static int
collect(const struct setting_row *row, const struct tree_entry *entry, struct values *values,
        struct err *err)
{
    struct span rest = span_of(entry->adds ? row->initial : NULL);
    int result = 0;

    while (result == 0 && rest.len > 0)
        result = add_value(values, span_trim(span_cut(&rest, ',')));
    for (size_t i = 0; result == 0 && i < entry->count; i++)
        result = add_value(values, span_of(entry->values[i]));
    if (result != 0)
        return err_set(err, ERR_PERM, "%s: expected at most %d values", row->name, VALUES_MAX);
    return 0;
}

// Rows read numeric addresses; names are looked up before.
static int
resolve(const struct setting_row *row, struct values *values, struct err *err)
{
    if (row->type != SETTING_ADDR && row->type != SETTING_ADDRS)
        return 0;
    values->resolved = mem_zarray(values->count, sizeof values->resolved[0]);
    for (size_t i = 0; i < values->count; i++) {
        struct addr addr;

        if (values->spans[i].len == 0)
            continue;
        if (addr_resolve(values->spans[i], &addr, err) != 0)
            return err_prefix(err, "%s", row->name);
        addr_format(&addr, values->resolved[i]);
        values->spans[i] = span_of(values->resolved[i]);
    }
    return 0;
}

static int
set_row(const struct setting_row *row, const struct tree_entry *entry, void *target,
        struct err *err)
{
    struct values *values = mem_zalloc(sizeof *values);
    int result = collect(row, entry, values, err);

    if (result == 0)
        result = resolve(row, values, err);
    if (result == 0)
        result = setting_parse(row, values->spans, values->count, target, err);
    mem_free(&values->resolved);
    mem_free(&values);
    return result == 0 ? 0 : err_prefix(err, "%s:%u", entry->file, entry->line);
}

static int
set_rows(const struct tree_table *table, const struct tree_section *section, void *target,
         struct err *err)
{
    for (size_t i = 0; i < *table->count; i++) {
        const struct tree_entry *entry = tree_find(section, table->rows[i].name);

        if (entry != NULL && set_row(&table->rows[i], entry, target, err) != 0)
            return -1;
    }
    return 0;
}

static void
restore_name(char **name, const char *title)
{
    if ((*name)[0] != '\0')
        return;
    mem_free(name);
    *name = mem_strdup(title);
}

static int
read_title(const struct tree_section *section, struct addr *addr, struct err *err)
{
    if (addr_resolve(span_of(section->title), addr, err) == 0)
        return 0;
    return err_prefix(err, "%s:%u: %s", section->file, section->line, section->rules->name);
}

static int
take_listener(const struct tree_section *section, struct settings *settings, struct err *err)
{
    const struct tree_section *tls = tree_find_section(section, "tls");
    struct smtp_listener_settings *listener;
    struct addr addr;

    if (settings->listener_count == SETTINGS_LISTENERS_MAX)
        return err_set(err, ERR_PERM, "%s:%u: listen: expected at most %d", section->file,
                       section->line, SETTINGS_LISTENERS_MAX);
    if (read_title(section, &addr, err) != 0)
        return -1;
    listener = layout_add_listener(settings, &addr, section->title);
    if (set_rows(&layout_listen, section, listener, err) != 0)
        return -1;
    restore_name(&listener->name, section->title);
    return tls == NULL ? 0 : set_rows(&layout_listen_tls, tls, listener, err);
}

static int
take_hop(const struct tree_section *section, struct settings *settings, struct err *err)
{
    struct hop_settings *hop;
    struct addr addr;

    if (settings->hop_count == SETTINGS_HOPS_MAX)
        return err_set(err, ERR_PERM, "%s:%u: next_hop: expected at most %d", section->file,
                       section->line, SETTINGS_HOPS_MAX);
    if (read_title(section, &addr, err) != 0)
        return -1;
    hop = layout_add_hop(settings, &addr, section->title);
    if (set_rows(&layout_next_hop, section, hop, err) != 0)
        return -1;
    restore_name(&hop->name, section->title);
    return 0;
}

static int
take_http(const struct tree_section *section, struct settings *settings, struct err *err)
{
    struct addr addr;

    if (settings->http_count == HTTP_MAX)
        return err_set(err, ERR_PERM, "%s:%u: http: expected at most %d", section->file,
                       section->line, HTTP_MAX);
    if (read_title(section, &addr, err) != 0)
        return -1;
    return set_rows(&layout_http, section, layout_add_http(settings, &addr), err);
}

static int
take_filter(const struct tree_section *section, struct settings *settings, struct err *err)
{
    if (settings->filter_count == FILTERS_MAX)
        return err_set(err, ERR_PERM, "%s:%u: filter: expected at most %d", section->file,
                       section->line, FILTERS_MAX);
    return set_rows(&layout_filter, section, layout_add_filter(settings, section->title), err);
}

static int
take_rule(const struct tree_section *section, struct settings *settings, struct err *err)
{
    if (settings->rule_count == RULES_MAX)
        return err_set(err, ERR_PERM, "%s:%u: rule: expected at most %d", section->file,
                       section->line, RULES_MAX);
    return set_rows(&layout_rule, section, layout_add_rule(settings, section->title), err);
}

// Sections that may stand there several times.
static int
take_titled(const struct tree_section *section, struct settings *settings, struct err *err)
{
    static const struct {
        const char *name;
        int (*take)(const struct tree_section *, struct settings *, struct err *);
    } kinds[] = {
        {"listen",   take_listener},
        {"next_hop", take_hop     },
        {"http",     take_http    },
        {"filter",   take_filter  },
        {"rule",     take_rule    },
    };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(section->rules->name, kinds[i].name) == 0)
            return kinds[i].take(section, settings, err);
    }
    return 0;
}

static int
take_all(const struct tree_section *root, struct settings *settings, struct err *err)
{
    for (size_t i = 0; i < LAYOUT_PARTS; i++) {
        const struct layout_part *part = &layout_parts[i];
        const struct tree_section *section =
            part->section[0] == '\0' ? root : tree_find_section(root, part->section);

        if (section != NULL &&
            set_rows(&part->table, section, (char *)settings + part->offset, err) != 0)
            return -1;
    }
    for (size_t i = 0; i < root->section_count; i++) {
        if (take_titled(root->sections[i], settings, err) != 0)
            return -1;
    }
    layout_derive(settings);
    layout_add_defaults(settings);
    return settings_check(settings, root, err);
}

// The daemon changes its folder and reads the file again later. Symbolic links stay: a reload
// follows them where they then point to.
static char *
make_absolute(const char *file)
{
    char *folder, *path;

    if (file[0] == '/')
        return mem_strdup(file);
    folder = getcwd(NULL, 0);
    if (folder == NULL)
        return NULL;
    path = mem_printf("%s/%s", folder, file);
    mem_free(&folder);
    return path;
}

int
settings_load(const char *file, struct settings **settings_out, struct err *err)
{
    struct settings *settings;
    struct tree *tree;
    char *path = make_absolute(file);
    int result;

    if (path == NULL)
        return err_sys(err, ERR_PERM, errno, "%s: the current folder has no name", file);
    if (grammar_read(file, &layout_rules, &tree, err) != 0) {
        mem_free(&path);
        return -1;
    }
    settings = layout_new(path);
    mem_free(&path);
    result = take_all(&tree->root, settings, err);
    tree_free(&tree);
    if (result != 0) {
        settings_free(&settings);
        return -1;
    }
    *settings_out = settings;
    return 0;
}

void
settings_free(struct settings **settings)
{
    struct settings *gone = *settings;

    if (gone == NULL)
        return;
    for (size_t i = 0; i < LAYOUT_PARTS; i++)
        setting_clear(layout_parts[i].table.rows, *layout_parts[i].table.count,
                      (char *)gone + layout_parts[i].offset);
    for (size_t i = 0; i < gone->listener_count; i++) {
        setting_clear(smtp_listener_rows, smtp_listener_row_count, &gone->listeners[i]);
        setting_clear(smtp_listener_tls_rows, smtp_listener_tls_row_count, &gone->listeners[i]);
    }
    for (size_t i = 0; i < gone->hop_count; i++)
        setting_clear(hop_rows, hop_row_count, &gone->hops[i]);
    for (size_t i = 0; i < gone->http_count; i++)
        setting_clear(http_rows, http_row_count, &gone->https[i]);
    for (size_t i = 0; i < gone->filter_count; i++)
        filter_settings_clear(&gone->filters[i]);
    for (size_t i = 0; i < gone->rule_count; i++)
        rule_settings_clear(&gone->rule_texts[i]);
    rules_clear(&gone->rules);
    mem_free(&gone->https);
    mem_free(&gone->filters);
    mem_free(&gone->rule_texts);
    mem_free(&gone->listeners);
    mem_free(&gone->hops);
    mem_free(&gone->file);
    mem_free(settings);
}

const struct hop_settings *
settings_find_hop(const struct settings *settings, const char *name)
{
    if (name[0] == '\0')
        return settings->hop_count == 0 ? NULL : &settings->hops[0];
    for (size_t i = 0; i < settings->hop_count; i++) {
        if (strcmp(settings->hops[i].name, name) == 0)
            return &settings->hops[i];
    }
    return NULL;
}
