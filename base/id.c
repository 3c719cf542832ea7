// SPDX-License-Identifier: BSD-2-Clause
#include "base/id.h"

#include <assert.h>
#include <string.h>

enum { TAG_BITS = 10, COUNT_BITS = 13, COUNT_MASK = (1 << COUNT_BITS) - 1 };

static const int64_t first_ms = 1577836800000; // 2020-01-01

// Even a clock that is wrong by a century leaves ids enough to go on ascending.
static const uint64_t max_ms = (UINT64_C(1) << 41) - (UINT64_C(1) << 32);

// In the order of ASCII, so that ids sort as their numbers do.
static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// The number that the first ID_LEN characters are; -1 if they are none.
static int
read_number(struct span text, uint64_t *value_out)
{
    uint64_t value = 0;

    if (text.len < ID_LEN)
        return -1;
    for (size_t i = 0; i < ID_LEN; i++) {
        const char *digit = memchr(digits, text.data[i], sizeof(digits) - 1);

        if (digit == NULL || __builtin_mul_overflow(value, 62u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(digit - digits), &value))
            return -1;
    }
    *value_out = value;
    return 0;
}

void
id_maker_init(struct id_maker *maker, uint16_t tag)
{
    assert(tag < ID_TAGS);
    *maker = (struct id_maker){.tag = tag};
}

void
id_next(struct id_maker *maker, int64_t realtime_ms, char out[ID_LEN + 1])
{
    uint64_t ms = realtime_ms > first_ms ? (uint64_t)(realtime_ms - first_ms) : 0;
    uint64_t value;

    if (ms > max_ms)
        ms = max_ms;
    // Milliseconds and counter are one ascending number: one more borrows by itself.
    maker->last = ms << COUNT_BITS > maker->last ? ms << COUNT_BITS : maker->last + 1;
    value = maker->last >> COUNT_BITS << (TAG_BITS + COUNT_BITS) |
            (uint64_t)maker->tag << COUNT_BITS | (maker->last & COUNT_MASK);
    for (size_t i = ID_LEN; i > 0; i--) {
        out[i - 1] = digits[value % 62];
        value /= 62;
    }
    out[ID_LEN] = '\0';
}

int
id_child(const char *parent, uint32_t number, char out[ID_MAX + 1])
{
    static const char suffix_digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    char suffix[8];
    size_t at = sizeof(suffix);
    size_t parent_len = strlen(parent);

    do {
        suffix[--at] = suffix_digits[number % 36];
        number /= 36;
    } while (number > 0);
    suffix[--at] = '.';
    if (!id_is_valid(span_of(parent)) || parent_len + sizeof(suffix) - at > ID_MAX)
        return -1;
    memcpy(out, parent, parent_len);
    memcpy(out + parent_len, suffix + at, sizeof(suffix) - at);
    out[parent_len + sizeof(suffix) - at] = '\0';
    return 0;
}

bool
id_is_valid(struct span text)
{
    uint64_t value;
    char before = 'x';

    if (text.len > ID_MAX || read_number(text, &value) != 0)
        return false;
    for (size_t i = ID_LEN; i < text.len; i++) {
        char c = text.data[i];
        bool is_dot = c == '.' && before != '.' && i + 1 < text.len;
        bool is_suffix = i > ID_LEN && ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'));

        if (!is_dot && !is_suffix)
            return false;
        before = c;
    }
    return true;
}

int64_t
id_time_ms(const char *id)
{
    uint64_t value;

    if (!id_is_valid(span_of(id)) || read_number(span_of(id), &value) != 0)
        return 0;
    return first_ms + (int64_t)(value >> (TAG_BITS + COUNT_BITS));
}
