// SPDX-License-Identifier: BSD-2-Clause
#include "control/lexis.h"

#include <stdbool.h>
#include <string.h>

enum { DEPTH_MAX = 16 };

struct scan {
    char *text;
    size_t len, at;
    unsigned line;
    unsigned open_lines[DEPTH_MAX]; // where each brace that is open stands
    size_t depth;
    bool in_word;
    struct err *err;
};

static bool
is_next(const struct scan *scan, size_t ahead, char byte)
{
    return scan->at + ahead < scan->len && scan->text[scan->at + ahead] == byte;
}

static void
step(struct scan *scan)
{
    if (scan->text[scan->at] == '\n')
        scan->line++;
    scan->at++;
}

static void
blank(struct scan *scan)
{
    if (scan->text[scan->at] != '\n')
        scan->text[scan->at] = ' ';
    step(scan);
}

static void
skip_line_comment(struct scan *scan)
{
    while (scan->at < scan->len && scan->text[scan->at] != '\n')
        blank(scan);
}

static int
skip_block_comment(struct scan *scan)
{
    unsigned line = scan->line;

    blank(scan);
    blank(scan);
    while (scan->at < scan->len && !(is_next(scan, 0, '*') && is_next(scan, 1, '/')))
        blank(scan);
    if (scan->at == scan->len) {
        scan->line = line;
        return err_set(scan->err, ERR_PERM, "expected */ behind the comment that begins here");
    }
    blank(scan);
    blank(scan);
    return 0;
}

// A reference goes to the next brace, over quotes and lines.
static int
skip_variable(struct scan *scan)
{
    while (scan->at < scan->len && !is_next(scan, 0, '}')) {
        if (strchr("\"'\n", scan->text[scan->at]) != NULL)
            break;
        scan->at++;
    }
    if (!is_next(scan, 0, '}'))
        return err_set(scan->err, ERR_PERM, "expected } behind ${ on the same line");
    scan->at++;
    return 0;
}

static int
check_number(struct scan *scan, size_t digits, unsigned base)
{
    unsigned value = 0;

    for (size_t i = 0; i < digits; i++) {
        char byte = scan->text[scan->at + i];
        unsigned digit = (unsigned)(byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10);

        value = value * base + digit;
        if (digit >= base || value > 255)
            return err_set(scan->err, ERR_PERM, "expected \\ooo with octal digits up to \\377");
    }
    // The value would end there, without a word.
    if (value == 0)
        return err_set(scan->err, ERR_PERM, "a text cannot hold a NUL byte");
    scan->at += digits;
    return 0;
}

static size_t
count_of(const struct scan *scan, const char *set)
{
    size_t count = 0;

    while (scan->at + count < scan->len && scan->text[scan->at + count] != '\0' &&
           strchr(set, scan->text[scan->at + count]) != NULL)
        count++;
    return count;
}

static int
bad_escape(const struct scan *scan)
{
    return err_set(scan->err, ERR_PERM,
                   "expected \\\\ for a backslash, or single quotes around it");
}

static int
skip_escape(struct scan *scan)
{
    size_t digits;

    scan->at++;
    digits = count_of(scan, "0123456789");
    if (digits > 3)
        return err_set(scan->err, ERR_PERM, "expected at most three digits behind a backslash");
    if (digits > 0)
        return check_number(scan, digits, 8);
    if (is_next(scan, 0, 'x')) {
        scan->at++;
        digits = count_of(scan, "0123456789abcdefABCDEF");
        return digits == 0 ? bad_escape(scan) : check_number(scan, digits < 2 ? 1 : 2, 16);
    }
    if (scan->at == scan->len)
        return 0;
    // The scanner drops the backslash of all others, which makes another expression of "\.exe$".
    if (strchr("\\\"'$\nabefnrtv", scan->text[scan->at]) == NULL)
        return bad_escape(scan);
    step(scan);
    return 0;
}

