// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/path.h"

#include "tests/unit/harness.h"

enum { R = 1, STRICT = 2, STRIP = 4, UTF8 = 8, ODD = 16 };

#define L64 "0123456789012345678901234567890123456789012345678901234567890123"
#define L63D "012345678901234567890123456789012345678901234567890123456789012."

struct row {
    const char *in;
    unsigned flags; // R: a reverse-path; ODD is expected
    enum path_result result;
    const char *text, *rest;
};

static const struct row rows[] = {
    {"<a@b.example>",                                                                         0,             PATH_OK,           "a@b.example",                                                                    ""                },
    {"<a@b.example> SIZE=1 RET=HDRS",                                                         R,             PATH_OK,           "a@b.example",                                                                    " SIZE=1 RET=HDRS"},
    {"<>",                                                                                    R,             PATH_OK,           "",                                                                               ""                },
    {"<> BODY=7BIT",                                                                          R,             PATH_OK,           "",                                                                               " BODY=7BIT"      },
    {"<>",                                                                                    0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<postmaster>",                                                                          0,             PATH_OK,           "postmaster",                                                                     ""                },
    {"<PostMaster> NOTIFY=NEVER",                                                             0,             PATH_OK,           "PostMaster",                                                                     " NOTIFY=NEVER"   },
    {"<postmaster>",                                                                          R,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<someone>",                                                                             0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<postmaster@>",                                                                         0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"a@b",                                                                                   0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"",                                                                                      0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<",                                                                                     R,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<a@b",                                                                                  0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<<a@b>>",                                                                               0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"< a@b>",                                                                                0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<a@b >",                                                                                0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<a b@c>",                                                                               0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<a@b@c>",                                                                               0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<@b>",                                                                                  0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<a,b@c>",                                                                               0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<a@b>x",                                                                                0,             PATH_OK,           "a@b",                                                                            "x"               },
    {"<!#$%&'*+-/=?^_`{|}~@b>",                                                               0,             PATH_OK,           "!#$%&'*+-/=?^_`{|}~@b",                                                          ""                },
    {"<a\\ b@c>",                                                                             0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
 // quoted local parts
    {"<\"a b\"@c> X",                                                                         0,             PATH_OK,           "\"a b\"@c",                                                                      " X"              },
    {"<\"a>b@c\"@d>",                                                                         0,             PATH_OK,           "\"a>b@c\"@d",                                                                    ""                },
    {"<\"a\\\"b\"@d>",                                                                        0,             PATH_OK,           "\"a\\\"b\"@d",                                                                   ""                },
    {"<\"\\\\\"@d>",                                                                          0,             PATH_OK,           "\"\\\\\"@d",                                                                     ""                },
    {"<\"\"@d>",                                                                              0,             PATH_OK,           "\"\"@d",                                                                         ""                },
    {"<\"a@d>",                                                                               0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<\"a\\",                                                                                0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<\"a\"b@d>",                                                                            0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<\"a\tb\"@d>",                                                                          0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<\"a\x7f\"@d>",                                                                         0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<\"a\\\x01\"@d>",                                                                       0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<\"a\r\nb\"@d>",                                                                        0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
 // dots
    {"<a.b.c@d>",                                                                             STRICT,        PATH_OK,           "a.b.c@d",                                                                        ""                },
    {"<a..b@d>",                                                                              ODD,           PATH_OK,           "a..b@d",                                                                         ""                },
    {"<.a@d>",                                                                                ODD,           PATH_OK,           ".a@d",                                                                           ""                },
    {"<a.@d>",                                                                                ODD,           PATH_OK,           "a.@d",                                                                           ""                },
    {"<a.@d>",                                                                                STRICT,        PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
 // domains
    {"<a@b_c.x-y.de>",                                                                        STRICT,        PATH_OK,           "a@b_c.x-y.de",                                                                   ""                },
    {"<a@-b.de>",                                                                             ODD,           PATH_OK,           "a@-b.de",                                                                        ""                },
    {"<a@b-.de>",                                                                             STRICT,        PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<a@b..de>",                                                                             0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<a@.de>",                                                                               0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<a@b.de.>",                                                                             0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<a@b,c>",                                                                               0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<a@[192.0.2.1]>",                                                                       STRICT,        PATH_OK,           "a@[192.0.2.1]",                                                                  ""                },
    {"<a@[IPv6:2001:db8::1]>",                                                                STRICT,        PATH_OK,           "a@[IPv6:2001:db8::1]",                                                           ""                },
    {"<a@[2001:db8::1]>",                                                                     0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<a@[192.0.2.256]>",                                                                     0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<a@[192.0.2.1>",                                                                        0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<a@[]>",                                                                                0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<a@[192.0.2.1].de>",                                                                    0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<a@[" L64 "]>",                                                                         0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
 // source routes
    {"<@a,@b.c:user@d> X",                                                                    0,             PATH_SOURCE_ROUTE, NULL,                                                                             NULL              },
    {"<@a:user@d>",                                                                           R,             PATH_SOURCE_ROUTE, NULL,                                                                             NULL              },
    {"<@a,@b.c:user@d> X",                                                                    STRIP,         PATH_OK,           "user@d",                                                                         " X"              },
    {"<@a:postmaster>",                                                                       STRIP,         PATH_OK,           "postmaster",                                                                     ""                },
    {"<@a,b:user@d>",                                                                         STRIP,         PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<@a:>",                                                                                 STRIP | R,     PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<@a user@d>",                                                                           0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
 // beyond ASCII
    {"<\xc3\xbcser@b>",                                                                       UTF8,          PATH_OK,           "\xc3\xbcser@b",                                                                  ""                },
    {"<\xc3\xbcser@b>",                                                                       ODD,           PATH_OK,           "\xc3\xbcser@b",                                                                  ""                },
    {"<\xc3\xbcser@b>",                                                                       STRICT,        PATH_NOT_ASCII,    NULL,                                                                             NULL              },
    {"<\"\xc3\xbc \"@b>",                                                                     STRICT | UTF8, PATH_OK,           "\"\xc3\xbc \"@b",                                                                ""                },
    {"<a@\xc3\xbc.de>",                                                                       UTF8,          PATH_OK,           "a@\xc3\xbc.de",                                                                  ""                },
    {"<a@\xc3\xbc.de>",                                                                       0,             PATH_NOT_ASCII,    NULL,                                                                             NULL              },
    {"<\xfcser@b>",                                                                           UTF8,          PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<\xc3@b>",                                                                              0,             PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<a\xc2\x85@b>",                                                                         UTF8,          PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<a\xc2\xa0@b>",                                                                         UTF8,          PATH_OK,           "a\xc2\xa0@b",                                                                    ""                },
 // lengths
    {"<" L64 "@b>",                                                                           STRICT,        PATH_OK,           L64 "@b",                                                                         ""                },
    {"<" L64 "0@b>",                                                                          STRICT,        PATH_TOO_LONG,     NULL,                                                                             NULL              },
    {"<" L64 "0@b>",                                                                          ODD,           PATH_OK,           L64 "0@b",                                                                        ""                },
    {"<a@" L63D L63D L63D "0123456789012345678901234567890123456789012345678901234567>",      STRICT,
     PATH_OK,                                                                                                                   "a@" L63D L63D L63D "0123456789012345678901234567890123456789012345678901234567", ""                },
    {"<aaaaaa@" L63D L63D L63D "0123456789012345678901234567890123456789012345678901234567>",
     STRICT,                                                                                                 PATH_TOO_LONG,     NULL,                                                                             NULL              },
    {"<a@" L63D L63D L63D L63D ".>",                                                          ODD,           PATH_BAD_SYNTAX,   NULL,                                                                             NULL              },
    {"<a@" L63D L63D L63D L63D "aa>",                                                         ODD,           PATH_OK,           "a@" L63D L63D L63D L63D "aa",                                                    ""                },
};

static bool
span_matches(struct span span, const char *text)
{
    return text == NULL || span_is(span, text);
}

static void
check_row(const struct row *row)
{
    struct path_rules rules = {.is_reverse = row->flags & R,
                               .strict = row->flags & STRICT,
                               .strip_routes = row->flags & STRIP,
                               .smtputf8 = row->flags & UTF8};
    struct path path;
    enum path_result result = path_parse(span_of(row->in), &rules, &path);

    UNIT_CHECK_ROW(row->in, result == row->result);
    if (result != PATH_OK || row->result != PATH_OK)
        return;
    UNIT_CHECK_ROW(row->in, path.text.data != NULL && span_matches(path.text, row->text));
    UNIT_CHECK_ROW(row->in, span_matches(path.rest, row->rest));
    UNIT_CHECK_ROW(row->in, path.is_odd == ((row->flags & ODD) != 0));
}

static void
test_rows(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        check_row(&rows[i]);
}

static void
test_nul(void)
{
    static const char in[] = "<a\0b@c>";
    static const char in_quotes[] = "<\"a\0\"@c>";
    static const char in_literal[] = "<a@[192.0.2.1\0]>";
    struct path_rules rules = {.is_reverse = false};
    struct path path;

    CU_ASSERT(path_parse(SPAN_LITERAL(in), &rules, &path) == PATH_BAD_SYNTAX);
    CU_ASSERT(path_parse(SPAN_LITERAL(in_quotes), &rules, &path) == PATH_BAD_SYNTAX);
    CU_ASSERT(path_parse(SPAN_LITERAL(in_literal), &rules, &path) == PATH_BAD_SYNTAX);
}

// Each beginning of each row, in memory of just its size: nothing is read behind it, and none is
// taken for whole.
static void
test_prefixes(void)
{
    struct path_rules rules = {.is_reverse = true, .strip_routes = true};
    struct path path;

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const char *end = strrchr(rows[i].in, '>');
        size_t max = end == NULL ? strlen(rows[i].in) : (size_t)(end - rows[i].in);

        for (size_t len = 0; len <= max; len++) {
            char *copy = malloc(len + 1);
            bool is_closed;

            memcpy(copy, rows[i].in, len);
            copy = realloc(copy, len > 0 ? len : 1);
            is_closed = len > 0 && memchr(copy, '>', len) != NULL;
            UNIT_CHECK_ROW(rows[i].in,
                           is_closed || path_parse(span_from(copy, len), &rules, &path) != PATH_OK);
            free(copy);
        }
    }
}

static const struct unit_test tests[] = {
    {"rows",     test_rows    },
    {"nul",      test_nul     },
    {"prefixes", test_prefixes},
};

UNIT_MAIN("smtp/path", tests)
