// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/links.h"

#include "base/buf.h"
#include "base/mem.h"
#include "tests/unit/harness.h"

struct collected {
    struct buf links; // each between blanks
    size_t count, longest, wanted;
};

static bool
collect(void *arg, struct span link)
{
    struct collected *collected = arg;

    if (collected->count > 0)
        buf_add_char(&collected->links, ' ');
    buf_add_span(&collected->links, link);
    collected->count++;
    collected->longest = link.len > collected->longest ? link.len : collected->longest;
    return collected->count < collected->wanted;
}

typedef void search(struct span text, links_found *found, void *arg);

struct row {
    const char *text, *links;
};

static void
check_rows(const struct row *rows, size_t count, search *run)
{
    for (size_t i = 0; i < count; i++) {
        struct collected collected = {.wanted = SIZE_MAX};
        struct span text = span_of(rows[i].text);

        buf_init(&collected.links, 1000);
        text.data = mem_strndup(text.data, text.len);
        run(text, collect, &collected);
        if (!span_is(buf_span(&collected.links), rows[i].links))
            fprintf(stderr, "found \"%s\"\n", buf_text(&collected.links));
        UNIT_CHECK_ROW(rows[i].text, span_is(buf_span(&collected.links), rows[i].links));
        mem_free(&text.data);
        buf_clear(&collected.links);
    }
}

static const struct row plain[] = {
    {"",                                           ""                                },
    {"nothing here",                               ""                                },
    {"http://a.b",                                 "http://a.b"                      },
    {"see http://a.b/c?d=e&f#g, and https://h.i.", "http://a.b/c?d=e&f#g https://h.i"},
    {"HTTP://A.B",                                 "HTTP://A.B"                      },
    {"<http://a.b>",                               "http://a.b"                      },
    {"(http://a.b)",                               "http://a.b"                      },
    {"http://a.b/c(d)",                            "http://a.b/c(d)"                 },
    {"\"http://a.b\"",                             "http://a.b"                      },
    {"http://a.b\r\nftp://c.d\t",                  "http://a.b ftp://c.d"            },
    {"mailto:a@b, xmailto:c",                      "mailto:a@b"                      },
    {"www.a.b wwww.c.d (www.e.f)",                 "www.a.b www.e.f"                 },
    {"http://www.a.b",                             "http://www.a.b"                  },
    {"xhttp://a.b",                                "http://a.b"                      },
    {"http://",                                    ""                                },
    {"http://...",                                 ""                                },
    {"http:// a",                                  ""                                },
    {"www. a",                                     ""                                },
    {"htt http:/ https:/a hfmw",                   ""                                },
    {"http://\xc3\xbc.de",                         "http://\xc3\xbc.de"              },
    {"http://a&amp;b",                             "http://a&amp;b"                  },
    {"www.http://a.b mailto:c http:WWW.d.e",       "www.http://a.b mailto:c WWW.d.e" },
    {"hhttp://a:b:ftp://c ://d .www. ww.e ftp:/f", "http://a:b:ftp://c"              },
    {"mailto:www.a.b,xftp://c.d",                  "mailto:www.a.b,xftp://c.d"       },
};

static const struct row html[] = {
    {"",                                                                       ""                     },
    {"<",                                                                      ""                     },
    {"<a",                                                                     ""                     },
    {"text http://a.b<br>www.c.d",                                             "http://a.b www.c.d"   },
    {"<a href=\"http://a.b\">",                                                "http://a.b"           },
    {"<A HREF='http://a.b'>",                                                  "http://a.b"           },
    {"<a href=http://a.b>x",                                                   "http://a.b"           },
    {"<a\n\thref\n = \"http://a.b\"\n>",                                       "http://a.b"           },
    {"<a/href=http://a.b>",                                                    "http://a.b"           },
    {"<a class=x title='>' href=y>",                                           "y"                    },
    {"<a href=\"h&#116;tp://a&#x2E;b&amp;c&#46d\">",                           "http://a.b&c.d"       },
    {"<a href=\"ht\r\n\ttp:&sol;&Tab;/a.b\">",                                 "http://a.b"           },
    {"<a href=\" \x01 http://a.b \">",                                         "http://a.b"           },
    {"<a href=\"&#xfc;&#x20AC;&#x1F600;&#0;&#xd800;&#99999999999;\">",
     "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"                       },
    {"<a href=\"&#;&#x;&;&nix;&\">",                                           "&#;&#x;&;&nix;&"      },
    {"<a href=\"javascript:x()\">",                                            "javascript:x()"       },
    {"<a href=#top><img src=cid:x><img src=\"\">",                             ""                     },
    {"<img src=a.png><form action=b><body background=c><button formaction=d>", "a.png b c d"          },
    {"<svg><a xlink:href=a></svg><video poster=b><object data=c>",             "a b c"                },
    {"<meta http-equiv=refresh content=\"0;url=http://a.b\">",                 "http://a.b"           },
    {"<td style=\"background:url(http://a.b)\">",                              "http://a.b"           },
    {"<img srcset=\"http://a.b 1x, http://c.d 2x\">",                          "http://a.b http://c.d"},
    {"<!-- <a href=a> --><!--[if mso]><a href=b><![endif]-->",                 "a b"                  },
    {"<script>x='http://a.b'</script>",                                        "http://a.b"           },
    {"<a href=\"http://a.b>text<a href=c>",                                    "http://a.b c"         },
    {"<a href=\"http://a.b",                                                   "http://a.b"           },
    {"<a href='x>y</a><a href=\"z\">",                                         "x z"                  },
    {"<a href=",                                                               ""                     },
    {"<a href=>",                                                              ""                     },
    {"<a href",                                                                ""                     },
    {"<a =href=x>",                                                            ""                     },
    {"1 < 2 <3 http://a.b",                                                    "http://a.b"           },
    {"</a href=x>",                                                            ""                     },
    {"h&#116;tp://a.b",                                                        "http://a.b"           },
    {"a&amp;http://b&amp;c&lt;&",                                              "http://b&c"           },
};

