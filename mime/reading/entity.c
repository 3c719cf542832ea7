// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/entity.h"

#include <string.h>

enum { BOUNDARY_USUAL_MAX = 70 }; // RFC 2046 5.1.1

static size_t
line_end(struct span text, size_t at)
{
    const char *end = memchr(text.data + at, '\n', text.len - at);

    return end == NULL ? text.len : (size_t)(end - text.data) + 1;
}

static bool
is_empty_line(struct span line)
{
    return line.len == 0 || line.data[0] == '\n' ||
           (line.data[0] == '\r' && (line.len == 1 || line.data[1] == '\n'));
}

static bool
is_folded(struct span text, size_t at)
{
    return at < text.len && (text.data[at] == ' ' || text.data[at] == '\t');
}

// The name of the field in a line: at least one printing character, blanks, a colon. Else empty.
static struct span
field_name(struct span line)
{
    size_t len = 0;
    size_t colon;

    while (len < line.len && (unsigned char)line.data[len] > ' ' && line.data[len] != ':' &&
           line.data[len] != 0x7f)
        len++;
    for (colon = len; colon < line.len; colon++) {
        if (line.data[colon] != ' ' && line.data[colon] != '\t')
            break;
    }
    if (len == 0 || colon == line.len || line.data[colon] != ':')
        return span_from(line.data, 0);
    return span_from(line.data, len);
}

static struct span
field_value(struct span field, size_t name_len)
{
    struct span value = span_skip(field, name_len);

    (void)span_cut(&value, ':');
    while (value.len > 0 &&
           (value.data[value.len - 1] == '\n' || value.data[value.len - 1] == '\r'))
        value.len--;
    return value;
}

static void
add_oddities(struct words_oddities *all, const struct words_oddities *more)
{
    all->bad_word |= more->bad_word;
    all->unknown_charset |= more->unknown_charset;
    all->repeated_parameter |= more->repeated_parameter;
    all->odd_boundary |= more->odd_boundary;
    all->gap |= more->gap;
}

struct reading {
    struct charsets *charsets;
    struct arena *arena;
    size_t max_parameters;
    struct entity *entity;
};

static void
read_parameters(const struct reading *reading, struct span value, struct words_value *values,
                size_t *count)
{
    struct words_oddities oddities = {false};

    if (*count == ENTITY_FIELDS_MAX) {
        reading->entity->is_excessive = true;
        return;
    }
    if (words_parse(reading->charsets, value, reading->max_parameters, reading->arena,
                    &values[*count], &oddities) != 0)
        reading->entity->is_excessive = true;
    (*count)++;
    add_oddities(&reading->entity->oddities, &oddities);
}

static void
read_field(const struct reading *reading, struct span name, struct span value)
{
    struct entity *entity = reading->entity;

    if (span_is_nocase(name, "content-type")) {
        read_parameters(reading, value, entity->types, &entity->type_count);
    } else if (span_is_nocase(name, "content-disposition")) {
        read_parameters(reading, value, entity->dispositions, &entity->disposition_count);
    } else if (span_is_nocase(name, "content-transfer-encoding")) {
        if (entity->encoding_count == ENTITY_FIELDS_MAX)
            entity->is_excessive = true;
        else
            entity->encodings[entity->encoding_count++] = span_trim(value);
    }
}

static void
add_boundary(struct entity *entity, struct span boundary)
{
    for (size_t i = 0; i < entity->boundary_count; i++) {
        if (span_equal(entity->boundaries[i], boundary))
            return;
    }
    if (entity->boundary_count == ENTITY_BOUNDARIES_MAX)
        entity->is_excessive = true;
    else
        entity->boundaries[entity->boundary_count++] = boundary;
}

static void
add_boundary_readings(struct entity *entity, struct span boundary)
{
    struct span trimmed = boundary;

    while (trimmed.len > 0 && strchr(" \t\r\n", trimmed.data[trimmed.len - 1]) != NULL)
        trimmed.len--;
    if (boundary.len == 0 || boundary.len > BOUNDARY_USUAL_MAX || trimmed.len < boundary.len)
        entity->is_odd_boundary = true;
    // Blanks at its end: GMime never matches it; who trims it, does.
    add_boundary(entity, trimmed);
}

static void
gather_boundaries(struct entity *entity)
{
    for (size_t i = entity->type_count; i > 0; i--) {
        const struct words_value *type = &entity->types[i - 1];

        for (size_t n = 0; n < type->count; n++) {
            const struct words_parameter *parameter = &type->parameters[n];

            if (!span_is(parameter->name, "boundary"))
                continue;
            add_boundary_readings(entity, parameter->value);
            for (size_t k = 0; k < parameter->other_count; k++)
                add_boundary_readings(entity, parameter->others[k]);
        }
    }
    if (entity->boundary_count > 1 || entity->oddities.odd_boundary)
        entity->is_odd_boundary = true;
}

void
entity_read(struct charsets *charsets, struct span text, size_t max_parameters, struct arena *arena,
            struct entity *entity_out)
{
    const struct reading reading = {charsets, arena, max_parameters, entity_out};
    size_t at = 0;

    memset(entity_out, 0, sizeof(*entity_out));
    entity_out->text = text;
    while (at < text.len && !is_empty_line(span_skip(text, at))) {
        size_t end = line_end(text, at);
        struct span name = field_name(span_from(text.data + at, end - at));

        while (is_folded(text, end) && name.len > 0)
            end = line_end(text, end);
        if (name.len == 0) {
            if (entity_out->has_fields && entity_out->junk_at == 0)
                entity_out->junk_at = at;
        } else {
            if (!entity_out->has_fields)
                entity_out->fields_begin = at;
            entity_out->has_fields = true;
            read_field(&reading, name, field_value(span_from(text.data + at, end - at), name.len));
        }
        at = end;
    }
    entity_out->is_all_body = at > 0 && !entity_out->has_fields;
    if (!entity_out->is_all_body)
        entity_out->body_begin = at < text.len ? line_end(text, at) : text.len;
    gather_boundaries(entity_out);
}

const struct words_value *
entity_type(const struct entity *entity)
{
    static const struct words_value none = {
        .main = {"", 0}
    };

    return entity->type_count == 0 ? &none : &entity->types[entity->type_count - 1];
}

bool
entity_is_multipart(const struct words_value *type)
{
    return span_starts_nocase(type->main, "multipart") || words_find(type, "boundary") != NULL;
}

bool
entity_is_message(const struct words_value *type)
{
    return span_is(type->main, "message/rfc822") || span_is(type->main, "message/global") ||
           span_is(type->main, "message/news");
}
