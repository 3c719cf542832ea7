// SPDX-License-Identifier: BSD-2-Clause
#include "mime/edits.h"

#include "tests/unit/harness.h"

#define HEADER                                                                                     \
    "Received: x\r\n\tby y\r\nSubject: hello\r\nX: 1\r\nTo: a\r\nx : 2\r\nX: 3\r\n  folded\r\n"

static const struct {
    const char *name, *header;
    const char *edits; // parted by "|"
    const char *result;
} rows[] = {
    {"nothing",                    HEADER "\r\n",                                "",                                                HEADER "\r\n"                                                              },
    {"nothing of it is touched",   "A:b\nno field\n c\r\n\t\r\n::\n \nA\r\n\n",
     "remove 0 X:|set 0 No:x|remove 0 No:",                                                                                         "A:b\nno field\n c\r\n\t\r\n::\n \nA\r\n\n"                                },

    {"add on top",                 "A: b\r\n\r\n",                               "add 0 X:y",                                       "X: y\r\nA: b\r\n\r\n"                                                     },
    {"add two on top",             "A: b\r\n\r\n",                               "add 0 X:1|add 0 X:2",                             "X: 2\r\nX: 1\r\nA: b\r\n\r\n"                                             },
    {"add below the first",        "A: b\r\n c\r\nD: e\r\n\r\n",                 "add 1 X:y",
     "A: b\r\n c\r\nX: y\r\nD: e\r\n\r\n"                                                                                                                                                                      },
    {"add below the last",         "A: b\r\nD: e\r\n\r\n",                       "add 2 X:y",                                       "A: b\r\nD: e\r\nX: y\r\n\r\n"                                             },
    {"add far below",              "A: b\r\nD: e\r\n\r\n",                       "add 2147483647 X:y",                              "A: b\r\nD: e\r\nX: y\r\n\r\n"                                             },
    {"add at the end",             "A: b\r\nD: e\r\n\r\n",                       "add -1 X:y",                                      "A: b\r\nD: e\r\nX: y\r\n\r\n"                                             },
    {"new ones are counted",       "A: b\r\nD: e\r\n\r\n",                       "add 0 X:1|add 1 X:2|add 3 X:3|add -1 X:4",
     "X: 1\r\nX: 2\r\nA: b\r\nX: 3\r\nD: e\r\nX: 4\r\n\r\n"                                                                                                                                                    },
    {"no field is not counted",    "oops\r\nA: b\r\nD: e\r\n\r\n",               "add 1 X:y",
     "oops\r\nA: b\r\nX: y\r\nD: e\r\n\r\n"                                                                                                                                                                    },
    {"on top of no field",         "oops\r\nA: b\r\n\r\n",                       "add 0 X:y",                                       "X: y\r\noops\r\nA: b\r\n\r\n"                                             },
    {"removed is not counted",     "A: b\r\nD: e\r\nF: g\r\n\r\n",               "remove 0 A:|add 1 X:y",
     "D: e\r\nX: y\r\nF: g\r\n\r\n"                                                                                                                                                                            },
    {"add folded",                 "A: b\r\n\r\n",                               "add -1 X:y\r\n\tz",                               "A: b\r\nX: y\r\n\tz\r\n\r\n"                                              },
    {"add empty",                  "\r\n",                                       "add -1 X:",                                       "X:\r\n\r\n"                                                               },

    {"set the only",               "A: b\r\nX: 1\r\n 2\r\nC: d\r\n\r\n",         "set 0 x:new",
     "A: b\r\nx: new\r\nC: d\r\n\r\n"                                                                                                                                                                          },
    {"set the first of three",     HEADER "\r\n",                                "set 0 X:new",
     "Received: x\r\n\tby y\r\nSubject: hello\r\nX: new\r\nTo: a\r\n\r\n"                                                                                                                                      },
    {"set a missing one",          "A: b\r\n\r\n",                               "set 0 X:new",                                     "A: b\r\nX: new\r\n\r\n"                                                   },
    {"set twice",                  "A: b\r\n\r\n",                               "set 0 X:1|set 0 X:2",                             "A: b\r\nX: 2\r\n\r\n"                                                     },
    {"set what was added",         "X: b\r\n\r\n",                               "add 0 X:1|add -1 X:2|set 0 X:3",                  "X: 3\r\n\r\n"                                                             },
    {"set what was removed",       "X: b\r\nA: b\r\n\r\n",                       "remove 0 X:|set 0 X:3",
     "A: b\r\nX: 3\r\n\r\n"                                                                                                                                                                                    },

    {"remove all",                 HEADER "\r\n",
     "remove 0 X:",                                                                                                                 "Received: x\r\n\tby y\r\nSubject: hello\r\nTo: a\r\n\r\n"                 },
    {"remove the first",           HEADER "\r\n",                                "remove 1 x:",
     "Received: x\r\n\tby y\r\nSubject: hello\r\nTo: a\r\nx : 2\r\nX: 3\r\n  folded\r\n\r\n"                                                                                                                   },
    {"remove the second",          HEADER "\r\n",                                "remove 2 X:",
     "Received: x\r\n\tby y\r\nSubject: hello\r\nX: 1\r\nTo: a\r\nX: 3\r\n  folded\r\n\r\n"                                                                                                                    },
    {"remove the third",           HEADER "\r\n",
     "remove 3 X:",                                                                                                                 "Received: x\r\n\tby y\r\nSubject: hello\r\nX: 1\r\nTo: a\r\nx : 2\r\n\r\n"},
    {"remove the fourth",          HEADER "\r\n",                                "remove 4 X:",                                     HEADER "\r\n"                                                              },
    {"remove the last",            HEADER "\r\n",
     "remove -1 X:",                                                                                                                "Received: x\r\n\tby y\r\nSubject: hello\r\nX: 1\r\nTo: a\r\nx : 2\r\n\r\n"},
    {"remove the last but two",    HEADER "\r\n",                                "remove -3 X:",
     "Received: x\r\n\tby y\r\nSubject: hello\r\nTo: a\r\nx : 2\r\nX: 3\r\n  folded\r\n\r\n"                                                                                                                   },
    {"remove the last but 3",      HEADER "\r\n",                                "remove -4 X:",                                    HEADER "\r\n"                                                              },
    {"remove one after another",   HEADER "\r\n",                                "remove 1 X:|remove 1 X:|remove 1 X:|remove 1 X:",
     "Received: x\r\n\tby y\r\nSubject: hello\r\nTo: a\r\n\r\n"                                                                                                                                                },
    {"remove the first of all",    "A: b\r\n\r\n",                               "remove 0 A:",                                     "\r\n"                                                                     },
    {"remove a missing one",       HEADER "\r\n",
     "remove 0 Xx:|remove 1 Received-SPF:|remove -1 T:",                                                                            HEADER "\r\n"                                                              },
    {"remove what was added",      "A: b\r\n\r\n",
     "add 0 X:1|add -1 X:2|remove -1 X:",                                                                                           "X: 1\r\nA: b\r\n\r\n"                                                     },
    {"add what was removed",       "X: b\r\nA: b\r\n\r\n",                       "remove 0 X:|add 0 X:1",
     "X: 1\r\nA: b\r\n\r\n"                                                                                                                                                                                    },
    {"tab before the colon",       "X\t :1\r\nA: b\r\n\r\n",                     "remove 1 X:",                                     "A: b\r\n\r\n"                                                             },
    {"name in a further line",     "A: b\r\n X: c\r\n\r\n",                      "remove 0 X:",                                     "A: b\r\n X: c\r\n\r\n"                                                    },
    {"name of no field",           "X Y: c\r\nX\r\n: c\r\n\r\n",
     "remove 0 X:|remove 0 Y:",                                                                                                     "X Y: c\r\nX\r\n: c\r\n\r\n"                                               },
    {"on top of a further line",   " X: c\r\nX: d\r\n\r\n",                      "add 0 Y:1|add 0 Y:2",
     " X: c\r\nY: 2\r\nY: 1\r\nX: d\r\n\r\n"                                                                                                                                                                   },
    {"a further line at first",    " X: c\r\nX: d\r\n\r\n",                      "remove 0 X:",                                     " X: c\r\n\r\n"                                                            },
    {"mbox line",                  "From a Sat Nov 21 12:00:00\r\nA: b\r\n\r\n",
     "remove 0 From:",                                                                                                              "From a Sat Nov 21 12:00:00\r\nA: b\r\n\r\n"                               },

    {"prefix",                     HEADER "\r\n",                                "prefix 0 Subject:[SPAM] ",
     "Received: x\r\n\tby y\r\nSubject: [SPAM] hello\r\nX: 1\r\nTo: a\r\nx : 2\r\nX: 3\r\n  "
     "folded\r\n\r\n"                                                                                                                                                                                          },
    {"prefix, odd blanks",         "SUBJECT \t:\t hello\r\n\r\n",                "prefix 0 Subject:[SPAM] ",
     "SUBJECT \t:\t [SPAM] hello\r\n\r\n"                                                                                                                                                                      },
    {"prefix, no blank",           "Subject:hello\n\n",                          "prefix 0 Subject:[SPAM] ",
     "Subject: [SPAM] hello\n\n"                                                                                                                                                                               },
    {"prefix twice",               "Subject: hello\r\n\r\n",                     "prefix 0 Subject:a |prefix 0 Subject:b ",
     "Subject: b a hello\r\n\r\n"                                                                                                                                                                              },
    {"prefix of the first only",   "Subject: 1\r\nSubject: 2\r\n\r\n",           "prefix 0 Subject:a ",
     "Subject: a 1\r\nSubject: 2\r\n\r\n"                                                                                                                                                                      },
    {"prefix, no Subject",         "A: b\r\n\r\n",                               "prefix 0 Subject:[SPAM] ",
     "A: b\r\nSubject: [SPAM]\r\n\r\n"                                                                                                                                                                         },
    {"prefix of nothing",          "A: b\r\n\r\n",                               "prefix 0 Subject:",                               "A: b\r\nSubject:\r\n\r\n"                                                 },
    {"prefix, nothing",            "Subject:b\r\n\r\n",                          "prefix 0 Subject:",                               "Subject:b\r\n\r\n"                                                        },
    {"prefix, empty value",        "Subject:\r\n\r\n",                           "prefix 0 Subject:[SPAM] ",
     "Subject: [SPAM]\r\n\r\n"                                                                                                                                                                                 },
    {"prefix of what was set",     "Subject: a\r\n\r\n",                         "set 0 Subject:b|prefix 0 Subject:[SPAM] ",
     "Subject: [SPAM] b\r\n\r\n"                                                                                                                                                                               },
    {"prefix of what was removed", "Subject: a\r\n\r\n",
     "remove 0 Subject:|prefix 0 Subject:[SPAM] ",                                                                                  "Subject: [SPAM]\r\n\r\n"                                                  },
    {"prefix, no end at all",      "Subject: a",                                 "prefix 0 Subject:[SPAM] ",                        "Subject: [SPAM] a"                                                        },

    {"no end: add",                "A: b\r\n",                                   "add -1 X:y",                                      "A: b\r\nX: y\r\n"                                                         },
    {"no end of line: add",        "A: b",                                       "add -1 X:y",                                      "A: b\r\nX: y\r\n"                                                         },
    {"no end of line: on top",     "A: b",                                       "add 0 X:y",                                       "X: y\r\nA: b"                                                             },
    {"no end of line: set",        "A: b",                                       "set 0 A:y",                                       "A: y\r\n"                                                                 },
    {"no end of line: remove",     "B: c\r\nA: b",                               "remove 0 A:",                                     "B: c\r\n"                                                                 },
    {"no end of line: cr",         "A: b\r",                                     "add -1 X:y",                                      "A: b\r\r\nX: y\r\n"                                                       },
    {"empty message",              "",                                           "add 0 X:y|add -1 Z:z|remove 0 A:",                "X: y\r\nZ: z\r\n"                                                         },
    {"empty message, nothing",     "",                                           "remove 0 A:",                                     ""                                                                         },
    {"empty line first",           "\r\n",                                       "add 0 X:y|add 5 Z:z|set 0 Y:y",                   "X: y\r\nZ: z\r\nY: y\r\n\r\n"                                             },
    {"empty lf line first",        "\n",                                         "add 0 X:y|prefix 0 Subject:a ",                   "X: y\r\nSubject: a\r\n\n"                                                 },
    {"lf only",                    "A: b\nX: 1\n 2\nC: d\n\n",
     "set 0 X:new|add 1 Y:z|remove 0 C:",                                                                                           "A: b\nY: z\r\nX: new\r\n\n"                                               },
    {"replace is not for here",    "A: b\r\n\r\n",                               "replace 0 3:x",                                   "A: b\r\n\r\n"                                                             },
};

