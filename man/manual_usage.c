// SPDX-License-Identifier: BSD-2-Clause
#include "man/manual_usage.h"

#include "man/mdoc.h"

// What a word of a usage is: "--to" and "-n" flags, "all" a word as it stands, "ID..." an argument.
static void
add_word(struct span word, struct buf *out)
{
    if (word.len > 1 && word.data[0] == '-') {
        (void)buf_add_text(out, ".Fl ");
        mdoc_add_word(out, span_skip(word, 1));
    } else if (word.data[0] >= 'a' && word.data[0] <= 'z') {
        (void)buf_add_text(out, ".Cm ");
        mdoc_add_word(out, word);
    } else {
        (void)buf_add_text(out, ".Ar ");
        mdoc_add_word(out, word);
    }
    (void)buf_add_char(out, '\n');
}

static bool
is_sign(char c)
{
    return c == '[' || c == ']' || c == '|';
}

static void
add_sign(char sign, struct buf *out)
{
    (void)buf_add_text(out, sign == '[' ? ".Oo\n" : sign == ']' ? ".Oc\n" : "|\n");
}

static size_t
word_end(struct span usage)
{
    size_t at = 0;

    while (at < usage.len && usage.data[at] != ' ' && !is_sign(usage.data[at]))
        at++;
    return at;
}

static void
add_usage(struct span usage, struct buf *out)
{
    while (usage.len > 0) {
        size_t len = 1;

        if (is_sign(usage.data[0])) {
            add_sign(usage.data[0], out);
        } else if (usage.data[0] != ' ') {
            len = word_end(usage);
            add_word(span_from(usage.data, len), out);
        }
        usage = span_skip(usage, len);
    }
}

// The help of --help has no full stop and begins small.
static void
add_help(struct span help, struct buf *out)
{
    char first;

    if (help.len == 0)
        return;
    first = help.data[0];
    if (first >= 'a' && first <= 'z')
        first = (char)(first - 'a' + 'A');
    (void)buf_add_char(out, first);
    mdoc_add_sentences(out, span_skip(help, 1));
    buf_cut(out, out->len - 1);
    (void)buf_add_text(out, ".\n");
}

void
manual_usage(const struct command *command, struct buf *out)
{
    (void)buf_add_text(out, ".It Xo\n.Ic ");
    mdoc_add_word(out, span_of(command->name));
    (void)buf_add_char(out, '\n');
    add_usage(span_of(command->usage), out);
    (void)buf_add_text(out, ".Xc\n");
    add_help(span_of(command->help), out);
}
