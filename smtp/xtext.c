// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/xtext.h"

enum { PIECE = 256 };

static bool
is_xchar(char byte)
{
    return byte >= '!' && byte <= '~' && byte != '+';
}

// One encoded byte from the front: how many characters it took, 0 if this is not xtext.
static size_t
decode_one(struct span text, char *byte_out)
{
    int high, low;

    if (is_xchar(text.data[0])) {
        *byte_out = text.data[0];
        return 1;
    }
    if (text.data[0] != '+' || text.len < 3)
        return 0;
    high = str_hex_digit(text.data[1]);
    low = str_hex_digit(text.data[2]);
    if (high < 0 || low < 0)
        return 0;
    *byte_out = (char)(high * 16 + low);
    return 3;
}

// A piece at a time, since most bytes stand for themselves.
int
xtext_encode(struct buf *out, struct span raw)
{
    static const char hex[] = "0123456789ABCDEF";
    char piece[3 * PIECE];

    for (size_t taken; raw.len > 0; raw = span_skip(raw, taken)) {
        size_t len = 0;

        taken = raw.len < PIECE ? raw.len : PIECE;
        for (size_t i = 0; i < taken; i++) {
            unsigned char byte = (unsigned char)raw.data[i];

            if (is_xchar(raw.data[i]) && byte != '=') {
                piece[len++] = raw.data[i];
                continue;
            }
            piece[len++] = '+';
            piece[len++] = hex[byte >> 4];
            piece[len++] = hex[byte & 15];
        }
        if (buf_add(out, piece, len) != 0)
            return -1;
    }
    return 0;
}

int
xtext_decode(struct buf *out, struct span text)
{
    char piece[PIECE];

    while (text.len > 0) {
        size_t len = 0;

        while (len < PIECE && text.len > 0) {
            size_t taken = decode_one(text, &piece[len++]);

            if (taken == 0)
                return -1;
            text = span_skip(text, taken);
        }
        if (buf_add(out, piece, len) != 0)
            return -1;
    }
    return 0;
}

bool
xtext_is_valid(struct span text)
{
    char byte;
    size_t len;

    for (; text.len > 0; text = span_skip(text, len)) {
        len = decode_one(text, &byte);
        if (len == 0)
            return false;
    }
    return true;
}

bool
xtext_is_printable(struct span text)
{
    char byte;
    size_t len;

    if (text.len == 0)
        return false;
    for (; text.len > 0; text = span_skip(text, len)) {
        len = decode_one(text, &byte);
        if (len == 0 || (unsigned char)byte < 0x20 || byte == 0x7f)
            return false;
    }
    return true;
}
