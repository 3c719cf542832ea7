// SPDX-License-Identifier: BSD-2-Clause
#include "track/redis/multi.h"

#include "tests/unit/base/fake_redis.h"
#include "tests/unit/harness.h"

struct fixture {
    struct loop *loop;
    struct loop_timer *stopper;
    struct fake_redis server;
    const char *at;      // the first word of the command that is answered otherwise
    const char *instead; // how
    enum fake_then then;
    struct redis *redis;
    struct redis_settings settings;
    struct record record;
    struct multi multi;
    size_t told, queued;
    enum multi_outcome outcome;
    bool has_refused, has_ended;
};

// As Redis would: four commands are queued, unless it refuses one of them.
static struct fake_answer
answer(void *arg, const struct redis_reply *command)
{
    struct fixture *f = arg;
    struct span word = command->items[0].text;

    f->queued += span_is(word, "HSET") || span_is(word, "PEXPIRE");
    if (f->at != NULL && span_is(word, f->at)) {
        f->has_refused = f->instead[0] == '-';
        return (struct fake_answer){span_of(f->instead), f->then};
    }
    if (f->has_refused && span_is(word, "EXEC"))
        return fake_say("-EXECABORT Transaction discarded because of previous errors.\r\n");
    if (span_is(word, "MULTI"))
        return fake_say("+OK\r\n");
    return fake_say(span_is(word, "EXEC") ? "*4\r\n:9\r\n:1\r\n:5\r\n:1\r\n" : "+QUEUED\r\n");
}

static void
on_open(void *arg)
{
    (void)arg;
}

static void
on_end(void *arg, const struct err *err)
{
    struct fixture *f = arg;

    (void)err;
    f->has_ended = true;
    loop_stop(f->loop);
}

static void
on_done(void *arg, enum multi_outcome outcome)
{
    struct fixture *f = arg;

    f->told++;
    f->outcome = outcome;
    loop_stop(f->loop);
}

static void
on_stop(void *arg)
{
    loop_stop(((struct fixture *)arg)->loop);
}

static void
set_up(struct fixture *f)
{
    static const struct redis_callbacks callbacks = {on_open, on_end};
    struct err err;

    memset(f, 0, sizeof *f);
    setting_defaults(redis_rows, redis_row_count, &f->settings);
    f->record = (struct record){.id = SPAN_LITERAL("4X2k9QzT7mB"), .queue_id = SPAN_LITERAL("A1")};
    f->loop = loop_new(&err);
    f->stopper = loop_timer_new(f->loop, on_stop, f);
    fake_redis_init(&f->server, f->loop);
    f->server.answer = answer;
    f->server.arg = f;
    f->redis = redis_connect(f->loop, &f->server.addr, 60000, &callbacks, f);
    multi_fill(&f->multi, &f->record, 1, &f->settings, "mx1");
}

static void
send_it(struct fixture *f)
{
    multi_send(&f->multi, f->redis, on_done, f);
    loop_run(f->loop);
}

static void
tear_down(struct fixture *f)
{
    setting_clear(redis_rows, redis_row_count, &f->settings);
    redis_free(&f->redis);
    fake_redis_stop(&f->server);
    multi_clear(&f->multi);
    loop_timer_free(&f->stopper);
    loop_free(&f->loop);
}

static void
test_refusals(void)
{
    static const struct {
        const char *error;
        enum multi_outcome expected;
    } rows[] = {
        {"OOM command not allowed when used memory > 'maxmemory'.",              MULTI_AGAIN    },
        {"MISCONF Redis is configured to save RDB snapshots",                    MULTI_AGAIN    },
        {"BUSY Redis is busy running a script",                                  MULTI_AGAIN    },
        {"ERR unknown command 'PEXPIRE'",                                        MULTI_AGAIN    },
        {"EXECABORT Transaction discarded because of previous errors.",          MULTI_AGAIN    },
        {"EXECABORT Transaction discarded because of: OOM command not allowed",  MULTI_AGAIN    },
        {"EXECABORT Transaction discarded because of: READONLY You can't write", MULTI_ELSEWHERE},
        {"READONLY You can't write against a read only replica.",                MULTI_ELSEWHERE},
        {"LOADING Redis is loading the dataset in memory",                       MULTI_ELSEWHERE},
        {"MASTERDOWN Link with MASTER is down",                                  MULTI_ELSEWHERE},
        {"NOAUTH Authentication required.",                                      MULTI_ELSEWHERE},
        {"WRONGPASS invalid username-password pair",                             MULTI_ELSEWHERE},
        {"NOPERM this user has no permissions",                                  MULTI_ELSEWHERE},
        {"MOVED 12182 127.0.0.1:11381",                                          MULTI_ELSEWHERE},
        {"READONLYISH",                                                          MULTI_AGAIN    },
        {"",                                                                     MULTI_AGAIN    },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char why[MULTI_WHY_MAX + 1];

        UNIT_CHECK_ROW(rows[i].error,
                       multi_refusal(span_of(rows[i].error), why) == rows[i].expected);
        UNIT_CHECK_ROW(rows[i].error, strcmp(why, rows[i].error) == 0);
    }
}

