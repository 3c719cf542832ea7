// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/entity.h"

#include "tests/unit/harness.h"

struct row {
    const char *name, *text;
    size_t fields_begin, body_begin, junk_at;
    bool has_fields, is_all_body;
};

static const struct row rows[] = {
    {"empty",                       "",                                0, 0,  0, false, false},
    {"empty line",                  "\r\nbody",                        0, 2,  0, false, false},
    {"LF",                          "a: b\n\nbody",                    0, 6,  0, true,  false},
    {"CRLF",                        "a: b\r\n\r\nbody",                0, 8,  0, true,  false},
    {"no end",                      "a: b\r\n",                        0, 6,  0, true,  false},
    {"no line end",                 "a: b",                            0, 4,  0, true,  false},
    {"folded",                      "a: b\r\n\tc: d\r\n \r\n\r\nbody", 0, 18, 0, true,  false},
    {"blank in front of the colon", "a \t: b\r\n\r\n",                 0, 10, 0, true,  false},
    {"only text",                   "hello\r\nyou\r\n\r\nmore",        0, 0,  0, false, true },
    {"junk first",                  "junk\r\na: b\r\n\r\nbody",        6, 14, 0, true,  false},
    {"junk behind",                 "a: b\r\njunk\r\n\r\nbody",        0, 14, 6, true,  false},
    {"no name",                     ": b\r\na: b\r\n\r\n",             5, 13, 0, true,  false},
    {"begins folded",               " a: b\r\n\r\nx",                  0, 0,  0, false, true },
};

static struct charsets *charsets;

static void
read_text(const char *text, struct arena *arena, struct entity *entity_out)
{
    arena_init(arena, 1 << 20);
    entity_read(charsets, span_of(text), 200, arena, entity_out);
}

static void
test_blocks(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const struct row *row = &rows[i];
        struct entity entity;
        struct arena arena;

        read_text(row->text, &arena, &entity);
        UNIT_CHECK_ROW(row->name, entity.fields_begin == row->fields_begin);
        UNIT_CHECK_ROW(row->name, entity.body_begin == row->body_begin);
        UNIT_CHECK_ROW(row->name, entity.junk_at == row->junk_at);
        UNIT_CHECK_ROW(row->name, entity.has_fields == row->has_fields);
        UNIT_CHECK_ROW(row->name, entity.is_all_body == row->is_all_body);
        arena_clear(&arena);
    }
}

static void
test_all_are_kept(void)
{
    struct entity entity;
    struct arena arena;

    read_text("Content-Type: text/plain\r\ncontent-type : Multipart/Mixed; boundary=x\r\n"
              "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding:  base64 \r\n"
              "Content-Disposition: attachment; filename=a\r\n\r\n",
              &arena, &entity);
    CU_ASSERT(entity.type_count == 2 && entity.encoding_count == 2);
    CU_ASSERT(entity.disposition_count == 1);
    CU_ASSERT(span_is(entity_type(&entity)->main, "multipart/mixed"));
    CU_ASSERT(span_is(entity.types[0].main, "text/plain"));
    CU_ASSERT(span_is(entity.encodings[1], "base64"));
    CU_ASSERT(entity_is_multipart(entity_type(&entity)) && !entity_is_multipart(&entity.types[0]));
    CU_ASSERT(entity.boundary_count == 1 && span_is(entity.boundaries[0], "x"));
    CU_ASSERT(!entity.is_odd_boundary && !entity.is_excessive);
    arena_clear(&arena);
}

struct boundary_row {
    const char *value;
    const char *boundaries[3];
    bool is_odd;
};

static const struct boundary_row boundary_rows[] = {
    {"multipart/mixed; boundary=a",                 {"a"},      false},
    {"multipart/mixed; boundary=\"a b\"",           {"a b"},    false},
    {"multipart/mixed; boundary=\"a \"",            {"a"},      true },
    {"multipart/mixed; boundary=\"\"",              {""},       true },
    {"multipart/mixed; boundary=a; boundary=b",     {"a", "b"}, true },
    {"multipart/mixed; boundary*0=a; boundary*1=b", {"ab"},     true },
    {"multipart/mixed; boundary*=us-ascii''a%41",   {"aA"},     true },
    {"text/plain",                                  {NULL},     false},
};

static bool
has_boundary(const struct entity *entity, const char *boundary)
{
    for (size_t i = 0; i < entity->boundary_count; i++) {
        if (span_is(entity->boundaries[i], boundary))
            return true;
    }
    return false;
}

static void
test_boundaries(void)
{
    for (size_t i = 0; i < UNIT_COUNT(boundary_rows); i++) {
        const struct boundary_row *row = &boundary_rows[i];
        struct entity entity;
        struct arena arena;
        char text[200];

        snprintf(text, sizeof(text), "Content-Type: %s\r\n\r\n", row->value);
        read_text(text, &arena, &entity);
        for (size_t n = 0; n < 3 && row->boundaries[n] != NULL; n++)
            UNIT_CHECK_ROW(row->value, has_boundary(&entity, row->boundaries[n]));
        UNIT_CHECK_ROW(row->value, entity.is_odd_boundary == row->is_odd);
        UNIT_CHECK_ROW(row->value, row->boundaries[0] != NULL || entity.boundary_count == 0);
        arena_clear(&arena);
    }
}

// More of a field than anybody needs is told, not dropped in silence.
static void
test_excess(void)
{
    for (int count = ENTITY_FIELDS_MAX; count <= ENTITY_FIELDS_MAX + 1; count++) {
        struct entity entity;
        struct arena arena;
        struct buf text;

        buf_init(&text, 100000);
        for (int i = 0; i < count; i++)
            buf_printf(&text, "Content-Type: multipart/mixed; boundary=b%d\r\n", i);
        read_text(buf_text(&text), &arena, &entity);
        CU_ASSERT(entity.is_excessive == (count > ENTITY_FIELDS_MAX));
        CU_ASSERT(entity.type_count == ENTITY_FIELDS_MAX);
        CU_ASSERT(entity.boundary_count == ENTITY_BOUNDARIES_MAX);
        arena_clear(&arena);
        buf_clear(&text);
    }
}

static void
test_cuts(void)
{
    static const char text[] =
        "junk\r\nContent-Type: multipart/mixed;\r\n boundary=\"a b\"; name=x\r\n"
        "Content-Disposition: attachment; filename*=utf-8''%41\r\n\r\nbody";

    for (size_t len = 0; len < sizeof(text); len++) {
        char *copy = len > 0 ? memcpy(malloc(len), text, len) : NULL;
        struct entity entity;
        struct arena arena;

        arena_init(&arena, 1 << 20);
        entity_read(charsets, span_from(copy, len), 200, &arena, &entity);
        CU_ASSERT(entity.fields_begin <= len && entity.body_begin <= len && entity.junk_at <= len);
        arena_clear(&arena);
        free(copy);
    }
}

static const struct unit_test tests[] = {
    {"blocks",       test_blocks      },
    {"all are kept", test_all_are_kept},
    {"boundaries",   test_boundaries  },
    {"excess",       test_excess      },
    {"cuts",         test_cuts        },
};

int
main(void)
{
    struct err err;
    int result;

    charsets = charsets_new(&err);
    if (charsets == NULL)
        return 2;
    result = unit_run("mime/reading/entity", tests, UNIT_COUNT(tests));
    charsets_free(&charsets);
    return result;
}
