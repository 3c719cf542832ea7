// SPDX-License-Identifier: BSD-2-Clause
#include "filters/result.h"

#include <math.h>

#include "tests/unit/harness.h"

#include "base/buf.h"
#include "base/mem.h"
#include "spool/journal.h"

enum { KEY = 7 };

static void
test_names_of_all(void)
{
    CU_ASSERT_STRING_EQUAL(result_kind_name(RESULT_PENDING), "pending");
    CU_ASSERT_STRING_EQUAL(result_kind_name(RESULT_CLEAN), "clean");
    CU_ASSERT_STRING_EQUAL(result_kind_name(RESULT_HIT), "hit");
    CU_ASSERT_STRING_EQUAL(result_kind_name(RESULT_UNSCANNABLE), "unscannable");
    CU_ASSERT_STRING_EQUAL(result_kind_name(RESULT_FAILED), "failed");
    CU_ASSERT_STRING_EQUAL(result_kind_name(RESULT_SKIPPED), "skipped");
    CU_ASSERT_STRING_EQUAL(result_wish_name(WISH_NONE), "none");
    CU_ASSERT_STRING_EQUAL(result_wish_name(WISH_ACCEPT), "accept");
    CU_ASSERT_STRING_EQUAL(result_wish_name(WISH_REJECT), "reject");
    CU_ASSERT_STRING_EQUAL(result_wish_name(WISH_DEFER), "defer");
    CU_ASSERT_STRING_EQUAL(result_wish_name(WISH_QUARANTINE), "quarantine");
    CU_ASSERT_STRING_EQUAL(result_wish_name(WISH_DISCARD), "discard");
}

static void
test_texts_are_cleaned(void)
{
    static const struct {
        const char *name;
        struct span text;
        const char *expected;
    } rows[] = {
        {"plain",               {"Eicar-Test", 10},        "Eicar-Test"        },
        {"empty",               {"", 0},                   ""                  },
        {"null",                {NULL, 0},                 ""                  },
        {"line ends",           {"a\r\nb\n", 5},           "a b"               },
        {"only controls",       {"\r\n\0\x1b", 4},         ""                  },
        {"NUL and DEL",         {"a\0b\x7f", 4},           "a b"               },
        {"blanks at both ends", {"  a b  ", 7},            "a b"               },
        {"C1",
         {"a\xc2\x9b"
          "b",
          4},
         "a b"                                                                 },
        {"separators",
         {"a\xe2\x80\xa8"
          "b\xe2\x80\xa9",
          8},
         "a b"                                                                 },
        {"UTF-8 stays",         {"gr\xc3\xbc\xc3\x9f", 6}, "gr\xc3\xbc\xc3\x9f"},
        {"stray bytes",         {"a\xff\xc3", 3},          "a??"               },
        {"quotes stay",         {"a\"<b>,", 6},            "a\"<b>,"           },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char *text = mem_strdup("former");

        result_set_text(&text, rows[i].text);
        UNIT_CHECK_ROW(rows[i].name, strcmp(text, rows[i].expected) == 0);
        mem_free(&text);
    }
}

static void
test_texts_are_cut(void)
{
    char long_text[RESULT_TEXT_MAX * 2];
    char *text = NULL;
    struct result result;

    memset(long_text, 'x', sizeof(long_text));
    result_set_text(&text, span_from(long_text, sizeof(long_text)));
    CU_ASSERT_EQUAL(strlen(text), RESULT_TEXT_MAX);
    // Not in the middle of a character.
    memcpy(long_text + RESULT_TEXT_MAX - 1, "\xc3\xbc", 2);
    result_set_text(&text, span_from(long_text, sizeof(long_text)));
    CU_ASSERT_EQUAL(strlen(text), RESULT_TEXT_MAX - 1);
    mem_free(&text);

    result_init(&result);
    for (size_t i = 0; i < RESULT_NAMES_MAX + 10; i++)
        result_add_name(&result, span_from(long_text, RESULT_NAME_MAX + i));
    CU_ASSERT_EQUAL(result.name_count, RESULT_NAMES_MAX);
    for (size_t i = 0; i < result.name_count; i++)
        CU_ASSERT_EQUAL(strlen(result.names[i]), RESULT_NAME_MAX);
    result_clear(&result);
    CU_ASSERT_EQUAL(result.name_count, 0);
}

