// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/archive_kind.h"

#include "base/mem.h"
#include "tests/unit/harness.h"
#include "tests/unit/mime/samples.h"

struct type_row {
    const char *type;
    bool is_other, is_archive;
};

static const struct type_row types[] = {
    {"",                                                                        false, false},
    {"text/plain",                                                              true,  false},
    {"image/png",                                                               true,  false},
    {"application/pdf",                                                         true,  false},
    {"application/zip",                                                         false, true },
    {"application/vnd.ms-cab-compressed",                                       false, true },
    {"application/vnd.ms-excel",                                                true,  false},
    {"application/vnd.ms-tnef",                                                 false, true },
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", false, true },
    {"application/x-dosexec",                                                   false, false}, // one that unpacks itself, maybe
};

static void
test_types(void)
{
    for (size_t i = 0; i < UNIT_COUNT(types); i++) {
        struct span type = span_of(types[i].type);

        UNIT_CHECK_ROW(types[i].type, archive_kind_is_other(type) == types[i].is_other);
        UNIT_CHECK_ROW(types[i].type, archive_kind_is_archive(type) == types[i].is_archive);
    }
}

static void
test_zip_end(void)
{
    enum { LEN = 300 << 10 };

    char *bytes = mem_zalloc(LEN);

    CU_ASSERT(!archive_kind_has_zip_end(span_from(NULL, 0)));
    CU_ASSERT(!archive_kind_has_zip_end(span_of("PK\005")));
    CU_ASSERT(archive_kind_has_zip_end(span_of("<html>PK\005\006 and more")));
    memcpy(bytes + LEN - 70000, "PK\005\006", 4);
    CU_ASSERT(archive_kind_has_zip_end(span_from(bytes, LEN)));
    CU_ASSERT(!archive_kind_has_zip_end(span_from(bytes, LEN - 70000)));
    mem_free(&bytes);
}

static void
test_zip_names(void)
{
    const struct sample_member members[] = {
        {"a.txt", "a.exe", SPAN_LITERAL("x")},
        {"b",     "b",     SPAN_LITERAL("y")}
    };
    struct span name;
    struct buf zip;
    size_t at = 0;

    buf_init(&zip, 10000);
    buf_add_text(&zip, "in front");
    sample_zip(&zip, members, 2);
    CU_ASSERT(archive_kind_zip_name(buf_span(&zip), &at, &name) && span_is(name, "a.exe"));
    CU_ASSERT(archive_kind_zip_name(buf_span(&zip), &at, &name) && span_is(name, "b"));
    CU_ASSERT(!archive_kind_zip_name(buf_span(&zip), &at, &name));
    // Cut off anywhere, or with a byte that lies.
    for (size_t i = 0; i < zip.len; i++) {
        char *copy = malloc(zip.len);

        memcpy(copy, zip.data, zip.len);
        at = 0;
        while (archive_kind_zip_name(span_from(copy, i), &at, &name))
            CU_ASSERT(name.data + name.len <= copy + i);
        copy[i] = (char)0xff;
        at = 0;
        while (archive_kind_zip_name(span_from(copy, zip.len), &at, &name))
            CU_ASSERT(name.data + name.len <= copy + zip.len);
        free(copy);
    }
    buf_clear(&zip);
}

struct name_row {
    struct span content;
    const char *name;
};

static const struct name_row names[] = {
    {{"\x1f\x8b\x08\x08\0\0\0\0\0\3a.exe\0rest", 20},       "a.exe"},
    {{"\x1f\x8b\x08\x0c\0\0\0\0\0\3\2\0xya.exe\0", 20},     "a.exe"},
    {{"\x1f\x8b\x08\0\0\0\0\0\0\3a.exe\0rest", 20},         ""     },
    {{"\x1f\x8b\x08\x08\0\0\0\0\0\3a.ex", 14},              ""     },
    {{"\x1f\x8b\x08\x0c\0\0\0\0\0\3\xff\xffxya.exe\0", 20}, ""     },
    {{"\x1f\x8b\x08\x0c\0\0\0\0\0\3\2", 11},                ""     },
    {{"\x1f\x8b\x08\x08\0\0\0\0\0\3", 10},                  ""     },
    {{"BZh9\0\0\0\0\0\0abc\0", 14},                         ""     },
    {{NULL, 0},                                             ""     },
};

static void
test_gzip_name(void)
{
    for (size_t i = 0; i < UNIT_COUNT(names); i++) {
        // A copy of just that length: who reads beyond it is seen.
        char *copy = mem_zalloc(names[i].content.len + 1);
        struct span content;

        if (names[i].content.len > 0)
            memcpy(copy + 1, names[i].content.data, names[i].content.len);
        content = span_from(copy + 1, names[i].content.len);
        UNIT_CHECK_ROW(names[i].name, span_is(archive_kind_gzip_name(content), names[i].name));
        mem_free(&copy);
    }
}

static const struct unit_test tests[] = {
    {"types",     test_types    },
    {"zip end",   test_zip_end  },
    {"zip names", test_zip_names},
    {"gzip name", test_gzip_name},
};

UNIT_MAIN("mime/reading/archive_kind", tests)
