// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/readings.h"

#include <string.h>

#include "base/mem.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint32_t
digest(struct span text)
{
    uint32_t sum = 2166136261u;

    for (size_t i = 0; i < text.len; i++)
        sum = (sum ^ (unsigned char)text.data[i]) * 16777619u;
    return sum;
}

bool
readings_add(struct readings *readings, struct span text, struct arena *arena)
{
    uint32_t sum = digest(text);
    struct span copy;

    if (text.len == 0 && readings->count > 0)
        return false;
    for (size_t i = 0; i < readings->count; i++) {
        if (readings->digests[i] == sum && span_equal(readings->texts[i], text))
            return false;
    }
    copy = readings->count < READINGS_MAX ? arena_copy(arena, text) : (struct span){NULL, 0};
    if (copy.data == NULL) {
        readings->is_over = true;
        return false;
    }
    if (readings->count == readings->size) {
        readings->size = readings->size == 0 ? 4 : readings->size * 2;
        readings->texts = mem_regrow(readings->texts, readings->size, sizeof(*readings->texts));
        readings->digests =
            mem_regrow(readings->digests, readings->size, sizeof(*readings->digests));
    }
    readings->texts[readings->count] = copy;
    readings->digests[readings->count++] = sum;
    return true;
}

void
readings_clear(struct readings *readings)
{
    mem_free(&readings->texts);
    mem_free(&readings->digests);
    *readings = (struct readings){.count = 0};
}

bool
readings_percent(struct span text, struct buf *out)
{
    bool is_changed = false;

    for (size_t i = 0; i < text.len; i++) {
        int high = i + 2 < text.len ? str_hex_digit(text.data[i + 1]) : -1;
        int low = i + 2 < text.len ? str_hex_digit(text.data[i + 2]) : -1;

        if (text.data[i] == '%' && high >= 0 && low >= 0) {
            buf_add_char(out, (char)(high << 4 | low));
            is_changed = true;
            i += 2;
        } else {
            buf_add_char(out, text.data[i]);
        }
    }
    return is_changed;
}

// One thing that a reader may do to a text; false: nothing to be done.
typedef bool change(struct span text, struct buf *out, struct readings_setup *setup);

static bool
decode_words(struct span text, struct buf *out, struct readings_setup *setup)
{
    if (text.len == 0 || memmem(text.data, text.len, "=?", 2) == NULL)
        return false;
    words_decode(setup->charsets, text, out, setup->oddities);
    return true;
}

static bool
decode_percent(struct span text, struct buf *out, struct readings_setup *setup)
{
    (void)setup;
    return text.len > 0 && memchr(text.data, '%', text.len) != NULL && readings_percent(text, out);
}

static bool
decode_8bit(struct span text, struct buf *out, struct readings_setup *setup)
{
    if (str_is_utf8(text))
        return false;
    charset_decode(setup->charsets, SPAN_LITERAL("unknown-8bit"), text, out);
    return true;
}

static bool
cut_at_nul(struct span text, struct buf *out, struct readings_setup *setup)
{
    struct span head = span_cut(&text, '\0');

    (void)setup;
    buf_add_span(out, head);
    return text.data != NULL;
}

static bool
is_wide_blank(unsigned code)
{
    return code == 0x3000 || (code >= 0x2000 && code <= 0x200a) || code == 0x202f || code == 0x205f;
}

static bool
is_other_dot(unsigned code)
{
    return code == 0x2024 || code == 0xfe52;
}

