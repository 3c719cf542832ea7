// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/prescan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum {
    LINE_MAX_LEN = 998, // RFC 5322 2.1.1
    // GMime holds each line that begins with "--" against all open boundaries. A patch or a dump
    // has many such lines and few boundaries.
    BOUNDARY_WORK_MIN = 100000,
    BOUNDARY_WORK_PER_PART = 250
};

struct level {       // an open multipart, or a message in a message
    uint64_t digest; // of its boundary
    size_t block;    // whose header declares it
    bool is_odd;     // readers differ about its boundary: any line may be one
    bool is_message;
    bool is_digest;
};

struct block { // of header fields
    size_t begin;
    size_t field_count;
    bool is_open, is_first;
    bool is_in_digest, has_type, is_message;
    // The field that lines are added to; has_field: there is one, and it is none of the bad ones.
    struct prescan_field field;
    bool has_field;
};

struct scan {
    struct span message;
    const struct dissect_settings *limits;
    struct prescan *out;
    struct block block;
    struct level *levels;
    size_t depth, size; // of fields, allocated
    uint64_t work;
    bool may_be_message; // behind the header of a message in the message
};

static void
pass(struct scan *scan, enum finding_limit limit, const char *what, uint64_t value, uint64_t max)
{
    if (scan->out->limit != LIMIT_NONE || value <= max)
        return;
    scan->out->limit = limit;
    snprintf(scan->out->limit_text, sizeof(scan->out->limit_text),
             "%s: %" PRIu64 ", at most %" PRIu64, what, value, max);
}

static bool
is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static uint64_t
digest(struct span text)
{
    uint64_t sum = 14695981039346656037u;

    for (size_t i = 0; i < text.len; i++)
        sum = (sum ^ (unsigned char)text.data[i]) * 1099511628211u;
    return sum;
}

static void
push(struct scan *scan, struct level level)
{
    level.block = scan->out->blocks;
    for (size_t i = scan->depth; i > 0 && scan->levels[i - 1].block == level.block; i--) {
        if (scan->levels[i - 1].digest == level.digest && !level.is_message)
            return; // said twice
    }
    pass(scan, LIMIT_DEPTH, "parts in parts", scan->depth + 1, scan->limits->max_depth);
    if (scan->depth < scan->limits->max_depth)
        scan->levels[scan->depth++] = level;
}

static size_t
skip_blanks(struct span text, size_t at)
{
    while (at < text.len && is_blank(text.data[at]))
        at++;
    return at;
}

// Goes on to "=" behind "boundary"; what is not plain there is odd. False: there is none.
static bool
find_value(struct span text, size_t *at, struct level *level)
{
    bool is_comment = false, has_comment = false;

    for (; *at < text.len; (*at)++) {
        char byte = text.data[*at];

        if (byte == '=' && !is_comment)
            return true;
        if (byte == '(' || byte == ')')
            is_comment = byte == '(';
        else if (!is_comment && !is_blank(byte) && strchr("\"*0123456789", byte) == NULL)
            break;
        level->is_odd |= !is_blank(byte);
        has_comment |= is_comment;
    }
    // Who knows no comments may find one in it; it is not looked at a second time.
    level->is_odd = has_comment;
    return false;
}

// Behind "boundary=". Returns where it ends: what stands in it is not looked at a second time.
static size_t
read_boundary(struct span text, size_t at, struct level *level)
{
    bool is_quoted;
    size_t begin;

    at = skip_blanks(text, at);
    is_quoted = at < text.len && text.data[at] == '"';
    begin = at += is_quoted;
    while (at < text.len &&
           (is_quoted ? text.data[at] != '"' : text.data[at] != ';' && !is_blank(text.data[at]))) {
        level->is_odd |= strchr(is_quoted ? ";\\\r\n" : "\\\"(", text.data[at]) != NULL;
        at++;
    }
    level->digest = digest(span_from(text.data + begin, at - begin));
    level->is_odd |= at == begin || is_blank(text.data[at - 1]) || (is_quoted && at == text.len);
    level->is_odd |= at - begin >= 2 && memcmp(text.data + begin, "=?", 2) == 0;
    at = skip_blanks(text, at < text.len ? at + is_quoted : at);
    level->is_odd |= at < text.len && text.data[at] != ';';
    return at;
}

