// SPDX-License-Identifier: BSD-2-Clause
// The first byte tells how much is the glob, the rest is the text.
#include "tests/fuzz/fuzz.h"

#include "base/buf.h"
#include "base/glob.h"

enum { ALL_MAX = 2000 };

// A text in which each byte is escaped matches itself, and nothing that is longer.
static void
check_itself(struct span text)
{
    struct buf glob, longer;

    buf_init(&glob, 2 * ALL_MAX + 10);
    buf_init(&longer, ALL_MAX + 10);
    for (size_t left = text.len; left > 0;) {
        struct span rest = span_skip(text, text.len - left);
        size_t len = str_utf8_len(rest);

        len = len == 0 ? 1 : len;
        buf_add_char(&glob, '\\');
        buf_add(&glob, rest.data, len);
        left -= len;
    }
    buf_add_span(&longer, text);
    buf_add_char(&longer, 'x');
    FUZZ_CHECK(glob_match(buf_span(&glob), text));
    FUZZ_CHECK(!glob_match(buf_span(&glob), buf_span(&longer)));
    buf_clear(&glob);
    buf_clear(&longer);
}

// Stars around a glob match all that it matches. One that ends in an escape would swallow the star.
static void
check_stars(struct span glob, struct span text)
{
    struct buf wide;

    if (glob.len > 0 && memchr(glob.data, '\\', glob.len) != NULL)
        return;
    if (glob.len > 0 && memchr(glob.data, '[', glob.len) != NULL)
        return;
    buf_init(&wide, ALL_MAX + 10);
    buf_add_char(&wide, '*');
    buf_add_span(&wide, glob);
    buf_add_char(&wide, '*');
    FUZZ_CHECK(!glob_match(glob, text) || glob_match(buf_span(&wide), text));
    buf_clear(&wide);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t cut;

    if (size == 0 || size > ALL_MAX)
        return 0;
    cut = data[0] < size - 1 ? data[0] : size - 1;
    check_stars(fuzz_span(data + 1, cut), fuzz_span(data + 1 + cut, size - 1 - cut));
    (void)glob_match(fuzz_span(data + 1, cut), fuzz_span(data + 1 + cut, size - 1 - cut));
    check_itself(fuzz_span(data + 1, size - 1));
    return 0;
}