static void
take_edits(const char *edits, struct edit_list *list)
{
    struct span rest = span_of(edits);

    while (rest.len > 0)
        CU_ASSERT_FATAL(edit_parse(span_cut(&rest, '|'), list, NULL) == 0);
}

static void
test_rows(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct edit_list list = {0};
        struct buf out;

        take_edits(rows[i].edits, &list);
        buf_init(&out, 4096);
        CU_ASSERT(buf_add_text(&out, "Before: it\r\n") == 0);
        UNIT_CHECK_ROW(rows[i].name, edits_apply(&list, span_of(rows[i].header), false, &out) == 0);
        buf_drop(&out, 12);
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&out), rows[i].result) == 0);
        buf_clear(&out);
        edit_list_clear(&list);
    }
}

// Every byte of a header stays, whatever it is; only the field that is named changes.
static void
test_every_byte(void)
{
    for (int byte = 0; byte < 256; byte++) {
        char header[] = "A?b: c\r\nD: e?f\r\nX: y\r\n?g\r\n\r\n";
        struct edit_list list = {0};
        struct span block;
        struct buf out;

        header[1] = header[12] = header[22] = (char)byte;
        block = span_from(header, edits_header_len(span_from(header, sizeof header - 1)));
        buf_init(&out, 4096);
        CU_ASSERT(edit_list_add(&list, EDIT_REMOVE, "Nope", span_of(""), 0, NULL) == 0);
        CU_ASSERT(edits_apply(&list, block, false, &out) == 0);
        CU_ASSERT(out.len == block.len && memcmp(out.data, header, block.len) == 0);
        edit_list_clear(&list);
        buf_reset(&out);
        CU_ASSERT(edit_list_add(&list, EDIT_REMOVE, "X", span_of(""), 0, NULL) == 0);
        CU_ASSERT(edits_apply(&list, block, false, &out) == 0);
        CU_ASSERT(memcmp(out.data, header, 16) == 0);
        CU_ASSERT(out.len == block.len - (byte == ' ' || byte == '\t' ? 10 : 6));
        edit_list_clear(&list);
        buf_clear(&out);
    }
}

