// SPDX-License-Identifier: BSD-2-Clause
#include "control/request.h"

#include "base/mem.h"
#include "tests/unit/harness.h"

#define ID1 "4X2k9QzT7mB"
#define ID2 "4X2k9QzT7mC"

static const struct {
    const char *name, *line, *expected; // the line as it is written again, or the error's text
    bool is_good;
} requests[] = {
    {"retry all",           "{\"command\":\"retry\",\"all\":true}",                              "{\"command\":\"retry\",\"all\":true}\n",
     true                                                                                                                                       },
    {"its newline",         "{\"command\":\"ping\"}\n",                                          "{\"command\":\"ping\"}\n",               true },
    {"ids",                 "{\"command\":\"delete\",\"ids\":[\"" ID1 "\",\"" ID2 "\"]}",
     "{\"command\":\"delete\",\"ids\":[\"" ID1 "\",\"" ID2 "\"]}\n",                                                                       true },
    {"reason",              "{\"command\":\"hold\",\"ids\":[\"" ID1 "\"],\"reason\":\"a\\tb\"}",
     "{\"command\":\"hold\",\"ids\":[\"" ID1 "\"],\"reason\":\"a b\"}\n",                                                                  true },
    {"child",               "{\"command\":\"hold\",\"ids\":[\"" ID1 ".0a\"]}",
     "{\"command\":\"hold\",\"ids\":[\"" ID1 ".0a\"]}\n",                                                                                  true },
    {"adopt",               "{\"command\":\"adopt\"}",                                           "{\"command\":\"adopt\"}\n",              true },
    {"rescan",              "{\"command\":\"rescan\",\"ids\":[\"" ID1 "\"]}",
     "{\"command\":\"rescan\",\"ids\":[\"" ID1 "\"]}\n",                                                                                   true },
    {"rescan all",          "{\"command\":\"rescan\",\"all\":true}",
     "request: rescan: does not go for all messages",                                                                                      false},
    {"reload",              "{\"command\":\"reload\"}",                                          "{\"command\":\"reload\"}\n",             true },
    {"status",              "{\"command\":\"status\"}",                                          "{\"command\":\"status\"}\n",             true },
    {"status with ids",     "{\"command\":\"status\",\"ids\":[\"" ID1 "\"]}",
     "request: status: expected no ids",                                                                                                   false},
    {"empty",               "",                                                                  "request: ",                              false},
    {"no JSON",             "retry all",                                                         "request: ",                              false},
    {"an array",            "[]",                                                                "request: ",                              false},
    {"no command",          "{}",                                                                "request: command: unknown, \"\"",        false},
    {"unknown command",     "{\"command\":\"halt\"}",                                            "request: command: unknown, \"halt\"",    false},
    {"command is a number", "{\"command\":1}",                                                   "request: command: unknown, \"\"",        false},
    {"hold all",            "{\"command\":\"hold\",\"all\":true}",
     "request: hold: does not go for all messages",                                                                                        false},
    {"delete nothing",      "{\"command\":\"delete\"}",                                          "request: delete: expected ids",          false},
    {"delete empty list",   "{\"command\":\"delete\",\"ids\":[]}",                               "request: delete: expected ids",
     false                                                                                                                                      },
    {"retry both",          "{\"command\":\"retry\",\"all\":true,\"ids\":[\"" ID1 "\"]}",
     "request: retry: expected either ids or all",                                                                                         false},
    {"retry neither",       "{\"command\":\"retry\"}",                                           "request: retry: expected ids",           false},
    {"reload with ids",     "{\"command\":\"reload\",\"ids\":[\"" ID1 "\"]}",
     "request: reload: expected no ids",                                                                                                   false},
    {"path as id",          "{\"command\":\"delete\",\"ids\":[\"../../x\"]}",
     "request: ids: expected message ids, not \"../../x\"",                                                                                false},
    {"number as id",        "{\"command\":\"delete\",\"ids\":[\"" ID1 "\",7]}",
     "request: ids: expected message ids, not \"?\"",                                                                                      false},
    {"behind the object",   "{\"command\":\"ping\"} {}",                                         "request: ",                              false},
};

