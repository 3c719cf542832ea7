// SPDX-License-Identifier: BSD-2-Clause
// The part of base/str.h that makes bytes from outside safe to print.
#include "base/str.h"

#include <string.h>

#include "base/buf.h"

// One bit for each ASCII character that must not stand as it is.
struct mask {
    uint64_t bits[2];
};

static void
mask_add(struct mask *mask, unsigned char c)
{
    if (c < 0x80)
        mask->bits[c >> 6] |= (uint64_t)1 << (c & 63);
}

static size_t
plain_len(struct span span, const struct mask *mask)
{
    size_t len = 0;

    while (len < span.len) {
        unsigned char c = (unsigned char)span.data[len];

        if (c >= 0x80 || (mask->bits[c >> 6] >> (c & 63) & 1) != 0)
            break;
        len++;
    }
    return len;
}

// The code of a character of two or three bytes; 0: of more.
static unsigned
wide_code(struct span character)
{
    const unsigned char *byte = (const unsigned char *)character.data;

    if (character.len == 2)
        return (byte[0] & 0x1fu) << 6 | (byte[1] & 0x3fu);
    if (character.len == 3)
        return (byte[0] & 0xfu) << 12 | (byte[1] & 0x3fu) << 6 | (byte[2] & 0x3fu);
    return 0;
}

// Is it a control or a line separator for a terminal or a log reader, or does it turn the order in
// which others are shown, so that what is read is not what stands there?
static bool
is_unsafe_wide(unsigned code)
{
    return (code >= 0x80 && code < 0xa0) || code == 0x61c || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static const char hex_digits[] = "0123456789ABCDEF";

// Writes the first character of the span, which is not plain, in its safe form. Returns how many
// bytes of the span that was.
typedef size_t escape_one(struct span span, char out[16], size_t *len_out);

static size_t
escape_for_text(struct span span, char out[16], size_t *len_out)
{
    size_t len = str_utf8_len(span);
    size_t at = 0;

    if (span.data[0] == '\\') {
        memcpy(out, "\\\\", *len_out = 2);
        return 1;
    }
    if (len > 1 && !is_unsafe_wide(wide_code(span_from(span.data, len)))) {
        memcpy(out, span.data, *len_out = len);
        return len;
    }
    if (len == 0)
        len = 1;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)span.data[i];

        out[at++] = '\\';
        out[at++] = 'x';
        out[at++] = hex_digits[c >> 4];
        out[at++] = hex_digits[c & 15];
    }
    *len_out = at;
    return len;
}

// RFC 8259, section 7.
static size_t
escape_for_json(struct span span, char out[16], size_t *len_out)
{
    size_t len = str_utf8_len(span);
    unsigned char c = (unsigned char)span.data[0];
    unsigned unit = c;

    if (c == '\\' || c == '"') {
        out[0] = '\\';
        out[1] = span.data[0];
        *len_out = 2;
        return 1;
    }
    if (c == 0 || len == 0) {
        out[0] = out[1] = '\\';
        out[2] = 'x';
        out[3] = hex_digits[c >> 4];
        out[4] = hex_digits[c & 15];
        *len_out = 5;
        return 1;
    }
    if (len > 1) {
        unit = wide_code(span_from(span.data, len));
        if (!is_unsafe_wide(unit)) {
            memcpy(out, span.data, *len_out = len);
            return len;
        }
    }
    out[0] = '\\';
    out[1] = 'u';
    for (unsigned i = 0; i < 4; i++)
        out[2 + i] = hex_digits[unit >> (12 - 4 * i) & 15];
    *len_out = 6;
    return len;
}

struct escape {
    struct buf *out;
    const struct mask *mask; // what is not plain
    escape_one *one;
    size_t limit;     // where out may end
    size_t last_keep; // the last place where dots still find room
    size_t keep;      // the last place at or before it that is good for a cut
};

// False: it did not fit and has been cut. Plain text may be cut anywhere, all else only at its end.
static bool
escape_put(struct escape *escape, struct span text, bool is_plain)
{
    struct buf *out = escape->out;
    size_t end = out->len + text.len;

    if (is_plain && out->len <= escape->last_keep)
        escape->keep = end < escape->last_keep ? end : escape->last_keep;
    else if (end <= escape->last_keep)
        escape->keep = end;
    if (end <= escape->limit)
        return buf_add_span(out, text) == 0;
    if (is_plain)
        buf_add(out, text.data, escape->limit - out->len);
    buf_cut(out, escape->keep);
    buf_add(out, "...", escape->limit - out->len < 3 ? escape->limit - out->len : 3);
    return false;
}

static void
escape_all(struct escape *escape, struct span span, size_t max)
{
    struct buf *out = escape->out;
    size_t room = out->ceiling - out->len < max ? out->ceiling - out->len : max;
    char safe[16];
    size_t used, safe_len;

    escape->limit = out->len + room;
    escape->last_keep = out->len + (room > 3 ? room - 3 : 0);
    escape->keep = out->len;
    while (span.len > 0) {
        used = plain_len(span, escape->mask);
        if (used > 0 && !escape_put(escape, span_from(span.data, used), true))
            return;
        span = span_skip(span, used);
        if (span.len == 0)
            return;
        used = escape->one(span, safe, &safe_len);
        if (!escape_put(escape, span_from(safe, safe_len), false))
            return;
        span = span_skip(span, used);
    }
}

void
str_escape(struct buf *out, struct span span, const char *extra, size_t max)
{
    struct mask mask = {
        {0xffffffff, 0}
    };
    struct escape escape = {.out = out, .mask = &mask, .one = escape_for_text};

    mask_add(&mask, '\\');
    mask_add(&mask, 0x7f);
    for (size_t i = 0; extra != NULL && extra[i] != '\0'; i++)
        mask_add(&mask, (unsigned char)extra[i]);
    escape_all(&escape, span, max);
}

void
str_escape_json(struct buf *out, struct span span, size_t max)
{
    struct mask mask = {
        {0xffffffff, 0}
    };
    struct escape escape = {.out = out, .mask = &mask, .one = escape_for_json};

    mask_add(&mask, '\\');
    mask_add(&mask, '"');
    mask_add(&mask, 0x7f);
    escape_all(&escape, span, max);
}
