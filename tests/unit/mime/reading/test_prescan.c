// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/prescan.h"

#include <glob.h>

#include "base/mem.h"
#include "tests/unit/harness.h"

static const struct dissect_settings usual = {.max_depth = 32,
                                              .max_parts = 2000,
                                              .max_header = 256 << 10,
                                              .max_field = 64 << 10,
                                              .max_fields = 2000,
                                              .max_parameters = 200};
static const struct dissect_settings tight = {.max_depth = 2,
                                              .max_parts = 4,
                                              .max_header = 100,
                                              .max_field = 60,
                                              .max_fields = 3,
                                              .max_parameters = 2};

#define TEXT(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
#define MULTI(boundary) "Content-Type: multipart/mixed; boundary=" boundary "\n"

struct row {
    const char *name;
    struct span message;
    size_t fields, header_len, blocks, lines;
    const char *flags; // n: NUL, r: bare CR, l: long line, m: mbox, b: bad field, h: none, 8: 8-bit
};

static const struct row rows[] = {
    {"empty",                       TEXT(""),                                                                             0, 0,  1, 0, "h" },
    {"only an empty line",          TEXT("\r\n"),                                                                         0, 2,  1, 0, "h" },
    {"empty line first",            TEXT("\nA: b\n\nc"),                                                                  0, 1,  1, 0, "h" },
    {"header and body",             TEXT("A: b\r\nC: d\r\n\r\ne\r\n"),                                                    2, 14, 1, 0, ""  },
    {"no body",                     TEXT("A: b\nC: d"),                                                                   2, 9,  1, 0, ""  },
    {"fold",                        TEXT("A: b\n\tc\n \nD: e\n\n"),                                                       2, 16, 1, 0, ""  },
    {"blank in front of the colon", TEXT("A \t: b\n\n"),                                                                  1, 8,  1, 0, ""  },
    {"mbox",                        TEXT("From a@b Mon\nA: b\n\n"),                                                       1, 19, 1, 0, "m" },
    {"bad lines",                   TEXT("A: b\nno field\n more\n: x\nC: d\n\n"),                                         2, 30, 1, 0, "b" },
    {"begins with a fold",          TEXT(" x\nA: b\n\n"),                                                                 1, 9,  1, 0, "b" },
    {"garbage",                     TEXT("garbage\n\nA: b\n"),                                                            0, 9,  1, 0, "bh"},
    {"BOM",
     TEXT("\xef\xbb\xbf"
          "A: b\n\n"),
     0,                                                                                                                      9,  1, 0, "bh"},
    {"8-bit",                       TEXT("A: \xfc\n\n"),                                                                  1, 6,  1, 0, "8" },
    {"UTF-8",                       TEXT("A: \xc3\xbc\n\n\xfc"),                                                          1, 7,  1, 0, ""  },
    {"NUL",                         TEXT("A: b\n\n\0"),                                                                   1, 6,  1, 0, "n" },
    {"CR",                          TEXT("A: b\n\nx\ry"),                                                                 1, 6,  1, 0, "r" },
    {"CRCRLF",                      TEXT("A: b\r\r\n\r\n"),                                                               1, 9,  1, 0, "r" },
    {"CR only",                     TEXT("A: b\r\rc\r"),                                                                  1, 8,  1, 0, "r" },
    {"part",                        TEXT(MULTI("x") "\n--x\nA: b\n\n--x\n\n--x--\n--y\n"),                                1, 43, 3, 4, ""  },
    {"nested",                      TEXT(MULTI("x") "\n--x\n" MULTI("y") "\n--y\n\n--y--\n--x\n\n--x--\n"),               1, 43, 4, 5,
     ""                                                                                                                                    },
    {"closed by the outer",         TEXT(MULTI("x") "\n--x\n" MULTI("y") "\n--y\n\n--x\n\n--y\n\n"),                      1, 43,
     4,                                                                                                                             4, ""  },
    {"behind the end",              TEXT(MULTI("x") "\n--x--\n--x\n"),                                                    1, 43, 1, 2, ""  },
    {"quoted, with blanks behind",  TEXT(MULTI("\"x y\"") "\n--x y \t\r\n\n--xy\n"),                                      1, 47, 2, 2,
     ""                                                                                                                                    },
    {"in the header",               TEXT(MULTI("x") "\n--x\nA: b\n--x\n\n"),                                              1, 43, 3, 2, ""  },
    {"two boundaries",              TEXT(MULTI("x") MULTI("y") "\n--x\n\n--y\n\n--x--\n--y\n\n"),                         2, 85, 4, 4,
     ""                                                                                                                                    },
    {"message",                     TEXT("Content-Type: message/rfc822\n\n" MULTI("x") "\n--x\n\n"),                      1, 30, 3, 1, ""  },
    {"no message",                  TEXT("Content-Type: message/rfc822\n\nRnJvbTog\n"),                                   1, 30, 1, 0, ""  },
    {"digest",                      TEXT("Content-Type: multipart/digest; boundary=x\n\n--x\n\n" MULTI("y") "\n--y\n\n"),
     1,                                                                                                                      44, 4, 2, ""  },
    {"no digest",
     TEXT("Content-Type: multipart/digest; boundary=x\n\n--x\nContent-Type: a/b\n\n" MULTI(
         "y") "\n--y\n\n"),
     1,                                                                                                                      44, 2, 2, ""  },
    {"folded name",                 TEXT("Content-Type\n : multipart/mixed; boundary=x\n\n--x\n\n"),                      0, 45, 2, 1,
     "bh"                                                                                                                                  },
    {"text",                        TEXT("A: b\n\n--\n-- \n---\n--- a/b\n+++ b/c\n-----BEGIN PGP SIGNATURE-----\n"),      1, 6,
     1,                                                                                                                             5, ""  },
};