static void
test_ceiling(void)
{
    struct edit_list list = {0};
    const char *whole = "was there X: y\r\nA: b\r\n\r\n";

    take_edits("add 0 X:y", &list);
    for (size_t ceiling = 10; ceiling <= strlen(whole); ceiling++) {
        struct buf out;
        bool fits = ceiling == strlen(whole);

        buf_init(&out, ceiling);
        CU_ASSERT(buf_add_text(&out, "was there ") == 0);
        CU_ASSERT(edits_apply(&list, span_of("A: b\r\n\r\n"), false, &out) == (fits ? 0 : -1));
        CU_ASSERT(strcmp(buf_text(&out), fits ? whole : "was there ") == 0);
        buf_clear(&out);
    }
    edit_list_clear(&list);
}

static const struct {
    const char *message;
    size_t len;
} len_rows[] = {
    {"",                   0 },
    {"\r\n",               2 },
    {"\n",                 1 },
    {"\r",                 1 },
    {"\nA: b\r\n\r\n",     1 },
    {"A: b\r\n\r\nbody",   8 },
    {"A: b\n\nbody\n\n",   6 },
    {"A: b\r\n\nbody",     7 },
    {"A: b\n\r\nbody",     7 },
    {"A: b\r\n \r\n\r\nx", 11},
    {"A: b\r\n\r\r\nx",    10},
    {"A: b\r\n",           6 },
    {"A: b",               4 },
    {"A: b\r\n\r",         7 },
};

