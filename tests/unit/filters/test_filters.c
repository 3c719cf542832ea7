// SPDX-License-Identifier: BSD-2-Clause
#include "filters/filters.h"

#include "tests/unit/filters/asking.h"
#include "tests/unit/harness.h"

static struct asking asking;

static void
begin(const char *settings)
{
    const char *const lines[] = {settings, NULL};

    asking_begin(&asking, lines, 1);
}

static void
test_connections_are_divided(void)
{
    static const struct {
        const char *settings;
        size_t workers, expected;
    } rows[] = {
        {"servers=1",                1,  50},
        {"servers=1",                4,  12},
        {"servers=1; connections=3", 4,  1 },
        {"servers=1; connections=1", 64, 1 },
        {"servers=1; connections=7", 0,  7 },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const char *const lines[] = {rows[i].settings, NULL};
        struct filters_turn turn = {0};
        struct filters_one *one;
        size_t count = 0;

        asking_begin(&asking, lines, rows[i].workers);
        one = filters_get(asking.filters, 0);
        while (filters_enter(one, &turn))
            count++;
        UNIT_CHECK_ROW(rows[i].settings, count == rows[i].expected);
        filters_give_up(one, &turn);
        while (count-- > 0)
            filters_leave(one);
        asking_end(&asking);
    }
}

struct waiter {
    struct filters_turn turn;
    char name;
};

static void
on_turn(struct filters_turn *turn)
{
    fake_event("%c", ((struct waiter *)turn)->name);
}

static void
test_turns(void)
{
    static const struct {
        const char *gives_up, *expected;
    } rows[] = {
        {"",     "0:a 0:b 0:c 0:d"},
        {"a",    "0:b 0:c 0:d"    },
        {"d",    "0:a 0:b 0:c"    },
        {"bc",   "0:a 0:d"        },
        {"cb",   "0:a 0:d"        },
        {"da",   "0:b 0:c"        },
        {"abcd", ""               },
        {"dcba", ""               },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct waiter waiters[4];
        struct filters_one *one;
        size_t left = UNIT_COUNT(waiters) - strlen(rows[i].gives_up);

        begin("servers=1; connections=1");
        one = filters_get(asking.filters, 0);
        CU_ASSERT_TRUE(filters_enter(one, &waiters[0].turn));
        for (size_t j = 0; j < UNIT_COUNT(waiters); j++) {
            waiters[j] = (struct waiter){.turn.on_turn = on_turn, .name = (char)('a' + j)};
            CU_ASSERT_FALSE(filters_enter(one, &waiters[j].turn));
        }
        for (const char *name = rows[i].gives_up; *name != '\0'; name++)
            filters_give_up(one, &waiters[*name - 'a'].turn);
        for (size_t j = 0; j < left + 1; j++)
            filters_leave(one);
        asking_check(rows[i].gives_up, rows[i].expected);
        asking_end(&asking);
    }
}

static void
blame(size_t server)
{
    struct err err;

    err_set(&err, ERR_TEMP, "connection refused");
    filters_blame(filters_get(asking.filters, 0), server, &err);
}

#define MORTAL "servers=1 2; max_errors=2; dead_time=60s; probe_interval=10s"
#define DEAD ": filter=a, server=inet:127.0.0.1:2, state=dead, reason=connection refused\n"
#define ALIVE ": filter=a, server=inet:127.0.0.1:2, state=alive\n"

static void
test_death_is_told_once(void)
{
    char text[ADDR_TEXT_MAX];

    begin(MORTAL);
    CU_ASSERT_EQUAL(filters_server_count(asking.filters, 0), 2);
    addr_format(filters_server_addr(asking.filters, 0, 1), text);
    CU_ASSERT_STRING_EQUAL(text, "inet:127.0.0.1:2");
    blame(1);
    CU_ASSERT_TRUE(filters_server_is_up(asking.filters, 0, 1));
    blame(1);
    CU_ASSERT_FALSE(filters_server_is_up(asking.filters, 0, 1));
    CU_ASSERT_TRUE(filters_server_is_up(asking.filters, 0, 0));
    blame(1);
    blame(1);
    CU_ASSERT_EQUAL(asking_logged(&asking, DEAD), 1);
    CU_ASSERT_EQUAL(asking_logged(&asking, "state="), 1);
    asking_end(&asking);
}

static void
test_probes(void)
{
    begin(MORTAL);
    fake_probes[2] = "t5 n c7";
    fake_loop_run_to(asking.loop, 50000);
    blame(1);
    blame(1);
    fake_loop_run_to(asking.loop, 200000);
    asking_check("until it answers", "60000:probe2 60005:probed-t2 70000:probe2 75000:probed-n2 "
                                     "80000:probe2 80007:probed-c2");
    CU_ASSERT_TRUE(filters_server_is_up(asking.filters, 0, 1));
    CU_ASSERT_EQUAL(asking_logged(&asking, ALIVE), 1);
    CU_ASSERT_EQUAL(asking_logged(&asking, "state="), 2);
    asking_end(&asking);
}

static void
test_probes_of_two(void)
{
    begin(MORTAL);
    fake_probes[1] = "c0";
    fake_probes[2] = "t0 c0";
    blame(1);
    blame(1);
    fake_loop_run_to(asking.loop, 4000);
    blame(0);
    blame(0);
    fake_loop_run_to(asking.loop, 200000);
    asking_check("each in its time", "10000:probe2 10000:probed-t2 14000:probe1 14000:probed-c1 "
                                     "20000:probe2 20000:probed-c2");
    asking_end(&asking);
}

// One that hangs longer than the interval is not probed twice at a time, and dead_time ends it.
static void
test_slow_probe(void)
{
    begin("servers=1; max_errors=1; dead_time=10s; probe_interval=3s");
    blame(0);
    fake_loop_run_to(asking.loop, 200000);
    asking_check("slow", "3000:probe1 8000:probed-n1 9000:probe1 14000:probed-n1");
    CU_ASSERT_TRUE(filters_server_is_up(asking.filters, 0, 0));
    CU_ASSERT_EQUAL(asking_logged(&asking, "state=alive"), 0);
    filters_praise(filters_get(asking.filters, 0), 0);
    CU_ASSERT_EQUAL(asking_logged(&asking, "state=alive"), 1);
    asking_end(&asking);
}

static void
test_freed_while_probing(void)
{
    begin(MORTAL);
    blame(1);
    blame(1);
    fake_loop_run_to(asking.loop, 10000);
    CU_ASSERT_EQUAL(fake_open, 1);
    asking_end(&asking);
}

static void
test_no_filters(void)
{
    static const char *const none[] = {NULL};

    asking_begin(&asking, none, 4);
    CU_ASSERT_EQUAL(filters_count(asking.filters), 0);
    asking_end(&asking);
}

static const struct unit_test tests[] = {
    {"connections are divided", test_connections_are_divided},
    {"turns",                   test_turns                  },
    {"death is told once",      test_death_is_told_once     },
    {"probes",                  test_probes                 },
    {"probes of two",           test_probes_of_two          },
    {"a slow probe",            test_slow_probe             },
    {"freed while probing",     test_freed_while_probing    },
    {"no filters",              test_no_filters             },
};

UNIT_MAIN("filters/filters", tests)
