// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/walk.h"

#include "tests/unit/mime/look_kit.h"

struct row {
    const char *name, *message, *tree;
};

#define FROM "From: a@example.org\r\n"
#define MIXED FROM "Content-Type: multipart/mixed; boundary=b\r\n\r\n"

static const struct row rows[] = {
    {"plain",                         FROM "\r\nhello",                                                                  "F - 5\n"                                                                   },
    {"empty body",                    FROM "\r\n",                                                                       "F - 0\n"                                                                   },
    {"no body",                       FROM,                                                                              "F - 0\n"                                                                   },
    {"LF",                            "From: a\nContent-Type: text/plain\n\nhello\n",                                    "F text/plain 6\n"                                                          },
    {"base64",
     FROM "Content-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
          "aGVsbG8=\r\n",                                                                                                "F image/png 5 a.png\n"                                                     },
    {"two parts",                     MIXED "--b\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\ntwo!\r\n--b--\r\n",
     "F multipart/mixed\n F - 3\n F text/html 4\n"                                                                                                                                                   },
    {"prologue and epilogue",         MIXED "This is MIME.\r\n--b\r\n\r\none\r\n--b--\r\nbye\r\n",
     "F multipart/mixed\n P - 13\n F - 3\n E - 5\n"                                                                                                                                                  },
    {"nested",
     MIXED
     "--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\none\r\n--c--\r\n"
     "--b\r\n\r\ntwo\r\n--b--\r\n",                                                                                      "F multipart/mixed\n F multipart/alternative\n  F - 3\n F - 3\n"            },
    {"message",
     MIXED "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ninner\r\n--b--\r\n",
     "F multipart/mixed\n F message/rfc822\n  F - 5\n"                                                                                                                                               },
    {"digest",
     FROM "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: x\r\n\r\ninner\r\n"
          "--b--\r\n",                                                                                                   "F multipart/digest\n F -\n  F - 5\n"                                       },
    {"encoded message",
     MIXED "--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
           "U3ViamVjdDogeA0KDQppbm5lcg==\r\n--b\r\n\r\ntwo\r\n--b--\r\n",                                                "F multipart/mixed\n F message/rfc822\n  F - 5\n F - 3\n"                   },
    {"mail in a file",
     MIXED "--b\r\nContent-Type: application/octet-stream; name=a.eml\r\n\r\nSubject: x\r\n"
           "Content-Type: text/html\r\n\r\ninner\r\n--b--\r\n",                                                          "F multipart/mixed\n F application/octet-stream 44 a.eml\n  O text/html 5\n"},
    {"two types",
     FROM "Content-Type: multipart/mixed; boundary=b\r\nContent-Type: text/plain\r\n\r\n"
          "--b\r\n\r\none\r\n--b--\r\n",                                                                                 "F text/plain 19\n O - 3\n"                                                 },
    {"two types, turned",
     FROM "Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=b"
          "\r\n\r\n--b\r\n\r\none\r\n--b--\r\n",                                                                         "F multipart/mixed\n O multipart/mixed 19\n F - 3\n"                        },
    {"two encodings",
     FROM "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64\r\n\r\n"
          "aGVsbG8=",                                                                                                    "F - 5\n O - 8\n"                                                           },
    {"uuencode",                      FROM "\r\nsee:\r\nbegin 644 x.txt\r\n#0V%T\r\n`\r\nend\r\n",
     "F - 38\n I - 3 x.txt\n"                                                                                                                                                                        },
    {"no boundary",
     FROM "Content-Type: multipart/mixed\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n"
          "one\r\n--b--\r\n",                                                                                            "F multipart/mixed\n P - 44\n  O text/html 3\n"                             },
    {"a boundary in an encoded word",
     FROM
     "Content-Type: multipart/mixed; x=\"=?a?q?=22;boundary=3Dc;y=3D=22?=\"; boundary=b\r\n\r\n"
     "--b\r\n\r\none\r\n--b--\r\n--c\r\nA: b\r\nContent-Type: text/html\r\n\r\ntwo!\r\n--c--\r\n",                       "F multipart/mixed\n F - 3\n E - 51\n O text/html 4\n"                      },
    {"leading empty line",            "\r\nSubject: x\r\n\r\nhi",                                                        "F - 16\n"                                                                  },
    {"mbox",                          "From a b c\r\nSubject: x\r\n\r\nhi",                                              "F - 2\n"                                                                   },
    {"garbage first",                 "garbage\r\nSubject: x\r\n\r\nhi",                                                 "F - 2\n O - 25\n"                                                          },
    {"garbage between",               "Subject: x\r\ngarbage\r\nX: y\r\n\r\nhi",                                         "F - 2\n O - 19\n"                                                          },
};

static void
test_trees(void)
{
    struct dissect_setup setup;
    struct look *look;

    kit_setup(&setup);
    look = kit_look(&setup);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct findings *findings = kit_look_at(look, rows[i].message);
        struct buf tree;

        UNIT_CHECK_ROW(rows[i].name, strcmp(kit_tree(findings, &tree), rows[i].tree) == 0);
        if (strcmp(buf_text(&tree), rows[i].tree) != 0) {
            fprintf(stderr, "%s", buf_text(&tree));
            kit_marks(findings);
        }
        UNIT_CHECK_ROW(rows[i].name, findings->limit == LIMIT_NONE);
        buf_clear(&tree);
        findings_free(&findings);
    }
    look_free(&look);
}

// Parents come before their children, and places lie in the message.
static void
check_places(const struct findings *findings)
{
    CU_ASSERT(findings->part_count > 0);
    for (size_t i = 0; i < findings->part_count; i++) {
        const struct finding_part *part = &findings->parts[i];

        CU_ASSERT(part->parent < (int32_t)i && (part->parent == -1) == (part->depth == 0));
        CU_ASSERT(part->parent < 0 || part->depth == findings->parts[part->parent].depth + 1);
        CU_ASSERT(part->head_begin <= part->body_begin && part->body_begin <= part->body_end);
        CU_ASSERT(part->body_end <= findings->len);
    }
    for (size_t i = 0; i < findings->mark_count; i++)
        CU_ASSERT(findings->marks[i].part < findings->part_count);
}

// Each message cut off anywhere, and with a byte of each sort in its place.
static void
test_cuts(void)
{
    static const char odd[] = {'\0', '\r', '\n', '-', '"', (char)0xff};
    struct dissect_setup setup;
    struct look *look;

    kit_setup(&setup);
    look = kit_look(&setup);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        size_t len = strlen(rows[i].message);

        for (size_t at = 0; at < len; at++) {
            struct findings *findings;
            char *copy = malloc(len);

            memcpy(copy, rows[i].message, len);
            copy[at] = odd[at % sizeof(odd)];
            findings = kit_see(look, span_from(copy, len));
            check_places(findings);
            findings_free(&findings);
            free(copy);
            copy = malloc(at > 0 ? at : 1);
            memcpy(copy, rows[i].message, at);
            findings = kit_see(look, span_from(copy, at));
            check_places(findings);
            findings_free(&findings);
            free(copy);
        }
    }
    look_free(&look);
}

static const struct unit_test tests[] = {
    {"trees", test_trees},
    {"cuts",  test_cuts },
};

UNIT_MAIN("mime/reading/walk", tests)
