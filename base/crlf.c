// SPDX-License-Identifier: BSD-2-Clause
#include "base/crlf.h"

#include <assert.h>
#include <string.h>

enum { VECTOR = 16, STRIDE = 64 };

// May b not stand behind a as it is?
static bool
is_odd(char a, char b, bool dots_count)
{
    return (b == '\n') != (a == '\r') || (a == '\n' && b == '.' && dots_count);
}

// The same for a whole stride and the byte behind it.
static bool
is_odd_stride(const char *at, bool dots_count)
{
    signed char a __attribute__((vector_size(VECTOR)));
    signed char b __attribute__((vector_size(VECTOR)));
    signed char odd __attribute__((vector_size(VECTOR))) = {0};
    signed char dot = dots_count ? '.' : '\n'; // which behind an LF is odd anyway
    uint64_t halves[2];

    for (size_t i = 0; i < STRIDE; i += VECTOR) {
        memcpy(&a, at + i, VECTOR);
        memcpy(&b, at + i + 1, VECTOR);
        odd |= ((b == '\n') ^ (a == '\r')) | ((a == '\n') & (b == dot));
    }
    memcpy(halves, &odd, VECTOR);
    return (halves[0] | halves[1]) != 0;
}

// Looking for lines one by one would cost more than anything else that is done with a large message
// on its way in or out.
size_t
crlf_plain_len(struct span content, bool dots_count)
{
    size_t len = 0;

    if (content.len == 0)
        return 0;
    assert(content.data[0] != '\n');
    while (content.len - len > STRIDE && !is_odd_stride(content.data + len, dots_count))
        len += STRIDE;
    while (len + 1 < content.len && !is_odd(content.data[len], content.data[len + 1], dots_count))
        len++;
    return content.data[len] == '\r' ? len : len + 1;
}
