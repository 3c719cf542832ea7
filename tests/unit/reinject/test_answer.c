// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/answer.h"

#include "tests/unit/harness.h"

struct row {
    const char *name, *input;
    enum answer_result result;
    int code;
    const char *enhanced, *text;
    unsigned lines;
};

static const struct row rows[] = {
    {"plain",                     "250 2.1.0 Ok\r\n",                                    ANSWER_DONE,      250, "2.1.0",     "Ok",                1},
    {"no text",                   "250\r\n",                                             ANSWER_DONE,      250, "",          "",                  1},
    {"blank text",                "250 \r\n",                                            ANSWER_DONE,      250, "",          "",                  1},
    {"only the code's code",      "250 2.0.0\r\n",                                       ANSWER_DONE,      250, "2.0.0",     "",                  1},
    {"enhanced of another class", "550 4.1.1 what\r\n",                                  ANSWER_DONE,      550, "",          "4.1.1 what",        1},
    {"enhanced too long",         "550 5.1000.1 what\r\n",                               ANSWER_DONE,      550, "",          "5.1000.1 what",     1},
    {"enhanced glued",            "550 5.1.1what\r\n",                                   ANSWER_DONE,      550, "",          "5.1.1what",         1},
    {"enhanced of three digits",  "550 5.123.456 x\r\n",                                 ANSWER_DONE,      550, "5.123.456", "x",                 1},
    {"lines",                     "550-5.7.1 not\r\n550-5.7.1 for\r\n550 5.7.1 you\r\n", ANSWER_DONE,      550, "5.7.1",
     "not for you",                                                                                                                               3},
    {"first enhanced counts",     "550-5.7.1 a\r\n550 5.7.2 b\r\n",                      ANSWER_DONE,      550, "5.7.1",     "a b",
     2                                                                                                                                             },
    {"last line bare",            "250-a\r\n250\r\n",                                    ANSWER_DONE,      250, "",          "a",                 2},
    {"354",                       "354 go\r\n",                                          ANSWER_DONE,      354, "",          "go",                1},
    {"controls",                  "250 a\tb\x01\x7f\x1b[2J\r\n",                         ANSWER_DONE,      250, "",          "a b???[2J",         1},
    {"utf-8",                     "550 5.1.1 \xc3\xa9t\xc3\xa9\r\n",                     ANSWER_DONE,      550, "5.1.1",     "\xc3\xa9t\xc3\xa9", 1},
    {"latin-1",                   "550 \xe9t\xe9\r\n",                                   ANSWER_DONE,      550, "",          "?t?",               1},
    {"utf-8 controls",
     "550 a\xc2\x9b"
     "b\xe2\x80\xa8"
     "c\r\n",                                                                            ANSWER_DONE,      550, "",          "a??b???c",          1},
    {"1xx",                       "150 x\r\n",                                           ANSWER_BAD,       0,   "",          "",                  0},
    {"6xx",                       "650 x\r\n",                                           ANSWER_BAD,       0,   "",          "",                  0},
    {"two digits",                "25 x\r\n",                                            ANSWER_BAD,       0,   "",          "",                  0},
    {"four digits",               "2500 x\r\n",                                          ANSWER_BAD,       0,   "",          "",                  0},
    {"letters",                   "abc x\r\n",                                           ANSWER_BAD,       0,   "",          "",                  0},
    {"other separator",           "250_x\r\n",                                           ANSWER_BAD,       0,   "",          "",                  0},
    {"empty line",                "\r\n",                                                ANSWER_BAD,       0,   "",          "",                  0},
    {"bare lf",                   "250 x\n",                                             ANSWER_BAD,       0,   "",          "",                  0},
    {"only lf",                   "\n",                                                  ANSWER_BAD,       0,   "",          "",                  0},
    {"cr inside",                 "250 x\ry\r\n",                                        ANSWER_BAD,       0,   "",          "",                  0},
    {"codes differ",              "250-x\r\n251 y\r\n",                                  ANSWER_BAD,       0,   "",          "",                  0},
    {"more to come",              "250-x\r\n",                                           ANSWER_NEED_MORE, 0,   "",          "",                  0},
    {"no line end",               "250 x\r",                                             ANSWER_NEED_MORE, 0,   "",          "",                  0},
    {"nothing",                   "",                                                    ANSWER_NEED_MORE, 0,   "",          "",                  0},
};

