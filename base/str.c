// SPDX-License-Identifier: BSD-2-Clause
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct unit {
    const char *name;
    uint64_t factor;
};

// From the largest down: the first that divides a value gives its shortest form.
static const struct unit time_units[] = {
    {"d",  86400000},
    {"h",  3600000 },
    {"m",  60000   },
    {"s",  1000    },
    {"ms", 1       },
};
static const struct unit size_units[] = {
    {"G", 1 << 30},
    {"M", 1 << 20},
    {"K", 1 << 10},
    {"",  1      },
};

// Independent of the locale, unlike tolower.
static unsigned char
fold(char byte)
{
    unsigned char c = (unsigned char)byte;

    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

bool
span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool
span_is(struct span span, const char *text)
{
    return span_equal(span, span_of(text));
}

bool
span_is_nocase(struct span span, const char *text)
{
    return span.len == strlen(text) && span_starts_nocase(span, text);
}

bool
span_starts_nocase(struct span span, const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (i == span.len || fold(span.data[i]) != fold(text[i]))
            return false;
    }
    return true;
}

bool
span_contains(struct span span, struct span part)
{
    if (part.len == 0)
        return true;
    while (span.len >= part.len) {
        const char *at = memchr(span.data, part.data[0], span.len - part.len + 1);

        if (at == NULL)
            return false;
        if (memcmp(at, part.data, part.len) == 0)
            return true;
        span = span_skip(span, (size_t)(at - span.data) + 1);
    }
    return false;
}

struct span
span_trim(struct span span)
{
    while (span.len > 0 && (span.data[0] == ' ' || span.data[0] == '\t'))
        span = span_skip(span, 1);
    while (span.len > 0 && (span.data[span.len - 1] == ' ' || span.data[span.len - 1] == '\t'))
        span.len--;
    return span;
}

struct span
span_cut(struct span *rest, char separator)
{
    struct span head = *rest;
    const char *at = head.len > 0 ? memchr(head.data, separator, head.len) : NULL;

    if (at == NULL) {
        *rest = (struct span){NULL, 0};
        return head;
    }
    head.len = (size_t)(at - head.data);
    *rest = span_skip(*rest, head.len + 1);
    return head;
}

int
str_hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return -1;
}

int
str_parse_u64(struct span span, uint64_t max, uint64_t *value_out)
{
    uint64_t value = 0;

    if (span.len == 0)
        return -1;
    for (size_t i = 0; i < span.len; i++) {
        if (span.data[i] < '0' || span.data[i] > '9')
            return -1;
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(span.data[i] - '0'), &value))
            return -1;
    }
    if (value > max)
        return -1;
    *value_out = value;
    return 0;
}

static int
parse_with_unit(struct span span, const struct unit *units, size_t count, uint64_t *value_out)
{
    uint64_t value;
    size_t digits = 0;

    while (digits < span.len && span.data[digits] >= '0' && span.data[digits] <= '9')
        digits++;
    for (size_t i = 0; i < count; i++) {
        if (!span_is(span_skip(span, digits), units[i].name))
            continue;
        if (str_parse_u64(span_from(span.data, digits), UINT64_MAX / units[i].factor, &value) != 0)
            return -1;
        *value_out = value * units[i].factor;
        return 0;
    }
    return -1;
}

int
str_parse_time(struct span span, uint64_t *ms_out)
{
    uint64_t seconds;

    if (str_parse_u64(span, UINT64_MAX / 1000, &seconds) == 0) {
        *ms_out = seconds * 1000;
        return 0;
    }
    return parse_with_unit(span, time_units, COUNT(time_units), ms_out);
}

int
str_parse_size(struct span span, uint64_t *bytes_out)
{
    return parse_with_unit(span, size_units, COUNT(size_units), bytes_out);
}

static void
format_with_unit(uint64_t value, const struct unit *units, char out[32])
{
    size_t i = 0;

    while (value % units[i].factor != 0)
        i++;
    snprintf(out, 32, "%" PRIu64 "%s", value / units[i].factor, units[i].name);
}

void
str_format_time(uint64_t ms, char out[32])
{
    if (ms == 0)
        snprintf(out, 32, "0s");
    else
        format_with_unit(ms, time_units, out);
}

void
str_format_size(uint64_t bytes, char out[32])
{
    if (bytes == 0)
        snprintf(out, 32, "0");
    else
        format_with_unit(bytes, size_units, out);
}

// How many bytes of ASCII it begins with, by steps: fewer are told than there may be.
static size_t
ascii_len(struct span span)
{
    const uint64_t high = UINT64_C(0x8080808080808080);
    uint64_t words[4];
    size_t len = 0;

    for (; span.len - len >= sizeof(words); len += sizeof(words)) {
        memcpy(words, span.data + len, sizeof(words));
        if (((words[0] | words[1] | words[2] | words[3]) & high) != 0)
            break;
    }
    for (; span.len - len >= sizeof(words[0]); len += sizeof(words[0])) {
        memcpy(words, span.data + len, sizeof(words[0]));
        if ((words[0] & high) != 0)
            break;
    }
    return len;
}

bool
str_is_utf8(struct span span)
{
    while (span.len > 0) {
        size_t len = ascii_len(span);

        if (len == 0)
            len = str_utf8_len(span);
        if (len == 0)
            return false;
        span = span_skip(span, len);
    }
    return true;
}

// RFC 3629, section 4.
size_t
str_utf8_len(struct span span)
{
    const unsigned char *byte = (const unsigned char *)span.data;
    unsigned char low = 0x80, high = 0xbf; // of the second byte
    size_t len;

    if (span.len == 0)
        return 0;
    if (byte[0] < 0x80)
        return 1;
    if (byte[0] < 0xc2 || byte[0] > 0xf4)
        return 0;
    len = byte[0] < 0xe0 ? 2 : byte[0] < 0xf0 ? 3 : 4;
    if (byte[0] == 0xe0)
        low = 0xa0; // overlong
    else if (byte[0] == 0xed)
        high = 0x9f; // surrogates
    else if (byte[0] == 0xf0)
        low = 0x90; // overlong
    else if (byte[0] == 0xf4)
        high = 0x8f; // above U+10FFFF
    if (span.len < len || byte[1] < low || byte[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++) {
        if (byte[i] < 0x80 || byte[i] > 0xbf)
            return 0;
    }
    return len;
}