static void
test_rows(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const struct row *row = &rows[i];
        struct prescan prescan;

        prescan_run(row->message, &usual, NULL, &prescan);
        UNIT_CHECK_ROW(row->name, prescan.limit == LIMIT_NONE);
        UNIT_CHECK_ROW(row->name, prescan.field_count == row->fields);
        UNIT_CHECK_ROW(row->name, prescan.header_len == row->header_len);
        UNIT_CHECK_ROW(row->name, prescan.blocks == row->blocks);
        UNIT_CHECK_ROW(row->name, prescan.boundary_lines == row->lines);
        UNIT_CHECK_ROW(row->name, prescan.has_nul == (strchr(row->flags, 'n') != NULL));
        UNIT_CHECK_ROW(row->name, prescan.has_bare_cr == (strchr(row->flags, 'r') != NULL));
        UNIT_CHECK_ROW(row->name, prescan.has_mbox_from == (strchr(row->flags, 'm') != NULL));
        UNIT_CHECK_ROW(row->name, prescan.has_bad_field == (strchr(row->flags, 'b') != NULL));
        UNIT_CHECK_ROW(row->name, prescan.has_no_header == (strchr(row->flags, 'h') != NULL));
        UNIT_CHECK_ROW(row->name, prescan.has_raw_8bit == (strchr(row->flags, '8') != NULL));
        UNIT_CHECK_ROW(row->name, !prescan.has_long_line);
        prescan_clear(&prescan);
    }
}

// Cut anywhere: what is left is a message, too.
static void
test_cut(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        for (size_t len = 0; len <= rows[i].message.len; len++) {
            char *message = mem_zalloc(len + (len == 0));
            struct prescan prescan;

            memcpy(message, rows[i].message.data, len);
            prescan_run(span_from(message, len), &usual, NULL, &prescan);
            UNIT_CHECK_ROW(rows[i].name, prescan.limit == LIMIT_NONE);
            UNIT_CHECK_ROW(rows[i].name, prescan.header_len <= len);
            UNIT_CHECK_ROW(rows[i].name, prescan.field_count <= rows[i].fields + 1);
            UNIT_CHECK_ROW(rows[i].name, prescan.blocks <= rows[i].blocks + 1);
            prescan_clear(&prescan);
            mem_free(&message);
        }
    }
}

