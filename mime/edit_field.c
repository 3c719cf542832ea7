// SPDX-License-Identifier: BSD-2-Clause
#include "mime/edit_field.h"

#include <assert.h>
#include <string.h>

#define WORD_HEAD "=?UTF-8?B?"
#define WORD_TAIL "?="

enum {
    FOLD_AT = 78,
    WORD_LINE_MAX = 76, // RFC 2047 2; with the blank in front no word is above 75
    WORD_FRAME = sizeof WORD_HEAD WORD_TAIL - 1,
    WORD_MIN = WORD_FRAME + 8 // holds any character
};

struct line {
    struct buf *out;
    size_t column;
    bool may_fold;
    int failed;
};

static bool
is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static bool
is_ascii(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.data[i] >= 0x80)
            return false;
    }
    return true;
}

static void
put(struct line *line, struct span text)
{
    const char *end = text.len > 0 ? memrchr(text.data, '\n', text.len) : NULL;

    line->failed |= buf_add_span(line->out, text);
    if (end == NULL)
        line->column += text.len;
    else
        line->column = (size_t)(text.data + text.len - end) - 1;
}

static struct span
take_while(struct span *rest, bool wanted)
{
    size_t len = 0;
    struct span taken;

    while (len < rest->len && is_blank(rest->data[len]) == wanted)
        len++;
    taken = span_from(rest->data, len);
    *rest = span_skip(*rest, len);
    return taken;
}

static void
put_base64(struct line *line, struct span bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char four[4];

    for (; bytes.len > 0; bytes = span_skip(bytes, bytes.len < 3 ? bytes.len : 3)) {
        uint32_t bits = 0;

        for (size_t i = 0; i < 3; i++)
            bits = bits << 8 | (i < bytes.len ? (unsigned char)bytes.data[i] : 0);
        for (size_t i = 0; i < 4; i++)
            four[i] = i <= bytes.len ? digits[bits >> (18 - 6 * i) & 63] : '=';
        put(line, span_from(four, 4));
    }
}

// Whole characters that fit the line; one at least. A byte that is no UTF-8 counts as one.
static size_t
word_len(const struct line *line, struct span text)
{
    size_t room = line->column < WORD_LINE_MAX ? WORD_LINE_MAX - line->column : 0;
    size_t len = 0, next;

    room = room < WORD_FRAME ? 0 : (room - WORD_FRAME) / 4 * 3;
    while (len < text.len) {
        next = str_utf8_len(span_skip(text, len));
        next = next == 0 ? 1 : next;
        if (len > 0 && len + next > room)
            break;
        len += next;
    }
    return len;
}

static void
put_words(struct line *line, struct span text)
{
    while (text.len > 0) {
        size_t len = word_len(line, text);

        put(line, SPAN_LITERAL(WORD_HEAD));
        put_base64(line, span_from(text.data, len));
        put(line, SPAN_LITERAL(WORD_TAIL));
        text = span_skip(text, len);
        if (text.len > 0)
            put(line, SPAN_LITERAL("\r\n "));
    }
}

// The blanks in front of a text of len octets; the line end that they may get belongs to no text.
static void
put_gap(struct line *line, struct span gap, size_t len, size_t max)
{
    if (line->may_fold && gap.len > 0 && line->column + gap.len + len > max)
        put(line, SPAN_LITERAL("\r\n"));
    put(line, gap);
}

static void
put_raw(struct line *line, struct span text)
{
    while (text.len > 0) {
        struct span gap = take_while(&text, true), word = take_while(&text, false);

        put_gap(line, gap, word.len, FOLD_AT);
        put(line, word);
    }
}

// Blanks between two encoded words are not shown (RFC 2047 6.2): they go into the words, and so
// text that is not ASCII goes on up to the last such word in a row.
static struct span
take_run(struct span *rest)
{
    struct span look = *rest, word = take_while(&look, false);
    size_t len = 0;

    while (word.len > 0 && !is_ascii(word)) {
        len = rest->len - look.len;
        (void)take_while(&look, true);
        word = take_while(&look, false);
    }
    word = span_from(rest->data, len);
    *rest = span_skip(*rest, len);
    return word;
}

