// SPDX-License-Identifier: BSD-2-Clause
#include "base/mem.h"
#include "mime/reading/words.h"
#include "tests/unit/harness.h"

enum { MAX = 200, MEMORY = 4 << 20 };

struct stand {
    struct charsets *charsets;
    struct arena arena;
    struct words_oddities oddities;
    struct words_value value;
    int result;
};

static void
parse(struct stand *stand, struct span raw, size_t max)
{
    memset(&stand->oddities, 0, sizeof(stand->oddities));
    arena_init(&stand->arena, MEMORY);
    stand->result =
        words_parse(stand->charsets, raw, max, &stand->arena, &stand->value, &stand->oddities);
}

static bool
has_reading(const struct words_value *value, const char *name, const char *text)
{
    const struct words_parameter *parameter = words_find(value, name);

    if (parameter == NULL)
        return false;
    if (span_is(parameter->value, text))
        return true;
    for (size_t i = 0; i < parameter->other_count; i++) {
        if (span_is(parameter->others[i], text))
            return true;
    }
    return false;
}

// Some parameter that names a file reads so.
static bool
is_named(const struct words_value *value, const char *text)
{
    return has_reading(value, "filename", text) || has_reading(value, "name", text);
}

#define TEXT(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

// All of these must be seen as evil.exe: some mail reader shows or saves it so.
static const struct span spellings[] = {
    TEXT("attachment; filename=evil.exe"),
    TEXT("attachment; filename=\"evil.exe\""),
    TEXT("attachment; FileName = \"evil.exe\""),
    TEXT("attachment;filename=\"evil.exe\";size=1"),
    TEXT("attachment;\r\n\tfilename=\"evil.exe\"\r\n"),
    TEXT("attachment; filename\r\n =\r\n \"evil.exe\""),
    TEXT("attachment filename=evil.exe"),
    TEXT("attachment size=1 filename=evil.exe"),
    TEXT("attachment; size=1 filename=evil.exe"),
    TEXT("attachment; name=\"a.txt\" filename=\"evil.exe\""),
    TEXT("filename=evil.exe"),
    TEXT("; filename=evil.exe"),
    TEXT("attachment;;;filename=evil.exe;"),
    TEXT("attachment; \"filename\"=evil.exe"),
    TEXT("attachment; filename=\"evil.exe"),
    TEXT("attachment; filename=\"evil.exe; size=1"),
    TEXT("attachment; filename=evil.exe\""),
    TEXT("attachment; filename=\"evil\".exe"),
    TEXT("attachment; filename=evil\".exe\""),
    TEXT("attachment; filename=\"evil\\.exe\""),
    TEXT("attachment; filename=\"\\e\\v\\i\\l.exe\""),
    TEXT("attachment; filename=\"evil.exe\" junk"),
    TEXT("attachment; filename=evil.exe (a comment)"),
    TEXT("attachment; filename=(a comment) evil.exe"),
    TEXT("attachment; (;) filename=evil.exe"),
    TEXT("attachment; filename=a.txt (; filename=evil.exe;)"),
    TEXT("attachment; filename=a.txt (; filename=evil.exe"),
    TEXT("attachment; x=\"; filename=evil.exe"),
    TEXT("attachment; x=\"a\\\"; filename=evil.exe"),
    TEXT("attachment; filename=evil.exe; filename=a.txt"),
    TEXT("attachment; filename=a.txt; filename=evil.exe"),
    TEXT("attachment; filename=a.txt; name=evil.exe"),
    TEXT("attachment; filename*=utf-8''evil.exe"),
    TEXT("attachment; filename*=utf-8'en'evil%2Eexe"),
    TEXT("attachment; filename*=UTF-8''%65%76%69%6c%2e%65%78%65"),
    TEXT("attachment; filename*=\"utf-8''evil%2eexe\""),
    TEXT("attachment; filename*=evil%2Eexe"),
    TEXT("attachment; filename*=''evil%2Eexe"),
    TEXT("attachment; filename*=none''evil%2Eexe"),
    TEXT("attachment; filename*=utf-16le''e%00v%00i%00l%00.%00e%00x%00e%00"),
    TEXT("attachment; filename*=ibm037''%85%A5%89%93%4B%85%A7%85"),
    TEXT("attachment; filename=\"utf-8''evil%2Eexe\""),
    TEXT("attachment; filename=\"evil%2Eexe\""),
    TEXT("attachment; filename=a.txt; filename*=utf-8''evil.exe"),
    TEXT("attachment; filename*=utf-8''a.txt; filename=evil.exe"),
    TEXT("attachment; filename*0=evil; filename*1=.exe"),
    TEXT("attachment; filename*0*=utf-8''evil; filename*1*=%2Eexe"),
    TEXT("attachment; filename*0*=utf-8''evil; filename*1=.exe"),
    TEXT("attachment; filename*0=evil; filename*1*=%2Eexe"),
    TEXT("attachment; filename*0=evil; filename*1=%2Eexe"),
    TEXT("attachment; filename*1=.exe; filename*0=evil"),
    TEXT("attachment; filename*00=evil; filename*01=.exe"),
    TEXT("attachment; filename*1=evil; filename*2=.exe"),
    TEXT("attachment; filename*0=evil; filename*2=.exe"),
    TEXT("attachment; filename*0=evil.exe; filename*2=.txt"),
    TEXT("attachment; filename*0=evil; filename*1=.exe; filename*1=.txt"),
    TEXT("attachment; filename*0=evil; filename*1=.txt; filename*1=.exe"),
    TEXT("attachment; filename*2=evil; filename*1=.exe"),
    TEXT("attachment; filename*0=\"ev\"; filename*1=\"il.\"; filename*2=e; filename*3=xe"),
    TEXT("attachment; filename=\"=?utf-8?Q?evil=2Eexe?=\""),
    TEXT("attachment; filename==?utf-8?Q?evil=2Eexe?="),
    TEXT("attachment; filename=\"=?utf-8?B?ZXZpbC5leGU=?=\""),
    TEXT("attachment; filename=\"=?utf-8?B?ZXZpbC5leGU?=\""),
    TEXT("attachment; filename=\"=?utf-8?B?ZXY=?= =?utf-8?B?aWwuZXhl?=\""),
    TEXT("attachment; filename==?utf-8?B?ZXY=?= =?utf-8?B?aWwuZXhl?="),
    TEXT("attachment; filename=\"=?utf-8?Q?evil?=\r\n =?iso-8859-1?Q?.exe?=\""),
    TEXT("attachment; filename*0=\"=?utf-8?B?ZXZp\"; filename*1=\"bC5leGU=?=\""),
    TEXT("attachment; filename=\"=?utf-7?Q?+AGUAdgBpAGw-.exe?=\""),
    TEXT("attachment; filename*=utf-8''=?utf-8?Q?evil=2Eexe?="),
    TEXT("attachment; filename=\"evil.exe \""),
    TEXT("attachment; filename=\"evil.exe...\""),
    TEXT("attachment; filename=\"evil.exe . .\""),
    TEXT("attachment; filename=\"..\\evil.exe\""),
    TEXT("attachment; filename=\"../../evil.exe\""),
    TEXT("attachment; filename=\"C:\\\\temp\\\\evil.exe\""),
    TEXT("attachment; filename=\"evil.exe:stream\""),
    TEXT("attachment; filename=\"evil.exe::$DATA\""),
    TEXT("attachment; filename=\"evil.exe\0.txt\""),
    TEXT("attachment; filename=\"evil\0.exe\""),
    TEXT("attachment; filename*=utf-8''evil.exe%00.txt"),
    TEXT("attachment; filename=\"evil\t.exe\""),
    TEXT("attachment; filename=\"evil\r\n .exe\""),
    TEXT("attachment; file\r\n name=evil.exe"),
    TEXT("attachment; filename=\"evil\xef\xbc\x8e"
         "exe\""),
    TEXT("attachment; filename=\"evil\xe2\x80\xae.exe\""),
    TEXT("attachment; filename=\"evil\xe2\x80\x8b.\xc2\xad"
         "exe\""),
    TEXT("attachment; filename=\"/tmp/evil%2eexe. \""),
    TEXT("application/octet-stream; name=evil.exe"),
    TEXT("application/octet-stream; name=\"=?utf-8?Q?..=5Cevil.exe=20?=\""),
};

