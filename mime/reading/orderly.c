// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/orderly.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { LEAVES_MAX = 64, BOUNDARIES_MAX = 16, BOUNDARY_MAX = 70 }; // RFC 2046 5.1.1

struct boundary {
    struct span text;
    bool is_used;
};

struct reading {
    struct span text;
    struct ebb *ebb;
    size_t at;
    struct boundary boundaries[BOUNDARIES_MAX]; // all that were declared
    size_t boundary_count;
    size_t open[BOUNDARIES_MAX]; // the innermost last
    size_t depth;
    struct outline_leaf leaves[LEAVES_MAX];
    size_t leaf_count;
};

struct head {
    size_t begin, body;
    struct span type; // "" where none is declared
    struct span boundary;
    bool is_multipart;
};

static bool
is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.' || byte == '+';
}

static size_t
word_len(struct span text)
{
    size_t len = 0;

    while (len < text.len && is_letter(text.data[len]))
        len++;
    return len;
}

static struct span
skip_blanks(struct span text)
{
    size_t len = 0;

    while (len < text.len && strchr(" \t\r\n", text.data[len]) != NULL)
        len++;
    return span_skip(text, len);
}

// The line at `at` without its end; false: it has none.
static bool
take_line(struct span text, size_t *at, struct span *line_out)
{
    const char *begin, *end;

    if (*at >= text.len)
        return false;
    begin = text.data + *at;
    end = memchr(begin, '\n', text.len - *at);
    if (end == NULL)
        return false;
    *line_out = span_from(begin, (size_t)(end - begin));
    *at += line_out->len + 1;
    if (line_out->len > 0 && end[-1] == '\r')
        line_out->len--;
    return true;
}

// --- the type ---

// "; name=value": takes it away. False: it is written in another way.
static bool
take_parameter(struct span *rest, struct span *name_out, struct span *value_out)
{
    struct span text = skip_blanks(span_skip(*rest, 1));
    size_t len = word_len(text);
    const char *end;

    if (rest->data[0] != ';' || len == 0 || len == text.len || text.data[len] != '=')
        return false;
    *name_out = span_from(text.data, len);
    text = span_skip(text, len + 1);
    if (text.len > 0 && text.data[0] == '"') {
        end = memchr(text.data + 1, '"', text.len - 1);
        if (end == NULL)
            return false;
        *value_out = span_from(text.data + 1, (size_t)(end - text.data) - 1);
        // The quote may not be the last; an encoded word may hold parameters.
        if (memchr(value_out->data, '\\', value_out->len) != NULL ||
            span_contains(*value_out, SPAN_LITERAL("=?")))
            return false;
        text = span_skip(text, value_out->len + 2);
    } else {
        *value_out = span_from(text.data, word_len(text));
        text = span_skip(text, value_out->len);
    }
    *rest = skip_blanks(text);
    return value_out->len > 0;
}

static bool
is_boundary(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_letter(text.data[i]) && strchr("=/:'", text.data[i]) == NULL)
            return false;
    }
    return text.len > 0 && text.len <= BOUNDARY_MAX;
}

static bool
read_parameters(struct span rest, struct head *head)
{
    struct span name, value;

    while (rest.len > 0) {
        if (!take_parameter(&rest, &name, &value))
            return false;
        if (!span_is_nocase(name, "boundary"))
            continue;
        if (head->boundary.len > 0 || !is_boundary(value))
            return false;
        head->boundary = value;
    }
    return head->boundary.len > 0;
}

static bool
read_type(struct head *head)
{
    static const char *const leaves[] = {"text", "application", "image", "audio", "video", "font"};
    static const char *const multiparts[] = {"mixed", "alternative", "related", "signed"};
    struct span rest = skip_blanks(head->type);
    struct span type = span_from(rest.data, word_len(rest)), subtype;

    if (head->type.len == 0)
        return true;
    rest = span_skip(rest, type.len);
    if (rest.len == 0 || rest.data[0] != '/')
        return false;
    rest = span_skip(rest, 1);
    subtype = span_from(rest.data, word_len(rest));
    rest = skip_blanks(span_skip(rest, subtype.len));
    if (subtype.len == 0 || (rest.len > 0 && rest.data[0] != ';'))
        return false;
    for (size_t i = 0; i < COUNT(leaves); i++) {
        if (span_is_nocase(type, leaves[i]))
            return true;
    }
    head->is_multipart = span_is_nocase(type, "multipart");
    for (size_t i = 0; i < COUNT(multiparts) && head->is_multipart; i++) {
        if (span_is_nocase(subtype, multiparts[i]))
            return read_parameters(rest, head);
    }
    return false;
}

// --- the header ---

// "Name: value", and what of the next lines belongs to it.
static bool
read_field(struct reading *reading, struct head *head, struct span line)
{
    size_t len = word_len(line);
    bool is_type = len == 12 && span_starts_nocase(line, "Content-Type");
    struct span value;

    // A boundary's line is no field to anybody.
    if (len == 0 || len == line.len || line.data[len] != ':' || line.data[0] == '-')
        return false;
    while (reading->at < reading->text.len &&
           (reading->text.data[reading->at] == ' ' || reading->text.data[reading->at] == '\t')) {
        struct span more;

        // A line of blanks ends the header to some.
        if (!take_line(reading->text, &reading->at, &more) || skip_blanks(more).len == 0)
            return false;
    }
    if (!is_type)
        return true;
    value = span_skip(line, len + 1);
    value.len = (size_t)(reading->text.data + reading->at - value.data);
    if (head->type.data != NULL)
        return false;
    head->type = value;
    return skip_blanks(value).len > 0;
}