static void
test_long_refusals(void)
{
    static char text[500] = "READONLY ";
    char why[MULTI_WHY_MAX + 1];

    memset(text + 9, 'x', sizeof text - 9);
    CU_ASSERT_EQUAL(multi_refusal(span_from(text, sizeof text), why), MULTI_ELSEWHERE);
    CU_ASSERT_EQUAL(strlen(why), MULTI_WHY_MAX);
    CU_ASSERT_EQUAL(multi_refusal(span_from("OOM a\0b", 7), why), MULTI_AGAIN);
    CU_ASSERT_STRING_EQUAL(why, "OOM a");
}

// One command is answered otherwise than by a Redis that is well.
static void
test_outcomes(void)
{
    // clang-format off
    static const struct {
        const char *name, *at, *instead;
        enum multi_outcome expected;
        const char *why;
    } rows[] = {
        {"done", NULL, "", MULTI_DONE, ""},
        {"no room", "HSET", "-OOM command not allowed\r\n", MULTI_AGAIN, "OOM command not allowed"},
        {"read-only", "HSET", "-READONLY You can't\r\n", MULTI_ELSEWHERE, "READONLY You can't"},
        {"no login", "MULTI", "-NOAUTH required\r\n", MULTI_ELSEWHERE, "NOAUTH required"},
        {"loading", "PEXPIRE", "-LOADING\r\n", MULTI_ELSEWHERE, "LOADING"},
        {"not queued", "HSET", ":9\r\n", MULTI_ELSEWHERE, "not Redis: a command within MULTI"},
        {"queued otherwise", "HSET", "+OK\r\n", MULTI_ELSEWHERE, "not Redis: a command within MULTI"},
        {"MULTI is queued", "MULTI", "+QUEUED\r\n", MULTI_ELSEWHERE, "not Redis: MULTI"},
        {"MULTI is a number", "MULTI", ":1\r\n", MULTI_ELSEWHERE, "not Redis: MULTI"},
        {"aborted", "EXEC", "-EXECABORT Transaction\r\n", MULTI_AGAIN, "EXECABORT Transaction"},
        {"nothing done", "EXEC", "*-1\r\n", MULTI_AGAIN, "EXEC did nothing"},
        {"nothing at all", "EXEC", "$-1\r\n", MULTI_AGAIN, "EXEC did nothing"},
        {"too few results", "EXEC", "*3\r\n:1\r\n:1\r\n:1\r\n", MULTI_ELSEWHERE, "not Redis: EXEC"},
        {"no results", "EXEC", "*0\r\n", MULTI_ELSEWHERE, "not Redis: EXEC"},
        {"a word", "EXEC", "+OK\r\n", MULTI_ELSEWHERE, "not Redis: EXEC"},
        {"one result is an error", "EXEC", "*4\r\n:1\r\n-MISCONF x\r\n:1\r\n:1\r\n", MULTI_AGAIN, "MISCONF x"},
        {"one result is read-only", "EXEC", "*4\r\n:1\r\n:1\r\n:1\r\n-READONLY x\r\n", MULTI_ELSEWHERE, "READONLY x"},
    };

    // clang-format on

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct fixture f;

        set_up(&f);
        f.at = rows[i].at;
        f.instead = rows[i].instead;
        send_it(&f);
        UNIT_CHECK_ROW(rows[i].name, f.told == 1 && f.outcome == rows[i].expected);
        UNIT_CHECK_ROW(rows[i].name, strncmp(f.multi.why, rows[i].why, strlen(rows[i].why)) == 0);
        UNIT_CHECK_ROW(rows[i].name, f.queued == 4 && f.multi.passed_over == 0);
        // Given again, nothing is left of what was said before.
        f.at = NULL;
        f.has_refused = false;
        send_it(&f);
        UNIT_CHECK_ROW(rows[i].name, f.told == 2 && f.outcome == MULTI_DONE);
        UNIT_CHECK_ROW(rows[i].name, f.queued == 8 && f.multi.why[0] == '\0');
        tear_down(&f);
    }
}

static void
test_wrong_types(void)
{
    struct fixture f;

    set_up(&f);
    f.at = "EXEC";
    f.instead = "*4\r\n:1\r\n:1\r\n-WRONGTYPE Operation against a key\r\n:1\r\n";
    send_it(&f);
    CU_ASSERT_EQUAL(f.outcome, MULTI_DONE);
    CU_ASSERT_EQUAL(f.multi.passed_over, 1);
    CU_ASSERT_TRUE(span_is(f.multi.passed_key, "postfix:A1"));
    tear_down(&f);
}

// Then the owner is told of the end, and of nothing else.
static void
test_lost(void)
{
    static const char *const words[] = {"MULTI", "HSET", "PEXPIRE", "EXEC"};

    for (size_t i = 0; i < UNIT_COUNT(words); i++) {
        struct fixture f;

        set_up(&f);
        f.at = words[i];
        f.instead = "*4\r\n:1\r\n";
        f.then = THEN_CLOSE;
        send_it(&f);
        UNIT_CHECK_ROW(words[i], f.told == 0 && f.has_ended);
        tear_down(&f);
    }
}

static const struct unit_test tests[] = {
    {"refusals",             test_refusals     },
    {"long refusals",        test_long_refusals},
    {"outcomes",             test_outcomes     },
    {"keys of another type", test_wrong_types  },
    {"lost within",          test_lost         },
};

UNIT_MAIN("track/redis/multi", tests)