static void
test_nameless(void)
{
    struct result result;

    result_init(&result);
    result_add_name(&result, SPAN_LITERAL("\r\n"));
    result_add_name(&result, span_from(NULL, 0));
    CU_ASSERT_EQUAL_FATAL(result.name_count, 2);
    CU_ASSERT_STRING_EQUAL(result.names[0], "?");
    CU_ASSERT_STRING_EQUAL(result.names[1], "?");
    result_clear(&result);
}

static void
test_set(void)
{
    struct result result;

    result_init(&result);
    CU_ASSERT_EQUAL(result.kind, RESULT_PENDING);
    result_set(&result, RESULT_FAILED, "%s\n%d", "no answer", 5);
    CU_ASSERT_STRING_EQUAL(result.reason, "no answer 5");
    result_add_name(&result, SPAN_LITERAL("name"));
    result.has_score = true;
    // What it tells may stand in what it clears.
    result_set(&result, RESULT_UNSCANNABLE, "after %s", result.reason);
    CU_ASSERT_EQUAL(result.kind, RESULT_UNSCANNABLE);
    CU_ASSERT_STRING_EQUAL(result.reason, "after no answer 5");
    CU_ASSERT_EQUAL(result.name_count, 0);
    CU_ASSERT_FALSE(result.has_score);
    result_clear(&result);
    CU_ASSERT_PTR_NULL(result.reason);
    CU_ASSERT_EQUAL(result.kind, RESULT_PENDING);
}

// Returns the line, which is the only one in out.
static struct span
note(const struct result *result, const char *filter, struct buf *out)
{
    struct journal_writer writer;

    buf_init(out, 2 << 20);
    journal_begin(&writer, out, KEY, 1, 1700000000000, "result");
    result_note(result, filter, &writer);
    CU_ASSERT_EQUAL(journal_end(&writer), 0);
    return buf_span(out);
}

static int
read_back(struct span text, char **filter_out, struct result *result_out)
{
    static struct journal_reader reader;
    struct journal_line line;

    journal_reader_init(&reader, text, KEY);
    CU_ASSERT_FATAL(journal_next(&reader, &line));
    return result_read(&line, filter_out, result_out);
}

static bool
is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
check_same(const struct result *a, const struct result *b)
{
    CU_ASSERT_EQUAL(a->kind, b->kind);
    CU_ASSERT_EQUAL(a->is_virus, b->is_virus);
    CU_ASSERT_EQUAL(a->has_score, b->has_score);
    CU_ASSERT(!a->has_score || a->score == b->score);
    CU_ASSERT(!a->has_score || a->required_score == b->required_score);
    CU_ASSERT_EQUAL(a->wish, b->wish);
    CU_ASSERT_EQUAL(a->took_us, b->took_us);
    CU_ASSERT(is_same_text(a->action, b->action));
    CU_ASSERT(is_same_text(a->reply, b->reply));
    CU_ASSERT(is_same_text(a->reason, b->reason));
    CU_ASSERT(is_same_text(a->server, b->server));
    CU_ASSERT_EQUAL_FATAL(a->name_count, b->name_count);
    for (size_t i = 0; i < a->name_count; i++)
        CU_ASSERT_STRING_EQUAL(a->names[i], b->names[i]);
    CU_ASSERT(edit_list_equal(&a->edits, &b->edits));
}

static void
check_journal(const struct result *result)
{
    struct buf line;
    struct result back;
    char *filter = NULL;

    CU_ASSERT_EQUAL_FATAL(read_back(note(result, "av-1.x_y", &line), &filter, &back), 0);
    CU_ASSERT_STRING_EQUAL(filter, "av-1.x_y");
    check_same(result, &back);
    mem_free(&filter);
    result_clear(&back);
    buf_clear(&line);
}

static void
test_journal(void)
{
    struct result result;

    for (int kind = RESULT_PENDING; kind <= RESULT_SKIPPED; kind++) {
        result_init(&result);
        result.kind = (enum result_kind)kind;
        check_journal(&result);
    }
    for (int wish = WISH_NONE; wish <= WISH_DISCARD; wish++) {
        result_init(&result);
        result.wish = (enum result_wish)wish;
        check_journal(&result);
    }
    result_init(&result);
    result.kind = RESULT_HIT;
    result.is_virus = true;
    result.has_score = true;
    result.score = -0.1;
    result.required_score = 1e300;
    result.took_us = 123456789;
    result_add_name(&result, SPAN_LITERAL("a b=c"));
    result_add_name(&result, SPAN_LITERAL("gr\xc3\xbc\xc3\x9f"));
    result_add_name(&result, SPAN_LITERAL("a b=c"));
    result_set_text(&result.action, SPAN_LITERAL("add header"));
    result_set_text(&result.reply, SPAN_LITERAL("4.7.1 \"later\""));
    result_set_text(&result.reason, SPAN_LITERAL(""));
    result_set_text(&result.server, SPAN_LITERAL("inet:127.0.0.1:11333"));
    CU_ASSERT_EQUAL(edit_list_add(&result.edits, EDIT_ADD, "X-Spam", span_of("Yes"), 1, NULL), 0);
    CU_ASSERT_EQUAL(edit_list_add(&result.edits, EDIT_REMOVE, "X-Old", span_of(""), 0, NULL), 0);
    check_journal(&result);
    result_clear(&result);
}

