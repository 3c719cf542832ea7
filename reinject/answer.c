// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/answer.h"

#include <assert.h>
#include <string.h>

enum { CODE_LEN = 3 };

static bool
is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool
is_alnum(char byte)
{
    return is_digit(byte) || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

// One line without its CRLF, *used_out with it.
static enum answer_result
read_line(struct span in, struct span *line_out, size_t *used_out)
{
    size_t look = in.len < ANSWER_LINE_MAX ? in.len : ANSWER_LINE_MAX;
    const char *end = look > 0 ? memchr(in.data, '\n', look) : NULL;
    size_t len;

    if (end == NULL)
        return in.len < ANSWER_LINE_MAX ? ANSWER_NEED_MORE : ANSWER_BAD;
    len = (size_t)(end - in.data);
    if (len == 0 || end[-1] != '\r')
        return ANSWER_BAD;
    *line_out = span_from(in.data, len - 1);
    *used_out = len + 1;
    return memchr(in.data, '\r', len - 1) == NULL ? ANSWER_DONE : ANSWER_BAD;
}

// The code of a line, 0 if it has none; *is_last_out: no "-" behind it.
static int
line_code(struct span line, bool *is_last_out)
{
    int code;

    if (line.len < CODE_LEN || !is_digit(line.data[0]) || !is_digit(line.data[1]) ||
        !is_digit(line.data[2]))
        return 0;
    *is_last_out = line.len == CODE_LEN || line.data[CODE_LEN] == ' ';
    if (!*is_last_out && line.data[CODE_LEN] != '-')
        return 0;
    code = (line.data[0] - '0') * 100 + (line.data[1] - '0') * 10 + (line.data[2] - '0');
    return code >= 200 && code <= 599 ? code : 0;
}

static struct span
line_text(struct span line)
{
    return span_skip(line, line.len > CODE_LEN ? CODE_LEN + 1 : CODE_LEN);
}

// How many characters of text are an enhanced status code (RFC 2034) of this reply's class.
static size_t
enhanced_len(struct span text, int code)
{
    size_t at = 1, digits, part;

    if (text.len == 0 || text.data[0] != (char)('0' + code / 100))
        return 0;
    for (part = 0; part < 2; part++) {
        if (at >= text.len || text.data[at] != '.')
            return 0;
        at++;
        for (digits = 0; at < text.len && is_digit(text.data[at]); digits++)
            at++;
        if (digits == 0 || digits > 3)
            return 0;
    }
    return at == text.len || text.data[at] == ' ' ? at : 0;
}

static void
add_text(struct answer *answer, struct span text)
{
    size_t used = strlen(answer->text);
    size_t room = ANSWER_TEXT_MAX - used;

    text = span_trim(text);
    if (text.len == 0 || room < 2)
        return;
    if (used > 0) {
        answer->text[used++] = ' ';
        room--;
    }
    if (text.len > room)
        text.len = room;
    memcpy(answer->text + used, text.data, text.len);
    answer->text[used + text.len] = '\0';
    // A NUL would end the text in its midst.
    for (size_t i = 0; i < text.len; i++) {
        if (answer->text[used + i] == '\0')
            answer->text[used + i] = '?';
    }
}

// Is there something at text that moves a terminal's cursor or ends a line for some reader: C1
// controls, U+2028, U+2029? Its length, else 0.
static size_t
odd_utf8(const char *text)
{
    const unsigned char *byte = (const unsigned char *)text;

    if (byte[0] == 0xc2 && byte[1] < 0xa0)
        return 2;
    if (byte[0] == 0xe2 && byte[1] == 0x80 && (byte[2] == 0xa8 || byte[2] == 0xa9))
        return 3;
    return 0;
}

static void
make_printable(char *text)
{
    size_t len = strlen(text);
    bool is_utf8;

    // The end may have been cut inside a character.
    for (size_t i = 0; i < 3 && len > 0 && !str_is_utf8(span_from(text, len)); i++) {
        if ((text[len - 1] & 0x80) == 0)
            break;
        len--;
    }
    is_utf8 = str_is_utf8(span_from(text, len));
    if (is_utf8)
        text[len] = '\0';
    for (char *at = text; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;

        if (byte == '\t')
            *at = ' ';
        else if (byte < ' ' || byte == 0x7f || (byte >= 0x80 && !is_utf8))
            *at = '?';
        else if (byte >= 0x80)
            memset(at, '?', odd_utf8(at));
    }
}

static void
fill(struct answer *answer, struct span line)
{
    struct span text = line_text(line);
    size_t len = enhanced_len(text, answer->code);

    assert(len == 0 || text.data != NULL);
    if (len > 0 && len < sizeof(answer->enhanced) && answer->enhanced[0] == '\0') {
        memcpy(answer->enhanced, text.data, len);
        answer->enhanced[len] = '\0';
    }
    add_text(answer, span_skip(text, len));
}

// Finds the end of the reply and checks its form; the code and the count of lines are filled in.
static enum answer_result
check(struct span in, struct answer *answer, size_t *used_out)
{
    bool is_last = false;
    size_t at = 0;

    while (!is_last) {
        struct span line = {NULL, 0};
        size_t used = 0;
        enum answer_result result = read_line(span_skip(in, at), &line, &used);
        int code;

        if (result != ANSWER_DONE)
            return result;
        code = line_code(line, &is_last);
        if (code == 0 || (answer->lines > 0 && code != answer->code) ||
            answer->lines == ANSWER_LINES_MAX)
            return ANSWER_BAD;
        answer->code = code;
        answer->lines++;
        at += used;
    }
    *used_out = at;
    return ANSWER_DONE;
}

enum answer_result
answer_read(struct span in, struct answer *answer_out, size_t *used_out,
            void (*on_line)(void *arg, struct span text), void *arg)
{
    struct span rest = in;
    enum answer_result result;

    answer_out->code = 0;
    answer_out->lines = 0;
    answer_out->enhanced[0] = '\0';
    answer_out->text[0] = '\0';
    result = check(in, answer_out, used_out);
    if (result != ANSWER_DONE)
        return result;
    for (unsigned i = 0; i < answer_out->lines; i++) {
        struct span line = {NULL, 0};
        size_t used = 0;

        (void)read_line(rest, &line, &used);
        fill(answer_out, line);
        if (on_line != NULL)
            on_line(arg, line_text(line));
        rest = span_skip(rest, used);
    }
    make_printable(answer_out->text);
    return ANSWER_DONE;
}

void
answer_set(struct answer *answer, const char *text)
{
    *answer = (struct answer){.code = 0};
    add_text(answer, span_of(text));
    make_printable(answer->text);
}

// --- the queue id ---

static bool
is_id_byte(char byte, const char *extra)
{
    return is_alnum(byte) || (byte != '\0' && strchr(extra, byte) != NULL);
}

// The id at the start of text: letters, digits and extra; what follows must be end (or nothing).
static size_t
id_len(const char *text, const char *extra)
{
    size_t len = 0;

    while (is_id_byte(text[len], extra))
        len++;
    return len <= ANSWER_QUEUE_ID_MAX ? len : 0;
}

// Behind mark, which stands at the text's start or behind a blank.
static const char *
find_behind(const char *text, const char *mark)
{
    const char *at = text;

    while ((at = strstr(at, mark)) != NULL) {
        if (at == text || at[-1] == ' ')
            return at + strlen(mark);
        at++;
    }
    return NULL;
}

void
answer_queue_id(const struct answer *answer, char out[ANSWER_QUEUE_ID_MAX + 1])
{
    static const struct {
        const char *mark, *extra;
    } rows[] = {
        {"queued as ",       ""  }, // Postfix
        {"id=",              "-" }, // Exim
        {"Message Queued (", "-."}, // Haraka
    };

    const char *found = NULL;
    size_t len = 0;

    out[0] = '\0';
    if (answer->code / 100 != 2)
        return;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && len == 0; i++) {
        found = find_behind(answer->text, rows[i].mark);
        len = found != NULL ? id_len(found, rows[i].extra) : 0;
    }
    if (len == 0) { // OpenSMTPD, Sendmail
        found = answer->text;
        len = id_len(found, "");
        if (strncmp(found + len, " Message accepted", 17) != 0)
            len = 0;
    }
    memcpy(out, found, len);
    out[len] = '\0';
}
