// SPDX-License-Identifier: BSD-2-Clause
#include "track/redis/publisher.h"

#include "tests/unit/track/redis_stand.h"

static void
test_batches(void)
{
    struct fixture f;

    set_up(&f);
    start(&f);
    wait_ready(&f, 1);
    CU_ASSERT_STRING_EQUAL(f.scripts[0].heard, "CLIENT SETNAME postern;");
    CU_ASSERT_EQUAL(publisher_change(f.publisher), 0);
    give(&f, 7);
    CU_ASSERT_EQUAL(publisher_change(f.publisher), 0);
    wait_ready(&f, 2);
    CU_ASSERT_EQUAL(publisher_change(f.publisher), 7);
    give(&f, 9);
    wait_ready(&f, 3);
    CU_ASSERT_EQUAL(publisher_change(f.publisher), 9);
    CU_ASSERT_STRING_EQUAL(f.scripts[0].heard, "CLIENT SETNAME postern;MULTI;EXEC;MULTI;EXEC;");
    CU_ASSERT_EQUAL(f.scripts[0].queued, 4);
    CU_ASSERT_TRUE(figures(&f)->is_connected);
    CU_ASSERT_EQUAL(f.figures.written, 2);
    CU_ASSERT_EQUAL(f.figures.connects, 1);
    CU_ASSERT_EQUAL(f.figures.failures, 0);
    CU_ASSERT_STRING_EQUAL(f.figures.server, f.names[0]);
    CU_ASSERT_STRING_EQUAL(f.figures.trouble, "");
    CU_ASSERT_EQUAL(count_of(logged(&f), "connected to inet:127.0.0.1:"), 1);
    CU_ASSERT_EQUAL(count_of(logged(&f), "\n"), 1);
    CU_ASSERT_EQUAL(f.servers[1].accepted, 0);
    tear_down(&f);
}

static void
test_login(void)
{
    static const struct {
        const char *user, *password;
        uint64_t database;
        const char *expected;
    } rows[] = {
        {"",     "",       0,  "CLIENT SETNAME postern;"                           },
        {"",     "secret", 0,  "AUTH secret;CLIENT SETNAME postern;"               },
        {"mail", "secret", 12, "AUTH mail secret;SELECT 12;CLIENT SETNAME postern;"},
        {"",     "",       3,  "SELECT 3;CLIENT SETNAME postern;"                  },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct fixture f;

        set_up(&f);
        set_text(&f.settings.user, rows[i].user);
        set_text(&f.settings.password, rows[i].password);
        f.settings.database = rows[i].database;
        start(&f);
        wait_ready(&f, 1);
        UNIT_CHECK_ROW(rows[i].expected, strcmp(f.scripts[0].heard, rows[i].expected) == 0);
        tear_down(&f);
    }
}

// A server that cannot do with its name is used all the same.
static void
test_name_is_refused(void)
{
    static const char *const rows[] = {"-ERR unknown command 'CLIENT'\r\n",
                                       "-NOPERM this user has no permissions\r\n"};

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct fixture f;

        set_up(&f);
        f.scripts[0].at = "CLIENT";
        f.scripts[0].instead = rows[i];
        start(&f);
        wait_ready(&f, 1);
        UNIT_CHECK_ROW(rows[i], strcmp(figures(&f)->server, f.names[0]) == 0);
        tear_down(&f);
    }
}

static void
test_absent(void)
{
    struct fixture f;

    set_up(&f);
    f.settings.servers.count = 1;
    fake_redis_stop(&f.servers[0]);
    start(&f);
    run_for(&f, 200);
    CU_ASSERT_FALSE(publisher_is_ready(f.publisher));
    CU_ASSERT_FALSE(figures(&f)->is_connected);
    CU_ASSERT_STRING_EQUAL(f.figures.server, "");
    CU_ASSERT_PTR_NOT_NULL(strstr(f.figures.trouble, "refused"));
    fake_redis_listen(&f.servers[0]);
    wait_ready(&f, 1);
    CU_ASSERT_EQUAL(count_of(logged(&f), "refused"), 1);
    CU_ASSERT_EQUAL(count_of(logged(&f), "\n"), 2);
    tear_down(&f);
}

