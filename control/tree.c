// SPDX-License-Identifier: BSD-2-Clause
#include "control/tree.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct tree_entry *
tree_find(const struct tree_section *section, const char *name)
{
    for (size_t i = 0; i < section->entry_count; i++) {
        if (strcmp(section->entries[i].name, name) == 0)
            return &section->entries[i];
    }
    return NULL;
}

const struct setting_row *
tree_find_row(const struct tree_rules *rules, const char *name)
{
    const struct setting_row *row = NULL;

    for (size_t i = 0; row == NULL && i < rules->table_count; i++)
        row = setting_find(rules->tables[i].rows, *rules->tables[i].count, span_of(name));
    return row;
}

bool
tree_is_list(const struct setting_row *row)
{
    return row->type == SETTING_TEXTS || row->type == SETTING_TIMES || row->type == SETTING_NETS ||
           row->type == SETTING_ADDRS;
}

static void
clear_section(struct tree_section *section)
{
    for (size_t i = 0; i < section->entry_count; i++) {
        struct tree_entry *entry = &section->entries[i];

        for (size_t j = 0; j < entry->count; j++)
            mem_free(&entry->values[j]);
        mem_free(&entry->values);
    }
    for (size_t i = 0; i < section->section_count; i++) {
        clear_section(section->sections[i]);
        mem_free(&section->sections[i]);
    }
    mem_free(&section->entries);
    mem_free(&section->sections);
    mem_free(&section->title);
}

void
tree_free(struct tree **tree)
{
    if (*tree == NULL)
        return;
    clear_section(&(*tree)->root);
    for (size_t i = 0; i < (*tree)->file_count; i++)
        mem_free(&(*tree)->files[i]);
    mem_free(&(*tree)->files);
    mem_free(tree);
}

const struct tree_section *
tree_find_section(const struct tree_section *section, const char *name)
{
    for (size_t i = 0; i < section->section_count; i++) {
        if (strcmp(section->sections[i]->rules->name, name) == 0)
            return section->sections[i];
    }
    return NULL;
}

static const struct tree_section *
find_place(const struct tree_section *section, const char *name)
{
    if (tree_find_row(section->rules, name) != NULL)
        return section;
    for (size_t i = 0; i < section->section_count; i++) {
        if (tree_find_row(section->sections[i]->rules, name) != NULL)
            return section->sections[i];
    }
    return section;
}

int
tree_fail(const struct tree_section *section, struct err *err)
{
    const struct tree_section *place;
    const struct tree_entry *entry;
    char name[64];

    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(err->text, ": "), err->text);
    place = find_place(section, name);
    entry = tree_find(place, name);
    if (entry != NULL)
        return err_prefix(err, "%s:%u", entry->file, entry->line);
    return err_prefix(err, "%s:%u", place->file, place->line);
}
