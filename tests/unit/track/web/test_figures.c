// SPDX-License-Identifier: BSD-2-Clause
#include "track/web/figures.h"

#include <string.h>

#include "tests/unit/harness.h"

static struct record
looked(struct record_result *results, size_t count)
{
    struct record record = {.is_looked = true, .results = results, .result_count = count};

    for (size_t i = 0; i < STAGE_COUNT; i++)
        record.stage_us[i] = 1000 * (i + 1);
    return record;
}

static const struct {
    const char *name;
    bool is_looked, is_sent;
    uint64_t expected[STAGE_COUNT];
} stage_rows[] = {
    {"neither: told for another reason", false, false, {0, 0, 0, 0, 0}},
    {"looked",                           true,  false, {1, 1, 1, 1, 0}},
    {"sent",                             false, true,  {0, 0, 0, 0, 1}},
    {"both",                             true,  true,  {1, 1, 1, 1, 1}},
};

static void
stages_count_once(void)
{
    for (size_t i = 0; i < UNIT_COUNT(stage_rows); i++) {
        struct figures *figures = figures_new(1);
        struct record record = looked(NULL, 0);

        record.is_looked = stage_rows[i].is_looked;
        record.is_sent = stage_rows[i].is_sent;
        figures_add_record(figures, &record);
        for (size_t stage = 0; stage < STAGE_COUNT; stage++) {
            const struct histogram *histogram = figures_stage(figures, (enum record_stage)stage);

            UNIT_CHECK_ROW(stage_rows[i].name, histogram->count == stage_rows[i].expected[stage]);
            UNIT_CHECK_ROW(stage_rows[i].name,
                           histogram->sum_us == stage_rows[i].expected[stage] * 1000 * (stage + 1));
        }
        figures_free(&figures);
    }
}

static void
unknown_stages_do_not_count(void)
{
    struct figures *figures = figures_new(1);
    struct record record = looked(NULL, 0);

    record.stage_us[STAGE_SEAL] = 0;
    figures_add_record(figures, &record);
    CU_ASSERT(figures_stage(figures, STAGE_SEAL)->count == 0);
    CU_ASSERT(figures_stage(figures, STAGE_RECEIVE)->count == 1);
    figures_free(&figures);
    figures_free(&figures);
}

static void
results_go_by_filter(void)
{
    struct record_result results[] = {
        {.filter = SPAN_LITERAL("clamav"), .kind = RESULT_HIT,     .took_us = 5 },
        {.filter = SPAN_LITERAL("rspamd"), .kind = RESULT_CLEAN,   .took_us = 7 },
        {.filter = SPAN_LITERAL("never"),  .kind = RESULT_PENDING, .took_us = 9 },
        {.filter = SPAN_LITERAL("clamav"), .kind = RESULT_HIT,     .took_us = 11},
        {.filter = SPAN_LITERAL(""),       .kind = RESULT_HIT,     .took_us = 11},
    };
    struct record record = looked(results, UNIT_COUNT(results));
    struct figures *figures = figures_new(1);
    const struct figures_filter *filters;

    figures_add_record(figures, &record);
    record.is_looked = false; // told again for another reason
    figures_add_record(figures, &record);
    CU_ASSERT_FATAL(figures_filters(figures, &filters) == 2);
    CU_ASSERT_STRING_EQUAL(filters[0].name, "clamav");
    CU_ASSERT(filters[0].by_result[RESULT_HIT].count == 2);
    CU_ASSERT(filters[0].by_result[RESULT_HIT].sum_us == 16);
    CU_ASSERT(filters[0].by_result[RESULT_CLEAN].count == 0);
    CU_ASSERT_STRING_EQUAL(filters[1].name, "rspamd");
    CU_ASSERT(filters[1].by_result[RESULT_CLEAN].count == 1);
    figures_free(&figures);
}

// A worker gone mad names filters that nobody has: memory has its bound.
static void
filters_are_bounded(void)
{
    struct figures *figures = figures_new(1);
    const struct figures_filter *filters;
    char name[300];

    for (size_t i = 0; i < 2 * FIGURES_FILTERS_MAX; i++) {
        struct record_result result = {.kind = RESULT_CLEAN};
        struct record record = looked(&result, 1);

        (void)snprintf(name, sizeof name, "f%zu", i);
        result.filter = span_of(name);
        figures_add_record(figures, &record);
        result.filter = span_from("a\0b", 3);
        figures_add_record(figures, &record);
        memset(name, 'x', sizeof name);
        result.filter = span_from(name, sizeof name);
        figures_add_record(figures, &record);
    }
    CU_ASSERT(figures_filters(figures, &filters) == FIGURES_FILTERS_MAX);
    CU_ASSERT_STRING_EQUAL(filters[FIGURES_FILTERS_MAX - 1].name, "f63");
    figures_free(&figures);
}

static struct vitals_server
server(const char *owner, const char *address, bool is_up)
{
    return (struct vitals_server){
        .owner = span_of(owner), .address = span_of(address), .is_up = is_up};
}

static struct vitals_server
hop(const char *owner, const char *address, bool is_up, uint32_t connections)
{
    struct vitals_server made = server(owner, address, is_up);

    made.is_hop = true;
    made.connections = connections;
    return made;
}