// In the middle of its life: what is given meanwhile is not lost.
static void
test_lost_with_a_batch(void)
{
    struct fixture f;

    set_up(&f);
    f.settings.servers.count = 1;
    start(&f);
    wait_ready(&f, 1);
    f.scripts[0].at = "EXEC";
    f.scripts[0].instead = "";
    give(&f, 3);
    for (unsigned turn = 0; turn < 500 && f.scripts[0].faults == 0; turn++)
        run_for(&f, 5);
    fake_redis_stop(&f.servers[0]);
    run_for(&f, 300);
    CU_ASSERT_EQUAL(figures(&f)->failures, 1);
    CU_ASSERT_FALSE(f.figures.is_connected);
    f.scripts[0].at = NULL;
    fake_redis_listen(&f.servers[0]);
    wait_ready(&f, 2);
    CU_ASSERT_EQUAL(publisher_change(f.publisher), 3);
    CU_ASSERT_EQUAL(f.scripts[0].queued, 4);
    tear_down(&f);
}

static void
test_idle_end_is_no_trouble(void)
{
    struct fixture f;

    set_up(&f);
    start(&f);
    wait_ready(&f, 1);
    give(&f, 1);
    wait_ready(&f, 2);
    fake_redis_hang_up(&f.servers[0]);
    wait_ready(&f, 3);
    give(&f, 2);
    wait_ready(&f, 4);
    CU_ASSERT_EQUAL(f.scripts[0].execs, 2);
    CU_ASSERT_EQUAL(figures(&f)->connects, 2);
    CU_ASSERT_EQUAL(f.figures.failures, 0);
    CU_ASSERT_EQUAL(count_of(logged(&f), "\n"), 1);
    CU_ASSERT_EQUAL(f.servers[1].accepted, 0);
    tear_down(&f);
}

// Whoever lets us in and hangs up before anything was written is left for another.
static void
test_let_in_and_sent_away(void)
{
    struct fixture f;

    set_up(&f);
    f.scripts[0].at = "CLIENT";
    f.scripts[0].instead = "+OK\r\n+OK\r\n";
    start(&f);
    wait_ready(&f, 2);
    CU_ASSERT_STRING_EQUAL(figures(&f)->server, f.names[1]);
    CU_ASSERT_EQUAL(count_of(logged(&f), "nobody asked for"), 1);
    tear_down(&f);
}

// What a batch may take is over with the batch.
static void
test_quiet_afterwards(void)
{
    struct fixture f;

    set_up(&f);
    f.settings.timeout = 200;
    start(&f);
    wait_ready(&f, 1);
    give(&f, 1);
    wait_ready(&f, 2);
    run_for(&f, 2200);
    CU_ASSERT_EQUAL(f.ready, 2);
    CU_ASSERT_EQUAL(figures(&f)->connects, 1);
    tear_down(&f);
}

static void
test_trouble_that_comes_again(void)
{
    struct fixture f;

    set_up(&f);
    start(&f);
    wait_ready(&f, 1);
    for (size_t round = 1; round <= 2; round++) {
        f.scripts[0].at = "EXEC";
        f.scripts[0].instead = "-OOM command not allowed\r\n";
        give(&f, round);
        for (unsigned turn = 0; turn < 500 && f.scripts[0].faults < 2 * round; turn++)
            run_for(&f, 5);
        f.scripts[0].at = NULL;
        wait_ready(&f, 1 + round);
        CU_ASSERT_EQUAL(count_of(logged(&f), "OOM"), round);
        CU_ASSERT_EQUAL(count_of(logged(&f), "\n"), 1 + 2 * round);
    }
    tear_down(&f);
}

static void
test_slow(void)
{
    struct fixture f;

    set_up(&f);
    f.servers[0].is_dribbling = true;
    start(&f);
    wait_ready(&f, 1);
    give(&f, 1);
    wait_ready(&f, 2);
    CU_ASSERT_EQUAL(figures(&f)->failures, 0);
    CU_ASSERT_EQUAL(f.servers[1].accepted, 0);
    tear_down(&f);
}

enum { TIMES_MAX = 8 };

static struct fake_answer
answer_note_time(void *arg, const struct redis_reply *command)
{
    uint64_t *times = arg;

    (void)command;
    for (size_t i = 0; i < TIMES_MAX; i++) {
        if (times[i] == 0) {
            times[i] = times[TIMES_MAX];
            break;
        }
    }
    return (struct fake_answer){SPAN_LITERAL("-LOADING\r\n"), THEN_STAY};
}