static bool
read_head(struct reading *reading, struct head *head_out)
{
    bool has_field = false;
    struct span line;

    *head_out = (struct head){.begin = reading->at};
    while (take_line(reading->text, &reading->at, &line)) {
        if (line.len == 0) {
            head_out->body = reading->at;
            return has_field && read_type(head_out);
        }
        if (!read_field(reading, head_out, line))
            return false;
        has_field = true;
    }
    return false;
}

// --- the body ---

static bool
starts_with(struct span text, struct span begin)
{
    return text.len >= begin.len && memcmp(text.data, begin.data, begin.len) == 0;
}

// No boundary may begin like another, or be used again.
static bool
open_boundary(struct reading *reading, struct span boundary)
{
    if (reading->boundary_count == BOUNDARIES_MAX)
        return false;
    for (size_t i = 0; i < reading->boundary_count; i++) {
        if (starts_with(boundary, reading->boundaries[i].text) ||
            starts_with(reading->boundaries[i].text, boundary))
            return false;
    }
    reading->open[reading->depth++] = reading->boundary_count;
    reading->boundaries[reading->boundary_count++] = (struct boundary){.text = boundary};
    return true;
}

enum dashes { DASHES_TEXT, DASHES_DELIMITER, DASHES_END, DASHES_ODD };

// What a line is that begins with "--".
static enum dashes
dashes_of(const struct reading *reading, struct span line)
{
    const struct span text = span_skip(line, 2);

    for (size_t i = 0; i < reading->boundary_count; i++) {
        struct span rest = span_skip(text, reading->boundaries[i].text.len);

        if (!starts_with(text, reading->boundaries[i].text))
            continue;
        if (reading->depth == 0 || reading->open[reading->depth - 1] != i)
            return DASHES_ODD;
        if (rest.len == 0)
            return DASHES_DELIMITER;
        return span_is(rest, "--") && reading->boundaries[i].is_used ? DASHES_END : DASHES_ODD;
    }
    return DASHES_TEXT;
}

// Goes on to a line that begins with "--".
static bool
find_dashes(struct reading *reading)
{
    const struct span text = reading->text;

    for (size_t at = reading->at; at + 1 < text.len; at++) {
        const char *found =
            ebb_find(reading->ebb, span_from(text.data + at, text.len - at - 1), '-');

        if (found == NULL)
            break;
        at = (size_t)(found - text.data);
        if (found[1] == '-' && found[-1] == '\n') {
            reading->at = at;
            return true;
        }
    }
    return false;
}

static bool
add_leaf(struct reading *reading, const struct head *head, size_t end)
{
    if (reading->leaf_count == LEAVES_MAX)
        return false;
    if (end > head->body && reading->text.data[end - 1] == '\n')
        end--;
    if (end > head->body && reading->text.data[end - 1] == '\r')
        end--;
    reading->leaves[reading->leaf_count++] = (struct outline_leaf){head->begin, head->body, end};
    return true;
}

// The header of the message, or of a part, and whether it begins parts of its own.
static bool
begin_entity(struct reading *reading, struct head *head, bool *is_leaf_out)
{
    if (!read_head(reading, head))
        return false;
    *is_leaf_out = !head->is_multipart;
    return *is_leaf_out || open_boundary(reading, head->boundary);
}

static bool
read_parts(struct reading *reading)
{
    bool is_in_leaf = false;
    struct head head;

    while (find_dashes(reading)) {
        size_t begin = reading->at;
        enum dashes dashes;
        struct span line;

        // The last line may have no end.
        if (!take_line(reading->text, &reading->at, &line)) {
            line = span_skip(reading->text, begin);
            reading->at = reading->text.len;
        }
        dashes = dashes_of(reading, line);
        if (dashes == DASHES_TEXT)
            continue;
        if (dashes == DASHES_ODD || (is_in_leaf && !add_leaf(reading, &head, begin)))
            return false;
        is_in_leaf = false;
        if (dashes == DASHES_END) {
            reading->depth--;
            continue;
        }
        reading->boundaries[reading->open[reading->depth - 1]].is_used = true;
        if (!begin_entity(reading, &head, &is_in_leaf))
            return false;
    }
    return reading->depth == 0;
}

bool
orderly_read(struct span text, struct ebb *ebb, outline_found *found, void *arg)
{
    struct reading reading = {.text = text, .ebb = ebb};
    struct head head;
    bool is_leaf;

    if (!begin_entity(&reading, &head, &is_leaf))
        return false;
    if (is_leaf)
        reading.leaves[reading.leaf_count++] =
            (struct outline_leaf){head.begin, head.body, text.len};
    else if (!read_parts(&reading))
        return false;
    for (size_t i = 0; i < reading.leaf_count; i++)
        found(arg, &reading.leaves[i]);
    return true;
}