static void
worst_view_counts(void)
{
    struct vitals_server first[] = {hop("out", "inet:127.0.0.1:25", true, 3),
                                    server("clamav", "unix:/a", true),
                                    server("clamav", "unix:/b", true)};
    struct vitals_server second[] = {server("clamav", "unix:/b", false),
                                     hop("out", "inet:127.0.0.1:25", true, 4),
                                     server("out", "inet:127.0.0.1:25", true)};
    struct vitals one = {.servers = first, .server_count = 3};
    struct vitals two = {.servers = second, .server_count = 3};
    struct figures *figures = figures_new(2);
    const struct figures_server *servers;

    CU_ASSERT(figures_servers(figures, 0, &servers) == 0);
    figures_add_vitals(figures, 0, &one, 1000);
    figures_add_vitals(figures, 1, &two, 1000);
    CU_ASSERT_FATAL(figures_servers(figures, 1000, &servers) == 4);
    CU_ASSERT_STRING_EQUAL(servers[0].address, "unix:/a");
    CU_ASSERT(servers[0].is_up && !servers[0].is_hop);
    CU_ASSERT_STRING_EQUAL(servers[1].address, "unix:/b");
    CU_ASSERT(!servers[1].is_up);
    CU_ASSERT(!servers[2].is_hop); // a filter named as a next hop is
    CU_ASSERT_STRING_EQUAL(servers[3].owner, "out");
    CU_ASSERT(servers[3].is_hop && servers[3].is_up && servers[3].connections == 7);
    figures_free(&figures);
}

static void
the_silent_are_forgotten(void)
{
    struct vitals_server down = server("clamav", "unix:/a", false);
    struct vitals_server up = server("clamav", "unix:/a", true);
    struct vitals gone = {.pid = 1, .jobs = 1, .waiting = 5, .servers = &down, .server_count = 1};
    struct vitals here = {
        .pid = 2, .waiting = 7, .is_draining = true, .servers = &up, .server_count = 1};
    struct figures *figures = figures_new(3);
    const struct figures_server *servers;
    struct figures_worker worker;

    figures_add_vitals(figures, 0, &gone, 1000);
    figures_add_vitals(figures, 2, &here, 1001);
    CU_ASSERT(figures_waiting(figures, 1000 + FIGURES_FRESH_MS - 1) == 12);
    CU_ASSERT(figures_worker(figures, 0, 1001, &worker));
    CU_ASSERT(worker.pid == 1 && worker.jobs == 1 && worker.waiting == 5 && !worker.is_draining);
    CU_ASSERT(!figures_worker(figures, 1, 1001, &worker));
    CU_ASSERT(!figures_worker(figures, 3, 1001, &worker));
    CU_ASSERT_FATAL(figures_servers(figures, 1001, &servers) == 1);
    CU_ASSERT(!servers[0].is_up);
    CU_ASSERT(figures_waiting(figures, 1000 + FIGURES_FRESH_MS) == 7);
    CU_ASSERT(!figures_worker(figures, 0, 1000 + FIGURES_FRESH_MS, &worker));
    CU_ASSERT(figures_worker(figures, 2, 1000 + FIGURES_FRESH_MS, &worker) && worker.is_draining);
    CU_ASSERT_FATAL(figures_servers(figures, 1000 + FIGURES_FRESH_MS, &servers) == 1);
    CU_ASSERT(servers[0].is_up);
    // The next one in that row says all anew.
    here.server_count = 0;
    here.waiting = 1;
    figures_add_vitals(figures, 2, &here, 1000 + FIGURES_FRESH_MS);
    CU_ASSERT(figures_servers(figures, 1000 + FIGURES_FRESH_MS, &servers) == 0);
    CU_ASSERT(figures_waiting(figures, 1000 + FIGURES_FRESH_MS) == 1);
    figures_free(&figures);
}

static void
servers_are_bounded(void)
{
    enum { WORKERS = 3 };
    static struct vitals_server servers[VITALS_SERVERS_MAX];
    static char names[VITALS_SERVERS_MAX][300];
    struct figures *figures = figures_new(WORKERS);
    const struct figures_server *seen;

    for (size_t row = 0; row < WORKERS; row++) {
        struct vitals vitals = {.servers = servers, .server_count = VITALS_SERVERS_MAX};

        for (size_t i = 0; i < VITALS_SERVERS_MAX; i++) {
            (void)snprintf(names[i], sizeof names[i], "%zu-%zu", row, i);
            if (i == 0)
                memset(names[i], 'x', sizeof names[i] - 1);
            servers[i] = server(names[i], "unix:/x", true);
        }
        figures_add_vitals(figures, row, &vitals, 0);
    }
    CU_ASSERT(figures_servers(figures, 0, &seen) == FIGURES_SERVERS_MAX);
    for (size_t i = 0; i < FIGURES_SERVERS_MAX; i++)
        CU_ASSERT(strlen(seen[i].owner) < 10);
    figures_free(&figures);
}

static const struct unit_test tests[] = {
    {"stages count once",           stages_count_once          },
    {"unknown stages do not count", unknown_stages_do_not_count},
    {"results go by filter",        results_go_by_filter       },
    {"filters are bounded",         filters_are_bounded        },
    {"the worst view counts",       worst_view_counts          },
    {"the silent are forgotten",    the_silent_are_forgotten   },
    {"servers are bounded",         servers_are_bounded        },
};

UNIT_MAIN("track/web/figures", tests)