// What stands for the character where readers show names: its length, 0 if nothing is shown.
static size_t
show(struct span character, char shown[4])
{
    const unsigned char *byte = (const unsigned char *)character.data;
    unsigned code;

    memcpy(shown, byte, character.len);
    if (character.len == 1)
        return byte[0] < 0x20 || byte[0] == 0x7f ? 0 : 1;
    if (character.len == 2) {
        code = (byte[0] & 0x1fu) << 6 | (byte[1] & 0x3fu);
        if (code == 0xa0)
            shown[0] = ' ';
        return code < 0xa0 || code == 0xad ? 0 : code == 0xa0 ? 1 : 2;
    }
    if (character.len != 3)
        return character.len;
    code = (byte[0] & 0xfu) << 12 | (byte[1] & 0x3fu) << 6 | (byte[2] & 0x3fu);
    if ((code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
        (code >= 0x2060 && code <= 0x206f) || code == 0xfeff)
        return 0;
    if (is_wide_blank(code))
        shown[0] = ' ';
    else if (is_other_dot(code))
        shown[0] = '.';
    else if (code >= 0xff01 && code <= 0xff5e)
        shown[0] = (char)(code - 0xff01 + 0x21);
    else
        return 3;
    return 1;
}

static bool
leave_visible(struct span text, struct buf *out, struct readings_setup *setup)
{
    bool is_changed = false;

    (void)setup;
    for (size_t at = 0, len; at < text.len; at += len) {
        char shown[4];
        size_t shown_len;

        len = str_utf8_len(span_skip(text, at));
        len = len == 0 ? 1 : len;
        shown_len = show(span_from(text.data + at, len), shown);
        is_changed |= shown_len != len;
        buf_add(out, shown, shown_len);
    }
    return is_changed;
}

static bool
trim_blanks(struct span text, struct buf *out, struct readings_setup *setup)
{
    struct span trimmed = span_trim(text);

    (void)setup;
    buf_add_span(out, trimmed);
    return trimmed.len != text.len;
}

// Windows drops dots and blanks when it saves a file; who takes a path's last part, slashes.
static bool
trim_dots(struct span text, struct buf *out, struct readings_setup *setup)
{
    size_t len = text.len;

    (void)setup;
    while (len > 0 && strchr(". /\\", text.data[len - 1]) != NULL && text.data[len - 1] != '\0')
        len--;
    buf_add(out, text.data, len);
    return len != text.len;
}

// Some take these for quotes, too.
static bool
trim_quotes(struct span text, struct buf *out, struct readings_setup *setup)
{
    const char first = text.len > 2 ? text.data[0] : '\0';
    const char last = text.len > 2 ? text.data[text.len - 1] : '\0';
    const bool is_quoted = (first == '\'' && last == '\'') || (first == '<' && last == '>');

    (void)setup;
    if (is_quoted)
        text = span_from(text.data + 1, text.len - 2);
    buf_add_span(out, text);
    return is_quoted;
}

static bool
leave_last_part(struct span text, struct buf *out, struct readings_setup *setup)
{
    size_t at = text.len;

    (void)setup;
    while (at > 0 && text.data[at - 1] != '/' && text.data[at - 1] != '\\')
        at--;
    buf_add_span(out, span_skip(text, at));
    return at > 0;
}

// "evil.exe:stream" is a second content of the file evil.exe.
static bool
cut_stream(struct span text, struct buf *out, struct readings_setup *setup)
{
    struct span head = span_cut(&text, ':');

    (void)setup;
    buf_add_span(out, head);
    return text.data != NULL;
}

static change *const changes[] = {
    decode_words,  decode_percent, decode_8bit, cut_at_nul,      trim_blanks,
    leave_visible, trim_quotes,    trim_dots,   leave_last_part, cut_stream,
};

enum { CHANGES_OF_ALL = 5 };

// Each subset of what changes something, in the order of the table.
static void
derive(struct readings *readings, struct span text, size_t first, size_t end,
       struct readings_setup *setup)
{
    for (size_t i = first; i < end && !readings->is_over; i++) {
        struct buf out;

        if (text.len > setup->work) {
            readings->is_over = true;
            return;
        }
        setup->work -= text.len;
        buf_init(&out, text.len * 4 + 4);
        if (changes[i](text, &out, setup) && out.len > 0) {
            readings_add(readings, buf_span(&out), setup->arena);
            derive(readings, buf_span(&out), i + 1, end, setup);
        }
        buf_clear(&out);
    }
}

void
readings_derive(struct readings *readings, bool is_name, struct readings_setup *setup)
{
    size_t count = readings->count;

    for (size_t i = 0; i < count; i++)
        derive(readings, readings->texts[i], 0, is_name ? COUNT(changes) : CHANGES_OF_ALL, setup);
}
