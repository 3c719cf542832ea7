// SPDX-License-Identifier: BSD-2-Clause
#include "src/worker/pulse.h"

#include <unistd.h>

#include "filters/filters_private.h"
#include "tests/unit/filters/asking.h"
#include "tests/unit/src/job/hearing.h"

// Of a worker's jobs, spool and next hops there are figures here; its filters are real.
struct hop {
    const char *name;
    struct hop_server servers[3]; // those with an address
};

static size_t job_count, waiting_count;
static struct addr addrs[2];
static struct hop hops[2];
static size_t hop_count;

size_t
jobs_count(const struct jobs *jobs)
{
    (void)jobs;
    return job_count;
}

size_t
spool_waiting_count(const struct spool *spool)
{
    (void)spool;
    return waiting_count;
}

const struct hop *
routes_at(const struct routes *routes, size_t index, const char **name_out)
{
    (void)routes;
    if (index >= hop_count)
        return NULL;
    *name_out = hops[index].name;
    return &hops[index];
}

bool
hop_server(const struct hop *hop, size_t index, struct hop_server *server_out)
{
    if (index >= UNIT_COUNT(hop->servers) || hop->servers[index].addr == NULL)
        return false;
    *server_out = hop->servers[index];
    return true;
}

struct stand {
    struct asking asking;
    struct hearing heard;
    struct pulse *pulse;
};

static void
begin(struct stand *stand)
{
    static const char *const filters[] = {"servers=1 2; backup=3; max_errors=1", NULL};
    struct pulse_parts parts = {.teller = &stand->heard.teller};

    asking_begin(&stand->asking, filters, 1);
    hearing_init(&stand->heard);
    job_count = waiting_count = hop_count = 0;
    CU_ASSERT_FATAL(addr_parse(SPAN_LITERAL("inet:[::1]:25"), &addrs[0], NULL) == 0);
    CU_ASSERT_FATAL(addr_parse(SPAN_LITERAL("unix:/next"), &addrs[1], NULL) == 0);
    parts.loop = stand->asking.loop;
    parts.filters = stand->asking.filters;
    stand->pulse = pulse_new(&parts);
}

static void
end(struct stand *stand)
{
    pulse_free(&stand->pulse);
    CU_ASSERT_PTR_NULL(stand->pulse);
    hearing_clear(&stand->heard);
    asking_end(&stand->asking);
}

static void
check(const struct vitals *vitals, size_t index, const char *expected)
{
    const struct vitals_server *server = &vitals->servers[index];
    char text[200];

    CU_ASSERT_FATAL(index < vitals->server_count);
    snprintf(text, sizeof text, "%.*s %.*s %s %s %u", (int)server->owner.len, server->owner.data,
             (int)server->address.len, server->address.data, server->is_hop ? "hop" : "filter",
             server->is_up ? "up" : "down", server->connections);
    CU_ASSERT_STRING_EQUAL(text, expected);
}

static void
test_what(void)
{
    struct stand stand;
    struct vitals *vitals = &stand.heard.vitals;
    struct err err;

    begin(&stand);
    CU_ASSERT_FATAL(hearing_next(&stand.heard) == RECORD_VITALS); // at once
    CU_ASSERT_EQUAL(vitals->pid, getpid());
    CU_ASSERT(vitals->jobs == 0 && vitals->waiting == 0 && !vitals->is_draining);
    CU_ASSERT_EQUAL(vitals->server_count, 3);
    check(vitals, 0, "a inet:127.0.0.1:1 filter up 0");
    check(vitals, 2, "a inet:127.0.0.1:3 filter up 0");
    err_set(&err, ERR_TEMP, "connection refused");
    filters_blame(filters_get(stand.asking.filters, 0), 1, &err);
    job_count = 5;
    waiting_count = 7;
    hops[0] = (struct hop){
        .name = "reinject", .servers = {{&addrs[0], true, 12}, {&addrs[1], false, 0}}
    };
    hops[1] = (struct hop){.name = "other", .servers = {{&addrs[1], true, 0}}};
    hop_count = 2;
    pulse_drain(stand.pulse);
    CU_ASSERT_FATAL(hearing_next(&stand.heard) == RECORD_VITALS);
    CU_ASSERT(vitals->jobs == 5 && vitals->waiting == 7 && vitals->is_draining);
    CU_ASSERT_EQUAL(vitals->server_count, 6);
    check(vitals, 0, "a inet:127.0.0.1:1 filter up 0");
    check(vitals, 1, "a inet:127.0.0.1:2 filter down 0");
    check(vitals, 3, "reinject inet:[::1]:25 hop up 12");
    check(vitals, 4, "reinject unix:/next hop down 0");
    check(vitals, 5, "other unix:/next hop up 0");
    end(&stand);
}

static void
test_when(void)
{
    struct stand stand;

    begin(&stand);
    CU_ASSERT_EQUAL(hearing_next(&stand.heard), RECORD_VITALS);
    fake_loop_run_to(stand.asking.loop, VITALS_EVERY_MS - 1);
    CU_ASSERT_EQUAL(hearing_next(&stand.heard), 0);
    fake_loop_run_to(stand.asking.loop, (uint64_t)VITALS_EVERY_MS * 3);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(hearing_next(&stand.heard), RECORD_VITALS);
    CU_ASSERT_EQUAL(hearing_next(&stand.heard), 0);
    end(&stand);
}

static const struct unit_test tests[] = {
    {"what", test_what},
    {"when", test_when},
};

UNIT_MAIN("src/worker/pulse", tests)