static void
check_row(const struct row *row)
{
    struct answer answer;
    size_t used = 0;
    enum answer_result result = answer_read(span_of(row->input), &answer, &used, NULL, NULL);

    UNIT_CHECK_ROW(row->name, result == row->result);
    if (result != ANSWER_DONE)
        return;
    UNIT_CHECK_ROW(row->name, used == strlen(row->input));
    UNIT_CHECK_ROW(row->name, answer.code == row->code);
    UNIT_CHECK_ROW(row->name, strcmp(answer.enhanced, row->enhanced) == 0);
    UNIT_CHECK_ROW(row->name, strcmp(answer.text, row->text) == 0);
    UNIT_CHECK_ROW(row->name, answer.lines == row->lines);
}

static void
test_rows(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        check_row(&rows[i]);
}

static void
test_bites(void)
{
    // A reply that is cut anywhere wants more, or is known to be bad; it is never done early.
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        for (size_t len = 0; len < strlen(rows[i].input); len++) {
            struct answer answer;
            size_t used;
            enum answer_result result =
                answer_read(span_from(rows[i].input, len), &answer, &used, NULL, NULL);

            UNIT_CHECK_ROW(rows[i].name,
                           result == ANSWER_NEED_MORE ||
                               (result == ANSWER_BAD && rows[i].result == ANSWER_BAD));
        }
    }
}

static void
test_next_is_left(void)
{
    struct answer answer;
    size_t used;

    CU_ASSERT(answer_read(span_of("250 a\r\n354 b\r\n"), &answer, &used, NULL, NULL) ==
              ANSWER_DONE);
    CU_ASSERT(used == 7);
    CU_ASSERT(answer.code == 250);
}

static void
test_nul(void)
{
    struct answer answer;
    size_t used;

    CU_ASSERT(answer_read(SPAN_LITERAL("250 a\0b\r\n"), &answer, &used, NULL, NULL) == ANSWER_DONE);
    CU_ASSERT_STRING_EQUAL(answer.text, "a?b");
}

static void
test_limits(void)
{
    struct answer answer;
    struct buf buf;
    size_t used;

    buf_init(&buf, 1 << 20);
    for (unsigned i = 1; i < ANSWER_LINES_MAX; i++)
        (void)buf_add_text(&buf, "250-x\r\n");
    (void)buf_add_text(&buf, "250 y\r\n");
    CU_ASSERT(answer_read(buf_span(&buf), &answer, &used, NULL, NULL) == ANSWER_DONE);
    CU_ASSERT(answer.lines == ANSWER_LINES_MAX);
    buf_reset(&buf);
    for (unsigned i = 0; i <= ANSWER_LINES_MAX; i++)
        (void)buf_add_text(&buf, "250-x\r\n");
    CU_ASSERT(answer_read(buf_span(&buf), &answer, &used, NULL, NULL) == ANSWER_BAD);
    buf_reset(&buf);
    (void)buf_add_text(&buf, "250 ");
    while (buf.len < ANSWER_LINE_MAX - 2)
        (void)buf_add_char(&buf, 'x');
    CU_ASSERT(answer_read(buf_span(&buf), &answer, &used, NULL, NULL) == ANSWER_NEED_MORE);
    (void)buf_add_text(&buf, "\r\n");
    CU_ASSERT(answer_read(buf_span(&buf), &answer, &used, NULL, NULL) == ANSWER_DONE);
    CU_ASSERT(strlen(answer.text) == ANSWER_TEXT_MAX);
    buf_cut(&buf, buf.len - 2);
    (void)buf_add_text(&buf, "xx");
    CU_ASSERT(answer_read(buf_span(&buf), &answer, &used, NULL, NULL) == ANSWER_BAD);
    buf_clear(&buf);
}

static void
test_cut_between_characters(void)
{
    struct answer answer;
    char text[ANSWER_TEXT_MAX + 8];

    memset(text, 'x', sizeof(text));
    strcpy(text + ANSWER_TEXT_MAX - 1, "\xc3\xa9");
    answer_set(&answer, text);
    CU_ASSERT(answer.code == 0);
    CU_ASSERT(strlen(answer.text) == ANSWER_TEXT_MAX - 1);
    CU_ASSERT(strspn(answer.text, "x") == ANSWER_TEXT_MAX - 1);
}

static void
add_line(void *arg, struct span line)
{
    (void)buf_printf(arg, "[%.*s]", (int)line.len, line.data);
}

