// SPDX-License-Identifier: BSD-2-Clause
#include "control/grammar.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <confuse.h>

#include "base/mem.h"
#include "control/include.h"
#include "control/lexis.h"
#include "control/nearest.h"

enum { OPEN_MAX = 4, INCLUDE_DEPTH_MAX = 8 };

// What every list holds until the file sets it: then it is gone, after += it is still there.
static const char unset[] = "\001";

// What is open while a file is read.
struct reader {
    struct tree *tree;
    const char *file;
    unsigned includes; // files inside each other

    struct {
        struct tree_section *section;
        cfg_t *cfg;
    } open[OPEN_MAX];

    size_t depth;
    struct err *err;
    bool has_failed;
};

// libconfuse's callbacks get no argument of ours. It travels in a member that texts do not use, and
// that is copied with each option.
_Static_assert(sizeof(long) >= sizeof(void *), "a pointer fits the default of an option");

static long
hide(struct reader *reader)
{
    return (long)(intptr_t)reader;
}

static struct reader *
reader_of(const cfg_opt_t *opt)
{
    return (struct reader *)(intptr_t)opt->def.number; // NOLINT(performance-no-int-to-ptr)
}

static int
fail_at(struct reader *reader, const char *file, unsigned line, const char *text)
{
    if (!reader->has_failed)
        (void)err_set(reader->err, ERR_PERM, "%s:%u: %s", file, line, text);
    reader->has_failed = true;
    return -1;
}

static struct tree_section *
top_of(const struct reader *reader)
{
    return reader->open[reader->depth - 1].section;
}

static struct tree_entry *
add_entry(struct reader *reader, const struct setting_row *row, unsigned line)
{
    struct tree_section *section = top_of(reader);
    struct tree_entry *entry;

    section->entries =
        mem_regrow(section->entries, section->entry_count + 1, sizeof *section->entries);
    entry = &section->entries[section->entry_count++];
    *entry = (struct tree_entry){.name = row->name, .file = reader->file, .line = line};
    return entry;
}

static int
fail_twice(struct reader *reader, const char *name, const char *file, unsigned first, unsigned line)
{
    char text[300];

    if (file == reader->file)
        (void)snprintf(text, sizeof text, "%s: it is there already, on line %u", name, first);
    else
        (void)snprintf(text, sizeof text, "%s: it is there already, at %s:%u", name, file, first);
    return fail_at(reader, reader->file, line, text);
}

static int
fail_unknown(struct reader *reader, const cfg_t *cfg, const char *name)
{
    bool is_inside = reader->depth > 1;
    struct nearest nearest;
    char text[300], hint[100] = "";

    nearest_init(&nearest, name);
    for (const cfg_opt_t *opt = cfg->opts; opt->name != NULL; opt++)
        nearest_try(&nearest, opt->name);
    if (nearest.name != NULL)
        (void)snprintf(hint, sizeof hint, "; did you mean %s?", nearest.name);
    (void)snprintf(text, sizeof text, "%.80s: there is no such setting%s%s%s", name,
                   is_inside ? " in " : "", is_inside ? cfg->name : "", hint);
    return fail_at(reader, reader->file, (unsigned)cfg->line, text);
}

// One of a kind, and one of a title. libconfuse would let the later one win.
static void
check_twice(struct reader *reader, const struct tree_section *section)
{
    const struct tree_section *parent = reader->open[reader->depth - 2].section;
    char what[200];

    for (size_t i = 0; i + 1 < parent->section_count; i++) {
        const struct tree_section *other = parent->sections[i];

        if (other->rules != section->rules || strcmp(other->title, section->title) != 0)
            continue;
        (void)snprintf(what, sizeof what, "%s%s%.128s%s", section->rules->name,
                       section->title[0] == '\0' ? "" : " \"", section->title,
                       section->title[0] == '\0' ? "" : "\"");
        (void)fail_twice(reader, what, other->file, other->line, section->line);
    }
}

// The marker of a section takes its default when the section is made, which is the one moment when
// libconfuse tells where a section begins. It ends the process where a default is refused: what
// fails here, on_close refuses.
static void
open_section(struct reader *reader, cfg_t *cfg)
{
    struct tree_section *section, *parent;

    assert(reader->depth < OPEN_MAX);
    if (reader->depth == 0) {
        reader->open[reader->depth].cfg = cfg;
        reader->open[reader->depth++].section = &reader->tree->root;
        return;
    }
    parent = top_of(reader);
    section = mem_zalloc(sizeof *section);
    for (size_t i = 0; i < parent->rules->section_count; i++) {
        if (strcmp(parent->rules->sections[i].name, cfg->name) == 0)
            section->rules = &parent->rules->sections[i];
    }
    assert(section->rules != NULL);
    section->title = mem_strdup(cfg->title == NULL ? "" : cfg->title);
    section->file = reader->file;
    section->line = (unsigned)cfg->line;
    parent->sections =
        mem_regrow(parent->sections, parent->section_count + 1, sizeof(struct tree_section *));
    parent->sections[parent->section_count++] = section;
    reader->open[reader->depth].cfg = cfg;
    reader->open[reader->depth++].section = section;
    check_twice(reader, section);
}

