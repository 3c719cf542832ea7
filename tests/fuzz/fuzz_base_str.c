// SPDX-License-Identifier: BSD-2-Clause
// What is escaped is safe to look at, as long as it may be, and UTF-8; times and sizes that are
// read are written as they were meant.
#include "tests/fuzz/fuzz.h"

#include "base/buf.h"

// The characters that a terminal obeys, or that turn the direction of text, as UTF-8.
static const char *const unsafe[] = {
    "\x7f",         "\xd8\x9c",     "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xa8",
    "\xe2\x80\xa9", "\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\xac", "\xe2\x80\xad",
    "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa7", "\xe2\x81\xa8", "\xe2\x81\xa9",
};

static void
check_safe(struct span text)
{
    FUZZ_CHECK(str_is_utf8(text));
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        FUZZ_CHECK(byte >= ' ');
        FUZZ_CHECK(byte != 0xc2 || (unsigned char)text.data[i + 1] >= 0xa0);
    }
    for (size_t i = 0; i < sizeof unsafe / sizeof unsafe[0] && text.len > 0; i++)
        FUZZ_CHECK(memmem(text.data, text.len, unsafe[i], strlen(unsafe[i])) == NULL);
}

static void
check_escape(struct span text, const char *extra, size_t max)
{
    struct buf out;

    buf_init(&out, max + 8);
    str_escape(&out, text, extra, max);
    FUZZ_CHECK(out.len <= max);
    check_safe(buf_span(&out));
    for (size_t i = 0; extra != NULL && i < out.len; i++)
        FUZZ_CHECK(strchr(extra, out.data[i]) == NULL);
    buf_cut(&out, 0);
    str_escape_json(&out, text, max);
    FUZZ_CHECK(out.len <= max);
    check_safe(buf_span(&out));
    buf_clear(&out);
}

static void
check_figures(struct span text)
{
    uint64_t value, again;
    char out[32];

    if (str_parse_time(text, &value) == 0) {
        str_format_time(value, out);
        FUZZ_CHECK(str_parse_time(span_of(out), &again) == 0 && again == value);
    }
    if (str_parse_size(text, &value) == 0) {
        str_format_size(value, out);
        FUZZ_CHECK(str_parse_size(span_of(out), &again) == 0 && again == value);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = fuzz_span(data, size);

    if (size > 4096)
        return 0;
    check_escape(text, NULL, size * 6 + 8);
    check_escape(text, "\"<>, =", size * 6 + 8);
    for (size_t max = 0; max < 8; max++)
        check_escape(text, NULL, size / 2 + max);
    check_figures(text);
    return 0;
}