static void
test_fields(void)
{
    static const char message[] = "A: b\r\n c\r\nnone\r\nDe \t:f\r\n\r\n";
    struct prescan prescan;

    prescan_run(span_of(message), &usual, NULL, &prescan);
    CU_ASSERT_EQUAL_FATAL(prescan.field_count, 2);
    CU_ASSERT_EQUAL(prescan.fields[0].begin, 0);
    CU_ASSERT_EQUAL(prescan.fields[0].name_len, 1);
    CU_ASSERT_EQUAL(prescan.fields[0].value, 2);
    CU_ASSERT_EQUAL(prescan.fields[0].end, 10);
    CU_ASSERT_EQUAL(prescan.fields[1].begin, 16);
    CU_ASSERT_EQUAL(prescan.fields[1].name_len, 2);
    CU_ASSERT_EQUAL(prescan.fields[1].value, 21);
    CU_ASSERT_EQUAL(prescan.fields[1].end, 24);
    prescan_clear(&prescan);
    CU_ASSERT_PTR_NULL(prescan.fields);
}

static void
test_long_line(void)
{
    char message[1100] = "A: b\r\n\r\n";
    struct prescan prescan;

    for (size_t len = 998; len <= 999; len++) {
        memset(message + 8, 'x', len);
        memcpy(message + 8 + len, "\r\n", 2);
        prescan_run(span_from(message, len + 10), &usual, NULL, &prescan);
        CU_ASSERT_EQUAL(prescan.has_long_line, len > 998);
        prescan_clear(&prescan);
    }
}

