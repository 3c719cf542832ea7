// SPDX-License-Identifier: BSD-2-Clause
#include "filters/runner.h"

#include "tests/unit/filters/asking.h"
#include "tests/unit/harness.h"

enum { LONG_MS = 100000 };

struct ran {
    struct runner *runner;
    unsigned number, done, asked; // asked: is_settled
    unsigned settled_at;          // by how many results; 0: never
    bool is_settled_early;        // before any
    bool is_starting, is_freeing; // freeing: in done
    char results[600];            // "clean | failed connection refused"
};

static struct asking asking;
static struct ran ran[4];

static bool
is_settled(void *arg, const struct result *results, size_t count)
{
    struct ran *one = arg;
    unsigned known = 0;

    CU_ASSERT_FALSE(one->is_starting);
    CU_ASSERT_EQUAL(count, asking.config.count);
    for (size_t i = 0; i < count; i++)
        known += results[i].kind != RESULT_PENDING;
    CU_ASSERT(known < count); // else there is nothing to ask
    one->asked++;
    return one->is_settled_early || (one->settled_at > 0 && known >= one->settled_at);
}

static void
on_done(void *arg, struct result *results, size_t count)
{
    struct ran *one = arg;
    size_t len = 0;

    CU_ASSERT_FALSE(one->is_starting);
    CU_ASSERT_EQUAL(count, asking.config.count);
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(one->results + len, sizeof(one->results) - len, "%s%s",
                                i > 0 ? " | " : "", asking_tell(&results[i]));
    one->done++;
    fake_event("done%u", one->number);
    if (one->is_freeing)
        runner_free(&one->runner);
}

static void
begin(const char *const *lines, size_t workers)
{
    asking_begin(&asking, lines, workers);
    for (unsigned i = 0; i < UNIT_COUNT(ran); i++)
        ran[i] = (struct ran){.number = i};
}

static void
start(size_t index, uint64_t deadline_ms)
{
    struct runner_request request = {.message = asking.message,
                                     .deadline_ms = loop_now_ms(asking.loop) + deadline_ms,
                                     .is_settled = is_settled,
                                     .done = on_done,
                                     .arg = &ran[index]};

    ran[index].is_starting = true;
    ran[index].runner = runner_start(asking.filters, &request);
    ran[index].is_starting = false;
}

static void
end(void)
{
    for (size_t i = 0; i < UNIT_COUNT(ran); i++) {
        CU_ASSERT(ran[i].done <= 1);
        runner_free(&ran[i].runner);
        CU_ASSERT_PTR_NULL(ran[i].runner);
    }
    asking_end(&asking);
}

static void
check_one(const char *name, const char *events, const char *results)
{
    CU_ASSERT_EQUAL(ran[0].done, 1);
    asking_check(name, events);
    UNIT_CHECK_ROW(name, strcmp(ran[0].results, results) == 0);
    if (strcmp(ran[0].results, results) != 0)
        fprintf(stderr, "  got %s\n", ran[0].results);
}

static const char *const three[] = {"servers=1", "servers=2", "servers=3", NULL};

static void
test_side_by_side(void)
{
    begin(three, 1);
    fake_script[1] = "c30";
    fake_script[2] = "h10";
    fake_script[3] = "t0 c0";
    start(0, LONG_MS);
    fake_loop_run_to(asking.loop, LONG_MS);
    check_one("whoever answers first",
              "0:ask1/20000 0:ask2/20000 0:ask3/20000 0:t3 10:h2 30:c1 100:ask3/19900 100:c3 "
              "100:done0",
              "clean | hit Eicar-Test | clean");
    CU_ASSERT_EQUAL(ran[0].asked, 3);
    CU_ASSERT_EQUAL(asking_logged(&asking, "4X2k9QzT7mB: filter=a, result=clean, "
                                           "server=inet:127.0.0.1:1, delay="),
                    1);
    CU_ASSERT_EQUAL(asking_logged(&asking, "4X2k9QzT7mB: filter=b, result=hit, name=Eicar-Test, "
                                           "server=inet:127.0.0.1:2, delay="),
                    1);
    CU_ASSERT_EQUAL(asking_logged(&asking, "result="), 3);
    end();
}