static void
requests_are_read(void)
{
    for (size_t i = 0; i < UNIT_COUNT(requests); i++) {
        struct request request;
        struct err err = {ERR_NONE, ""};
        struct buf out;
        int result = request_read(span_of(requests[i].line), &request, &err);

        UNIT_CHECK_ROW(requests[i].name, (result == 0) == requests[i].is_good);
        buf_init(&out, REQUEST_LINE_MAX);
        if (result == 0) {
            UNIT_CHECK_ROW(requests[i].name, request_write(&request, &out) == 0);
            UNIT_CHECK_ROW(requests[i].name, strcmp(buf_text(&out), requests[i].expected) == 0);
            request_clear(&request);
        } else {
            UNIT_CHECK_ROW(requests[i].name, err.kind == ERR_PERM);
            UNIT_CHECK_ROW(requests[i].name, strncmp(err.text, requests[i].expected,
                                                     strlen(requests[i].expected)) == 0);
        }
        buf_clear(&out);
    }
}

// No shorter line is the same request, and none is read past its end.
static void
cut_lines_are_refused(void)
{
    const char *line = "{\"command\":\"hold\",\"ids\":[\"" ID1 "\"],\"reason\":\"x\"}";

    for (size_t len = 0; len < strlen(line); len++) {
        struct request request;
        char *copy = mem_strndup(line, len);
        struct err err;

        CU_ASSERT(request_read(span_from(copy, len), &request, &err) == -1);
        mem_free(&copy);
    }
}

static void
bounds_hold(void)
{
    struct request request = {.command = REQUEST_DELETE, .id_count = REQUEST_IDS_MAX};
    struct request again;
    struct buf out;
    struct err err;

    request.ids = mem_zarray(REQUEST_IDS_MAX + 1, sizeof request.ids[0]);
    for (size_t i = 0; i <= REQUEST_IDS_MAX; i++)
        snprintf(request.ids[i], sizeof request.ids[i], "%s.%028zu", ID1, i);
    buf_init(&out, REQUEST_LINE_MAX);
    CU_ASSERT(request_write(&request, &out) == 0);
    CU_ASSERT(request_read(buf_span(&out), &again, &err) == 0);
    CU_ASSERT(again.id_count == REQUEST_IDS_MAX);
    CU_ASSERT_STRING_EQUAL(again.ids[REQUEST_IDS_MAX - 1], request.ids[REQUEST_IDS_MAX - 1]);
    request_clear(&again);

    buf_reset(&out);
    request.id_count++;
    CU_ASSERT(request_write(&request, &out) == 0);
    CU_ASSERT(request_read(buf_span(&out), &again, &err) == -1);
    CU_ASSERT_STRING_EQUAL(err.text, "request: expected at most 1000 ids, not 1001");

    buf_clear(&out);
    buf_init(&out, 100);
    CU_ASSERT(request_write(&request, &out) == -1);
    CU_ASSERT(out.len == 0);
    request_clear(&request);
    CU_ASSERT_PTR_NULL(request.ids);
    buf_clear(&out);
}

static const struct {
    const char *name, *line, *expected;
    bool is_good;
} responses[] = {
    {"done",           "{\"items\":[{\"id\":\"" ID1 "\",\"status\":\"done\",\"text\":\"\"}]}",
     "{\"items\":[{\"id\":\"" ID1 "\",\"status\":\"done\",\"text\":\"\"}]}\n",                                                               true },
    {"no id, no text", "{\"items\":[{\"id\":\"\",\"status\":\"failed\"}]}",
     "{\"items\":[{\"id\":\"\",\"status\":\"failed\",\"text\":\"\"}]}\n",                                                                    true },
    {"under way",      "{\"items\":[{\"id\":\"\",\"status\":\"under_way\",\"text\":\"a\\u0001b\"}]}",
     "{\"items\":[{\"id\":\"\",\"status\":\"under_way\",\"text\":\"a b\"}]}\n",                                                              true },
    {"no items",       "{}",                                                                          "response: expected items",            false},
    {"empty items",    "{\"items\":[]}",                                                              "response: expected items",            false},
    {"item is text",   "{\"items\":[\"x\"]}",                                                         "response: id: expected a message id", false},
    {"bad id",         "{\"items\":[{\"id\":\"/\",\"status\":\"done\"}]}",
     "response: id: expected a message id",                                                                                                  false},
    {"bad status",     "{\"items\":[{\"id\":\"\",\"status\":\"great\"}]}",
     "response: status: unknown, \"great\"",                                                                                                 false},
};