static const struct {
    const char *message;
    enum finding_limit limit; // with tight settings
} limits[] = {
    {"A: 1\nB: 2\nC: 3\n\n",                                                         LIMIT_NONE      },
    {"A: 1\nB: 2\nC: 3\nD: 4\n\n",                                                   LIMIT_FIELDS    },
    {"A: 1\nB: 2\nC: 3\nD: 4",                                                       LIMIT_FIELDS    },
    {"A: 5678901234567890123456789012345678901234567890123456789\n\n",               LIMIT_NONE      },
    {"A: 567890123456789012345678901234567890123456789012345678901\n\n",             LIMIT_FIELD     },
    {"A: 5678901234567890123456789\n 01234567890123456789012345678901234567890\n\n", LIMIT_FIELD     },
    {"no field, but much of it all the same: 0123456789012345678901234567890\n\n",   LIMIT_FIELD     },
    {"A: 56789012345678901234567890123456789012345678\n"
     "B: 56789012345678901234567890123456789012345678901\n\n",                  LIMIT_NONE      },
    {"A: 56789012345678901234567890123456789012345678\n"
     "B: 567890123456789012345678901234567890123456789012\n\n",                 LIMIT_HEADER    },
    {"Content-Type: a; b; c\n\n",                                                    LIMIT_NONE      },
    {"Content-Type: a; b; c; d\n\n",                                                 LIMIT_PARAMETERS},
    {"content-disposition : a;b;;\n\n",                                              LIMIT_PARAMETERS},
    {"Subject: a; b; c; d\n\n",                                                      LIMIT_NONE      },
    {MULTI("x") "\n--x\n\n--x\n\n--x\n\n--x--\n",                                    LIMIT_NONE      },
    {MULTI("x") "\n--x\n\n--x\n\n--x\n\n--x\n\n",                                    LIMIT_PARTS     },
    {MULTI("x") "\n--x\n\n--y\n\n--y\n\n--y\n\n--y\n",                               LIMIT_NONE      },
    {MULTI("x") "\n--x\n" MULTI("y") "\n--y\n\n",                                    LIMIT_NONE      },
    {MULTI("x") "\n--x\n" MULTI("y") "\n--y\n" MULTI("z") "\n",                      LIMIT_DEPTH     },
    {MULTI("x") "\n--x\n" MULTI("y") "\n--y--\n--x\n" MULTI("z") "\n",               LIMIT_NONE      },
    {MULTI("x") "\n--x\n" MULTI("y") "\n--x\n" MULTI("z") "\n",                      LIMIT_NONE      },
    {MULTI("x") "\n--x\nContent-Type: message/rfc822\n\n" MULTI("z") "\n",           LIMIT_DEPTH     },
    {MULTI("x") "\n--x\nA: 1\nB: 2\nC: 3\nD: 4\n\n",                                 LIMIT_FIELDS    },
    {MULTI("x") "\n--x\nContent-Type: a; b; c; d\n\n",                               LIMIT_PARAMETERS},
    {MULTI("x") "\n--y\nA: 1\nB: 2\nC: 3\nD: 4\nContent-Type: a; b; c; d\n",         LIMIT_NONE      },
 // Where readers differ about the boundary, each line may be one.
    {"Content-Type: a; boundary=\"x\n\n--y\nA: 1\nB: 2\nC: 3\nD: 4\n",               LIMIT_FIELDS    },
    {"Content-Type: a; boundary*=''x\n\n--y\nA: 1\nB: 2\nC: 3\nD: 4\n",              LIMIT_FIELDS    },
    {"Content-Type: a; boundary*0=x\n\n--y\nA: 1\nB: 2\nC: 3\nD: 4\n",               LIMIT_FIELDS    },
    {"Content-Type: a; boundary=\"=?u?q?x?=\"\n\n--y\nA: 1\nB: 2\nC: 3\nD: 4\n",     LIMIT_FIELDS    },
    {"Content-Type: a; boundary=\"x\\y\"\n\n--xy\nA: 1\nB: 2\nC: 3\nD: 4\n",         LIMIT_FIELDS    },
    {"Content-Type: a; boundary=\"x \"\n\n--x\nA: 1\nB: 2\nC: 3\nD: 4\n",            LIMIT_FIELDS    },
    {"Content-Type: a; boundary=\"\"\n\n--\nA: 1\nB: 2\nC: 3\nD: 4\n",               LIMIT_FIELDS    },
    {"Content-Type: a; boundary=\n\n--y\nA: 1\nB: 2\nC: 3\nD: 4\n",                  LIMIT_FIELDS    },
    {"Content-Type: a; boundary=(x)y\n\n--y\nA: 1\nB: 2\nC: 3\nD: 4\n",              LIMIT_FIELDS    },
    {"Content-Type: a; boundary=x y\n\n--z\nA: 1\nB: 2\nC: 3\nD: 4\n",               LIMIT_FIELDS    },
    {"Content-Type: a; boundary=\"x\n y\"\n\n--z\nA: 1\nB: 2\nC: 3\nD: 4\n",         LIMIT_FIELDS    },
    {"Content-Type: a; \"boundary\"=y\n\n--z\nA: 1\nB: 2\nC: 3\nD: 4\n",             LIMIT_FIELDS    },
    {"Content-Type: a; Boundary = \"y\"\n\n--y\nA: 1\nB: 2\nC: 3\nD: 4\n",           LIMIT_FIELDS    },
    {"Content-Type: a; boundary (c=d) =y\n\n--z\nA: 1\nB: 2\nC: 3\nD: 4\n",          LIMIT_FIELDS    },
    {"Content-Type: a; boundary=\"y;z\"\n\n--z\nA: 1\nB: 2\nC: 3\nD: 4\n",           LIMIT_FIELDS    },
    {"Content-Type: a; x=boundary; y=z\n\n--z\nA: 1\nB: 2\nC: 3\nD: 4\n",            LIMIT_NONE      },
    {"Content-Type: a; boundary = \"y\"\n\n--z\nA: 1\nB: 2\nC: 3\nD: 4\n",           LIMIT_NONE      },
};

