// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/orderly.h"

#include <stdlib.h>

#include "base/buf.h"
#include "tests/unit/harness.h"

enum { ORDERLY_MAX = 64 };

#define MIXED "Content-Type: multipart/mixed; boundary=b\n\n"

static const struct {
    const char *name, *text;
    const char *leaves; // "head-body-end" each; NULL: not orderly
} rows[] = {
    {"text",                          "A: b\r\n\r\nhi",                                                          "0-8-10 "                },
    {"empty body",                    "A: b\n\n",                                                                "0-6-6 "                 },
    {"folded",                        "A: b\n c\n\td\n\nhi",                                                     "0-12-14 "               },
    {"typed",                         "content-type:\r\n TEXT/plain; (x\r\n\r\nhi",                              "0-34-36 "               },
    {"dashes in a text",              "A: b\n\n--c\nhi",                                                         "0-6-12 "                },
    {"nothing",                       "",                                                                        NULL                     },
    {"no header",                     "\nhi",                                                                    NULL                     },
    {"no end of the header",          "A: b\n",                                                                  NULL                     },
    {"no field",                      "A: b\nhello\n\nhi",                                                       NULL                     },
    {"mbox",                          "From a b\nA: b\n\nhi",                                                    NULL                     },
    {"a blank before a colon",        "A : b\n\nhi",                                                             NULL                     },
    {"folded at first",               " A: b\n\nhi",                                                             NULL                     },
    {"a line of blanks",              "A: b\n \n\nhi",                                                           NULL                     },
    {"two types",                     "Content-Type: text/a\nContent-Type: text/a\n\nhi",                        NULL                     },
    {"an empty type",                 "Content-Type:\n\nhi",                                                     NULL                     },
    {"half a type",                   "Content-Type: text\n\nhi",                                                NULL                     },
    {"a comment in a type",           "Content-Type: text/plain (x)\n\nhi",                                      NULL                     },
    {"a comment first",               "Content-Type: (x)text/plain\n\nhi",                                       NULL                     },
    {"message",                       "Content-Type: message/rfc822\n\nA: b\n\nhi",                              NULL                     },
    {"unknown type",                  "Content-Type: x/y\n\nhi",                                                 NULL                     },
    {"digest",                        "Content-Type: multipart/digest; boundary=b\n\n--b\nA: b\n\n--b--\n",      NULL                     },
    {"two parts",                     MIXED "--b\nA: b\n\none\n--b\nA: b\n\ntwo\n--b--\n",                       "47-53-56 61-67-70 "     },
    {"texts around parts",            MIXED "x\n--b\nA: b\n\none\n--b--\ny",                                     "49-55-58 "              },
    {"no end of the last line",       MIXED "--b\nA: b\n\none\n--b--",                                           "47-53-56 "              },
    {"quoted boundary",
     "Content-Type: multipart/mixed;\n\tx=y; boundary=\"=b/b\"\n\n--=b/b\r\nA: b\n\n\n--=b/b--\n",               "62-68-68 "              },
    {"in each other",
     MIXED "--b\nContent-Type: multipart/related; boundary=c\n\n--c\nA: b\n\none\n--c--\n\n--b\n"
           "A: b\n\ntwo\n--b--\n",                                                                               "96-102-105 117-123-126 "},
    {"no end",                        MIXED "--b\nA: b\n\none\n",                                                NULL                     },
    {"no part",                       MIXED "--b--\n",                                                           NULL                     },
    {"ends at once",                  MIXED "--b\n--b--\n",                                                      NULL                     },
    {"a part without fields",         MIXED "--b\n\none\n--b--\n",                                               NULL                     },
    {"blanks behind",                 MIXED "--b \nA: b\n\none\n--b--\n",                                        NULL                     },
    {"begins like a boundary",        MIXED "--b\nA: b\n\none\n--bc\n--b--\n",                                   NULL                     },
    {"again behind its end",          MIXED "--b\nA: b\n\none\n--b--\n--b\nA: b\n\none\n--b--\n",                NULL                     },
    {"the outer in the inner",
     MIXED "--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\nA: b\n\none\n--b--\n",                        NULL                     },
    {"boundaries alike",
     MIXED "--b\nContent-Type: multipart/mixed; boundary=bc\n\n--bc\nA: b\n\none\n--bc--\n--b--\n",
     NULL                                                                                                                                 },
    {"no boundary",                   "Content-Type: multipart/mixed\n\nhi",                                     NULL                     },
    {"two boundaries",
     "Content-Type: multipart/mixed; boundary=b; boundary=b\n\n--b\nA: b\n\none\n--b--\n",                       NULL                     },
    {"a boundary in pieces",
     "Content-Type: multipart/mixed; boundary*0=b\n\n--b\nA: b\n\none\n--b--\n",                                 NULL                     },
    {"an encoded boundary",
     "Content-Type: multipart/mixed; boundary=\"=?a?q?b?=\"\n\n--b\nA: b\n\none\n--b--\n",                       NULL                     },
    {"a boundary in an encoded word",
     "Content-Type: multipart/mixed; x=\"=?a?q?=22;boundary=3Dc;y=3D=22?=\"; boundary=b\n\n"
     "--b\nA: b\n\none\n--b--\n--c\nA: b\n\ntwo\n--c--\n",                                                       NULL                     },
    {"an empty boundary",             "Content-Type: multipart/mixed; boundary=\"\"\n\n--\nA: b\n\none\n----\n",
     NULL                                                                                                                                 },
    {"a quote in a parameter",
     "Content-Type: multipart/mixed; x=\"\\\"; boundary=b; y=\"\n\n--b\nA: b\n\none\n--b--\n",                   NULL                     },
    {"a comment behind it",
     "Content-Type: multipart/mixed; boundary=b (x)\n\n--b\nA: b\n\none\n--b--\n",                               NULL                     },
    {"no semicolon",                  "Content-Type: multipart/mixed boundary=b\n\n--b\nA: b\n\none\n--b--\n",   NULL                     },
    {"a boundary for a field",        MIXED "--b\nA: b\n--b\n: c\n\none\n--b--\n",                               NULL                     },
};