static void
read_type(struct scan *scan, struct span value)
{
    static const char name[] = "boundary";
    struct span type = span_skip(value, skip_blanks(value, 0));
    bool is_digest = span_starts_nocase(type, "multipart/digest");
    size_t at = 0;

    scan->block.has_type = true;
    scan->block.is_message |= span_starts_nocase(type, "message/");
    while (at < value.len) {
        struct level level = {.is_digest = is_digest};

        if ((value.data[at] | 0x20) != 'b' || !span_starts_nocase(span_skip(value, at), name)) {
            at++;
            continue;
        }
        at += sizeof(name) - 1;
        if (find_value(value, &at, &level))
            at = read_boundary(value, at + 1, &level);
        else if (!level.is_odd)
            continue;
        push(scan, level);
    }
}

static size_t
count_parameters(struct span value)
{
    size_t count = 0;

    for (size_t i = 0; i < value.len; i++)
        count += value.data[i] == ';';
    return count;
}

static void
keep_field(struct scan *scan)
{
    struct prescan *out = scan->out;

    if (!scan->block.is_first || out->field_count == scan->limits->max_fields)
        return;
    if (out->field_count == scan->size) {
        scan->size = scan->size == 0 ? 32 : scan->size * 2;
        out->fields = mem_regrow(out->fields, scan->size, sizeof(*out->fields));
    }
    out->fields[out->field_count++] = scan->block.field;
}

static void
end_field(struct scan *scan, size_t end)
{
    struct block *block = &scan->block;
    struct prescan_field *field = &block->field;
    struct span text, name, value;

    if (field->begin == end)
        return;
    field->end = end;
    text = span_from(scan->message.data + field->begin, end - field->begin);
    name = span_from(text.data, field->name_len);
    pass(scan, LIMIT_FIELD, "bytes of one header field", end - field->begin,
         scan->limits->max_field);
    if (block->has_field) {
        value = span_from(scan->message.data + field->value, end - field->value);
        if (span_starts_nocase(name, "Content-"))
            pass(scan, LIMIT_PARAMETERS, "parameters of one header field", count_parameters(value),
                 scan->limits->max_parameters);
        if (span_is_nocase(name, "Content-Type"))
            read_type(scan, value);
        keep_field(scan);
    } else if (span_starts_nocase(text, "Content-Type")) {
        read_type(scan, span_skip(text, sizeof("Content-Type") - 1)); // some find the colon
    }
    block->has_field = false;
    field->begin = end;
}

static void
begin_block(struct scan *scan, size_t begin)
{
    bool is_first = scan->out->blocks == 0;

    scan->out->blocks++;
    pass(scan, LIMIT_PARTS, "parts", scan->out->blocks, scan->limits->max_parts);
    scan->block =
        (struct block){.begin = begin,
                       .field = {.begin = begin},
                       .is_open = true,
                       .is_first = is_first,
                       .is_in_digest = scan->depth > 0 && scan->levels[scan->depth - 1].is_digest};
}

// At its empty line, a boundary or the end; behind: where the next begins.
static void
end_block(struct scan *scan, size_t end, size_t behind)
{
    struct block *block = &scan->block;

    if (!block->is_open)
        return;
    end_field(scan, end);
    pass(scan, LIMIT_HEADER, "bytes of one header block", behind - block->begin,
         scan->limits->max_header);
    pass(scan, LIMIT_FIELDS, "fields of one header block", block->field_count,
         scan->limits->max_fields);
    if (block->is_first) {
        struct span header = span_from(scan->message.data, end);

        scan->out->header_len = behind;
        scan->out->has_raw_8bit = !str_is_utf8(header);
        scan->out->has_no_header = scan->out->field_count == 0;
    }
    scan->may_be_message = block->is_message || (block->is_in_digest && !block->has_type);
    block->is_open = false;
}

// "Name:" or "Name :"; 0: no field. Returns where the colon is.
static size_t
find_colon(struct span line, size_t *name_len_out)
{
    size_t at = 0;

    while (at < line.len && line.data[at] > ' ' && line.data[at] < 0x7f && line.data[at] != ':')
        at++;
    *name_len_out = at;
    while (at > 0 && at < line.len && (line.data[at] == ' ' || line.data[at] == '\t'))
        at++;
    return at > 0 && at < line.len && line.data[at] == ':' ? at : 0;
}

static void
add_header_line(struct scan *scan, struct span line, size_t begin)
{
    struct block *block = &scan->block;
    size_t colon, name_len;

    if (line.data[0] == ' ' || line.data[0] == '\t') {
        scan->out->has_bad_field |= block->is_first && begin == 0;
        return; // more of the field, or of the bad line, that stands there
    }
    end_field(scan, begin);
    colon = find_colon(line, &name_len);
    if (colon > 0) {
        block->has_field = true;
        block->field = (struct prescan_field){
            .begin = begin, .name_len = name_len, .value = begin + colon + 1};
        block->field_count++;
    } else if (block->is_first && begin == 0 && span_starts_nocase(line, "From ")) {
        scan->out->has_mbox_from = true;
    } else {
        scan->out->has_bad_field |= block->is_first;
    }
}