static void
test_limits(void)
{
    for (size_t i = 0; i < UNIT_COUNT(limits); i++) {
        struct prescan prescan;

        prescan_run(span_of(limits[i].message), &tight, NULL, &prescan);
        UNIT_CHECK_ROW(limits[i].message, prescan.limit == limits[i].limit);
        UNIT_CHECK_ROW(limits[i].message,
                       (prescan.limit_text[0] == '\0') == (limits[i].limit == LIMIT_NONE));
        UNIT_CHECK_ROW(limits[i].message, prescan.field_count <= tight.max_fields);
        prescan_clear(&prescan);
    }
}

struct large {
    const char *name, *head, *unit; // "%zu" in the unit becomes its number
    size_t count;
    enum finding_limit limit;
};

static const struct large large[] = {
    {"100 MB header",            "A: ",                                  "0123456789012345678901234567890123456789012345678\n ",   2000000,
     LIMIT_FIELD                                                                                                                                            },
    {"header of many fields",    "",                                     "Name: 0123456789012345678901234567890123456789\n",       500000,
     LIMIT_HEADER                                                                                                                                           },
    {"200,000 fields",           "",                                     "A:\n",                                                   200000,  LIMIT_HEADER    },
    {"80,000 fields",            "",                                     "A:\n",                                                   80000,   LIMIT_FIELDS    },
    {"100,000 parameters",       "Content-Type: a/b",                    ";a=b",                                                   100000,  LIMIT_FIELD     },
    {"15,000 parameters",        "Content-Type: a/b",                    ";a=b",                                                   15000,   LIMIT_PARAMETERS},
    {"depth 10,000",             MULTI("0") "\n",                        "--%zu\nContent-Type: multipart/mixed; boundary=%zu\n\n",
     10000,                                                                                                                                 LIMIT_DEPTH     },
    {"messages in messages",     "",                                     "Content-Type: message/rfc822\n\n",                       10000,   LIMIT_DEPTH     },
    {"100,000 parts",            MULTI("x") "\n",                        "--x\n\n",                                                100000,  LIMIT_PARTS     },
    {"100,000 parts, odd",       MULTI("x*") "\n",                       "--%zu\n\n",                                              100000,  LIMIT_NONE      },
    {"100,000 parts, encoded",   "Content-Type: a/b; boundary*=''x\n\n", "--%zu\n\n",                                              100000,
     LIMIT_PARTS                                                                                                                                            },
    {"1 M lines with --",        "A: b\n\n",                             "--\n",                                                   1000000, LIMIT_BOUNDARIES},
    {"400,000 lines with --",    "A: b\n\n",                             "-- dump\n",                                              400000,  LIMIT_NONE      },
    {"1 M empty lines",          "A: b\n\n",                             "\n",                                                     1000000, LIMIT_NONE      },
    {"1 M lines",                "A: b\n\n",                             "B: c\n",                                                 1000000, LIMIT_NONE      },
    {"boundaries in a boundary", "Content-Type: a/b;",                   "boundary=",                                              1000000, LIMIT_FIELD     },
    {"boundaries in comments",   "Content-Type: a/b;",                   "boundary(",                                              1000000, LIMIT_FIELD     },
    {"many boundaries",          "Content-Type: a/b",                    ";boundary=%zu",                                          150,     LIMIT_DEPTH     },
};

static void
make_large(const struct large *row, struct buf *out)
{
    buf_add_text(out, row->head);
    for (size_t n = 0; n < row->count; n++) {
        const char *at = row->unit, *number;

        // The second number is the next part's.
        for (size_t shift = 0; (number = strstr(at, "%zu")) != NULL; at = number + 3, shift++)
            buf_printf(out, "%.*s%zu", (int)(number - at), at, n + shift);
        buf_add_text(out, at);
    }
}

