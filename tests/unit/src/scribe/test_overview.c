// SPDX-License-Identifier: BSD-2-Clause
#include "src/scribe/overview.h"

#include "base/json.h"
#include "tests/unit/harness.h"
#include "tests/unit/src/scribe/survey_stand.h"

// The index-th of that kind; NULL: there is none. To be freed.
static struct json *
find(const struct response *response, const char *what, size_t index)
{
    for (size_t i = 0; i < response->fact_count; i++) {
        struct json *fact = json_parse(span_of(response->facts[i]), NULL);

        CU_ASSERT_FATAL(fact != NULL);
        if (span_is(span_of(json_get_text(fact, "what")), what) && index-- == 0)
            return fact;
        json_free(&fact);
    }
    return NULL;
}

#define CHECK_TEXT(fact, key, expected)                                                            \
    UNIT_CHECK_ROW(key, span_is(span_of(json_get_text((fact), (key))), (expected)))
#define CHECK_NUMBER(fact, key, expected)                                                          \
    UNIT_CHECK_ROW(key, json_get_number((fact), (key), -1) == (expected))

static void
add_vitals(struct survey_stand *stand)
{
    struct vitals_server servers[] = {
        {.owner = SPAN_LITERAL("clamav"), .address = SPAN_LITERAL("unix:/c"), .is_up = false},
        { .owner = SPAN_LITERAL("out"),
         .address = SPAN_LITERAL("inet:127.0.0.1:25"),
         .is_hop = true,
         .is_up = true,
         .connections = 2}
    };
    struct vitals vitals = {.pid = getpid(), .waiting = 4, .servers = servers, .server_count = 2};

    figures_add_vitals(stand->figures, 0, &vitals, loop_now_ms(stand->loop));
}

static void
queue_and_servers_are_told(void)
{
    struct response response = {.items = NULL};
    struct survey_stand stand;
    struct json *fact;

    stand_make(&stand);
    stand_set_worker(&stand, 0, getpid(), 0);
    atomic_store(&stand.page->worker[0].messages, 9);
    atomic_store(&stand.page->worker[0].connections, 3);
    add_vitals(&stand);
    stand_begin(&stand);
    stand_look(&stand);
    overview_write(stand.survey, &response);
    fact = find(&response, "queue", 0);
    CHECK_NUMBER(fact, "active", 5);
    CHECK_NUMBER(fact, "waiting", 4);
    CHECK_NUMBER(fact, "hold", 0);
    CHECK_NUMBER(fact, "connections", 3);
    json_free(&fact);
    fact = find(&response, "upstream", 0);
    CHECK_TEXT(fact, "filter", "clamav");
    CHECK_TEXT(fact, "server", "unix:/c");
    CU_ASSERT(!json_get_bool(fact, "up", true));
    json_free(&fact);
    fact = find(&response, "next_hop", 0);
    CHECK_TEXT(fact, "next_hop", "out");
    CHECK_NUMBER(fact, "connections", 2);
    CU_ASSERT(json_get_bool(fact, "up", false));
    json_free(&fact);
    fact = find(&response, "daemon", 0);
    CHECK_TEXT(fact, "version", POSTERN_VERSION);
    CHECK_TEXT(fact, "config", "/etc/postern/postern.conf");
    json_free(&fact);
    response_clear(&response);
    stand_remove(&stand);
}

static void
processes_are_told(void)
{
    struct response response = {.items = NULL};
    struct survey_stand stand;
    struct json *fact;

    stand_make(&stand);
    stand_begin(&stand);
    overview_write(stand.survey, &response);
    CU_ASSERT_PTR_NULL(find(&response, "process", 0)); // not looked yet
    response_clear(&response);
    stand_look(&stand);
    overview_write(stand.survey, &response);
    fact = find(&response, "process", 0);
    CHECK_TEXT(fact, "kind", "master");
    CHECK_NUMBER(fact, "pid", getppid());
    CU_ASSERT(json_get_number(fact, "memory", 0) > 0);
    CHECK_NUMBER(fact, "messages", -1);
    json_free(&fact);
    fact = find(&response, "process", 1);
    CHECK_TEXT(fact, "kind", "scribe");
    CHECK_NUMBER(fact, "pid", getpid());
    json_free(&fact);
    response_clear(&response);
    stand_remove(&stand);
}

static void
ledger_and_redis_are_told(void)
{
    struct response response = {.items = NULL};
    struct survey_stand stand;
    struct json *fact;

    stand_make(&stand);
    stand.filled.ledger_trouble = "database is locked";
    stand.filled.ledger_behind_ms = 1500;
    stand.filled.ledger_rows = 7;
    stand.filled.events_dropped = 2;
    stand_begin(&stand);
    overview_write(stand.survey, &response);
    fact = find(&response, "ledger", 0);
    CHECK_TEXT(fact, "path", "/var/lib/postern/ledger.db");
    CHECK_TEXT(fact, "trouble", "database is locked");
    CHECK_NUMBER(fact, "behind_ms", 1500);
    CHECK_NUMBER(fact, "rows", 7);
    CHECK_NUMBER(fact, "dropped", 2);
    CU_ASSERT(!json_get_bool(fact, "up", true));
    json_free(&fact);
    CU_ASSERT_PTR_NULL(find(&response, "redis", 0));
    response_clear(&response);
    stand.filled.has_redis = true;
    stand.filled.redis_behind = 12;
    (void)snprintf(stand.filled.redis.trouble, sizeof stand.filled.redis.trouble, "refused \"it\"");
    overview_write(stand.survey, &response);
    fact = find(&response, "redis", 0);
    CHECK_TEXT(fact, "trouble", "refused \"it\"");
    CHECK_NUMBER(fact, "behind", 12);
    CU_ASSERT(!json_get_bool(fact, "up", true));
    json_free(&fact);
    response_clear(&response);
    stand_remove(&stand);
}

// However many servers a worker names and however they are called, the answer has its bound.
static void
answer_is_bounded(void)
{
    static struct vitals_server servers[VITALS_SERVERS_MAX];
    static char names[VITALS_SERVERS_MAX][250];
    struct response response = {.items = NULL};
    struct vitals vitals = {.servers = servers, .server_count = VITALS_SERVERS_MAX};
    struct survey_stand stand;

    for (size_t i = 0; i < VITALS_SERVERS_MAX; i++) {
        memset(names[i], i % 2 == 0 ? 0x01 : 0xff, sizeof names[i] - 1);
        (void)snprintf(names[i], 10, "%zu", i);
        names[i][strlen(names[i])] = '.';
        servers[i] =
            (struct vitals_server){.owner = span_of(names[i]), .address = span_of(names[i])};
    }
    stand_make(&stand);
    figures_add_vitals(stand.figures, 0, &vitals, loop_now_ms(stand.loop));
    stand_begin(&stand);
    overview_write(stand.survey, &response);
    CU_ASSERT(response.fact_count <= RESPONSE_FACTS_MAX);
    for (size_t i = 0; i < response.fact_count; i++)
        CU_ASSERT(strlen(response.facts[i]) <= RESPONSE_FACT_MAX);
    response_clear(&response);
    stand_remove(&stand);
}

static const struct unit_test tests[] = {
    {"queue and servers are told", queue_and_servers_are_told},
    {"processes are told",         processes_are_told        },
    {"ledger and Redis are told",  ledger_and_redis_are_told },
    {"the answer is bounded",      answer_is_bounded         },
};

UNIT_MAIN("src/scribe/overview", tests)
