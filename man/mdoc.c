// SPDX-License-Identifier: BSD-2-Clause
#include "man/mdoc.h"

#include <string.h>

enum { LINE_WIDTH = 78 };

static void
add_char(struct buf *out, char c)
{
    if (c == '\\')
        (void)buf_add_text(out, "\\e");
    else if (c == '"')
        (void)buf_add_text(out, "\\(dq");
    else if (c == '-')
        (void)buf_add_text(out, "\\-");
    else
        (void)buf_add_char(out, c);
}

void
mdoc_add_word(struct buf *out, struct span text)
{
    (void)buf_add_text(out, "\"\\&");
    for (size_t i = 0; i < text.len; i++)
        add_char(out, text.data[i]);
    (void)buf_add_char(out, '"');
}

static bool
is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool
ends_sentence(struct span text, size_t at)
{
    return at > 0 && text.data[at - 1] == '.' && at + 1 < text.len && is_upper(text.data[at + 1]);
}

static size_t
word_len(struct span text)
{
    const char *blank = memchr(text.data, ' ', text.len);

    return blank == NULL ? text.len : (size_t)(blank - text.data);
}

void
mdoc_add_sentences(struct buf *out, struct span text)
{
    size_t column = 0, at = 0;

    while (at < text.len) {
        size_t len = word_len(span_skip(text, at));

        if (column > 0) {
            bool is_next = ends_sentence(text, at - 1) || column + 1 + len > LINE_WIDTH;

            (void)buf_add_char(out, is_next ? '\n' : ' ');
            column = is_next ? 0 : column + 1;
        }
        if (column == 0 && (text.data[at] == '.' || text.data[at] == '\''))
            (void)buf_add_text(out, "\\&"); // else it would be a macro
        for (size_t i = 0; i < len; i++)
            (void)buf_add_text(out,
                               text.data[at + i] == '\\' ? "\\e" : (char[2]){text.data[at + i]});
        column += len;
        at += len + 1;
    }
    (void)buf_add_char(out, '\n');
}