static void
test_failed(void)
{
    begin(three, 1);
    fake_script[1] = "u1";
    fake_script[2] = "t0";
    fake_script[3] = "n";
    start(0, 1000);
    fake_loop_run_to(asking.loop, LONG_MS);
    check_one("cannot tell",
              "0:ask1/1000 0:ask2/1000 0:ask3/1000 0:t2 1:u1 100:ask2/900 100:t2 300:ask2/700 "
              "300:t2 1000:cancel3 1000:done0",
              "unscannable encrypted | failed connection refused | failed no answer in time");
    CU_ASSERT_EQUAL(asking_logged(&asking, "filter=b, result=failed, reason=connection refused, "
                                           "server=inet:127.0.0.1:2, delay="),
                    1);
    end();
}

static void
test_settled(void)
{
    begin(three, 1);
    fake_script[1] = "c30";
    fake_script[2] = "h10";
    ran[0].settled_at = 1;
    start(0, LONG_MS);
    fake_loop_run_to(asking.loop, LONG_MS);
    check_one("by the first",
              "0:ask1/20000 0:ask2/20000 0:ask3/20000 10:h2 10:cancel1 10:cancel3 10:done0",
              "pending | hit Eicar-Test | pending");
    CU_ASSERT_EQUAL(asking_logged(&asking, "result="), 1);
    end();

    begin(three, 1);
    fake_script[1] = "t5";
    fake_script[2] = "h10";
    ran[0].settled_at = 1;
    start(0, LONG_MS);
    fake_loop_run_to(asking.loop, LONG_MS);
    check_one("while one pauses",
              "0:ask1/20000 0:ask2/20000 0:ask3/20000 5:t1 10:h2 10:cancel3 10:done0",
              "pending | hit Eicar-Test | pending");
    end();

    begin(three, 1);
    ran[0].is_settled_early = true;
    start(0, LONG_MS);
    fake_loop_run_to(asking.loop, LONG_MS);
    check_one("before anybody is asked", "0:done0", "pending | pending | pending");
    end();
}

static void
test_not_asked(void)
{
    static const char *const lines[] = {
        "servers=1; skip_clients=192.0.2.0/24", "servers=2; max_size=10K",
        "servers=3; skip_recipients=*@example.org; max_size=1K", "servers=4; max_size=10M", NULL};

    begin(lines, 1);
    fake_len = 10241;
    fake_script[4] = "c5";
    start(0, LONG_MS);
    fake_loop_run_to(asking.loop, LONG_MS);
    check_one("skipped and too large", "0:ask4/20000 5:c4 5:done0",
              "skipped skip_clients | unscannable 10241 bytes, max_size is 10K | "
              "skipped skip_recipients | clean");
    CU_ASSERT_EQUAL(asking_logged(&asking, "filter=b, result=unscannable, "
                                           "reason=10241 bytes\\x2C max_size is 10K, delay="),
                    1);
    end();

    begin(lines, 1);
    fake_len = 10240;
    ran[0].settled_at = 2;
    start(0, LONG_MS);
    fake_loop_run_to(asking.loop, LONG_MS);
    check_one("settled by that", "0:done0",
              "skipped skip_clients | pending | skipped skip_recipients | pending");
    end();

    begin(lines, 1);
    start(0, 0);
    fake_loop_run_to(asking.loop, LONG_MS);
    check_one("no time", "0:done0",
              "skipped skip_clients | failed no time left | skipped skip_recipients | "
              "failed no time left");
    CU_ASSERT_EQUAL(ran[0].asked, 0);
    end();
}

