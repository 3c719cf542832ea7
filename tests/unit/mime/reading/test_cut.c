// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/cut.h"

#include "base/buf.h"
#include "base/mem.h"
#include "tests/unit/harness.h"

// What comes is written as "P[..]" (prologue), "[..]" (piece), "+[..]" (piece behind the end),
// "E[..]" (epilogue).
struct row {
    const char *text, *boundary, *expected;
};

static const struct row rows[] = {
    {"--a\r\nx\r\n--a\r\ny\r\n--a--\r\n",            "a", "P[][x][y]E[]"        },
    {"pro\r\n--a\r\nx\r\n--a--\r\nepi\r\n",          "a", "P[pro][x]E[epi\r\n]" },
    {"--a\nx\n--a--",                                "a", "P[][x]E[]"           },
    {"--a \t\r\nx\r\n--a-- \t\r\n",                  "a", "P[][x]E[]"           },
    {"--a\r\nx\r\n--ab\r\ny\r\n--a b\r\n--a--x\r\n", "a",
     "P[][x\r\n--ab\r\ny\r\n--a b\r\n--a--x\r\n]"                               },
    {"--a\r\nx",                                     "a", "P[][x]"              },
    {"--a\r\n--a\r\n--a--",                          "a", "P[][][]E[]"          },
    {"nothing",                                      "a", "P[nothing]"          },
    {"",                                             "a", "P[]"                 },
    {"x--a\r\ny",                                    "a", "P[x--a\r\ny]"        },
    {"--\r\nx\r\n----\r\ne",                         "",  "P[][x]E[e]"          },
    {"--a\nx\n--a--\nepi\n--a\ny\n--a--\nz",         "a", "P[][x]E[epi]+[y]E[z]"},
    {"--a--\nx",                                     "a", "P[]E[x]"             },
    {"--a\n\n\n--a--",                               "a", "P[][\n]E[]"          },
    {"-\n--\n--a\nx\r\n\r\n--a--",                   "a", "P[-\n--][x\r\n]E[]"  },
    {"--a\nx\n--a-",                                 "a", "P[][x\n--a-]"        },
};

static void
show(struct buf *out, const struct cut_item *item, struct span text)
{
    const char *const marks[] = {[CUT_PIECE] = "", [CUT_PROLOGUE] = "P", [CUT_EPILOGUE] = "E"};

    buf_add_text(out, item->kind == CUT_PIECE && item->is_behind_end ? "+" : marks[item->kind]);
    buf_printf(out, "[%.*s]", (int)(item->end - item->begin), span_skip(text, item->begin).data);
}

static void
test_cut(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        // A copy as long as it is: who reads beyond it is seen.
        size_t len = strlen(rows[i].text);
        char *text = len > 0 ? memcpy(mem_zalloc(len), rows[i].text, len) : NULL;
        struct cut cut;
        struct cut_item item;
        struct buf out;

        buf_init(&out, 1000);
        cut_init(&cut, span_from(text, len), span_of(rows[i].boundary));
        while (cut_next(&cut, &item))
            show(&out, &item, span_from(text, len));
        UNIT_CHECK_ROW(rows[i].text, strcmp(buf_text(&out), rows[i].expected) == 0);
        if (strcmp(buf_text(&out), rows[i].expected) != 0)
            fprintf(stderr, "  %s\n", buf_text(&out));
        buf_clear(&out);
        mem_free(&text);
    }
}

static const struct row hidden[] = {
    {"a\n--x\nContent-Type: y\n\nz\n--x--\nb",                   NULL, "[Content-Type: y\n\nz]"},
    {"--x\r\ncontent-id: y\r\n\r\nz\r\n--q\r\nCONTENT-A: b\r\n", NULL,
     "[content-id: y\r\n\r\nz][CONTENT-A: b\r\n]"                                              },
    {"--x\nSubject: y\n\nz\n--x--",                              NULL, ""                      },
    {"--x",                                                      NULL, ""                      },
    {"--x\n",                                                    NULL, ""                      },
    {"-- \nContent-A: b\n--",                                    NULL, "[Content-A: b]"        },
    {"--x \nContent-A: b\n--y\nc\n--xx",                         NULL, "[Content-A: b\n--y\nc]"},
    {"a --x\n-\n-- -\n---x\nContent-A: b\n--",                   NULL, "[Content-A: b\n--]"    },
};

static void
test_hidden(void)
{
    for (size_t i = 0; i < UNIT_COUNT(hidden); i++) {
        struct span text = span_of(hidden[i].text);
        struct cut_item item;
        struct buf out;
        size_t at = 0;

        buf_init(&out, 1000);
        while (cut_find_hidden(text, NULL, &at, &item))
            show(&out, &item, text);
        UNIT_CHECK_ROW(hidden[i].text, strcmp(buf_text(&out), hidden[i].expected) == 0);
        buf_clear(&out);
    }
}

// A megabyte of almost-boundaries is gone through once.
static void
test_many(void)
{
    static const char line[] = "--aaaaaaaaaab\n";

    enum { LINES = 80000 };

    size_t len = sizeof(line) - 1;
    char *text = mem_zarray(LINES, len);
    struct cut cut;
    struct cut_item item;
    size_t count = 0, at = 0;

    for (size_t i = 0; i < LINES; i++)
        memcpy(text + i * len, line, len);
    cut_init(&cut, span_from(text, LINES * len), span_of("aaaaaaaaaa"));
    while (cut_next(&cut, &item))
        count++;
    CU_ASSERT(count == 1);
    CU_ASSERT(!cut_find_hidden(span_from(text, LINES * len), NULL, &at, &item));
    cut_init(&cut, span_from(text, LINES * len), span_of("aaaaaaaaaab"));
    while (cut_next(&cut, &item))
        count++;
    CU_ASSERT(count == 1 + LINES + 1);
    mem_free(&text);
}

static const struct unit_test tests[] = {
    {"cut",    test_cut   },
    {"hidden", test_hidden},
    {"many",   test_many  },
};

UNIT_MAIN("mime/reading/cut", tests)
