// SPDX-License-Identifier: BSD-2-Clause
#include "man/manual_rows.h"

#include <assert.h>
#include <string.h>

#include "base/setting_value.h"
#include "man/mdoc.h"

enum { SECTION_SIZE_MAX = 1 << 16, VALUE_MAX = 1 << 16 };

static const char *const type_words[] = {
    [SETTING_BOOL] = "yes | no",
    [SETTING_NUMBER] = "number",
    [SETTING_TIME] = "time",
    [SETTING_SIZE] = "size",
    [SETTING_TEXT] = "text",
    [SETTING_CHOICE] = NULL, // its choices
    [SETTING_MODE] = "octal number",
    [SETTING_ADDR] = "socket",
    [SETTING_TEXTS] = "list of texts",
    [SETTING_TIMES] = "list of times",
    [SETTING_NETS] = "list of networks",
    [SETTING_ADDRS] = "list of sockets",
};

static void
add_type(const struct setting_row *row, struct buf *out)
{
    struct buf words;

    buf_init(&words, VALUE_MAX);
    if (row->type == SETTING_CHOICE) {
        for (const char *const *choice = row->choices; *choice != NULL; choice++) {
            if (**choice != '\0') // as it is where nothing is written
                (void)buf_printf(&words, "%s%s", words.len == 0 ? "" : " | ", *choice);
        }
    } else {
        (void)buf_add_text(&words, type_words[row->type]);
    }
    mdoc_add_word(out, buf_span(&words));
    buf_clear(&words);
}

static void
add_range(const struct setting_row *row, struct buf *out)
{
    char min[32], max[32];

    setting_number_text(row->type, row->min, min);
    setting_number_text(row->type, row->max, max);
    if (row->min > 0 && row->max > 0)
        (void)buf_printf(out, "From %s to %s.\n", min, max);
    else if (row->max > 0)
        (void)buf_printf(out, "At most %s.\n", max);
    else if (row->min > 0)
        (void)buf_printf(out, "At least %s.\n", min);
}

static void
add_bounds(const struct setting_row *row, struct buf *out)
{
    switch (row->type) {
    case SETTING_NUMBER:
    case SETTING_TIME:
    case SETTING_SIZE:
        add_range(row, out);
        break;
    case SETTING_TEXT:
    case SETTING_TEXTS:
    case SETTING_TIMES:
    case SETTING_NETS:
    case SETTING_ADDRS:
        if (row->min > 0)
            (void)buf_add_text(out, "Not empty.\n");
        break;
    default:
        break;
    }
}

static void
add_default(const struct setting_row *row, const void *section, struct buf *out)
{
    struct buf value;

    buf_init(&value, VALUE_MAX);
    setting_format(row, section, &value);
    if (value.len == 0 || (row->min > 0 && span_is(buf_span(&value), "{}"))) {
        (void)buf_add_text(out, "No default.\n");
    } else {
        (void)buf_add_text(out, "Default:\n.Li ");
        mdoc_add_word(out, buf_span(&value));
        (void)buf_add_text(out, " .\n");
    }
    buf_clear(&value);
}

static void
add_row(const struct setting_row *row, const void *section, struct buf *out)
{
    (void)buf_add_text(out, ".It Ic ");
    mdoc_add_word(out, span_of(row->name));
    (void)buf_add_text(out, " No = Ar ");
    add_type(row, out);
    (void)buf_add_char(out, '\n');
    mdoc_add_sentences(out, span_of(row->help));
    add_bounds(row, out);
    add_default(row, section, out);
}

// Where a section's members end is the compiler's to know: there is room for any of them.
static void
add_table(const struct tree_table *table, struct buf *out)
{
    static _Alignas(max_align_t) char section[SECTION_SIZE_MAX];

    for (size_t i = 0; i < *table->count; i++)
        assert(table->rows[i].offset < SECTION_SIZE_MAX - 4096);
    memset(section, 0, sizeof section);
    setting_defaults(table->rows, *table->count, section);
    for (size_t i = 0; i < *table->count; i++)
        add_row(&table->rows[i], section, out);
    setting_clear(table->rows, *table->count, section);
}

static const struct tree_rules *
find_rules(const struct tree_rules *file, struct span section)
{
    const struct tree_rules *rules = file;

    if (span_is(section, "global"))
        return file;
    while (section.len > 0) {
        struct span name = span_cut(&section, ' ');
        const struct tree_rules *found = NULL;

        for (size_t i = 0; i < rules->section_count; i++) {
            if (span_is(name, rules->sections[i].name))
                found = &rules->sections[i];
        }
        if (found == NULL)
            return NULL;
        rules = found;
    }
    return rules;
}

bool
manual_rows(const struct tree_rules *file, struct span section, struct buf *out)
{
    const struct tree_rules *rules = find_rules(file, section);

    if (rules == NULL)
        return false;
    (void)buf_add_text(out, ".Bl -tag -width 4n\n");
    for (size_t i = 0; i < rules->table_count; i++)
        add_table(&rules->tables[i], out);
    (void)buf_add_text(out, ".El\n");
    return true;
}