static void
test_header_len(void)
{
    for (size_t i = 0; i < UNIT_COUNT(len_rows); i++)
        UNIT_CHECK_ROW(len_rows[i].message,
                       edits_header_len(span_of(len_rows[i].message)) == len_rows[i].len);
}

static const struct {
    const char *name, *edits, *result; // a piece of the message: offset+len, a literal: "text"
} piece_rows[] = {
  // the header is 10 long, the message 100
    {"none",            "add 0 X:y",                                                          "10+90"                        },
    {"one",             "replace 20 30:x",                                                    "10+10 \"x\" 50+50"            },
    {"removed",         "replace 20 30:",                                                     "10+10 50+50"                  },
    {"inserted",        "replace 20 0:x",                                                     "10+10 \"x\" 20+80"            },
    {"at first",        "replace 10 1:x",                                                     "\"x\" 11+89"                  },
    {"at last",         "replace 99 1:x",                                                     "10+89 \"x\""                  },
    {"behind the last", "replace 100 0:x",                                                    "10+90 \"x\""                  },
    {"all",             "replace 10 90:x",                                                    "\"x\""                        },
    {"all gone",        "replace 10 90:",                                                     ""                             },
    {"sorted",          "replace 50 10:b|replace 20 10:a",                                    "10+10 \"a\" 30+20 \"b\" 60+40"},
    {"side by side",    "replace 20 10:a|replace 30 10:b",                                    "10+10 \"a\" \"b\" 40+60"      },
    {"the same twice",  "replace 20 10:a|replace 20 10:b",                                    "10+10 \"a\" 30+70"            },
    {"two inserted",    "replace 20 0:a|replace 20 0:b",                                      "10+10 \"a\" \"b\" 20+80"      },
    {"overlap",         "replace 25 10:b|replace 20 10:a|replace 30 1:c",                     "10+10 \"a\" \"c\" 31+69"      },
    {"one in another",  "replace 25 1:b|replace 20 10:a",                                     "10+10 \"a\" 30+70"            },
    {"in the header",   "replace 9 1:x|replace 0 0:x|replace 5 50:x",                         "10+90"                        },
    {"behind the end",  "replace 99 2:x|replace 101 0:x|replace 100 1:x",                     "10+90"                        },
    {"huge",
     "replace 18446744073709551615 18446744073709551615:x|replace 50 18446744073709551615:x", "10+90"                        },
};