static void
test_spellings(void)
{
    struct stand stand = {.charsets = charsets_new(NULL)};

    CU_ASSERT_PTR_NOT_NULL_FATAL(stand.charsets);
    for (size_t i = 0; i < UNIT_COUNT(spellings); i++) {
        parse(&stand, spellings[i], MAX);
        UNIT_CHECK_ROW(spellings[i].data, stand.result == 0);
        UNIT_CHECK_ROW(spellings[i].data, is_named(&stand.value, "evil.exe"));
        arena_clear(&stand.arena);
    }
    charsets_free(&stand.charsets);
}

// Cut anywhere: nothing is read behind the end, and each parameter is whole.
static void
test_cut(void)
{
    struct stand stand = {.charsets = charsets_new(NULL)};

    CU_ASSERT_PTR_NOT_NULL_FATAL(stand.charsets);
    for (size_t i = 0; i < UNIT_COUNT(spellings); i++) {
        for (size_t len = 0; len < spellings[i].len; len++) {
            char *raw = mem_strndup(spellings[i].data, len);
            bool good = true;

            raw = mem_regrow(raw, len + (len == 0), 1);
            parse(&stand, span_from(raw, len), MAX);
            for (size_t n = 0; n < stand.value.count; n++)
                good &= stand.value.parameters[n].name.len > 0 &&
                        stand.value.parameters[n].value.data != NULL;
            UNIT_CHECK_ROW(spellings[i].data, good && stand.result == 0);
            arena_clear(&stand.arena);
            mem_free(&raw);
        }
    }
    charsets_free(&stand.charsets);
}