// Which open boundary the line is; depth if none.
static size_t
find_level(struct scan *scan, struct span line, bool *is_close_out)
{
    struct span text = span_skip(line, 2);
    uint64_t whole, closing;
    bool may_close;
    size_t odd = scan->depth;

    while (text.len > 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    may_close = text.len >= 2 && memcmp(text.data + text.len - 2, "--", 2) == 0;
    whole = digest(text);
    closing = may_close ? digest(span_from(text.data, text.len - 2)) : whole;
    for (size_t i = scan->depth; i > 0; i--) {
        struct level *level = &scan->levels[i - 1];

        if (level->is_message)
            continue;
        *is_close_out = level->digest != whole;
        if (level->digest == whole || level->digest == closing)
            return i - 1;
        if (level->is_odd && odd == scan->depth)
            odd = i - 1;
    }
    *is_close_out = may_close;
    return odd;
}

// True: the line is a boundary's.
static bool
add_boundary_line(struct scan *scan, struct span line, size_t begin, size_t behind)
{
    size_t level, end, depth = scan->depth;
    bool is_close;

    scan->out->boundary_lines++;
    scan->work += 1 + scan->depth;
    level = find_level(scan, line, &is_close);
    if (level == depth)
        return false;
    end_block(scan, begin, begin);
    // A header that says two boundaries is open under both, until one further out comes.
    end = level + 1;
    while (end < depth && scan->levels[end].block == scan->levels[level].block)
        end++;
    if (level > 0 && scan->levels[level - 1].block == scan->levels[level].block)
        is_close = false;
    scan->depth = is_close && end == level + 1 ? level : end;
    scan->may_be_message = false;
    if (!is_close)
        begin_block(scan, behind);
    return true;
}

// The line is without its line end.
static void
add_line(struct scan *scan, struct span line, size_t begin, size_t behind)
{
    size_t name_len;

    scan->out->has_long_line |= line.len > LINE_MAX_LEN;
    scan->out->has_bare_cr |= line.len > 0 && memchr(line.data, '\r', line.len) != NULL;
    if (line.len >= 2 && line.data[0] == '-' && line.data[1] == '-' && !scan->block.is_first &&
        add_boundary_line(scan, line, begin, behind))
        return;
    if (scan->may_be_message) {
        scan->may_be_message = line.len == 0;
        // What is encoded does not look like a field, and is no message to those who read this.
        if (find_colon(line, &name_len) > 0 || span_starts_nocase(line, "From ")) {
            push(scan, (struct level){.is_message = true});
            begin_block(scan, begin);
        }
    }
    if (!scan->block.is_open)
        return;
    if (line.len == 0) {
        end_block(scan, begin, behind);
        scan->block.is_first = false;
    } else {
        add_header_line(scan, line, begin);
    }
}

void
prescan_run(struct span message, const struct dissect_settings *limits, struct ebb *ebb,
            struct prescan *prescan_out)
{
    struct scan scan = {.message = message, .limits = limits, .out = prescan_out};
    uint64_t work_max = limits->max_parts * BOUNDARY_WORK_PER_PART;
    size_t at = 0;

    *prescan_out = (struct prescan){.limit = LIMIT_NONE};
    prescan_out->has_nul = ebb_find(ebb, message, '\0') != NULL;
    scan.levels = mem_zarray(limits->max_depth, sizeof(*scan.levels));
    begin_block(&scan, 0);
    while (at < message.len) {
        const char *end = ebb_find(ebb, span_skip(message, at), '\n');
        size_t behind = end == NULL ? message.len : (size_t)(end - message.data) + 1;
        size_t len = behind - at - (end != NULL);

        len -= end != NULL && len > 0 && message.data[at + len - 1] == '\r';
        add_line(&scan, span_from(message.data + at, len), at, behind);
        at = behind;
    }
    end_block(&scan, message.len, message.len);
    pass(&scan, LIMIT_BOUNDARIES, "lines with -- against open boundaries", scan.work,
         work_max > BOUNDARY_WORK_MIN ? work_max : BOUNDARY_WORK_MIN);
    mem_free(&scan.levels);
}

void
prescan_clear(struct prescan *prescan)
{
    mem_free(&prescan->fields);
    prescan->field_count = 0;
}
