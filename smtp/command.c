// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/command.h"

#include <string.h>

// Where the first CRLF begins; NULL if there is none.
static const char *
find_end(struct span in)
{
    const char *from = in.data;
    const char *end = in.data + in.len;
    const char *lf;

    while (from < end && (lf = memchr(from, '\n', (size_t)(end - from))) != NULL) {
        if (lf > in.data && lf[-1] == '\r')
            return lf - 1;
        from = lf + 1;
    }
    return NULL;
}

static bool
has_bad_byte(struct span line)
{
    for (size_t i = 0; i < line.len; i++) {
        unsigned char byte = (unsigned char)line.data[i];

        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return true;
    }
    return false;
}

static enum command_result
read_unended(struct command_reader *reader, struct span in, size_t *used_out)
{
    if (!reader->skipping && in.len < COMMAND_MAX)
        return COMMAND_NEED_MORE;
    reader->skipping = true;
    // A CR may be half of the line's end.
    *used_out = in.len - (in.len > 0 && in.data[in.len - 1] == '\r' ? 1 : 0);
    return COMMAND_NEED_MORE;
}

enum command_result
command_read(struct command_reader *reader, struct span in, struct span *line_out, size_t *used_out)
{
    const char *end = in.len > 0 ? find_end(in) : NULL;
    bool was_skipping = reader->skipping;

    *used_out = 0;
    if (end == NULL)
        return read_unended(reader, in, used_out);
    *line_out = span_from(in.data, (size_t)(end - in.data));
    *used_out = line_out->len + 2;
    reader->skipping = false;
    if (was_skipping || *used_out > COMMAND_MAX)
        return COMMAND_TOO_LONG;
    return has_bad_byte(*line_out) ? COMMAND_BAD_BYTE : COMMAND_LINE;
}