// libconfuse calls it for each value, those of a list one by one, before it keeps them.
static int
on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    struct reader *reader = reader_of(opt);
    bool is_open = reader->depth > 0 && reader->open[reader->depth - 1].cfg == cfg;
    const struct setting_row *row;
    struct tree_entry *entry;

    *(const char **)result = value;
    if (opt->name[0] == '\0' && !is_open) {
        open_section(reader, cfg);
        return 0;
    }
    if (strcmp(value, unset) == 0 && !is_open)
        return 0;
    if (reader->has_failed)
        return -1;
    row = is_open ? tree_find_row(top_of(reader)->rules, opt->name) : NULL;
    if (row == NULL)
        return fail_unknown(reader, cfg, opt->name);
    entry = tree_find(top_of(reader), row->name);
    if (entry != NULL && (!tree_is_list(row) || opt->nvalues == 1))
        return fail_twice(reader, row->name, entry->file, entry->line, (unsigned)cfg->line);
    if (entry == NULL) {
        entry = add_entry(reader, row, (unsigned)cfg->line);
        entry->adds = tree_is_list(row) && opt->nvalues > 1;
    }
    entry->values = mem_regrow(entry->values, entry->count + 1, sizeof *entry->values);
    entry->values[entry->count++] = mem_strdup(value);
    return 0;
}

// An empty list ({}) is told to nobody: its default is gone, that is all.
static int
take_empty_lists(struct reader *reader)
{
    cfg_t *cfg = reader->open[reader->depth - 1].cfg;

    for (const cfg_opt_t *opt = cfg->opts; opt->name != NULL; opt++) {
        const struct setting_row *row = tree_find_row(top_of(reader)->rules, opt->name);
        const struct tree_entry *entry;

        if (row == NULL || !tree_is_list(row) || opt->nvalues > 0)
            continue;
        entry = tree_find(top_of(reader), row->name);
        if (entry != NULL)
            return fail_twice(reader, row->name, entry->file, entry->line, (unsigned)cfg->line);
        (void)add_entry(reader, row, (unsigned)cfg->line);
    }
    return 0;
}

static int
on_close(cfg_t *cfg, cfg_opt_t *opt)
{
    struct reader *reader = reader_of(opt);

    (void)cfg;
    if (reader->has_failed || take_empty_lists(reader) != 0)
        return -1;
    reader->depth--;
    return 0;
}

__attribute__((format(printf, 2, 0))) static void
on_error(cfg_t *cfg, const char *format, va_list args)
{
    const cfg_opt_t *marker = cfg->opts;
    struct reader *reader;
    char text[300];

    while (marker->name[0] != '\0')
        marker++;
    reader = reader_of(marker);
    (void)vsnprintf(text, sizeof text, format, args);
    if (strncmp(format, "no such option", 14) == 0) {
        const char *name = strchr(text, '\'');
        const char *end = strrchr(text, '\'');
        char *copy =
            name == end ? mem_strdup("?") : mem_strndup(name + 1, (size_t)(end - name - 1));

        (void)fail_unknown(reader, cfg, copy);
        mem_free(&copy);
        return;
    }
    (void)fail_at(reader, reader->file, (unsigned)cfg->line, text);
}

static int
take_text(struct reader *reader, cfg_t *cfg, struct buf *content)
{
    struct err err;
    unsigned line = 0;
    FILE *stream;
    int result;

    if (lexis_clean(content->data, content->len, &line, &err) != 0)
        return fail_at(reader, reader->file, line, err.text);
    if (content->len == 0)
        return 0;
    stream = fmemopen(content->data, content->len, "r");
    assert(stream != NULL);
    result = cfg_parse_fp(cfg, stream);
    (void)fclose(stream);
    if (result != CFG_SUCCESS)
        (void)fail_at(reader, reader->file, (unsigned)cfg->line, "expected name = value");
    return result == CFG_SUCCESS ? 0 : -1;
}

static int
take_file(struct reader *reader, cfg_t *cfg, const char *path)
{
    struct tree *tree = reader->tree;
    struct buf content;
    struct err err;
    int result;

    tree->files = mem_regrow(tree->files, tree->file_count + 1, sizeof(char *));
    tree->files[tree->file_count++] = mem_strdup(path);
    reader->file = tree->files[tree->file_count - 1];
    buf_init(&content, INCLUDE_FILE_MAX);
    if (include_read(path, &content, &err) == 0) {
        result = take_text(reader, cfg, &content);
    } else {
        result = -1;
        if (!reader->has_failed)
            (void)err_set(reader->err, err.kind, "%s: %s", path, err.text);
        reader->has_failed = true;
    }
    buf_clear(&content);
    return result;
}

