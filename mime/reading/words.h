// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/words.h - header values as people read them: encoded words, parameters, file names.
// Pure.
//
// Needs character sets only through mime/charset. Lenient like the most lenient reader; every
// other way to read a name that we know of is told, too.
#ifndef POSTERN_MIME_WORDS_H
#define POSTERN_MIME_WORDS_H

#include "base/arena.h"
#include "base/buf.h"
#include "mime/reading/charset.h"

struct words_oddities {
    bool bad_word, unknown_charset, repeated_parameter, odd_boundary, gap;
};

// Trims, unfolds and decodes (RFC 2047), in one pass: appended to out as UTF-8, bad bytes as
// U+FFFD.
// Adjacent words are one text; padding inside a B word does not end it. -1: out's ceiling.
int words_decode(struct charsets *charsets, struct span raw, struct buf *out,
                 struct words_oddities *oddities);

struct words_parameter {
    struct span name;    // lower case, without "*", "*0*"
    struct span value;   // decoded by the book: RFC 2231 parts in order of their numbers
    struct span *others; // other readings: as it stands, RFC 2047 decoded, percent decoded, ...
    size_t other_count;
};

struct words_value {  // "text/plain; charset=utf-8; name*0*=..."
    struct span main; // in front of the first ";", trimmed, lower case, comments removed
    struct words_parameter *parameters;
    size_t count;
};

// Everything is in the arena. At most max parameters are taken (0..max_parameters); -1: more stand
// there (the first max are filled), no room, or more readings than can be gone into. Then there may
// be a reading that is not told.
int words_parse(struct charsets *charsets, struct span raw, size_t max, struct arena *arena,
                struct words_value *value_out, struct words_oddities *oddities);
const struct words_parameter *words_find(const struct words_value *value, const char *name);

// Is this a name that wants to be taken for another: path parts, controls, direction overrides,
// blanks or dots at its end, a colon?
bool words_is_bad_name(struct span name);

#endif