static void
responses_are_read(void)
{
    for (size_t i = 0; i < UNIT_COUNT(responses); i++) {
        struct response response;
        struct err err = {ERR_NONE, ""};
        struct buf out;
        int result = response_read(span_of(responses[i].line), &response, &err);

        UNIT_CHECK_ROW(responses[i].name, (result == 0) == responses[i].is_good);
        buf_init(&out, RESPONSE_LINE_MAX);
        if (result == 0) {
            UNIT_CHECK_ROW(responses[i].name, response_write(&response, &out) == 0);
            UNIT_CHECK_ROW(responses[i].name, strcmp(buf_text(&out), responses[i].expected) == 0);
            response_clear(&response);
        } else {
            UNIT_CHECK_ROW(responses[i].name, strcmp(err.text, responses[i].expected) == 0);
        }
        buf_clear(&out);
    }
}

// clang-format off
static const struct {
    const char *name, *line, *expected;
    bool is_good;
} facts[] = {
    {"two", "{\"items\":[{\"id\":\"\",\"status\":\"done\",\"text\":\"\"}],\"facts\":[\"{}\",\"a\\tb\"]}",
     "{\"items\":[{\"id\":\"\",\"status\":\"done\",\"text\":\"\"}],\"facts\":[\"{}\",\"a b\"]}\n", true},
    {"alone", "{\"facts\":[\"x\"]}", "response: expected items", false},
    {"no text", "{\"items\":[{\"id\":\"\",\"status\":\"done\"}],\"facts\":[\"x\",1]}",
     "response: facts: expected at most 1000 texts of 1000 bytes", false},
};

// clang-format on

static void
facts_are_read(void)
{
    for (size_t i = 0; i < UNIT_COUNT(facts); i++) {
        struct response response;
        struct err err = {ERR_NONE, ""};
        struct buf out;
        bool is_good = response_read(span_of(facts[i].line), &response, &err) == 0;

        buf_init(&out, RESPONSE_LINE_MAX);
        UNIT_CHECK_ROW(facts[i].name, is_good == facts[i].is_good);
        if (is_good) {
            UNIT_CHECK_ROW(facts[i].name, response.fact_count == 2);
            UNIT_CHECK_ROW(facts[i].name, response_write(&response, &out) == 0);
            response_clear(&response);
        }
        UNIT_CHECK_ROW(facts[i].name,
                       strcmp(is_good ? buf_text(&out) : err.text, facts[i].expected) == 0);
        buf_clear(&out);
    }
}