struct row {
    const char *raw, *main, *name, *value; // by the book
    const char *oddities;                  // r: repeated, b: boundary, g: gap, c: charset, w: word
};

static const struct row rows[] = {
    {"text/plain",                                                                            "text/plain",      NULL,         NULL,               "" },
    {"",                                                                                      "",                NULL,         NULL,               "" },
    {" Text / PLAIN (comment) ; charset=\"UTF-8\"\r\n",                                       "text/plain",      "charset",    "UTF-8",            "" },
    {"text/plain charset=utf-8",                                                              "text/plain",      "charset",    "utf-8",            "" },
    {"\"text/plain\"; charset = utf-8",                                                       "text/plain",      "charset",    "utf-8",            "" },
    {"text",                                                                                  "text",            NULL,         NULL,               "" },
    {"text/(a (b) \\) c)plain;;",                                                             "text/plain",      NULL,         NULL,               "" },
    {"multipart/mixed; boundary=\"a b\"",                                                     "multipart/mixed", "boundary",   "a b",              "" },
    {"multipart/mixed; boundary=a; charset=x",                                                "multipart/mixed", "boundary",   "a",                "" },
    {"multipart/mixed; boundary=\"=_(x)\"",                                                   "multipart/mixed", "boundary",   "=_(x)",            "" },
    {"multipart/mixed; boundary=\"\"",                                                        "multipart/mixed", "boundary",   "",                 "b"},
    {"multipart/mixed; boundary=",                                                            "multipart/mixed", "boundary",   "",                 "b"},
    {"multipart/mixed; boundary=\"a \"",                                                      "multipart/mixed", "boundary",   "a ",               "b"},
    {"multipart/mixed; boundary*=''a",                                                        "multipart/mixed", "boundary",   "a",                "b"},
    {"multipart/mixed; boundary*0=a; boundary*1=b",                                           "multipart/mixed", "boundary",   "ab",               "b"},
    {"multipart/mixed; boundary=\"=?utf-8?Q?a?=\"",                                           "multipart/mixed", "boundary",
     "=?utf-8?Q?a?=",                                                                                                                              "b"},
    {"multipart/mixed; "
     "boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "multipart/mixed", "boundary",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",                                                                    "b"},
    {"multipart/mixed; boundary=a; boundary=b",                                               "multipart/mixed", "boundary",   "a",                "r"},
    {"multipart/mixed; boundary=a; boundary=\"a\"",                                           "multipart/mixed", "boundary",   "a",                "" },
    {"attachment; filename=a; FILENAME=b",                                                    "attachment",      "filename",   "a",                "r"},
    {"attachment; filename=a; filename*=utf-8''b",                                            "attachment",      "filename",   "b",                "" },
    {"attachment; filename*=utf-8''a; filename*=utf-8''b",                                    "attachment",      "filename",   "a",                "r"},
    {"attachment; filename*=koi8-r''%F0%D2",                                                  "attachment",      "filename",   "\xd0\x9f\xd1\x80", "" },
    {"attachment; filename*=none''%FC",                                                       "attachment",      "filename",   "\xc3\xbc",         "c"},
    {"attachment; filename*1=b; filename*0=a",                                                "attachment",      "filename",   "ab",               "" },
    {"attachment; filename*0=a; filename*2=b",                                                "attachment",      "filename",   "a",                "g"},
    {"attachment; filename*1=a; filename*2=b",                                                "attachment",      "filename",   "ab",               "g"},
    {"attachment; filename*0=a; filename*0=b",                                                "attachment",      "filename",   "a",                "r"},
    {"attachment; filename*999999999999=a",                                                   "attachment",      "filename",   "a",                "g"},
    {"attachment; filename*0*=utf-8''%E2%82; filename*1*=%AC",                                "attachment",      "filename",
     "\xe2\x82\xac",                                                                                                                               "" },
    {"attachment; filename*x=a",                                                              "attachment",      "filename*x", "a",                "" },
    {"attachment; *=a; =b; *0*=c",                                                            "attachment",      "*",          "a",                "" },
    {"attachment; filename=two words.txt",                                                    "attachment",      "filename",   "two words.txt",    "" },
    {"attachment; filename=\"a;b.txt\"",                                                      "attachment",      "filename",   "a;b.txt",          "" },
    {"attachment; filename=\"=?utf-8?Q?a",                                                    "attachment",      "filename",   "=?utf-8?Q?a",      "w"},
    {"attachment; filename",                                                                  "attachment",      NULL,         NULL,               "" },
};