static int
skip_double_quotes(struct scan *scan)
{
    unsigned line = scan->line;

    scan->at++;
    while (scan->at < scan->len && !is_next(scan, 0, '"')) {
        int result = 0;

        if (is_next(scan, 0, '\\'))
            result = skip_escape(scan);
        else if (is_next(scan, 0, '$') && is_next(scan, 1, '{'))
            result = skip_variable(scan);
        else
            step(scan);
        if (result != 0)
            return -1;
    }
    if (scan->at == scan->len) {
        scan->line = line;
        return err_set(scan->err, ERR_PERM, "expected \" behind the text that begins here");
    }
    scan->at++;
    return 0;
}

static int
skip_single_quotes(struct scan *scan)
{
    unsigned line = scan->line;

    scan->at++;
    while (scan->at < scan->len && !is_next(scan, 0, '\'')) {
        if (is_next(scan, 0, '\\'))
            scan->at++;
        if (scan->at < scan->len)
            step(scan);
    }
    if (scan->at == scan->len) {
        scan->line = line;
        return err_set(scan->err, ERR_PERM, "expected ' behind the text that begins here");
    }
    scan->at++;
    return 0;
}

static int
take_brace(struct scan *scan)
{
    if (is_next(scan, 0, '{')) {
        if (scan->depth == DEPTH_MAX)
            return err_set(scan->err, ERR_PERM, "expected at most %d braces inside each other",
                           DEPTH_MAX);
        scan->open_lines[scan->depth++] = scan->line;
    } else {
        if (scan->depth == 0)
            return err_set(scan->err, ERR_PERM, "} without a { before it");
        scan->depth--;
    }
    scan->at++;
    return 0;
}

// One byte outside of quotes and comments.
static int
take_plain(struct scan *scan)
{
    char byte = scan->text[scan->at];
    bool was_word = scan->in_word;

    scan->in_word = strchr(" \t\r\n{}()=,+", byte) == NULL;
    if (byte == '{' || byte == '}')
        return take_brace(scan);
    if (byte == '*' || (byte == '+' && !is_next(scan, 1, '=')))
        return err_set(scan->err, ERR_PERM, "expected quotes around a text with %c", byte);
    if (byte == '$' && is_next(scan, 1, '{') && !was_word)
        return skip_variable(scan);
    step(scan);
    return 0;
}

static int
take_next(struct scan *scan)
{
    bool at_start = !scan->in_word;

    if (is_next(scan, 0, '#') || (at_start && is_next(scan, 0, '/') && is_next(scan, 1, '/'))) {
        skip_line_comment(scan);
        return 0;
    }
    if (at_start && is_next(scan, 0, '/') && is_next(scan, 1, '*'))
        return skip_block_comment(scan);
    if (is_next(scan, 0, '"') || is_next(scan, 0, '\'')) {
        scan->in_word = false;
        return is_next(scan, 0, '"') ? skip_double_quotes(scan) : skip_single_quotes(scan);
    }
    return take_plain(scan);
}

static unsigned
line_of(const char *text, const char *at)
{
    unsigned line = 1;

    for (; text < at; text++) {
        if (*text == '\n')
            line++;
    }
    return line;
}

int
lexis_clean(char *text, size_t len, unsigned *line_out, struct err *err)
{
    struct scan scan = {.text = text, .len = len, .line = 1, .err = err};
    const char *nul = len == 0 ? NULL : memchr(text, '\0', len);

    if (nul != NULL) {
        *line_out = line_of(text, nul);
        return err_set(err, ERR_PERM, "a NUL byte: expected a text file");
    }
    while (scan.at < scan.len) {
        if (take_next(&scan) != 0) {
            *line_out = scan.line;
            return -1;
        }
    }
    if (scan.depth > 0) {
        *line_out = scan.open_lines[scan.depth - 1];
        return err_set(err, ERR_PERM, "expected } behind the { that stands here");
    }
    return 0;
}
