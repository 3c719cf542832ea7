// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/inline.h"

#include <string.h>

enum { YENC_SHIFT = 42, YENC_ESCAPED = 64 };

// Behind the first line that begins with `word`; all of it if there is none.
static size_t
find_end(struct span text, const char *word)
{
    size_t at = 0;

    while (at < text.len) {
        struct span line = span_skip(text, at);
        const char *end = memchr(line.data, '\n', line.len);
        size_t next = end == NULL ? text.len : (size_t)(end - text.data) + 1;

        if (at > 0 && line.len >= strlen(word) && memcmp(line.data, word, strlen(word)) == 0)
            return next;
        at = next;
    }
    return at;
}

bool
inline_next(struct span *rest, struct ebb *ebb, struct inline_file *file_out)
{
    ptrdiff_t at = decode_find_inline(*rest, ebb, &file_out->name);
    struct span text;

    if (at < 0)
        return false;
    text = span_skip(*rest, (size_t)at);
    file_out->kind = text.data[0] == '=' ? INLINE_YENC : INLINE_UUENCODE;
    text.len = find_end(text, file_out->kind == INLINE_YENC ? "=yend" : "end");
    file_out->raw = text;
    *rest = span_skip(*rest, (size_t)at + text.len);
    return true;
}

static int
decode_yenc_line(struct span line, struct buf *out)
{
    bool is_escaped = false;

    for (size_t i = 0; i < line.len; i++) {
        unsigned char byte = (unsigned char)line.data[i];

        if (byte == '\r' || byte == '\n')
            continue;
        if (byte == '=' && !is_escaped) {
            is_escaped = true;
            continue;
        }
        byte = (unsigned char)(byte - YENC_SHIFT - (is_escaped ? YENC_ESCAPED : 0));
        is_escaped = false;
        if (buf_add_char(out, (char)byte) != 0)
            return -1;
    }
    return 0;
}

int
inline_decode(const struct inline_file *file, struct buf *out, uint64_t *junk_out)
{
    struct decode decode;
    struct span rest = file->raw;
    int result = 0;

    *junk_out = 0;
    if (file->kind == INLINE_UUENCODE) {
        decode_init(&decode, DECODE_UUENCODE);
        result = decode_add(&decode, rest, out);
        if (result == 0)
            result = decode_end(&decode, out);
        *junk_out = decode.junk;
        return result;
    }
    while (rest.data != NULL && result == 0) {
        struct span line = span_cut(&rest, '\n');

        if (!span_starts_nocase(line, "=y")) // =ybegin, =ypart, =yend
            result = decode_yenc_line(line, out);
    }
    return result;
}
