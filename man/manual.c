// SPDX-License-Identifier: BSD-2-Clause
// manual TEMPLATE PAGE - fills in a manual page: mdoc, with lines of ours in it.
//
//   @settings SECTION   the settings of that section of the configuration, a list
//   @command NAME       a command of the tool, an item of a list
//   @CONFIG@            anywhere in a line: the configuration's path
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/layout.h"
#include "man/manual_rows.h"
#include "man/manual_usage.h"

enum { PAGE_MAX = 1 << 24, LINE_LEN_MAX = 4096 };

static bool
add_command(struct span name, struct buf *out)
{
    for (size_t i = 0; i < command_row_count; i++) {
        if (!span_is(name, command_rows[i].name))
            continue;
        manual_usage(&command_rows[i], out);
        return true;
    }
    return false;
}

static void
add_plain(const char *line, struct buf *out)
{
    static const char mark[] = "@CONFIG@";
    const char *found = strstr(line, mark);

    if (found == NULL) {
        (void)buf_add_text(out, line);
        return;
    }
    (void)buf_add(out, line, (size_t)(found - line));
    (void)buf_add_text(out, POSTERN_CONFIG_FILE);
    (void)buf_add_text(out, found + strlen(mark));
}

static bool
add_line(const char *line, struct buf *out)
{
    struct span rest = span_trim(span_from(line, strcspn(line, "\n"))), word;

    if (line[0] != '@' || line[1] == 'C') {
        add_plain(line, out);
        return true;
    }
    word = span_cut(&rest, ' ');
    if (span_is(word, "@settings"))
        return manual_rows(&layout_rules, rest, out);
    return span_is(word, "@command") && add_command(rest, out);
}

static int
fill_in(const char *name, FILE *template, struct buf *out)
{
    char line[LINE_LEN_MAX];
    int result = 0;

    for (unsigned number = 1; fgets(line, sizeof line, template) != NULL; number++) {
        if (add_line(line, out))
            continue;
        (void)fprintf(stderr, "%s:%u: there is nothing of that name: %s", name, number, line);
        result = -1;
    }
    return ferror(template) != 0 ? -1 : result;
}

static int
write_page(const char *name, const struct buf *page)
{
    FILE *file = fopen(name, "w");
    int result = -1;

    if (file != NULL) {
        result = fwrite(page->data, 1, page->len, file) == page->len ? 0 : -1;
        if (fclose(file) != 0)
            result = -1;
    }
    if (result != 0)
        perror(name);
    return result;
}

int
main(int argc, char **argv)
{
    FILE *template = argc == 3 ? fopen(argv[1], "r") : NULL;
    struct buf page;
    int result;

    if (template == NULL) {
        (void)fputs("usage: manual TEMPLATE PAGE\n", stderr);
        return EXIT_FAILURE;
    }
    buf_init(&page, PAGE_MAX);
    result = fill_in(argv[1], template, &page);
    if (result == 0)
        result = write_page(argv[2], &page);
    buf_clear(&page);
    (void)fclose(template);
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
