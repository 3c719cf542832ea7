// SPDX-License-Identifier: BSD-2-Clause
#include "spool/state_told.h"

#include "base/mem.h"
#include "spool/state.h"
#include "tests/unit/harness.h"
#include "tests/unit/spool/sample.h"

// What a recipient has after some lines, "-" where there is nothing.
static void
test_recipients(void)
{
    static const struct {
        const char *name;
        const char *lines[6];
        const char *relay, *queue_id;
        int64_t lines_ago; // since the one that changed it; -1: none did
    } rows[] = {
        {"nothing yet",         {"found"},                                            "-", "-",   -1},
        {"sent",                {"sent r=0 relay=a qid=4Zb"},                         "a", "4Zb", 0 },
        {"another's",           {"sent r=1 relay=a qid=4Zb"},                         "-", "-",   -1},
        {"deferred, then sent",
         {"deferred r=0 relay=a", "sent r=0 relay=b qid=4Zb"},
         "b",                                                                              "4Zb",
         0                                                                                          },
        {"then by ourselves",   {"deferred r=0-2 relay=a", "failed r=0"},             "a", "-",   0 },
        {"bounced",             {"failed r=0 relay=a", "bounced r=0 child=x"},        "a", "-",   0 },
        {"retired",             {"sent r=0 relay=a qid=4Zb", "deferred r=0 relay=b"}, "a", "4Zb", 1 },
        {"decided",             {"decided g=0 verdict=hold r=0", "found"},            "-", "-",   1 },
        {"let go",              {"failed r=0", "unheld", "retry"},                    "-", "-",   1 },
        {"rescanned",           {"decided g=0 verdict=hold r=0", "rescan"},           "-", "-",   0 },
        {"released",            {"release r=0 child=x", "released r=0 child=x"},      "-", "-",   0 },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct spool_state state;
        const struct rcpt_state *rcpt;
        int64_t begin = 1700000000000, count = 0; // of sample_note

        while (rows[i].lines[count] != NULL)
            count++;
        state_init(&state, 4);
        rcpt = &state.rcpts[0];
        sample_apply(&state, rows[i].lines);
        UNIT_CHECK_ROW(rows[i].name,
                       strcmp(rcpt->relay == NULL ? "-" : rcpt->relay, rows[i].relay) == 0);
        UNIT_CHECK_ROW(rows[i].name, strcmp(rcpt->queue_id == NULL ? "-" : rcpt->queue_id,
                                            rows[i].queue_id) == 0);
        UNIT_CHECK_ROW(rows[i].name,
                       rcpt->at_ms ==
                           (rows[i].lines_ago < 0 ? 0 : begin + count - rows[i].lines_ago));
        state_clear(&state);
    }
}

// A crowd that was sent in one go costs no more texts than one recipient.
static void
test_crowd(void)
{
    struct spool_state state;

    state_init(&state, 1000);
    sample_apply(&state, (const char *const[]){"deferred r=0-999 relay=127.0.0.1:25",
                                               "sent r=0-499 relay=127.0.0.1:25 qid=4Zb",
                                               "sent r=500-999 relay=127.0.0.1:25 qid=4Zc", NULL});
    CU_ASSERT_EQUAL(state.told.text_count, 3);
    CU_ASSERT_PTR_EQUAL(state.rcpts[0].relay, state.rcpts[999].relay);
    CU_ASSERT_PTR_EQUAL(state.rcpts[500].queue_id, state.rcpts[999].queue_id);
    CU_ASSERT_STRING_EQUAL(state.rcpts[499].queue_id, "4Zb");
    CU_ASSERT_STRING_EQUAL(state.rcpts[500].queue_id, "4Zc");
    state_clear(&state);
}

