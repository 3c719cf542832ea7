// SPDX-License-Identifier: BSD-2-Clause
// control/tree.h - a configuration as a tree of texts that know their lines. Pure.
//
// Owns:  all its strings but the names, which are the rows'. Knows which names there are, not what
//        values mean.
#ifndef POSTERN_CONTROL_TREE_H
#define POSTERN_CONTROL_TREE_H

#include "base/setting.h"

struct tree_table { // rows with their count, which is no constant where they are extern
    const struct setting_row *rows;
    const size_t *count;
};

struct tree_rules {   // what may stand in one kind of section
    const char *name; // "" is the whole file
    bool has_title;   // several may stand there, with different titles; else one
    const struct tree_table *tables;
    size_t table_count;
    const struct tree_rules *sections;
    size_t section_count;
};

struct tree_entry {   // name = value
    const char *name; // the row's
    const char *file;
    unsigned line;
    char **values;
    size_t count;
    bool adds; // += to the default
};

struct tree_section {
    const struct tree_rules *rules;
    char *title; // "" without
    const char *file;
    unsigned line; // of its brace
    struct tree_entry *entries;
    size_t entry_count;
    struct tree_section **sections; // in the order of the file
    size_t section_count;
};

struct tree {
    struct tree_section root;
    char **files; // all that were read; entries point to these names
    size_t file_count;
};

void tree_free(struct tree **tree);

bool tree_is_list(const struct setting_row *row); // takes {a, b}
const struct setting_row *tree_find_row(const struct tree_rules *rules, const char *name);

// NULL: it is not there.
struct tree_entry *tree_find(const struct tree_section *section, const char *name);
const struct tree_section *tree_find_section(const struct tree_section *section, const char *name);

// Puts FILE:LINE before err's text, which begins with the name of a setting ("max_size: ..."), of
// the section or one inside of it: its line if it is there, else the section's. -1.
int tree_fail(const struct tree_section *section, struct err *err);

#endif