static void
test_rows(void)
{
    struct stand stand = {.charsets = charsets_new(NULL)};
    const struct words_oddities *odd = &stand.oddities;

    CU_ASSERT_PTR_NOT_NULL_FATAL(stand.charsets);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const struct row *row = &rows[i];
        const struct words_parameter *parameter;

        parse(&stand, span_of(row->raw), MAX);
        UNIT_CHECK_ROW(row->raw, stand.result == 0);
        UNIT_CHECK_ROW(row->raw, span_is(stand.value.main, row->main));
        parameter = row->name == NULL ? NULL : words_find(&stand.value, row->name);
        if (row->name == NULL)
            UNIT_CHECK_ROW(row->raw, stand.value.count == 0);
        else
            UNIT_CHECK_ROW(row->raw, parameter != NULL && span_is(parameter->value, row->value));
        UNIT_CHECK_ROW(row->raw, odd->repeated_parameter == (strchr(row->oddities, 'r') != NULL));
        UNIT_CHECK_ROW(row->raw, odd->odd_boundary == (strchr(row->oddities, 'b') != NULL));
        UNIT_CHECK_ROW(row->raw, odd->gap == (strchr(row->oddities, 'g') != NULL));
        UNIT_CHECK_ROW(row->raw, odd->unknown_charset == (strchr(row->oddities, 'c') != NULL));
        UNIT_CHECK_ROW(row->raw, odd->bad_word == (strchr(row->oddities, 'w') != NULL));
        arena_clear(&stand.arena);
    }
    charsets_free(&stand.charsets);
}

static const struct {
    const char *raw, *reading;
} boundaries[] = {
    {"multipart/mixed; boundary=\"x \"",             "x"   },
    {"multipart/mixed; boundary=\"a\\\"b\"",         "a\"b"},
    {"multipart/mixed; boundary=\"a\\b\"",           "a\\b"},
    {"multipart/mixed; boundary=\"a\\b\"",           "ab"  },
    {"multipart/mixed; boundary=a(b)",               "a"   },
    {"multipart/mixed; boundary=a(b)",               "a(b)"},
    {"multipart/mixed; boundary=a b",                "a"   },
    {"multipart/mixed; boundary=a b",                "a b" },
    {"multipart/mixed; boundary=a charset=x",        "a"   },
    {"multipart/mixed; boundary=a=b",                "a=b" },
    {"multipart/mixed; BOUNDARY=ab",                 "ab"  },
    {"multipart/mixed boundary=ab",                  "ab"  },
    {"multipart/mixed; boundary=a; boundary=b",      "b"   },
    {"multipart/mixed; boundary*0=a; boundary*1=b",  "ab"  },
    {"multipart/mixed; boundary*=us-ascii''a%62",    "ab"  },
    {"multipart/mixed; boundary=\"=?utf-8?Q?ab?=\"", "ab"  },
    {"multipart/mixed; boundary=\"a%62\"",           "ab"  },
    {"multipart/mixed; boundary=\"a\r\n b\"",        "a b" },
    {"multipart/mixed; boundary=\"a\r\n b\"",        "ab"  },
    {"multipart/mixed; boundary='ab'",               "'ab'"},
};