static void
test_results(void)
{
    static const struct {
        const char *name;
        const char *lines[5];
        const char *results; // each with a line feed
        uint32_t odd;
    } rows[] = {
        {"one",                          {"result filter=a result=hit name=x"},                 "filter=a result=hit name=x\n", 0},
        {"names at the end",
         {"result filter=a name=x name=y took=5"},
         "filter=a took=5 name=x name=y\n",                                                                                     0},
        {"edits are left out",
         {"result filter=a reply=no edit=add edit=set took=5"},
         "filter=a took=5\n",                                                                                                   0},
        {"two",
         {"result filter=a took=1", "result filter=b took=2"},
         "filter=a took=1\nfilter=b took=2\n",                                                                                  0},
        {"a later look, another filter",
         {"found", "result filter=a took=1", "found", "result filter=b"},
         "filter=b\n",                                                                                                          0},
        {"asked again, nobody looks",
         {"result filter=a took=1", "result filter=ab took=2", "result filter=a took=3"},
         "filter=a took=3\nfilter=ab took=2\n",                                                                                 0},
        {"rescanned",                    {"found", "result filter=a took=1", "rescan"},         "",                             0},
        {"of no filter",                 {"result took=1", "result", "result took=1 filter=a"}, "",                             3},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct spool_state state;
        struct buf text;

        state_init(&state, 1);
        buf_init(&text, 1000);
        sample_apply(&state, rows[i].lines);
        for (size_t k = 0; k < state.told.result_count; k++)
            buf_printf(&text, "%s\n", state.told.results[k]);
        UNIT_CHECK_ROW(rows[i].name, span_is(buf_span(&text), rows[i].results));
        UNIT_CHECK_ROW(rows[i].name, state.odd == rows[i].odd);
        buf_clear(&text);
        state_clear(&state);
    }
}

// However long its names are and however many filters there seem to be.
static void
test_bounds(void)
{
    struct journal_field fields[20] = {
        {SPAN_LITERAL("filter"), SPAN_LITERAL("a")}
    };
    struct journal_line line = {.fields = fields, .field_count = UNIT_COUNT(fields)};
    struct state_told told = {.results = NULL};
    char *name = mem_zalloc(STATE_RESULT_MAX), number[8];

    memset(name, 'n', STATE_RESULT_MAX);
    for (size_t i = 1; i < UNIT_COUNT(fields); i++)
        fields[i] = (struct journal_field){SPAN_LITERAL("name"), span_from(name, 500)};
    fields[UNIT_COUNT(fields) - 1] =
        (struct journal_field){SPAN_LITERAL("took"), SPAN_LITERAL("7")};
    CU_ASSERT(state_told_result(&told, &line));
    CU_ASSERT_FATAL(told.result_count == 1);
    CU_ASSERT(strlen(told.results[0]) <= STATE_RESULT_MAX);
    CU_ASSERT(strlen(told.results[0]) > STATE_RESULT_MAX - 600);
    CU_ASSERT_PTR_NOT_NULL(strstr(told.results[0], "took=7 "));
    fields[0].value = span_from(name, STATE_RESULT_MAX);
    CU_ASSERT(!state_told_result(&told, &line));
    for (size_t i = 0; i < (size_t)STATE_RESULTS_MAX * 2; i++) {
        snprintf(number, sizeof number, "%zu", i);
        fields[0].value = span_of(number);
        CU_ASSERT(state_told_result(&told, &line) == (i < STATE_RESULTS_MAX - 1));
    }
    CU_ASSERT_EQUAL(told.result_count, STATE_RESULTS_MAX);
    state_told_clear(&told);
    CU_ASSERT_PTR_NULL(told.results);
    mem_free(&name);
}

static bool
is_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
test_facts(void)
{
    static const struct {
        const char *name;
        const char *lines[4];
        const char *message_id, *subject;
    } rows[] = {
        {"nobody looked",   {"result filter=a"},                             NULL,    NULL},
        {"both",            {"found len=5 message_id=<a@b> subject=hi"},     "<a@b>", "hi"},
        {"empty ones",      {"found message_id= subject="},                  "",      ""  },
        {"none",            {"found len=5"},                                 NULL,    NULL},
        {"the latest look",
         {"found message_id=<a@b> subject=hi", "found message_id=<c@d>"},
         "<c@d>",                                                                     NULL},
        {"rescanned",       {"found message_id=<a@b> subject=hi", "rescan"}, NULL,    NULL},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct spool_state state;
        const struct state_told *told = &state.told;

        state_init(&state, 1);
        sample_apply(&state, rows[i].lines);
        UNIT_CHECK_ROW(rows[i].name, is_same(told->message_id, rows[i].message_id));
        UNIT_CHECK_ROW(rows[i].name, is_same(told->subject, rows[i].subject));
        state_clear(&state);
    }
}

static const struct unit_test tests[] = {
    {"recipients", test_recipients},
    {"crowd",      test_crowd     },
    {"results",    test_results   },
    {"bounds",     test_bounds    },
    {"facts",      test_facts     },
};

UNIT_MAIN("spool/state_told", tests)
