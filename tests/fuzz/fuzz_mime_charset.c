// SPDX-License-Identifier: BSD-2-Clause
// A text in any character set, named in its first line, becomes UTF-8; with a ceiling its
// beginning.
#include "tests/fuzz/fuzz.h"

#include "mime/reading/charset.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct charsets *charsets;
    struct span text = fuzz_span(data, size);
    struct span name = span_cut(&text, '\n');
    struct buf whole, part;
    int result;

    if (charsets == NULL)
        charsets = charsets_new(NULL);
    FUZZ_CHECK(charsets != NULL);
    buf_init(&whole, size * 16 + 16);
    result = charset_decode(charsets, name, text, &whole);
    FUZZ_CHECK(result == 0 || result == 1);
    FUZZ_CHECK(str_is_utf8(buf_span(&whole)));
    buf_init(&part, whole.len / 2);
    FUZZ_CHECK(charset_decode(charsets, name, text, &part) == (whole.len > 0 ? -1 : result));
    FUZZ_CHECK(str_is_utf8(buf_span(&part)));
    FUZZ_CHECK(part.len == 0 || memcmp(part.data, whole.data, part.len) == 0);
    buf_clear(&part);
    buf_clear(&whole);
    return 0;
}
