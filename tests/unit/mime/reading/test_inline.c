// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/inline.h"

#include "tests/unit/harness.h"

struct row {
    const char *text;
    const char *name, *decoded; // of the first; NULL: none
    enum inline_kind kind;
    const char *rest;
};

static const struct row rows[] = {
    {"a\r\nbegin 644 x.txt\r\n#0V%T\r\n`\r\nend\r\nb",                       "x.txt", "Cat", INLINE_UUENCODE, "b" },
    {"begin 644 x y\n#0V%T\n`\nend",                                         "x y",   "Cat", INLINE_UUENCODE, ""  },
    {"begin 644 x\n#0V%T\n",                                                 "x",     "Cat", INLINE_UUENCODE, ""  },
    {"=ybegin line=128 size=3 name=c.bin\r\nm\x8b\x9e\r\n=yend size=3\r\nz", "c.bin", "Cat",
     INLINE_YENC,                                                                                             "z" },
    {"=ybegin line=128 size=3 name=c\r\n=\xad\x8b\x9e\r\n=yend size=3\r\n",  "c",     "Cat", INLINE_YENC,
     ""                                                                                                           },
    {"begin the day\nend\n",                                                 NULL,    NULL,  INLINE_UUENCODE, NULL},
    {"",                                                                     NULL,    NULL,  INLINE_UUENCODE, NULL},
};

static void
test_files(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct span rest = span_of(rows[i].text);
        struct inline_file file;
        uint64_t junk = 99;
        struct buf out;

        buf_init(&out, 100);
        UNIT_CHECK_ROW(rows[i].text, inline_next(&rest, NULL, &file) == (rows[i].name != NULL));
        if (rows[i].name == NULL)
            continue;
        UNIT_CHECK_ROW(rows[i].text, span_is(file.name, rows[i].name) && file.kind == rows[i].kind);
        UNIT_CHECK_ROW(rows[i].text, inline_decode(&file, &out, &junk) == 0);
        UNIT_CHECK_ROW(rows[i].text, strcmp(buf_text(&out), rows[i].decoded) == 0);
        UNIT_CHECK_ROW(rows[i].text, span_is(rest, rows[i].rest));
        buf_clear(&out);
    }
}

static void
test_several(void)
{
    struct span rest = span_of("begin 644 a\n#0V%T\n`\nend\nx\nbegin 600 b\n#0V%T\n`\nend\n");
    struct inline_file file;

    CU_ASSERT(inline_next(&rest, NULL, &file) && span_is(file.name, "a"));
    CU_ASSERT(inline_next(&rest, NULL, &file) && span_is(file.name, "b"));
    CU_ASSERT(!inline_next(&rest, NULL, &file));
}

// Each text cut off anywhere is read without going beyond it.
static void
test_cut(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        for (size_t len = 0; len < strlen(rows[i].text); len++) {
            char *text = len > 0 ? memcpy(malloc(len), rows[i].text, len) : NULL;
            struct span rest = span_from(text, len);
            struct inline_file file;
            uint64_t junk;
            struct buf out;

            buf_init(&out, 2);
            while (inline_next(&rest, NULL, &file)) {
                (void)inline_decode(&file, &out, &junk);
                CU_ASSERT(out.len <= 2);
            }
            buf_clear(&out);
            free(text);
        }
    }
}

static const struct unit_test tests[] = {
    {"files",   test_files  },
    {"several", test_several},
    {"cut",     test_cut    },
};

UNIT_MAIN("mime/reading/inline", tests)