static void
test_plain(void)
{
    check_rows(plain, UNIT_COUNT(plain), links_plain);
}

static void
test_html(void)
{
    check_rows(html, UNIT_COUNT(html), links_html);
}

static void
test_stop(void)
{
    static const char text[] = "<a href=a href=b><i src=c> http://d http://e";

    for (size_t wanted = 1; wanted < 7; wanted++) {
        struct collected collected = {.wanted = wanted};

        buf_init(&collected.links, 1000);
        links_html(span_of(text), collect, &collected);
        CU_ASSERT_EQUAL(collected.count, wanted < 5 ? wanted : 5);
        buf_clear(&collected.links);
    }
}

static void
test_cut(void)
{
    char text[LINK_MAX * 3] = "http://";
    struct collected collected = {.wanted = SIZE_MAX};

    buf_init(&collected.links, sizeof(text));
    memset(text + 7, 'x', sizeof(text) - 7);
    memcpy(text + LINK_MAX - 1, "\xc3\xbc", 2);
    links_plain(span_from(text, sizeof(text)), collect, &collected);
    CU_ASSERT_EQUAL(collected.count, 1);
    CU_ASSERT_EQUAL(collected.longest, LINK_MAX - 1);
    CU_ASSERT_TRUE(str_is_utf8(buf_span(&collected.links)));
    buf_clear(&collected.links);
}

static void
test_bites(void)
{
    for (size_t i = 0; i < UNIT_COUNT(html); i++) {
        for (size_t len = 0; len <= strlen(html[i].text); len++) {
            struct collected collected = {.wanted = SIZE_MAX};
            char *text = mem_zalloc(len + (len == 0));

            memcpy(text, html[i].text, len);
            buf_init(&collected.links, 1000);
            links_html(span_from(text, len), collect, &collected);
            links_plain(span_from(text, len), collect, &collected);
            UNIT_CHECK_ROW(html[i].text, collected.longest <= len);
            buf_clear(&collected.links);
            mem_free(&text);
        }
    }
}

static bool
count(void *arg, struct span link)
{
    *(size_t *)arg += link.len > 0 && link.len <= LINK_MAX;
    return true;
}

// The worst of each kind; a square would not end.
static void
test_large(void)
{
    enum { LEN = 900000 };

    static const struct {
        const char *unit;
        size_t plain, html;
    } cases[] = {
        {"http://",     1,      1     },
        {"http://a ",   100000, 100000},
        {"<a href=x>",  0,      90000 },
        {"<a href=\"",  0,      50000 },
        {"<a href='",   0,      50000 },
        {"<a ",         0,      0     },
        {"<",           0,      0     },
        {"&#",          0,      0     },
        {"&#1",         0,      0     },
        {"&am",         0,      0     },
        {" =",          0,      0     },
        {"hhttphttps:", 0,      0     },
        {"www.",        1,      1     },
        {")",           0,      0     },
        {".",           0,      0     },
        {":",           0,      0     },
        {"&",           0,      0     },
    };

    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        size_t unit = strlen(cases[i].unit), found = 0;
        char *text = mem_zalloc(LEN);

        for (size_t at = 0; at < LEN; at++)
            text[at] = cases[i].unit[at % unit];
        links_plain(span_from(text, LEN), count, &found);
        UNIT_CHECK_ROW(cases[i].unit, found == cases[i].plain);
        found = 0;
        links_html(span_from(text, LEN), count, &found);
        UNIT_CHECK_ROW(cases[i].unit, found == cases[i].html);
        mem_free(&text);
    }
}

static const struct unit_test tests[] = {
    {"plain", test_plain},
    {"html",  test_html },
    {"stop",  test_stop },
    {"bites", test_bites},
    {"cut",   test_cut  },
    {"large", test_large},
};

UNIT_MAIN("mime/reading/links", tests)