struct leaves {
    struct buf all, full; // full: without the empty ones, and no ends
};

static void
on_leaf(void *arg, const struct outline_leaf *leaf)
{
    struct leaves *leaves = arg;

    (void)buf_printf(&leaves->all, "%zu-%zu-%zu ", leaf->head_begin, leaf->body_begin,
                     leaf->body_end);
    if (leaf->body_end > leaf->body_begin + 2)
        (void)buf_printf(&leaves->full, "%zu ", leaf->body_begin);
}

static void
init(struct leaves *leaves)
{
    buf_init(&leaves->all, 10000);
    buf_init(&leaves->full, 10000);
}

static void
clear(struct leaves *leaves)
{
    buf_clear(&leaves->all);
    buf_clear(&leaves->full);
}

// As GMime sees it, wherever it is orderly.
static bool
is_as_read(struct span text)
{
    struct leaves ours, theirs;
    bool is_same = true;

    init(&ours);
    init(&theirs);
    if (orderly_read(text, NULL, on_leaf, &ours))
        is_same = outline_read(text, NULL, on_leaf, &theirs) == 0 &&
                  strcmp(buf_text(&ours.full), buf_text(&theirs.full)) == 0;
    else
        is_same = ours.all.len == 0;
    clear(&ours);
    clear(&theirs);
    return is_same;
}

static void
test_leaves(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct leaves leaves;
        bool is_orderly;

        init(&leaves);
        is_orderly = orderly_read(span_of(rows[i].text), NULL, on_leaf, &leaves);
        UNIT_CHECK_ROW(rows[i].name, is_orderly == (rows[i].leaves != NULL));
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&leaves.all),
                                            rows[i].leaves == NULL ? "" : rows[i].leaves) == 0);
        UNIT_CHECK_ROW(rows[i].name, is_as_read(span_of(rows[i].text)));
        if (rows[i].leaves != NULL && strcmp(buf_text(&leaves.all), rows[i].leaves) != 0)
            fprintf(stderr, "  %s: %s\n", rows[i].name, buf_text(&leaves.all));
        clear(&leaves);
    }
}

// Cut off anywhere, in memory that ends there.
static void
test_cuts(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        for (size_t len = 0; len <= strlen(rows[i].text); len++) {
            char *copy = len > 0 ? memcpy(malloc(len), rows[i].text, len) : NULL;

            UNIT_CHECK_ROW(rows[i].name, is_as_read(span_from(copy, len)));
            free(copy);
        }
    }
}

// With any byte in the place of any other.
static void
test_changes(void)
{
    static const char bytes[] = "\n \t:;-=\"\\(/*?bAc\x80";

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        size_t len = strlen(rows[i].text);
        char *copy = strdup(rows[i].text);

        for (size_t at = 0; at < len; at++) {
            for (size_t n = 0; n < sizeof(bytes) - 1; n++) {
                copy[at] = bytes[n];
                // What has a bare CR is not asked about.
                if (at == 0 || rows[i].text[at - 1] != '\r' || bytes[n] == '\n')
                    UNIT_CHECK_ROW(rows[i].name, is_as_read(span_from(copy, len)));
            }
            copy[at] = rows[i].text[at];
        }
        free(copy);
    }
}

static void
test_many(void)
{
    struct leaves leaves;
    struct buf text;

    init(&leaves);
    for (unsigned count = ORDERLY_MAX; count <= ORDERLY_MAX + 1; count++) {
        buf_init(&text, 10000);
        (void)buf_add_text(&text, MIXED);
        for (unsigned i = 0; i < count; i++)
            (void)buf_add_text(&text, "--b\nA: b\n\nx\n");
        (void)buf_add_text(&text, "--b--\n");
        CU_ASSERT_EQUAL(orderly_read(buf_span(&text), NULL, on_leaf, &leaves),
                        count == ORDERLY_MAX);
        buf_clear(&text);
    }
    clear(&leaves);
}

static const struct unit_test tests[] = {
    {"leaves",  test_leaves },
    {"cuts",    test_cuts   },
    {"changes", test_changes},
    {"many",    test_many   },
};

int
main(void)
{
    outline_init();
    return unit_run("mime/reading/orderly", tests, UNIT_COUNT(tests));
}