// The line stays within its bound; what it leaves out it counts.
static void
test_journal_is_bounded(void)
{
    char text[60000];
    struct result result, back;
    struct buf line;
    char *filter = NULL;

    memset(text, 'x', sizeof(text));
    result_init(&result);
    for (size_t i = 0; i < RESULT_NAMES_MAX; i++)
        result_add_name(&result, span_from("\xff\xff\xff\xff\xff\xff", 6));
    for (size_t i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(
            edit_list_add(&result.edits, EDIT_ADD, "X", span_from(text, sizeof(text)), 0, NULL), 0);
    note(&result, "a", &line);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_text(&line), " omitted=3 "));
    CU_ASSERT_EQUAL_FATAL(read_back(buf_span(&line), &filter, &back), 0);
    CU_ASSERT_EQUAL(back.name_count, RESULT_NAMES_MAX);
    CU_ASSERT_EQUAL(back.edits.count, 2);
    mem_free(&filter);
    result_clear(&back);
    result_clear(&result);
    buf_clear(&line);
}

static void
test_bad_lines(void)
{
    static const struct {
        const char *event;
        const char *fields[6]; // key, value; NULL-terminated
        int result;
    } rows[] = {
        {"result", {"filter", "a", "result", "hit"},                  0 },
        {"result", {"result", "hit", "filter", "a", "later", "x"},    0 },
        {"sent",   {"filter", "a", "result", "hit"},                  -1},
        {"result", {"result", "hit"},                                 -1},
        {"result", {"filter", "a"},                                   -1},
        {"result", {"filter", "a", "result", "Hit"},                  -1},
        {"result", {"filter", "a", "result", ""},                     -1},
        {"result", {"filter", "a", "result", "hit", "score", "x"},    -1},
        {"result", {"filter", "a", "result", "hit", "score", ""},     -1},
        {"result", {"filter", "a", "result", "hit", "score", "nan"},  -1},
        {"result", {"filter", "a", "result", "hit", "score", "inf"},  -1},
        {"result", {"filter", "a", "result", "hit", "score", "1 2"},  -1},
        {"result", {"filter", "a", "result", "hit", "required", "x"}, -1},
        {"result", {"filter", "a", "result", "hit", "took", "-1"},    -1},
        {"result", {"filter", "a", "result", "hit", "wish", "x"},     -1},
        {"result", {"filter", "a", "result", "hit", "edit", "x"},     -1},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct journal_writer writer;
        struct result result;
        struct buf line;
        char *filter = NULL;
        int answer;

        buf_init(&line, 10000);
        journal_begin(&writer, &line, KEY, 1, 1, rows[i].event);
        for (size_t j = 0; j < 6 && rows[i].fields[j] != NULL; j += 2)
            journal_field_text(&writer, rows[i].fields[j], rows[i].fields[j + 1]);
        CU_ASSERT_EQUAL(journal_end(&writer), 0);
        answer = read_back(buf_span(&line), &filter, &result);
        UNIT_CHECK_ROW(buf_text(&line), answer == rows[i].result);
        UNIT_CHECK_ROW(buf_text(&line), (filter != NULL) == (answer == 0));
        mem_free(&filter);
        result_clear(&result);
        buf_clear(&line);
    }
}

static const struct unit_test tests[] = {
    {"names of kinds and wishes", test_names_of_all      },
    {"texts are cleaned",         test_texts_are_cleaned },
    {"texts are cut",             test_texts_are_cut     },
    {"a name that is none",       test_nameless          },
    {"set",                       test_set               },
    {"journal",                   test_journal           },
    {"journal is bounded",        test_journal_is_bounded},
    {"bad lines",                 test_bad_lines         },
};

UNIT_MAIN("filters/result", tests)