static void
test_large(void)
{
    for (size_t i = 0; i < UNIT_COUNT(large); i++) {
        struct prescan prescan;
        struct buf message;

        buf_init(&message, 200 << 20);
        make_large(&large[i], &message);
        prescan_run(buf_span(&message), &usual, NULL, &prescan);
        UNIT_CHECK_ROW(large[i].name, prescan.limit == large[i].limit);
        UNIT_CHECK_ROW(large[i].name, prescan.field_count <= usual.max_fields);
        prescan_clear(&prescan);
        buf_clear(&message);
    }
}

// Texts that only look like it.
static void
test_ordinary(void)
{
    static const struct large ordinary[] = {
        {"patch",       "A: b\n\n",                      "--- a/f%zu\n+++ b/f%zu\n@@ -1 +1 @@\n-x: y\n+z: u\n", 20000,
         LIMIT_NONE                                                                                                              },
        {"table",       MULTI("x") "\n--x\n\n---+---\n", " %zu | x: y\n",                                       50000, LIMIT_NONE},
        {"records",     MULTI("x") "\n--x\n\n---\n",     "name%zu: value\n",                                    50000, LIMIT_NONE},
        {"signatures",  MULTI("x") "\n--x\n\n",          "-- \nName: me\nTel: 1\n\n",                           20000, LIMIT_NONE},
        {"forwarded",   MULTI("x") "\n--x\n\n",          "-----Original Message-----\nFrom: a\nTo: b\n\n",
         20000,                                                                                                        LIMIT_NONE},
        {"1,900 parts", MULTI("x") "\n",                 "--x\nContent-Type: text/plain; a=b\n\nhello\n",       1900,
         LIMIT_NONE                                                                                                              },
    };

    for (size_t i = 0; i < UNIT_COUNT(ordinary); i++) {
        struct prescan prescan;
        struct buf message;

        buf_init(&message, 200 << 20);
        make_large(&ordinary[i], &message);
        prescan_run(buf_span(&message), &usual, NULL, &prescan);
        UNIT_CHECK_ROW(ordinary[i].name, prescan.limit == LIMIT_NONE);
        prescan_clear(&prescan);
        buf_clear(&message);
    }
}

static void
check_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct prescan prescan;
    struct buf message;
    char chunk[4096];
    size_t len;

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    buf_init(&message, 64 << 20);
    while ((len = fread(chunk, 1, sizeof(chunk), file)) > 0)
        CU_ASSERT_EQUAL_FATAL(buf_add(&message, chunk, len), 0);
    fclose(file);
    prescan_run(buf_span(&message), &usual, NULL, &prescan);
    UNIT_CHECK_ROW(path, prescan.limit == LIMIT_NONE);
    prescan_clear(&prescan);
    buf_clear(&message);
}

// Mail that others collected, some of it broken: none is beyond the limits.
static void
test_corpus(void)
{
    const char *folder = getenv("POSTERN_CORPUS");
    char pattern[4096];
    glob_t found;

    snprintf(pattern, sizeof(pattern), "%s/*/*.eml", folder == NULL ? CORPUS_FOLDER : folder);
    CU_ASSERT_EQUAL_FATAL(glob(pattern, 0, NULL, &found), 0);
    CU_ASSERT_TRUE(found.gl_pathc > 400);
    for (size_t i = 0; i < found.gl_pathc; i++)
        check_file(found.gl_pathv[i]);
    globfree(&found);
}

static const struct unit_test tests[] = {
    {"rows",      test_rows     },
    {"cut",       test_cut      },
    {"fields",    test_fields   },
    {"long line", test_long_line},
    {"limits",    test_limits   },
    {"large",     test_large    },
    {"ordinary",  test_ordinary },
    {"corpus",    test_corpus   },
};

UNIT_MAIN("mime/reading/prescan", tests)