static void
put_encoded(struct line *line, struct span text)
{
    while (text.len > 0) {
        struct span gap = take_while(&text, true), run = take_run(&text);

        if (run.len > 0) {
            put_gap(line, gap, WORD_MIN, WORD_LINE_MAX);
            put_words(line, run);
            continue;
        }
        run = take_while(&text, false);
        put_gap(line, gap, run.len, WORD_LINE_MAX);
        put(line, run);
    }
}

// A folded text becomes one line: it is folded anew.
static void
put_unfolded(struct line *line, struct span text)
{
    struct buf flat;

    buf_init(&flat, text.len);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '\r' && text.data[i] != '\n')
            line->failed |= buf_add_char(&flat, text.data[i]);
    }
    put_encoded(line, buf_span(&flat));
    buf_clear(&flat);
}

static bool
may_be_raw(struct span text, bool is_utf8)
{
    return is_ascii(text) || (is_utf8 && str_is_utf8(text));
}

int
edit_field_write(const char *name, struct span value, bool is_utf8, struct buf *out)
{
    struct line line = {.out = out};
    struct span rest = value;
    bool is_raw = may_be_raw(value, is_utf8);

    put(&line, span_of(name));
    put(&line, SPAN_LITERAL(":"));
    if (!is_raw && line.column + WORD_MIN >= WORD_LINE_MAX)
        put(&line, SPAN_LITERAL("\r\n "));
    else if (value.len > 0 && !is_blank(value.data[0]))
        put(&line, SPAN_LITERAL(" "));
    if (is_raw) {
        put(&line, take_while(&rest, true));
        put(&line, take_while(&rest, false));
        line.may_fold = memchr(value.data, '\n', value.len) == NULL;
        put_raw(&line, rest);
    } else {
        line.may_fold = true;
        put_unfolded(&line, value);
    }
    put(&line, SPAN_LITERAL("\r\n"));
    return line.failed != 0 ? -1 : 0;
}

static bool
is_word(struct span text)
{
    return text.len >= 2 && memcmp(text.data, "=?", 2) == 0;
}

// What a reader sees first of a value that may begin folded.
static bool
shows_word(struct span rest)
{
    (void)take_while(&rest, true);
    return is_word(rest);
}

static size_t
first_line_len(struct span text)
{
    const char *end = text.len > 0 ? memchr(text.data, '\r', text.len) : NULL;

    if (end == NULL && text.len > 0)
        end = memchr(text.data, '\n', text.len);
    return end == NULL ? text.len : (size_t)(end - text.data);
}

// An encoded word is one only between blanks.
static void
put_prefix(struct line *line, struct span text, struct span rest, bool is_utf8)
{
    struct span body = text, gap;
    bool is_raw = may_be_raw(text, is_utf8);

    while (body.len > 0 && is_blank(body.data[body.len - 1]))
        body.len--;
    gap = span_skip(text, body.len);
    if (is_raw)
        put_raw(line, body);
    else
        put_words(line, shows_word(rest) ? text : body);
    if (first_line_len(rest) == 0)
        return;
    if (gap.len == 0 && (!is_raw || is_word(rest)))
        gap = SPAN_LITERAL(" ");
    put_gap(line, gap, first_line_len(rest), WORD_LINE_MAX);
}

int
edit_field_prefix(struct span field, struct span text, bool is_utf8, struct buf *out)
{
    struct line line = {.out = out, .may_fold = true};
    const char *colon = memchr(field.data, ':', field.len);
    size_t len;

    assert(colon != NULL);
    len = (size_t)(colon - field.data) + 1;
    while (len < field.len && (field.data[len] == ' ' || field.data[len] == '\t'))
        len++;
    put(&line, span_from(field.data, len));
    if (field.data[len - 1] == ':')
        put(&line, SPAN_LITERAL(" "));
    put_prefix(&line, text, span_skip(field, len), is_utf8);
    put(&line, span_skip(field, len));
    return line.failed != 0 ? -1 : 0;
}