static void
test_boundaries(void)
{
    struct stand stand = {.charsets = charsets_new(NULL)};

    CU_ASSERT_PTR_NOT_NULL_FATAL(stand.charsets);
    for (size_t i = 0; i < UNIT_COUNT(boundaries); i++) {
        parse(&stand, span_of(boundaries[i].raw), MAX);
        UNIT_CHECK_ROW(boundaries[i].raw, stand.result == 0);
        UNIT_CHECK_ROW(boundaries[i].raw,
                       has_reading(&stand.value, "boundary", boundaries[i].reading));
        arena_clear(&stand.arena);
    }
    charsets_free(&stand.charsets);
}

// An ordinary boundary has one reading: each further one is a further way to read the whole
// message.
static void
test_ordinary(void)
{
    static const char *const ordinary[] = {
        "multipart/mixed; boundary=\"----=_Part_1/2.3+4:5=\"",
        "multipart/mixed;\r\n\tboundary=\"=-=a'b(c)d,e?f=-=\"",
        "multipart/mixed; boundary=_000_x_",
    };
    struct stand stand = {.charsets = charsets_new(NULL)};

    CU_ASSERT_PTR_NOT_NULL_FATAL(stand.charsets);
    for (size_t i = 0; i < UNIT_COUNT(ordinary); i++) {
        const struct words_parameter *parameter;

        parse(&stand, span_of(ordinary[i]), MAX);
        parameter = words_find(&stand.value, "boundary");
        UNIT_CHECK_ROW(ordinary[i], parameter != NULL && parameter->other_count == 0);
        arena_clear(&stand.arena);
    }
    charsets_free(&stand.charsets);
}

static void
test_max(void)
{
    struct stand stand = {.charsets = charsets_new(NULL)};
    struct span raw = SPAN_LITERAL("x; a=1; b=2; c=3");

    CU_ASSERT_PTR_NOT_NULL_FATAL(stand.charsets);
    for (size_t max = 0; max <= 4; max++) {
        parse(&stand, raw, max);
        CU_ASSERT_EQUAL(stand.result, max >= 3 ? 0 : -1);
        CU_ASSERT_EQUAL(stand.value.count, max >= 3 ? 3 : max);
        CU_ASSERT_TRUE(span_is(stand.value.main, "x"));
        arena_clear(&stand.arena);
    }
    arena_init(&stand.arena, 64);
    CU_ASSERT_EQUAL(
        words_parse(stand.charsets, raw, MAX, &stand.arena, &stand.value, &stand.oddities), -1);
    arena_clear(&stand.arena);
    charsets_free(&stand.charsets);
}

// The worst of each kind; a square would not end.
static void
test_large(void)
{
    enum { LEN = 1000000 };

    static const char *const units[] = {
        "a=1 ",        "a=1;",
        "\"",          "\\",
        "(",           "()",
        ";",           "=",
        " ",           "a ",
        "x=\"",        "a*0=%41;",
        "\r\n ",       "filename=%2e/:\xff\xc2\xad.;",
        "%25",         "=?utf-8?Q?a?=",
        "*0*",         "x*1=a;",
        "b=(;)c d=\"",
    };
    struct stand stand = {.charsets = charsets_new(NULL)};
    char *raw = mem_zalloc(LEN);

    CU_ASSERT_PTR_NOT_NULL_FATAL(stand.charsets);
    for (size_t i = 0; i < UNIT_COUNT(units); i++) {
        size_t unit = strlen(units[i]), at = 5;

        memcpy(raw, "x; y=", at);
        for (; at + unit <= LEN; at += unit)
            memcpy(raw + at, units[i], unit);
        parse(&stand, span_from(raw, at), MAX);
        UNIT_CHECK_ROW(units[i], stand.value.count <= MAX);
        UNIT_CHECK_ROW(units[i], stand.arena.given <= MEMORY);
        arena_clear(&stand.arena);
    }
    mem_free(&raw);
    charsets_free(&stand.charsets);
}

static const struct unit_test tests[] = {
    {"spellings",  test_spellings },
    {"cut",        test_cut       },
    {"rows",       test_rows      },
    {"boundaries", test_boundaries},
    {"ordinary",   test_ordinary  },
    {"max",        test_max       },
    {"large",      test_large     },
};

UNIT_MAIN("mime/reading/words_value", tests)