static void
test_pieces(void)
{
    for (size_t i = 0; i < UNIT_COUNT(piece_rows); i++) {
        struct edit_list list = {0};
        struct edit_piece *pieces;
        size_t count;
        struct buf out;

        buf_init(&out, 4096);
        take_edits(piece_rows[i].edits, &list);
        pieces = edits_pieces(&list, 10, 100, &count);
        UNIT_CHECK_ROW(piece_rows[i].name, count <= 2 * list.count + 1);
        for (size_t j = 0; j < count; j++) {
            const char *gap = j == 0 ? "" : " ";
            int failed =
                pieces[j].literal.data != NULL
                    ? buf_printf(&out, "%s\"%s\"", gap, pieces[j].literal.data)
                    : buf_printf(&out, "%s%d+%d", gap, (int)pieces[j].offset, (int)pieces[j].len);

            CU_ASSERT(failed == 0);
        }
        UNIT_CHECK_ROW(piece_rows[i].name, strcmp(buf_text(&out), piece_rows[i].result) == 0);
        free(pieces);
        edit_list_clear(&list);
        buf_clear(&out);
    }
}

static void
test_no_message(void)
{
    struct edit_list list = {0};
    size_t count = 7;
    struct edit_piece *pieces = edits_pieces(&list, 0, 0, &count);

    CU_ASSERT(count == 0);
    free(pieces);
}

static const struct unit_test tests[] = {
    {"rows",       test_rows      },
    {"every byte", test_every_byte},
    {"ceiling",    test_ceiling   },
    {"header len", test_header_len},
    {"pieces",     test_pieces    },
    {"no message", test_no_message},
};

UNIT_MAIN("mime/edits", tests)
