// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "mime/reading/decode.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// Without comments, quotes and blanks, in small letters, up to ";"; false: something of that stood
// there, comments and blanks around aside.
static bool
squash(struct span value, char out[24], struct span *squashed_out)
{
    size_t len = 0, depth = 0;
    bool is_plain = true, is_over = false;

    for (size_t i = 0; i < value.len; i++) {
        char byte = value.data[i];

        if (byte == '(') {
            depth++;
        } else if (byte == ')' && depth > 0) {
            depth--;
        } else if (depth > 0) {
            continue;
        } else if (strchr(" \t\r\n", byte) != NULL && byte != '\0') {
            is_over = len > 0;
        } else if (byte == ';') {
            is_plain = false;
            break;
        } else {
            is_plain &= byte != '"' && !is_over;
            byte = byte >= 'A' && byte <= 'Z' ? (char)(byte + 32) : byte;
            if (byte != '"' && len < 24)
                out[len++] = byte;
        }
    }
    *squashed_out = span_from(out, len);
    return is_plain;
}

struct encoding_row {
    const char *name;
    enum decode_encoding encoding;
    bool is_known;
};

static const struct encoding_row encoding_rows[] = {
    {"base64",           DECODE_BASE64,           true },
    {"x-base64",         DECODE_BASE64,           false},
    {"quoted-printable", DECODE_QUOTED_PRINTABLE, true },
    {"quotedprintable",  DECODE_QUOTED_PRINTABLE, false},
    {"x-uuencode",       DECODE_UUENCODE,         true },
    {"uuencode",         DECODE_UUENCODE,         true },
    {"x-uue",            DECODE_UUENCODE,         true },
    {"uue",              DECODE_UUENCODE,         true },
    {"7bit",             DECODE_IDENTITY,         true },
    {"8bit",             DECODE_IDENTITY,         true },
    {"binary",           DECODE_IDENTITY,         true },
};

enum decode_encoding
decode_encoding_find(struct span value, bool *known_out)
{
    char text[24];
    struct span squashed;
    bool is_plain = squash(value, text, &squashed), known = false;
    enum decode_encoding encoding = DECODE_IDENTITY;

    for (size_t i = 0; i < COUNT(encoding_rows); i++) {
        const struct encoding_row *row = &encoding_rows[i];

        if (!span_starts_nocase(squashed, row->name))
            continue;
        known = is_plain && row->is_known && squashed.len == strlen(row->name);
        encoding = row->encoding;
        break;
    }
    if (known_out != NULL)
        *known_out = known;
    return encoding;
}
