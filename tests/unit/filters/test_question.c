// SPDX-License-Identifier: BSD-2-Clause
#include "filters/question.h"

#include "tests/unit/filters/asking.h"
#include "tests/unit/harness.h"

enum { QUESTIONS = 4, LONG_MS = 100000 };

struct asked {
    struct question *question;
    struct result result;
    unsigned number, done;
    bool is_starting;
};

struct row {
    const char *name, *settings;
    const char *scripts[3]; // of the servers 1, 2, 3
    uint64_t deadline_ms;   // 0: far away
    const char *events;
    const char *result, *server;
};

static struct asking asking;
static struct asked asked[QUESTIONS];

static void
on_done(void *arg, struct result *result)
{
    struct asked *one = arg;

    CU_ASSERT_FALSE(one->is_starting);
    CU_ASSERT_PTR_EQUAL(result, &one->result);
    one->question = NULL;
    one->done++;
    fake_event("done%u", one->number);
}

static void
begin(const char *settings, const char *const *scripts)
{
    const char *const lines[] = {settings, NULL};

    asking_begin(&asking, lines, 1);
    for (size_t i = 0; i < 3 && scripts[i] != NULL; i++)
        fake_script[i + 1] = scripts[i];
    for (unsigned i = 0; i < QUESTIONS; i++) {
        asked[i] = (struct asked){.number = i};
        result_init(&asked[i].result);
    }
}

static void
end(void)
{
    for (size_t i = 0; i < QUESTIONS; i++) {
        question_cancel(&asked[i].question);
        CU_ASSERT(asked[i].done <= 1);
        result_clear(&asked[i].result);
    }
    asking_end(&asking);
}

static void
ask(size_t index, uint64_t within_ms)
{
    struct question_request request = {.one = filters_get(asking.filters, 0),
                                       .message = &asking.message,
                                       .deadline_ms = loop_now_ms(asking.loop) + within_ms,
                                       .result = &asked[index].result,
                                       .done = on_done,
                                       .arg = &asked[index]};

    asked[index].is_starting = true;
    asked[index].question = question_start(&request);
    asked[index].is_starting = false;
}

static void
check(const struct row *row)
{
    const char *server;

    begin(row->settings, row->scripts);
    ask(0, row->deadline_ms > 0 ? row->deadline_ms : LONG_MS);
    fake_loop_run_to(asking.loop, LONG_MS);
    CU_ASSERT_EQUAL(asked[0].done, 1);
    asking_check(row->name, row->events);
    UNIT_CHECK_ROW(row->name, strcmp(asking_tell(&asked[0].result), row->result) == 0);
    server = asked[0].result.server;
    UNIT_CHECK_ROW(row->name, server != NULL && strcmp(server, row->server) == 0);
    end();
}

#define SERVER(port) "inet:127.0.0.1:" #port
#define REFUSED "failed connection refused"