static void
test_lines_are_told_once(void)
{
    static const char input[] = "250-mx.example\r\n250-SIZE 100\r\n250\r\n";
    struct answer answer;
    struct buf told;
    size_t used;

    buf_init(&told, 1000);
    for (size_t len = 0; len <= strlen(input); len++)
        (void)answer_read(span_from(input, len), &answer, &used, add_line, &told);
    CU_ASSERT_STRING_EQUAL(buf_text(&told), "[mx.example][SIZE 100][]");
    buf_clear(&told);
}

static const struct {
    const char *name, *reply, *id;
} id_rows[] = {
    {"postfix short",           "250 2.0.0 Ok: queued as 4F1A22C0D7\r\n",                             "4F1A22C0D7"                                                      },
    {"postfix long",            "250 2.0.0 Ok: queued as 4Zb1yn0QZrzB\r\n",                           "4Zb1yn0QZrzB"                                                    },
    {"postfix bdat",            "250 2.0.0 Ok: 1234 bytes queued as 4Zb1yn0QZrzB\r\n",                "4Zb1yn0QZrzB"                                                    },
    {"postfix through a proxy",
     "250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 4Zb1yn0QZrzB\r\n",          "4Zb1yn0QZrzB"                                                    },
    {"exim",                    "250 OK id=1abCde-0001fG-2H\r\n",                                     "1abCde-0001fG-2H"                                                },
    {"exim 4.97",               "250 OK id=1abCde-00000001fGX-2Hij\r\n",                              "1abCde-00000001fGX-2Hij"                                         },
    {"exim bdat",               "250- 1234 byte chunk, total 1234\r\n250 OK id=1abCde-0001fG-2H\r\n",
     "1abCde-0001fG-2H"                                                                                                                                                 },
    {"opensmtpd",               "250 2.0.0 9f3ac2d1 Message accepted for delivery\r\n",               "9f3ac2d1"                                                        },
    {"sendmail",                "250 2.0.0 3BK6aLpQ012345 Message accepted for delivery\r\n",         "3BK6aLpQ012345"                                                  },
    {"haraka",                  "250 Message Queued (1F2E3D4C-5B6A-7988-8765-4321ABCDEF00.1)\r\n",
     "1F2E3D4C-5B6A-7988-8765-4321ABCDEF00.1"                                                                                                                           },
    {"nothing",                 "250 2.0.0 Ok\r\n",                                                   ""                                                                },
    {"no text",                 "250\r\n",                                                            ""                                                                },
    {"without an id",           "250 2.0.0 Message accepted for delivery\r\n",                        ""                                                                },
    {"mark at the end",         "250 2.0.0 Ok: queued as\r\n",                                        ""                                                                },
    {"mark and blank",          "250 2.0.0 Ok: queued as \r\n",                                       ""                                                                },
    {"mark inside a word",      "250 2.0.0 Ok grid=17\r\n",                                           ""                                                                },
    {"a refusal",               "450 4.3.0 not queued as 4F1A22C0D7\r\n",                             ""                                                                },
    {"id of 64",
     "250 queued as 0123456789012345678901234567890123456789012345678901234567890123\r\n",            "0123456789012345678901234567890123456789012345678901234567890123"},
    {"id of 65",
     "250 queued as 01234567890123456789012345678901234567890123456789012345678901234\r\n",           ""                                                                },
    {"escape in the id",        "250 2.0.0 Ok: queued as 4F1A\x1b[0m\r\n",                            "4F1A"                                                            },
};

static void
test_queue_ids(void)
{
    for (size_t i = 0; i < UNIT_COUNT(id_rows); i++) {
        struct answer answer;
        char id[ANSWER_QUEUE_ID_MAX + 1] = "unset";
        size_t used;

        UNIT_CHECK_ROW(id_rows[i].name, answer_read(span_of(id_rows[i].reply), &answer, &used, NULL,
                                                    NULL) == ANSWER_DONE);
        answer_queue_id(&answer, id);
        UNIT_CHECK_ROW(id_rows[i].name, strcmp(id, id_rows[i].id) == 0);
    }
}

static const struct unit_test tests[] = {
    {"rows",                   test_rows                  },
    {"cut anywhere",           test_bites                 },
    {"the next reply is left", test_next_is_left          },
    {"NUL",                    test_nul                   },
    {"limits",                 test_limits                },
    {"cut between characters", test_cut_between_characters},
    {"lines are told once",    test_lines_are_told_once   },
    {"queue ids",              test_queue_ids             },
};

UNIT_MAIN("reinject/answer", tests)
