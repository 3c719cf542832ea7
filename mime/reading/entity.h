// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/entity.h - a header block and what its Content- fields say, all of them. Pure.
//
// A reader takes the first of two fields, another the last: nothing is decided here. Lines that are
// no fields are places where some readers begin the body.
#ifndef POSTERN_MIME_ENTITY_H
#define POSTERN_MIME_ENTITY_H

#include "mime/reading/words.h"

enum { ENTITY_FIELDS_MAX = 16, ENTITY_BOUNDARIES_MAX = 16 };

struct entity {
    struct span text;    // all of it; offsets are in it
    size_t fields_begin; // the first field; what stands in front is junk
    size_t body_begin;   // behind the empty line; text.len if there is none; 0: is_all_body
    size_t junk_at;      // the first line among the fields that is none; 0: none
    bool has_fields;
    bool is_all_body; // it begins with neither a field nor an empty line, and has no field
    struct words_value types[ENTITY_FIELDS_MAX];        // Content-Type
    struct words_value dispositions[ENTITY_FIELDS_MAX]; // Content-Disposition
    struct span encodings[ENTITY_FIELDS_MAX];           // Content-Transfer-Encoding, trimmed
    size_t type_count, disposition_count, encoding_count;
    struct span boundaries[ENTITY_BOUNDARIES_MAX]; // each once, not empty unless written so
    size_t boundary_count;
    struct words_oddities oddities;
    bool is_odd_boundary; // one that readers write or match in different ways
    bool is_excessive;    // more fields, parameters or boundaries than are taken
};

// What it points to is in the text and in the arena.
void entity_read(struct charsets *charsets, struct span text, size_t max_parameters,
                 struct arena *arena, struct entity *entity_out);

// The one that GMime goes by: the last; the empty value where there is none.
const struct words_value *entity_type(const struct entity *entity);
bool entity_is_multipart(const struct words_value *type); // to anybody
bool entity_is_message(const struct words_value *type);   // message/rfc822 and its like

#endif
