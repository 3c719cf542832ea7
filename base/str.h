// SPDX-License-Identifier: BSD-2-Clause
// base/str.h - bounded spans of bytes, and the small parsers that everything needs. Pure.
//
// A span borrows; it is valid as long as what it points into. It need not end in NUL and may hold
// any byte.
#ifndef POSTERN_BASE_STR_H
#define POSTERN_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf;

struct span {
    const char *data;
    size_t len;
};

#define SPAN_LITERAL(text) ((struct span){(text), sizeof(text) - 1})

// Here because they stand in every loop over bytes.
static inline struct span
span_from(const char *data, size_t len)
{
    return (struct span){data, len};
}

static inline struct span
span_of(const char *text) // NULL gives the empty span
{
    return span_from(text, text == NULL ? 0 : strlen(text));
}

static inline struct span
span_skip(struct span span, size_t count) // without its first count bytes
{
    if (count > span.len)
        count = span.len;
    if (count == 0) // NULL + 0 is undefined
        return span;
    return span_from(span.data + count, span.len - count);
}

bool span_equal(struct span a, struct span b);           // case counts
bool span_is(struct span span, const char *text);        // equal, case counts
bool span_is_nocase(struct span span, const char *text); // equal, ASCII case ignored
// Fast where the part's first byte is rare in it; bounded by the product of both lengths.
bool span_contains(struct span span, struct span part);
bool span_starts_nocase(struct span span, const char *text);
struct span span_trim(struct span span); // without blanks and tabs at both ends

// Cuts *rest at the first separator: returns what stands before it, *rest becomes what follows it.
// Without a separator all of *rest is returned and *rest becomes {NULL, 0}.
struct span span_cut(struct span *rest, char separator);

// Decimal, whole span, no sign, no blank. Returns 0, or -1 if it is not a number or above max.
int str_parse_u64(struct span span, uint64_t max, uint64_t *value_out);

int str_hex_digit(char digit); // its value, upper and lower case; -1: it is none

// "30s", "5d", "120ms", "2h", "10m": milliseconds. A bare number is seconds.
int str_parse_time(struct span span, uint64_t *ms_out);

// "64K", "10M", "1G", "512": bytes.
int str_parse_size(struct span span, uint64_t *bytes_out);

void str_format_time(uint64_t ms, char out[32]);    // shortest exact form: "5d", "90s", "250ms"
void str_format_size(uint64_t bytes, char out[32]); // "100M", "1500"

// Is it valid UTF-8 (no surrogates, no overlong forms)?
bool str_is_utf8(struct span span);
// Length of the character at the beginning of the span; 0 if there is none, or no valid one.
size_t str_utf8_len(struct span span);

// Appends span to out so that it is safe in a log line and on a terminal: bytes below 0x20, 0x7f,
// C1 controls (U+0080..U+009F), line separators (U+2028, U+2029), what turns the direction of text
// (U+061C, U+200E, U+200F, U+202A..U+202E, U+2066..U+2069), invalid UTF-8 and every byte in extra
// become \xNN, a backslash is doubled; extra is ASCII or NULL. At most max bytes are added, and no
// more than out's ceiling allows: what would go beyond is cut between two characters and ends in
// "...".
void str_escape(struct buf *out, struct span span, const char *extra, size_t max);

// The same for what stands between the quotes of a JSON string: quotes and backslashes are escaped,
// the controls above become \uNNNN. A NUL, which many readers of JSON refuse or end a string at,
// and each byte that is not UTF-8 become the text \xNN: what is UTF-8 is kept exactly.
void str_escape_json(struct buf *out, struct span span, size_t max);

#endif
