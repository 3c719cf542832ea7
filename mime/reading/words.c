// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/words.h"

#include <string.h>

#include "mime/reading/decode.h"

static bool
is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct span
trim(struct span text)
{
    while (text.len > 0 && is_blank(text.data[0]))
        text = span_skip(text, 1);
    while (text.len > 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

struct word { // =?charset?encoding?text?=
    struct span charset, text;
    char encoding; // 'b' or 'q'
    size_t end;    // behind it
};

struct wording {
    struct charsets *charsets;
    struct span raw;
    struct buf *out;
    struct words_oddities *oddities;
    struct span charset; // of bytes: those of adjacent words with one charset are one text
    struct buf bytes;
    size_t last_end; // where the last "?=" begins; 0: there is none
};

static int
add_text(struct wording *wording, struct span charset, struct span text)
{
    int result = charset_decode(wording->charsets, charset, text, wording->out);

    wording->oddities->unknown_charset |= result == 1;
    return result < 0 ? -1 : 0;
}

static int
flush(struct wording *wording)
{
    int result = 0;

    if (wording->bytes.len > 0)
        result = add_text(wording, wording->charset, buf_span(&wording->bytes));
    buf_reset(&wording->bytes);
    return result;
}

static bool
find_word(struct wording *wording, size_t begin, struct word *word_out)
{
    enum { CHARSET_MAX = 80 };
    struct span raw = wording->raw;
    size_t at = begin + 2, text;
    const char *end;

    while (at < raw.len && at < begin + CHARSET_MAX && raw.data[at] > ' ' && raw.data[at] != '?')
        at++;
    if (at == begin + 2 || at + 3 > raw.len || raw.data[at] != '?' || raw.data[at + 2] != '?')
        return false;
    text = at + 3;
    word_out->encoding = (char)(raw.data[at + 1] | 0x20);
    if ((word_out->encoding != 'b' && word_out->encoding != 'q') || wording->last_end < text) {
        wording->oddities->bad_word = true;
        return false;
    }
    end = memmem(raw.data + text, raw.len - text, "?=", 2);
    word_out->charset = span_from(raw.data + begin + 2, at - begin - 2);
    word_out->charset = span_cut(&word_out->charset, '*'); // RFC 2231 5: its language
    word_out->text = span_from(raw.data + text, (size_t)(end - raw.data) - text);
    word_out->end = (size_t)(end - raw.data) + 2;
    return true;
}

static void
add_q(struct wording *wording, struct span text)
{
    struct decode decode;

    decode_init(&decode, DECODE_QUOTED_PRINTABLE);
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.data[i] == '_' ? ' ' : text.data[i];

        wording->oddities->bad_word |= is_blank(text.data[i]);
        if (text.data[i] != '\r' && text.data[i] != '\n')
            decode_add(&decode, span_from(&byte, 1), &wording->bytes);
    }
    decode_end(&decode, &wording->bytes);
    wording->oddities->bad_word |= decode.junk > 0 || decode.held_len > 0;
}

static void
add_b(struct wording *wording, struct span text)
{
    struct decode decode;

    decode_init(&decode, DECODE_BASE64);
    decode_add(&decode, text, &wording->bytes);
    decode_end(&decode, &wording->bytes);
    wording->oddities->bad_word |=
        decode.junk > 0 || decode.inner_padding > 0 || decode.is_unpadded;
}

static bool
is_same_nocase(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.data, b.data, a.len) == 0);
}

static int
add_word(struct wording *wording, const struct word *word)
{
    if (!is_same_nocase(word->charset, wording->charset) && flush(wording) != 0)
        return -1;
    wording->charset = word->charset;
    if (word->encoding == 'b')
        add_b(wording, word->text);
    else
        add_q(wording, word->text);
    return 0;
}

// Between words, or around them; blanks between two words are no text.
static int
add_plain(struct wording *wording, struct span plain, bool is_between)
{
    if (plain.len == 0 || (is_between && trim(plain).len == 0))
        return 0;
    if (flush(wording) != 0)
        return -1;
    while (plain.len > 0) {
        struct span line = span_cut(&plain, '\n');

        if (plain.data != NULL && line.len > 0 && line.data[line.len - 1] == '\r')
            line.len--;
        if (add_text(wording, SPAN_LITERAL("utf-8"), line) != 0)
            return -1;
    }
    return 0;
}

static int
add_all(struct wording *wording)
{
    struct span raw = wording->raw;
    bool is_behind_word = false;
    size_t begin = 0, at = 0;
    struct word word;

    while (at + 1 < raw.len) {
        const char *next = memchr(raw.data + at, '=', raw.len - 1 - at);

        if (next == NULL)
            break;
        at = (size_t)(next - raw.data);
        if (raw.data[at + 1] != '?' || !find_word(wording, at, &word)) {
            at++;
            continue;
        }
        if (add_plain(wording, span_from(raw.data + begin, at - begin), is_behind_word) != 0 ||
            add_word(wording, &word) != 0)
            return -1;
        is_behind_word = true;
        begin = at = word.end;
    }
    if (add_plain(wording, span_skip(raw, begin), false) != 0)
        return -1;
    return flush(wording);
}

int
words_decode(struct charsets *charsets, struct span raw, struct buf *out,
             struct words_oddities *oddities)
{
    struct wording wording = {
        .charsets = charsets, .raw = trim(raw), .out = out, .oddities = oddities};
    int result;

    buf_init(&wording.bytes, raw.len);
    for (size_t i = wording.raw.len; i > 1 && wording.last_end == 0; i--) {
        if (memcmp(wording.raw.data + i - 2, "?=", 2) == 0)
            wording.last_end = i - 2;
    }
    result = add_all(&wording);
    buf_clear(&wording.bytes);
    return result;
}

// Controls, and what turns the direction of writing or takes no room.
static bool
is_unseen(struct span character)
{
    const unsigned char *byte = (const unsigned char *)character.data;

    if (character.len <= 1)
        return byte[0] < 0x20 || byte[0] == 0x7f;
    if (character.len == 2)
        return byte[0] == 0xc2 && (byte[1] < 0xa0 || byte[1] == 0xad);
    if (character.len != 3)
        return false;
    if (byte[0] == 0xe2 && byte[1] == 0x80) // joiners belong to some scripts
        return byte[2] == 0x8b || byte[2] == 0x8e || byte[2] == 0x8f ||
               (byte[2] >= 0xa8 && byte[2] <= 0xae);
    return (byte[0] == 0xe2 && byte[1] == 0x81 && byte[2] >= 0xa0 && byte[2] <= 0xaf) ||
           memcmp(byte, "\xef\xbb\xbf", 3) == 0;
}

bool
words_is_bad_name(struct span name)
{
    char last = name.len > 0 ? name.data[name.len - 1] : 'x';

    if (last == ' ' || last == '.')
        return true;
    for (size_t at = 0, len; at < name.len; at += len) {
        len = str_utf8_len(span_skip(name, at));
        len = len == 0 ? 1 : len;
        if (is_unseen(span_from(name.data + at, len)) || name.data[at] == '/' ||
            name.data[at] == '\\' || name.data[at] == ':')
            return true;
    }
    return false;
}
