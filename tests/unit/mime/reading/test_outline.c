// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/outline.h"

#include "base/buf.h"
#include "tests/unit/harness.h"

struct row {
    const char *name, *text;
    int result;
    const char *leaves; // "head-body-end" each
};

static const struct row rows[] = {
    {"nothing",   "",                                                                                   -1, ""         },
    {"no header", "hello world",                                                                        -1, ""         },
    {"plain",     "Subject: x\r\n\r\nhi",                                                               0,  "0-14-16 " },
    {"no fields", "\r\nhi",                                                                             0,  "2-2-4 "   },
    {"two",       "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nA: b\n\ntwo\n--b--\n", 0,
     "48-48-51 56-62-65 "                                                                                              },
    {"message",   "Content-Type: message/rfc822\n\nSubject: x\n\ninner",                                0,  "42-42-47 "},
    {"nested",
     "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; "
     "boundary=c\n\n"
     "--c\n\none\n--c--\n--b--\n",                                                                      0,  "95-95-98 "},
};

static void
on_leaf(void *arg, const struct outline_leaf *leaf)
{
    buf_printf(arg, "%zu-%zu-%zu ", leaf->head_begin, leaf->body_begin, leaf->body_end);
}

static void
test_leaves(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct buf out;

        buf_init(&out, 1000);
        UNIT_CHECK_ROW(rows[i].name,
                       outline_read(span_of(rows[i].text), NULL, on_leaf, &out) == rows[i].result);
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&out), rows[i].leaves) == 0);
        if (strcmp(buf_text(&out), rows[i].leaves) != 0)
            fprintf(stderr, "  %s\n", buf_text(&out));
        buf_clear(&out);
    }
}

static void
on_any_leaf(void *arg, const struct outline_leaf *leaf)
{
    const size_t *len = arg;

    CU_ASSERT(leaf->head_begin <= leaf->body_begin && leaf->body_begin <= leaf->body_end);
    CU_ASSERT(leaf->body_end <= *len);
}

// Cut off anywhere, in memory that ends there and may not be written to.
static void
test_cuts(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        for (size_t len = 0; len <= strlen(rows[i].text); len++) {
            char *copy = len > 0 ? memcpy(malloc(len), rows[i].text, len) : NULL;

            (void)outline_read(span_from(copy, len), NULL, on_any_leaf, &len);
            CU_ASSERT(len == 0 || memcmp(copy, rows[i].text, len) == 0);
            free(copy);
        }
    }
}

static const struct unit_test tests[] = {
    {"leaves", test_leaves},
    {"cuts",   test_cuts  },
};

int
main(void)
{
    outline_init();
    return unit_run("mime/reading/outline", tests, UNIT_COUNT(tests));
}
