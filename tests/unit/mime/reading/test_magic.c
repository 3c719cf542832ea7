// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/magic.h"

#include "base/mem.h"
#include "tests/unit/harness.h"

struct row {
    const char *name;
    struct span content;
    const char *type;
};

static const struct row rows[] = {
    {"nothing",  {NULL, 0},                                                         ""                },
    {"text",     {"Hello, all.\r\n", 13},                                           "text/plain"      },
    {"HTML",     {"<!DOCTYPE html><html><body>x</body></html>", 42},                "text/html"       },
    {"program",
     {"\x7f"
      "ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\x3e\0\1\0\0\0",
      24},
     "application/x-executable"                                                                       },
    {"zip",
     SPAN_LITERAL("PK\3\4\12\0\0\0\0\0\72\143\165\135\252\350\361\51\27\0\0\0\27\0\0\0\5\0\0\0a.txt"
                  "MZ hello, this is long enough to be one"),
     "application/zip"                                                                                },
    {"gzip",     {"\x1f\x8b\x08\0\0\0\0\0\0\3\3\0\0\0\0\0\0\0\0\0", 20},            "application/gzip"},
    {"PDF",      {"%PDF-1.4\n", 9},                                                 "application/pdf" },
    {"PNG",      {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0", 29}, "image/png"       },
    {"data",     {"\x01\x92\x13\xfa\0\x88\x99\xab\xcd", 9},                         ""                },
    {"one byte", {"a", 1},                                                          "text/plain"      },
};

static void
test_types(void)
{
    struct err err;
    struct magic *magic = magic_new(&err);

    CU_ASSERT_PTR_NOT_NULL_FATAL(magic);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct span type = magic_of(magic, rows[i].content);

        UNIT_CHECK_ROW(rows[i].name, span_is(type, rows[i].type));
        if (!span_is(type, rows[i].type))
            fprintf(stderr, "  it says %.*s\n", (int)type.len, type.data);
    }
    magic_free(&magic);
    CU_ASSERT_PTR_NULL(magic);
    magic_free(&magic);
}

// Only the head counts: what is behind it is not read, however much.
static void
test_head(void)
{
    enum { LEN = 1 << 20 };
    struct err err;
    struct magic *magic = magic_new(&err);
    char *bytes = mem_zalloc(LEN);

    memset(bytes, 'a', LEN);
    memset(bytes + 4096, 0xff, LEN - 4096);
    CU_ASSERT(span_is(magic_of(magic, span_from(bytes, LEN)), "text/plain"));
    mem_free(&bytes);
    magic_free(&magic);
}

static const struct unit_test tests[] = {
    {"types", test_types},
    {"head",  test_head },
};

UNIT_MAIN("mime/reading/magic", tests)
