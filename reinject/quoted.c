// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/quoted.h"

#include <string.h>

enum { LINE_MAX_OCTETS = 998, QUOTED_LINE_MAX = 76 };

static bool
is_line_plain(struct span line)
{
    return line.len <= LINE_MAX_OCTETS && memchr(line.data, '\r', line.len) == NULL &&
           memchr(line.data, '\0', line.len) == NULL;
}

bool
quoted_is_needless(struct span text, bool may_be_8bit)
{
    struct span rest = text;

    for (size_t i = 0; i < text.len; i++) {
        if ((text.data[i] & 0x80) != 0 && !may_be_8bit)
            return false;
    }
    while (rest.len > 0) {
        struct span line = span_cut(&rest, '\n');

        if (rest.data == NULL) // no line end: what follows will give it
            return is_line_plain(line) && str_is_utf8(text);
        if (line.len == 0 || line.data[line.len - 1] != '\r')
            return false;
        line.len--;
        if (!is_line_plain(line))
            return false;
    }
    return str_is_utf8(text);
}

static bool
is_line_end(struct span text)
{
    return text.len >= 2 && text.data[0] == '\r' && text.data[1] == '\n';
}

// Must the first byte be written as =XX? Blanks only where they would end a line.
static bool
is_quoted(struct span text)
{
    unsigned char byte = (unsigned char)text.data[0];

    if (byte == ' ' || byte == '\t')
        return text.len == 1 || is_line_end(span_skip(text, 1));
    return byte < '!' || byte > '~' || byte == '=';
}

void
quoted_add(struct buf *out, struct span text)
{
    size_t column = 0;

    while (text.len > 0) {
        bool is_coded = is_quoted(text);
        size_t width = is_coded ? 3 : 1;

        if (is_line_end(text)) {
            (void)buf_add_text(out, "\r\n");
            text = span_skip(text, 2);
            column = 0;
            continue;
        }
        if (column + width >= QUOTED_LINE_MAX) { // one column is left for the "="
            (void)buf_add_text(out, "=\r\n");
            column = 0;
        }
        if (is_coded)
            (void)buf_printf(out, "=%02X", (unsigned char)text.data[0]);
        else
            (void)buf_add_char(out, text.data[0]);
        column += width;
        text = span_skip(text, 1);
    }
}