static void
test_no_filters(void)
{
    static const char *const none[] = {NULL};

    begin(none, 1);
    start(0, LONG_MS);
    CU_ASSERT_EQUAL(ran[0].done, 0);
    fake_loop_run_to(asking.loop, LONG_MS);
    check_one("none", "0:done0", "");
    end();
}

static void
test_freed(void)
{
    static const char *const lines[] = {"servers=1; connections=1; retry_delay=50ms", "servers=2",
                                        NULL};

    static const struct {
        const char *name;
        uint64_t at_ms;
        bool has_begun;
    } rows[] = {
        {"before it begins", 0,     false},
        {"at once",          0,     true },
        {"while it asks",    5,     true },
        {"while it pauses",  20,    true },
        {"while it waits",   65,    true },
        {"when it is done",  40000, true },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        unsigned done;

        begin(lines, 1);
        fake_script[1] = "t10";
        for (size_t j = 0; j < 3; j++)
            start(j, LONG_MS);
        if (rows[i].has_begun)
            fake_loop_run_to(asking.loop, rows[i].at_ms);
        done = ran[0].done;
        UNIT_CHECK_ROW(rows[i].name, done == (rows[i].at_ms == 40000));
        runner_free(&ran[0].runner);
        CU_ASSERT_PTR_NULL(ran[0].runner);
        runner_free(&ran[1].runner);
        fake_loop_run_to(asking.loop, LONG_MS);
        UNIT_CHECK_ROW(rows[i].name, ran[0].done == done && ran[1].done == done);
        UNIT_CHECK_ROW(rows[i].name, ran[2].done == 1);
        end();
    }
}

// Whatever ends it: an answer, the end of its time, or that there is nothing to ask.
static void
test_freed_in_done(void)
{
    static const char *const scripts[] = {"c5", "t5", "n"};
    static const char *const none[] = {NULL};

    for (size_t i = 0; i < UNIT_COUNT(scripts); i++) {
        begin(three, 1);
        for (size_t j = 1; j <= 3; j++)
            fake_script[j] = scripts[i];
        fake_script[3] = "n";
        ran[0].is_freeing = true;
        ran[0].settled_at = i < 2 ? 1 : 0;
        start(0, LONG_MS);
        fake_loop_run_to(asking.loop, LONG_MS);
        CU_ASSERT_EQUAL(ran[0].done, 1);
        CU_ASSERT_PTR_NULL(ran[0].runner);
        end();
    }
    begin(none, 1);
    ran[0].is_freeing = true;
    start(0, LONG_MS);
    fake_loop_run_to(asking.loop, LONG_MS);
    CU_ASSERT_EQUAL(ran[0].done, 1);
    end();
}

// A message that is settled gives its connection to the next one.
static void
test_connection_goes_on(void)
{
    static const char *const lines[] = {"servers=1; connections=1", "servers=2", NULL};

    begin(lines, 1);
    fake_script[1] = "n";
    fake_script[2] = "h10 h20 h30";
    for (size_t i = 0; i < 3; i++) {
        ran[i].settled_at = 1;
        ran[i].is_freeing = true;
        start(i, LONG_MS);
    }
    fake_loop_run_to(asking.loop, LONG_MS);
    asking_check("handed over",
                 "0:ask1/20000 0:ask2/20000 0:ask2/20000 0:ask2/20000 10:h2 10:cancel1 "
                 "10:ask1/19990 10:done0 20:h2 20:cancel1 20:ask1/19980 20:done1 30:h2 30:cancel1 "
                 "30:done2");
    end();
}

static const struct unit_test tests[] = {
    {"side by side",       test_side_by_side      },
    {"failed",             test_failed            },
    {"settled",            test_settled           },
    {"not asked",          test_not_asked         },
    {"no filters",         test_no_filters        },
    {"freed",              test_freed             },
    {"freed in done",      test_freed_in_done     },
    {"connection goes on", test_connection_goes_on},
};

UNIT_MAIN("filters/runner", tests)
