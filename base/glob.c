// SPDX-License-Identifier: BSD-2-Clause
#include "base/glob.h"

#include <string.h>

enum { STRAY = 0x110000 }; // above all of Unicode: a byte that belongs to no character

static uint32_t
fold(uint32_t c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

// Takes the first character, which must be there.
static uint32_t
take(struct span *text)
{
    static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = (unsigned char)text->data[0];
    size_t len;

    if (c < 0x80) {
        *text = (struct span){text->data + 1, text->len - 1};
        return c;
    }
    len = str_utf8_len(*text);
    c = len == 0 ? STRAY + c : c & first_bits[len];
    for (size_t i = 1; i < len; i++)
        c = c << 6 | ((unsigned char)text->data[i] & 0x3f);
    *text = span_skip(*text, len == 0 ? 1 : len);
    return c;
}

static uint32_t
take_escaped(struct span *glob)
{
    if (glob->len > 1 && glob->data[0] == '\\')
        *glob = span_skip(*glob, 1);
    return take(glob);
}

static bool
is_in(uint32_t c, uint32_t low, uint32_t high)
{
    return (c >= low && c <= high) || (c >= 'a' && c <= 'z' && c - 32 >= low && c - 32 <= high) ||
           (c >= 'A' && c <= 'Z' && c + 32 >= low && c + 32 <= high);
}

// glob: behind the "[". -1: no class, it has no end; else 1 or 0, and *glob is behind its "]".
static int
match_class(struct span *glob, uint32_t c)
{
    struct span rest = *glob;
    bool is_inverse = rest.len > 0 && rest.data[0] == '!';
    bool is_first = true;
    bool has = false;

    if (is_inverse)
        rest = span_skip(rest, 1);
    while (rest.len > 0 && (is_first || rest.data[0] != ']')) {
        uint32_t low = take_escaped(&rest);
        uint32_t high = low;

        is_first = false;
        if (rest.len > 1 && rest.data[0] == '-' && rest.data[1] != ']') {
            rest = span_skip(rest, 1);
            high = take_escaped(&rest);
        }
        has = has || is_in(c, low, high);
    }
    if (rest.len == 0)
        return -1;
    *glob = span_skip(rest, 1);
    return has != is_inverse;
}

// One character of the text against what stands first in the glob; both are moved on.
static bool
match_one(struct span *glob, struct span *text)
{
    uint32_t c = take(text);

    if (glob->data[0] == '?') {
        *glob = span_skip(*glob, 1);
        return true;
    }
    if (glob->data[0] == '[') {
        struct span class = span_skip(*glob, 1);
        int answer = match_class(&class, c);

        if (answer >= 0) {
            *glob = class;
            return answer == 1;
        }
    }
    return fold(take_escaped(glob)) == fold(c);
}

// A glob ends in plain text more often than not ("*.exe"): most texts differ there already, and a
// message may have thousands of names to be held against hundreds of globs.
static bool
differs_at_end(struct span glob, struct span text)
{
    size_t at = 0;

    while (at < glob.len) {
        unsigned char c = (unsigned char)glob.data[glob.len - 1 - at];

        if (strchr("*?[]\\", c) != NULL && c != '\0')
            return false;
        if (at == text.len || fold(c) != fold((unsigned char)text.data[text.len - 1 - at]))
            return true;
        at++;
    }
    return text.len != glob.len;
}

// Only the last star is ever tried anew: what an earlier one could take, the last one can take too.
bool
glob_match(struct span glob, struct span text)
{
    struct span star = {NULL, 0}; // the glob behind it
    struct span held = {NULL, 0}; // the text where it was tried last

    if (differs_at_end(glob, text))
        return false;
    while (text.len > 0 || glob.len > 0) {
        if (glob.len > 0 && glob.data[0] == '*') {
            glob = span_skip(glob, 1);
            if (glob.len == 0)
                return true;
            star = glob;
            held = text;
        } else if (glob.len == 0 || text.len == 0 || !match_one(&glob, &text)) {
            // Each piece of a glob takes one character: begun later, it lacks even more of them.
            if (held.len == 0 || text.len == 0)
                return false;
            take(&held);
            glob = star;
            text = held;
        }
    }
    return true;
}