static void
test_tries(void)
{
    static const struct row rows[] = {
        {"an answer",                              "servers=1", {"c5"},             0, "0:ask1/20000 5:c1 5:done0",                                               "clean",          SERVER(1)},
        {"a hit",                                  "servers=1", {"h5"},             0, "0:ask1/20000 5:h1 5:done0",                                               "hit Eicar-Test", SERVER(1)},
        {"unscannable is an answer",
         "servers=1 2",                                         {"u5"},
         0,                                                                            "0:ask1/10000 5:u1 5:done0",
         "unscannable encrypted",                                                                                                                                                   SERVER(1)},
        {"at once is later",
         "servers=1",                                           {"c0"},
         0,                                                                            "0:ask1/20000 0:c1 0:done0",
         "clean",                                                                                                                                                                   SERVER(1)},
        {"trouble, then the next server",
         "servers=1 2",                                         {"t5", "c5"},
         0,                                                                            "0:ask1/10000 5:t1 105:ask2/9947 110:c2 110:done0",
         "clean",                                                                                                                                                                   SERVER(2)},
        {"the one server again, ever later",
         "servers=1",                                           {"t0 t0 c0"},
         0,                                                                            "0:ask1/20000 0:t1 100:ask1/19900 100:t1 300:ask1/19700 300:c1 300:done0",
         "clean",                                                                                                                                                                   SERVER(1)},
        {"two servers, then the first again",
         "servers=1 2",                                         {"t0 c0", "t0"},
         0,                                                                            "0:ask1/10000 0:t1 100:ask2/9950 100:t2 300:ask1/19700 300:c1 300:done0",
         "clean",                                                                                                                                                                   SERVER(1)},
        {"a backup where no server is left",
         "servers=1; backup=2",                                 {"t0", "c0"},
         0,                                                                            "0:ask1/10000 0:t1 100:ask2/9950 100:c2 100:done0",
         "clean",                                                                                                                                                                   SERVER(2)},
        {"retries used up",
         "servers=1; retries=1",                                {"t5"},
         0,                                                                            "0:ask1/20000 5:t1 105:ask1/19895 110:t1 110:done0",
         REFUSED,                                                                                                                                                                   SERVER(1)},
        {"all servers in trouble",
         "servers=1 2 3",                                       {"t1", "t1", "t1"},
         0,                                                                            "0:ask1/10000 1:t1 101:ask2/9949 102:t2 302:ask3/19698 303:t3 303:done0",
         REFUSED,                                                                                                                                                                   SERVER(3)},
        {"no retries",
         "servers=1 2; retries=0",                              {"t5", "c5"},
         0,                                                                            "0:ask1/20000 5:t1 5:done0",
         REFUSED,                                                                                                                                                                   SERVER(1)},
        {"a dead server, since there is no other",
         "servers=1; max_errors=1; probe_interval=0",           {"t0 c0"},
         0,                                                                            "0:ask1/20000 0:t1 100:ask1/19900 100:c1 100:done0",
         "clean",                                                                                                                                                                   SERVER(1)},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        check(&rows[i]);
}

static void
test_time(void)
{
    static const struct row rows[] = {
        {"no answer",
         "servers=1; timeout=5s",                    {"n"},
         0,    "0:ask1/5000 5000:cancel1 5000:done0",
         "failed no answer in time", SERVER(1)},
        {"an answer that is too late",
         "servers=1; timeout=5s",                    {"c5001"},
         0,    "0:ask1/5000 5000:cancel1 5000:done0",
         "failed no answer in time", SERVER(1)},
        {"one that is stuck leaves time for the next",
         "servers=1 2",                              {"n", "c5"},
         0,    "0:ask1/10000 10000:n1 10100:ask2/5000 10105:c2 10105:done0",
         "clean",                    SERVER(2)},
        {"all are stuck",
         "servers=1 2",                              {"n", "n"},
         0,    "0:ask1/10000 10000:n1 10100:ask2/5000 15100:n2 15300:ask1/4700 20000:cancel1 20000:done0",
         "failed no answer in time", SERVER(1)},
        {"the deadline is nearer",
         "servers=1",                                {"n"},
         3000, "0:ask1/3000 3000:cancel1 3000:done0",
         "failed no answer in time", SERVER(1)},
        {"the timeout is nearer",
         "servers=1; timeout=2s",                    {"n"},
         3000, "0:ask1/2000 2000:cancel1 2000:done0",
         "failed no answer in time", SERVER(1)},
        {"no pause beyond the end",
         "servers=1; timeout=1s; retry_delay=1s",    {"t0"},
         0,    "0:ask1/1000 0:t1 0:done0",
         REFUSED,                    SERVER(1)},
        {"a pause up to the end",
         "servers=1; timeout=1s; retry_delay=999ms", {"t0 c1"},
         0,    "0:ask1/1000 0:t1 999:ask1/1 1000:cancel1 1000:done0",
         "failed no answer in time", SERVER(1)},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        check(&rows[i]);
}

static void
test_waiting_in_order(void)
{
    static const char *const scripts[3] = {"c5"};

    begin("servers=1; connections=2", scripts);
    for (size_t i = 0; i < 4; i++)
        ask(i, LONG_MS);
    fake_loop_run_to(asking.loop, LONG_MS);
    asking_check("two at a time", "0:ask1/20000 0:ask1/20000 5:c1 5:ask1/19995 5:done0 "
                                  "5:c1 5:ask1/19995 5:done1 10:c1 10:done2 10:c1 10:done3");
    end();
}

// A pause gives its connection to others.
static void
test_pause_frees_connection(void)
{
    static const char *const scripts[3] = {"t5 c500"};

    begin("servers=1; connections=1", scripts);
    ask(0, LONG_MS);
    ask(1, LONG_MS);
    fake_loop_run_to(asking.loop, LONG_MS);
    asking_check("the second goes ahead",
                 "0:ask1/20000 5:t1 5:ask1/19995 505:c1 505:ask1/19495 505:done1 "
                 "1005:c1 1005:done0");
    end();
}

static void
test_waiting_too_long(void)
{
    static const char *const scripts[3] = {"c8000"};

    begin("servers=1; connections=1; max_errors=1", scripts);
    ask(0, LONG_MS);
    ask(1, 5000);
    ask(2, 6000);
    fake_loop_run_to(asking.loop, 5500);
    CU_ASSERT_STRING_EQUAL(asking_tell(&asked[1].result), "failed no free connection in time");
    CU_ASSERT_PTR_NULL(asked[1].result.server);
    question_cancel(&asked[2].question);
    fake_loop_run_to(asking.loop, LONG_MS);
    asking_check("nobody else is asked", "0:ask1/20000 5000:done1 8000:c1 8000:done0");
    CU_ASSERT_TRUE(filters_server_is_up(asking.filters, 0, 0));
    end();
}

// Overload: what is left of the time after waiting is too little, which is not the server's fault.
static void
test_little_time_blames_nobody(void)
{
    static const char *const late[3] = {"c19000 n"};
    static const char *const stuck[3] = {"n"};

    begin("servers=1; connections=1; max_errors=1", late);
    ask(0, LONG_MS);
    ask(1, LONG_MS);
    fake_loop_run_to(asking.loop, 30000);
    CU_ASSERT_STRING_EQUAL(asking_tell(&asked[1].result), "failed no answer in time");
    CU_ASSERT_TRUE(filters_server_is_up(asking.filters, 0, 0));
    end();

    begin("servers=1; connections=1; max_errors=1", stuck);
    ask(0, LONG_MS);
    fake_loop_run_to(asking.loop, 30000);
    CU_ASSERT_FALSE(filters_server_is_up(asking.filters, 0, 0));
    end();
}

static void
test_cancel(void)
{
    static const char *const scripts[3] = {"t50"};

    static const struct {
        const char *name;
        uint64_t at_ms;
        const char *events;
    } rows[] = {
        {"at once",           0,   "0:ask1/20000 0:cancel1 0:ask1/20000"               },
        {"while it is asked", 10,  "0:ask1/20000 10:cancel1 10:ask1/19990"             },
        {"while it pauses",   60,  "0:ask1/20000 50:t1 50:ask1/19950"                  },
        {"while it waits",    160,
         "0:ask1/20000 50:t1 50:ask1/19950 100:t1 100:ask1/19900 150:t1 150:ask1/19850"},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        begin("servers=1; connections=1; retry_delay=60ms", scripts);
        for (size_t j = 0; j < 4; j++)
            ask(j, LONG_MS);
        fake_loop_run_to(asking.loop, rows[i].at_ms);
        question_cancel(&asked[0].question);
        CU_ASSERT_PTR_NULL(asked[0].question);
        question_cancel(&asked[0].question);
        asking_check(rows[i].name, rows[i].events);
        for (size_t j = 1; j < 4; j++)
            question_cancel(&asked[j].question);
        fake_loop_run_to(asking.loop, LONG_MS);
        for (size_t j = 0; j < 4; j++)
            CU_ASSERT_EQUAL(asked[j].done, 0);
        CU_ASSERT_EQUAL(fake_open, 0);
        end();
    }
}

static const struct unit_test tests[] = {
    {"tries",                        test_tries                    },
    {"time",                         test_time                     },
    {"waiting in order",             test_waiting_in_order         },
    {"a pause frees its connection", test_pause_frees_connection   },
    {"waiting too long",             test_waiting_too_long         },
    {"little time blames nobody",    test_little_time_blames_nobody},
    {"cancel in each state",         test_cancel                   },
};

UNIT_MAIN("filters/question", tests)