// Whatever the texts are, a full response fits the line that its reader takes.
static void
full_response_fits(void)
{
    static const char bytes[] = "\x01\x7f\"\\\xff";
    struct response response = {.item_count = REQUEST_IDS_MAX}, again;
    char fact[RESPONSE_FACT_MAX + 1];
    struct err err;

    response.items = mem_zarray(REQUEST_IDS_MAX, sizeof response.items[0]);
    memset(fact, 'x', sizeof fact);
    CU_ASSERT(!response_add_fact(&response, span_from(fact, sizeof fact)));
    for (size_t i = 0; i < RESPONSE_FACTS_MAX; i++)
        CU_ASSERT(response_add_fact(&response, span_from(fact, RESPONSE_FACT_MAX)));
    CU_ASSERT(!response_add_fact(&response, span_of("x")));
    for (size_t kind = 0; kind < sizeof bytes - 1; kind++) {
        struct buf out;

        for (size_t i = 0; i < REQUEST_IDS_MAX; i++) {
            snprintf(response.items[i].id, sizeof response.items[i].id, "%s.%028zu", ID1, i);
            response.items[i].status = RESPONSE_UNDER_WAY;
            memset(response.items[i].text, bytes[kind], sizeof response.items[i].text - 1);
        }
        for (size_t i = 0; i < RESPONSE_FACTS_MAX; i++)
            memset(response.facts[i], bytes[kind], RESPONSE_FACT_MAX);
        buf_init(&out, RESPONSE_LINE_MAX);
        CU_ASSERT(response_write(&response, &out) == 0);
        CU_ASSERT_FATAL(response_read(buf_span(&out), &again, &err) == 0);
        CU_ASSERT(again.item_count == REQUEST_IDS_MAX);
        CU_ASSERT(again.fact_count == RESPONSE_FACTS_MAX);
        CU_ASSERT(strlen(again.facts[RESPONSE_FACTS_MAX - 1]) == RESPONSE_FACT_MAX);
        response_clear(&again);
        buf_clear(&out);
    }
    response_clear(&response);
}

static const struct {
    const char *name;
    enum response_status first, second, expected;
} merges[] = {
    {"done before all",            RESPONSE_NOT_FOUND, RESPONSE_DONE,      RESPONSE_DONE     },
    {"done stays",                 RESPONSE_DONE,      RESPONSE_FAILED,    RESPONSE_DONE     },
    {"under way before failed",    RESPONSE_FAILED,    RESPONSE_UNDER_WAY, RESPONSE_UNDER_WAY},
    {"failed before not found",    RESPONSE_NOT_FOUND, RESPONSE_FAILED,    RESPONSE_FAILED   },
    {"not found where all say so", RESPONSE_NOT_FOUND, RESPONSE_NOT_FOUND, RESPONSE_NOT_FOUND},
};

static void
answers_are_merged(void)
{
    for (size_t i = 0; i < UNIT_COUNT(merges); i++) {
        struct response_item other_items[] = {
            {ID2, merges[i].second, "second" },
            {"",  RESPONSE_DONE,    "without"},
        };
        struct response other = {.items = other_items, .item_count = 2};
        struct response into = {.items = mem_zarray(2, sizeof(struct response_item)),
                                .item_count = 2};

        into.items[0] = (struct response_item){ID1, RESPONSE_FAILED, "alone"};
        into.items[1] = (struct response_item){ID2, merges[i].first, "first"};
        response_merge(&into, &other);
        UNIT_CHECK_ROW(merges[i].name, into.item_count == 3);
        UNIT_CHECK_ROW(merges[i].name, into.items[0].status == RESPONSE_FAILED);
        UNIT_CHECK_ROW(merges[i].name, into.items[1].status == merges[i].expected);
        UNIT_CHECK_ROW(merges[i].name,
                       strcmp(into.items[1].text,
                              merges[i].expected == merges[i].first ? "first" : "second") == 0);
        UNIT_CHECK_ROW(merges[i].name, into.items[2].id[0] == '\0');
        response_clear(&into);
    }
}

static void
names_are_words(void)
{
    CU_ASSERT_STRING_EQUAL(request_command_name(REQUEST_RETRY), "retry");
    CU_ASSERT_STRING_EQUAL(request_command_name(REQUEST_PING), "ping");
    CU_ASSERT_STRING_EQUAL(response_status_name(RESPONSE_UNDER_WAY), "under_way");
}

static const struct unit_test tests[] = {
    {"requests are read",     requests_are_read    },
    {"cut lines are refused", cut_lines_are_refused},
    {"bounds hold",           bounds_hold          },
    {"responses are read",    responses_are_read   },
    {"facts are read",        facts_are_read       },
    {"a full response fits",  full_response_fits   },
    {"answers are merged",    answers_are_merged   },
    {"names are words",       names_are_words      },
};

UNIT_MAIN("control/request", tests)