static int
take_included(struct reader *reader, cfg_t *cfg, const struct include_list *list)
{
    const char *file = reader->file;
    char *filename = cfg->filename;
    int line = cfg->line, result = 0;

    if (reader->includes == INCLUDE_DEPTH_MAX)
        return fail_at(reader, file, (unsigned)line, "include: expected fewer files inside others");
    reader->includes++;
    for (size_t i = 0; result == 0 && i < list->count; i++) {
        if (reader->tree->file_count >= INCLUDE_FILES_MAX) {
            result = fail_at(reader, file, (unsigned)line, "include: expected fewer files in all");
            break;
        }
        cfg->filename = mem_strdup(list->paths[i]);
        result = take_file(reader, cfg, list->paths[i]);
        mem_free(&cfg->filename);
    }
    reader->includes--;
    reader->file = file;
    cfg->filename = filename;
    cfg->line = line;
    return result;
}

// Not cfg_include: it knows no wildcards, takes names from the current folder, ends the process
// where it gets no plain file, and goes no further than ten files.
static int
on_include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
    struct reader *reader = reader_of(opt);
    struct include_list list;
    struct err err;
    int result;

    if (argc != 1)
        return fail_at(reader, reader->file, (unsigned)cfg->line,
                       "include: expected the name of one file");
    if (include_find(reader->file, argv[0], &list, &err) != 0)
        return fail_at(reader, reader->file, (unsigned)cfg->line, err.text);
    result = take_included(reader, cfg, &list);
    include_list_clear(&list);
    return result;
}

static void
free_options(cfg_opt_t *options)
{
    for (cfg_opt_t *opt = options; opt->name != NULL; opt++) {
        if (opt->subopts != NULL)
            free_options(opt->subopts);
    }
    mem_free(&options);
}

// Every value is a text, so that suffixes are ours to read. The marker is the last one: where it
// is set, all lists of the section have their defaults.
static cfg_opt_t *
make_options(const struct tree_rules *rules, struct reader *reader)
{
    static char unset_list[] = "{\"\\x01\"}";
    size_t count = 0, room = rules->section_count + 3;
    cfg_opt_t *options;

    for (size_t i = 0; i < rules->table_count; i++)
        room += *rules->tables[i].count;
    options = mem_zarray(room, sizeof *options);
    for (size_t i = 0; i < rules->table_count; i++) {
        for (size_t j = 0; j < *rules->tables[i].count; j++) {
            const struct setting_row *row = &rules->tables[i].rows[j];

            options[count++] = (cfg_opt_t){
                .name = row->name,
                .type = CFGT_STR,
                .flags = tree_is_list(row) ? CFGF_LIST : CFGF_NODEFAULT,
                .def = {.number = hide(reader), .parsed = tree_is_list(row) ? unset_list : NULL},
                .parsecb = on_value
            };
        }
    }
    for (size_t i = 0; i < rules->section_count; i++) {
        const struct tree_rules *inner = &rules->sections[i];

        options[count++] =
            (cfg_opt_t){.name = inner->name,
                        .type = CFGT_SEC,
                        .flags = CFGF_MULTI | CFGF_NODEFAULT | (inner->has_title ? CFGF_TITLE : 0),
                        .subopts = make_options(inner, reader),
                        .def = {.number = hide(reader)},
                        .validcb = on_close};
    }
    if (rules->name[0] == '\0')
        options[count++] = (cfg_opt_t){.name = "include",
                                       .type = CFGT_FUNC,
                                       .func = on_include,
                                       .def = {.number = hide(reader)}};
    options[count++] = (cfg_opt_t){
        .name = "",
        .type = CFGT_STR,
        .flags = CFGF_LIST,
        .def = {.number = hide(reader), .parsed = unset_list},
        .parsecb = on_value
    };
    assert(count < room);
    return options;
}

int
grammar_read(const char *path, const struct tree_rules *rules, struct tree **tree_out,
             struct err *err)
{
    struct tree *tree = mem_zalloc(sizeof *tree);
    struct reader reader = {.tree = tree, .err = err};
    cfg_opt_t *options = make_options(rules, &reader);
    cfg_t *cfg;
    int result;

    tree->root.rules = rules;
    cfg = cfg_init(options, CFGF_NONE);
    assert(cfg != NULL && reader.depth == 1);
    free_options(options);
    (void)cfg_set_error_function(cfg, on_error);
    cfg->filename = mem_strdup(path);
    result = take_file(&reader, cfg, path);
    tree->root.file = tree->files[0];
    tree->root.line = 1;
    if (result == 0)
        result = take_empty_lists(&reader);
    (void)cfg_free(cfg);
    if (result != 0) {
        tree_free(&tree);
        return -1;
    }
    *tree_out = tree;
    return 0;
}
