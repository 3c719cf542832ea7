// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/xtext.h"

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

// How many bytes at the front stand for themselves, written and read.
static size_t
plain_len(struct span span)
{
    size_t len = 0;

    while (len < span.len && is_xchar(span.data[len]) && span.data[len] != '=')
        len++;
    return len;
}

static int
encode_one(struct buf *out, char raw)
{
    static const char hex[] = "0123456789ABCDEF";
    unsigned char byte = (unsigned char)raw;
    char code[] = {'+', hex[byte >> 4], hex[byte & 15]};

    return buf_add(out, code, sizeof(code));
}

int
xtext_encode(struct buf *out, struct span raw)
{
    while (raw.len > 0) {
        size_t plain = plain_len(raw);

        if (buf_add(out, raw.data, plain) != 0)
            return -1;
        raw = span_skip(raw, plain);
        if (raw.len == 0)
            break;
        if (encode_one(out, raw.data[0]) != 0)
            return -1;
        raw = span_skip(raw, 1);
    }
    return 0;
}

int
xtext_decode(struct buf *out, struct span text)
{
    while (text.len > 0) {
        size_t len = plain_len(text);
        char byte;

        if (buf_add(out, text.data, len) != 0)
            return -1;
        text = span_skip(text, len);
        if (text.len == 0)
            break;
        len = decode_one(text, &byte);
        if (len == 0 || buf_add_char(out, byte) != 0)
            return -1;
        text = span_skip(text, len);
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