static void
test_pauses_grow(void)
{
    uint64_t times[TIMES_MAX + 1] = {0};
    struct fixture f;

    set_up(&f);
    f.settings.servers.count = 1;
    f.servers[0].answer = answer_note_time;
    f.servers[0].arg = times;
    start(&f);
    for (unsigned turn = 0; turn < 2000 && times[5] == 0; turn++) {
        times[TIMES_MAX] = loop_now_ms(f.loop);
        run_for(&f, 2);
    }
    CU_ASSERT_TRUE(times[5] > 0);
    // 50 to 100 ms at first, 800 to 1600 ms for the fifth time.
    CU_ASSERT_TRUE(times[5] - times[4] > 2 * (times[1] - times[0]));
    tear_down(&f);
}

static void
test_names(void)
{
    struct fixture f;

    set_up(&f);
    snprintf(f.names[0], ADDR_TEXT_MAX, "inet:no..host:6379");
    snprintf(f.names[1], ADDR_TEXT_MAX, "inet:localhost:%u", addr_port(&f.servers[1].addr));
    start(&f);
    wait_ready(&f, 1);
    CU_ASSERT_EQUAL(f.servers[1].accepted, 1);
    CU_ASSERT_EQUAL(strncmp(figures(&f)->server, "inet:127.0.0.1:", 15), 0);
    CU_ASSERT_EQUAL(count_of(logged(&f), "no..host"), 2); // of the server, and what it says
    CU_ASSERT_EQUAL(count_of(logged(&f), "connected to inet:localhost:"), 1);
    CU_ASSERT_EQUAL(count_of(logged(&f), "\n"), 2);
    tear_down(&f);
}

static void
test_keys_of_another_type(void)
{
    struct fixture f;

    set_up(&f);
    f.scripts[0].at = "EXEC";
    f.scripts[0].instead = "*2\r\n-WRONGTYPE Operation\r\n:1\r\n";
    start(&f);
    wait_ready(&f, 1);
    for (uint64_t change = 1; change <= 3; change++) {
        give(&f, change);
        wait_ready(&f, 1 + (size_t)change);
        CU_ASSERT_EQUAL(publisher_change(f.publisher), change);
    }
    CU_ASSERT_EQUAL(figures(&f)->failures, 0);
    CU_ASSERT_EQUAL(count_of(logged(&f), "postern:msg:4X2k9QzT7mB is there, and not a hash"), 1);
    tear_down(&f);
}

static void
test_freed(void)
{
    static const char *const words[] = {"CLIENT", "MULTI", "EXEC"};
    struct fixture f;

    for (size_t i = 0; i < UNIT_COUNT(words); i++) {
        set_up(&f);
        f.scripts[0].at = words[i];
        f.scripts[0].instead = "";
        start(&f);
        for (unsigned turn = 0; turn < 500 && f.scripts[0].faults == 0; turn++) {
            run_for(&f, 5);
            if (publisher_is_ready(f.publisher))
                give(&f, 1);
        }
        publisher_free(&f.publisher);
        CU_ASSERT_PTR_NULL(f.publisher);
        run_for(&f, 20);
        UNIT_CHECK_ROW(words[i], f.ready == (i > 0 ? 1 : 0));
        tear_down(&f);
    }
    set_up(&f);
    start(&f);
    publisher_free(&f.publisher); // before anything was tried
    fake_redis_stop(&f.servers[0]);
    fake_redis_stop(&f.servers[1]);
    start(&f);
    run_for(&f, 20);
    publisher_free(&f.publisher); // in a pause
    publisher_free(&f.publisher);
    fake_redis_listen(&f.servers[0]);
    f.frees_when_ready = true;
    start(&f);
    run_for(&f, 5000);
    CU_ASSERT_EQUAL(f.ready, 1);
    run_for(&f, 20);
    tear_down(&f);
}

static const struct unit_test tests[] = {
    {"batches",                   test_batches                 },
    {"login",                     test_login                   },
    {"a name that is refused",    test_name_is_refused         },
    {"absent at first",           test_absent                  },
    {"lost with a batch",         test_lost_with_a_batch       },
    {"an idle end is no trouble", test_idle_end_is_no_trouble  },
    {"let in and sent away",      test_let_in_and_sent_away    },
    {"quiet afterwards",          test_quiet_afterwards        },
    {"trouble that comes again",  test_trouble_that_comes_again},
    {"slow",                      test_slow                    },
    {"pauses grow",               test_pauses_grow             },
    {"names",                     test_names                   },
    {"keys of another type",      test_keys_of_another_type    },
    {"freed at every moment",     test_freed                   },
};

UNIT_MAIN("track/redis/publisher", tests)
