// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/parameter.h"

#include "base/mem.h"
#include "tests/unit/harness.h"

struct row {
    const char *text;
    bool quotes;
    const char *pieces; // "main|name,number,*,value,whole|..."
    bool is_quote_odd;
};

static const struct row rows[] = {
    {"",                   true,  "",                                            false},
    {" a ",                true,  "a",                                           false},
    {"a;b=c",              true,  "a|b,-1,,c,c",                                 false},
    {"a ; b = c ; d",      true,  "a|b,-1,,c,c",                                 false},
    {"a b=c",              true,  "a|b,-1,,c,c",                                 false},
    {"b=c",                true,  "|b,-1,,c,c",                                  false},
    {"a;b=c d=e;f",        true,  "a|b,-1,,c,c d=e|d,-1,,e,e",                   false},
    {"a;b=c d=e f =g",     true,  "a|b,-1,,c,c d=e f =g|d,-1,,e,e|f,-1,,g,g",    false},
    {"a;b=c d e=",         true,  "a|b,-1,,c d,c d e=|e,-1,,,",                  false},
    {"a;b=c==d",           true,  "a|b,-1,,c==d,c==d",                           false},
    {"a;b=\"c;d\";e=f",    true,  "a|b,-1,,\"c;d\",\"c;d\"|e,-1,,f,f",           true },
    {"a;b=\"c;d\";e=f",    false, "a|b,-1,,\"c,\"c|e,-1,,f,f",                   false},
    {"a;b=\"c\\\"d\" e=f", true,  "a|b,-1,,\"c\\\"d\",\"c\\\"d\" e=f|e,-1,,f,f", false},
    {"a;b=\"c",            true,  "a|b,-1,,\"c,\"c",                             true },
    {"a;b=\"c\\",          true,  "a|b,-1,,\"c\\,\"c\\",                         true },
    {"a;\"b\"=c",          true,  "a|b,-1,,c,c",                                 false},
    {"a;b*=c",             true,  "a|b,-1,*,c,c",                                false},
    {"a;b*0=c",            true,  "a|b,0,,c,c",                                  false},
    {"a;b*10*=c",          true,  "a|b,10,*,c,c",                                false},
    {"a;b*007=c",          true,  "a|b,7,,c,c",                                  false},
    {"a;b1=c",             true,  "a|b1,-1,,c,c",                                false},
    {"a;*0=c;*=d;=e",      true,  "a|*0,-1,,c,c|*,-1,,d,d",                      false},
    {"a;x y=c",            true,  "a|y,-1,,c,c",                                 false},
};

static void
write_list(const struct parameter_list *list, struct buf *out)
{
    buf_add_span(out, list->main);
    for (size_t i = 0; i < list->count; i++) {
        const struct parameter_piece *piece = &list->pieces[i];

        buf_printf(out, "|%.*s,%d,%s,%.*s,%.*s", (int)piece->name.len, piece->name.data,
                   piece->number, piece->is_extended ? "*" : "", (int)piece->value.len,
                   piece->value.data, (int)piece->whole.len, piece->whole.data);
    }
}

static void
test_split(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct parameter_list list;
        struct buf out;

        buf_init(&out, 1000);
        parameter_split(span_of(rows[i].text), rows[i].quotes, 100, &list);
        write_list(&list, &out);
        UNIT_CHECK_ROW(rows[i].text, strcmp(buf_text(&out), rows[i].pieces) == 0);
        UNIT_CHECK_ROW(rows[i].text, list.is_quote_odd == rows[i].is_quote_odd && !list.is_cut);
        parameter_clear(&list);
        buf_clear(&out);
    }
}

static void
test_max(void)
{
    for (size_t max = 0; max < 5; max++) {
        struct parameter_list list;

        parameter_split(SPAN_LITERAL("a;b=1;c=2 d=3"), true, max, &list);
        CU_ASSERT_EQUAL(list.count, max < 3 ? max : 3);
        CU_ASSERT_EQUAL(list.is_cut, max < 3);
        parameter_clear(&list);
    }
}

enum view { UNFOLD, JOIN, STRIP, ESCAPED, UNQUOTED, TAKE };

static const struct {
    enum view view;
    const char *in, *out;
} views[] = {
    {UNFOLD,   "a\r\n b\n\tc\r\n", "a b\tc"       },
    {UNFOLD,   "a\rb",             "a\rb"         },
    {JOIN,     "a\r\n \tb\n\tc",   "abc"          },
    {STRIP,    "a(b)c",            "ac"           },
    {STRIP,    "a(b(c)d)e",        "ae"           },
    {STRIP,    "a(b\\)c)d",        "ad"           },
    {STRIP,    "\"a(b)\"(c)",      "\"a(b)\""     },
    {STRIP,    "\"a\\\"(b)\"c",    "\"a\\\"(b)\"c"},
    {STRIP,    "a)b",              "a)b"          },
    {STRIP,    "a(b",              "a"            },
    {STRIP,    "a(\"b)c",          "ac"           },
    {ESCAPED,  "\"a\\\"b\"c\\d",   "a\"bcd"       },
    {UNQUOTED, "\"a\\\"b\"c\\d",   "a\\bc\\d"     },
    {TAKE,     "\"a\\\"b\"c",      "a\"b"         },
    {TAKE,     "\"a",              "a"            },
    {TAKE,     "a\"b\"",           "a\"b\""       },
    {TAKE,     "\"",               ""             },
};

static void
test_views(void)
{
    for (size_t i = 0; i < UNIT_COUNT(views); i++) {
        struct span in = span_of(views[i].in);
        struct buf out;

        buf_init(&out, in.len);
        if (views[i].view == UNFOLD || views[i].view == JOIN)
            parameter_unfold(in, views[i].view == UNFOLD, &out);
        else if (views[i].view == STRIP)
            parameter_strip_comments(in, &out);
        else if (views[i].view == TAKE)
            parameter_take(in, &out);
        else
            parameter_unquote(in, views[i].view == ESCAPED, &out);
        UNIT_CHECK_ROW(views[i].in, span_is(buf_span(&out), views[i].out));
        buf_clear(&out);
    }
}

static const struct unit_test tests[] = {
    {"split", test_split},
    {"max",   test_max  },
    {"views", test_views},
};

UNIT_MAIN("mime/reading/parameter", tests)
