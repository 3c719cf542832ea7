// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/cut.h"

#include <string.h>

void
cut_init(struct cut *cut, struct span body, struct span boundary)
{
    *cut = (struct cut){.body = body, .boundary = boundary, .next = CUT_PROLOGUE};
}

// Behind the line that begins at `at`.
static size_t
next_line(struct span text, size_t at)
{
    const char *end = at < text.len ? memchr(text.data + at, '\n', text.len - at) : NULL;

    return end == NULL ? text.len : (size_t)(end - text.data) + 1;
}

// Without one line end in front of `end`, never below begin.
static size_t
without_line_end(struct span text, size_t begin, size_t end)
{
    if (end > begin && text.data[end - 1] == '\n')
        end--;
    if (end > begin && text.data[end - 1] == '\r')
        end--;
    return end;
}

// The next "--" at the beginning of a line, from `at` on; text.len if there is none.
static size_t
find_dashes(struct span text, struct ebb *ebb, size_t at)
{
    const char *found;

    for (; at + 1 < text.len; at++) {
        found = ebb_find(ebb, span_from(text.data + at, text.len - at - 1), '-');
        if (found == NULL)
            break;
        at = (size_t)(found - text.data);
        if (text.data[at + 1] == '-' && (at == 0 || text.data[at - 1] == '\n'))
            return at;
    }
    return text.len;
}

static bool
has_at(struct span text, size_t at, struct span word)
{
    return text.len - at >= word.len &&
           (word.len == 0 || memcmp(text.data + at, word.data, word.len) == 0);
}

static bool
is_blank_till(struct span text, size_t at, size_t end)
{
    while (at < end && (text.data[at] == ' ' || text.data[at] == '\t' || text.data[at] == '\r' ||
                        text.data[at] == '\n'))
        at++;
    return at == end;
}

// Is the line at `at` (it begins with "--") the boundary? *end_out: the one that ends all.
static bool
is_boundary(const struct cut *cut, size_t at, bool *end_out)
{
    size_t end = next_line(cut->body, at);
    size_t behind = at + 2;

    if (!has_at(cut->body, behind, cut->boundary))
        return false;
    behind += cut->boundary.len;
    *end_out = false;
    if (behind <= end && is_blank_till(cut->body, behind, end))
        return true;
    *end_out = true;
    return behind + 2 <= end && has_at(cut->body, behind, SPAN_LITERAL("--")) &&
           is_blank_till(cut->body, behind + 2, end);
}

bool
cut_next(struct cut *cut, struct cut_item *item_out)
{
    size_t line = cut->at;
    bool is_end = false;

    if (cut->is_finished)
        return false;
    for (;;) {
        line = find_dashes(cut->body, cut->ebb, line);
        if (line == cut->body.len || is_boundary(cut, line, &is_end))
            break;
        line = next_line(cut->body, line);
    }
    *item_out =
        (struct cut_item){.kind = cut->next, .begin = cut->at, .is_behind_end = cut->is_ended};
    if (line == cut->body.len) {
        item_out->end = line;
        cut->is_finished = true;
        return true;
    }
    item_out->end = without_line_end(cut->body, cut->at, line);
    cut->is_begun = true;
    cut->is_ended = cut->is_ended || is_end;
    cut->next = is_end ? CUT_EPILOGUE : CUT_PIECE;
    cut->at = next_line(cut->body, line);
    return true;
}

static bool
is_content_field(struct span text, size_t at)
{
    return span_starts_nocase(span_skip(text, at), "content-");
}

bool
cut_find_hidden(struct span text, struct ebb *ebb, size_t *at, struct cut_item *item_out)
{
    size_t line = *at, next;
    struct span token;

    for (;; line = next_line(text, line)) {
        line = find_dashes(text, ebb, line);
        if (line == text.len)
            return false;
        next = next_line(text, line);
        if (next < text.len && is_content_field(text, next))
            break;
    }
    token = span_from(text.data + line, without_line_end(text, line, next) - line);
    while (token.len > 2 && (token.data[token.len - 1] == ' ' || token.data[token.len - 1] == '\t'))
        token.len--;
    *item_out = (struct cut_item){.kind = CUT_PIECE, .begin = next, .token = span_skip(token, 2)};
    for (line = next;; line = next_line(text, line)) {
        line = find_dashes(text, ebb, line);
        if (line == text.len || has_at(text, line, token) ||
            is_content_field(text, next_line(text, line)))
            break;
    }
    item_out->end = line == text.len ? line : without_line_end(text, next, line);
    *at = line;
    return true;
}
