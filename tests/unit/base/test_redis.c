// SPDX-License-Identifier: BSD-2-Clause
#include "base/redis.h"

#include <sys/un.h>

#include "tests/unit/base/redis_owner.h"
#include "tests/unit/base/tempdir.h"

static void
count_any(void *arg, const struct redis_reply *reply)
{
    *(size_t *)arg += reply != NULL;
}

static void
test_dialogue(void)
{
    static const char expected[] = "1|a\0\r\n||2|a\0\r\n||3|a\0\r\n||";
    struct fixture f;

    set_up(&f, fake_say("+one\r\n"));
    f.answers[1] = fake_say("$3\r\ntwo\r\n");
    f.answers[2] = fake_say("-three\r\n");
    f.answer_count = 3;
    start(&f, 60000);
    run_for(&f, 20);
    CU_ASSERT_STRING_EQUAL(f.trace, "open;one;two;");
    f.is_calling = true;
    ask(&f, "3");
    redis_command(f.redis, &SPAN_LITERAL("QUIET"), 1, NULL, NULL);
    f.is_calling = false;
    CU_ASSERT_EQUAL(redis_unanswered(f.redis), 2);
    run_for(&f, 20);
    CU_ASSERT_EQUAL(redis_unanswered(f.redis), 0);
    CU_ASSERT_STRING_EQUAL(f.trace, "open;one;two;three;");
    CU_ASSERT_EQUAL(f.heard.len, sizeof expected - 1 + 6);
    CU_ASSERT_EQUAL(memcmp(f.heard.data, expected, sizeof expected - 1), 0);
    tear_down(&f);
}

static void
test_dribbled_replies(void)
{
    struct fixture f;

    set_up(&f, fake_say("*2\r\n+a\r\n$3\r\na\r\n\r\n"));
    f.answers[1] = fake_say("+two\r\n");
    f.answer_count = 2;
    f.server.is_dribbling = true;
    start(&f, 60000);
    run_for(&f, 100);
    CU_ASSERT_STRING_EQUAL(f.trace, "open;;two;");
    tear_down(&f);
}

// A byte at a time: never silent, and never whole.
static const char for_ever[] =
    "$500\r\n................................................................";

// What counts is each reply, not all of them; and nobody waits where none is due.
static void
test_no_time_out(void)
{
    enum { MANY = 60 };

    struct fixture f;
    size_t replies = 0;

    set_up(&f, fake_say("+one\r\n"));
    f.server.is_dribbling = true;
    start(&f, 250);
    for (unsigned i = 0; i < MANY; i++)
        redis_command(f.redis, &SPAN_LITERAL("PING"), 1, count_any, &replies);
    for (unsigned turn = 0; turn < 500 && replies < MANY; turn++) {
        loop_timer_start(f.stopper, 10);
        loop_run(f.loop);
    }
    run_for(&f, 400);
    CU_ASSERT_EQUAL(replies, MANY);
    CU_ASSERT_STRING_EQUAL(f.trace, "open;one;one;");
    tear_down(&f);
}

// Nor is anything heard of a time-out where the connection has ended before.
static void
test_one_end(void)
{
    struct fixture f;

    set_up(&f, (struct fake_answer){SPAN_LITERAL(""), THEN_CLOSE});
    start(&f, 60);
    run_for(&f, 150);
    CU_ASSERT_STRING_EQUAL(f.trace, "open;null;null;end;");
    tear_down(&f);
}

// Each ends a connection with two commands under way.
static void
test_ends(void)
{
    // clang-format off
    static const struct {
        const char *name, *answer;
        enum fake_then then;
        uint64_t timeout_ms;
        const char *expected, *why;
    } rows[] = {
        {"closed", "", THEN_CLOSE, 60000, "open;null;null;end;", "closed the connection"},
        {"closed within a reply", "+OK\r\n$10\r\nabc", THEN_CLOSE, 60000, "open;OK;null;end;", "closed"},
        {"reset", "", THEN_RESET, 60000, "open;null;null;end;", ""},
        {"reset within a reply", "+OK\r\n*2\r\n:1\r\n", THEN_RESET, 60000, "open;OK;null;end;", ""},
        {"nonsense", "250 mx\r\n", THEN_STAY, 60000, "open;null;null;end;", "not Redis: "},
        {"a reply and nonsense", "+OK\r\nx", THEN_STAY, 60000, "open;OK;null;end;", "not Redis: "},
        {"too many replies", "+1\r\n+2\r\n+3\r\n", THEN_STAY, 60000, "open;1;2;end;", "nobody asked"},
        {"silent", "", THEN_STAY, 60, "open;null;null;end;", "no reply within 60 ms"},
        {"silent within a reply", "$10\r\nabc", THEN_STAY, 60, "open;null;null;end;", "no reply"},
        {"for ever", for_ever, THEN_STAY, 60, "open;null;null;end;", "no reply"},
    };

    // clang-format on

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct fixture f;

        set_up(&f, (struct fake_answer){span_of(rows[i].answer), rows[i].then});
        f.server.is_dribbling = rows[i].answer == for_ever;
        start(&f, rows[i].timeout_ms);
        loop_run(f.loop);
        UNIT_CHECK_ROW(rows[i].name, strcmp(f.trace, rows[i].expected) == 0);
        UNIT_CHECK_ROW(rows[i].name, strstr(f.err.text, rows[i].why) != NULL);
        ask(&f, "nobody hears it");
        CU_ASSERT_EQUAL(redis_unanswered(f.redis), 0);
        run_for(&f, 5);
        UNIT_CHECK_ROW(rows[i].name, strcmp(f.trace, rows[i].expected) == 0);
        tear_down(&f);
    }
}

static void
test_unasked(void)
{
    static const struct {
        const char *name, *greeting;
        enum fake_then then;
        const char *why;
    } rows[] = {
        {"a greeting", "+hello\r\n",                             THEN_STAY,  "that nobody asked for"},
        {"refused",    "-ERR max number of clients reached\r\n", THEN_CLOSE, "ERR max number of"    },
        {"closed",     "",                                       THEN_CLOSE, "closed the connection"},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        static const struct redis_callbacks callbacks = {on_open, on_end};
        struct fixture f;

        set_up(&f, fake_say(""));
        f.server.greeting = (struct fake_answer){span_of(rows[i].greeting), rows[i].then};
        f.redis = redis_connect(f.loop, &f.server.addr, 60000, &callbacks, &f);
        loop_run(f.loop);
        UNIT_CHECK_ROW(rows[i].name, strcmp(f.trace, "open;end;") == 0);
        UNIT_CHECK_ROW(rows[i].name, strstr(f.err.text, rows[i].why) != NULL);
        tear_down(&f);
    }
}

static void
test_refused(void)
{
    struct fixture f;

    set_up(&f, fake_say(""));
    fake_redis_stop(&f.server);
    start(&f, 60000);
    loop_run(f.loop);
    CU_ASSERT_STRING_EQUAL(f.trace, "null;null;end;");
    CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "connect to inet:127.0.0.1:"));
    CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "refused"));
    tear_down(&f);
}

static void
test_unix(void)
{
    struct fixture f;
    struct tempdir dir;
    struct addr addr = {.len = sizeof(struct sockaddr_un)};
    struct sockaddr_un *sa = (struct sockaddr_un *)&addr.sa;
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), filler = socket(AF_UNIX, SOCK_STREAM, 0);

    tempdir_make(&dir);
    sa->sun_family = AF_UNIX;
    snprintf(sa->sun_path, sizeof sa->sun_path, "%s/socket", dir.path);
    set_up(&f, fake_say(""));
    start_at(&f, &addr, 60000);
    loop_run(f.loop);
    CU_ASSERT_STRING_EQUAL(f.trace, "null;null;end;");
    CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "No such file"));
    tear_down(&f);

    // The backlog's only place is taken.
    CU_ASSERT_EQUAL_FATAL(bind(listener, (struct sockaddr *)sa, sizeof *sa), 0);
    CU_ASSERT_EQUAL_FATAL(listen(listener, 0), 0);
    CU_ASSERT_EQUAL_FATAL(connect(filler, (struct sockaddr *)sa, sizeof *sa), 0);
    set_up(&f, fake_say(""));
    start_at(&f, &addr, 60);
    loop_run(f.loop);
    CU_ASSERT_STRING_EQUAL(f.trace, "null;null;end;");
    CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "timed out"));
    tear_down(&f);
    close(filler);
    close(listener);
    tempdir_remove(&dir);
}

static void
test_freed(void)
{
    static const struct {
        const char *name;
        enum habit habit;
        const char *answer;
        enum fake_then then;
        const char *expected;
    } rows[] = {
        {"on open",             FREE_ON_OPEN,  "+OK\r\n",        THEN_STAY,  "open;"              },
        {"on a reply",          FREE_ON_REPLY, "+OK\r\n",        THEN_STAY,  "open;OK;"           },
        {"on the first of two", FREE_ON_REPLY, "+OK\r\n+OK\r\n", THEN_STAY,  "open;OK;"           },
        {"on a lost reply",     FREE_ON_NULL,  "",               THEN_CLOSE, "open;null;"         },
        {"on a bad reply",      FREE_ON_NULL,  "x",              THEN_STAY,  "open;null;"         },
        {"on the end",          FREE_ON_END,   "",               THEN_CLOSE, "open;null;null;end;"},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct fixture f;

        set_up(&f, (struct fake_answer){span_of(rows[i].answer), rows[i].then});
        f.habit = rows[i].habit;
        start(&f, 60000);
        run_for(&f, 30);
        UNIT_CHECK_ROW(rows[i].name, strcmp(f.trace, rows[i].expected) == 0);
        UNIT_CHECK_ROW(rows[i].name, f.redis == NULL);
        tear_down(&f);
    }
}

static void
test_freed_under_way(void)
{
    struct fixture f;

    set_up(&f, fake_say(""));
    start(&f, 60000);
    redis_free(&f.redis); // connecting
    CU_ASSERT_PTR_NULL(f.redis);
    redis_free(&f.redis);
    start(&f, 60000);
    while (f.asked < 2) {
        loop_timer_start(f.stopper, 5);
        loop_run(f.loop);
    }
    redis_free(&f.redis); // replies are due
    run_for(&f, 10);
    CU_ASSERT_STRING_EQUAL(f.trace, "open;");
    tear_down(&f);
}

static void
test_command_in_a_reply(void)
{
    struct fixture f;

    set_up(&f, fake_say("+OK\r\n"));
    f.habit = ASK_AGAIN;
    start(&f, 60000);
    run_for(&f, 30);
    CU_ASSERT_EQUAL(strncmp(f.trace, "open;OK;OK;OK;OK;", 17), 0);
    CU_ASSERT_EQUAL(redis_unanswered(f.redis), 0);
    tear_down(&f);
    set_up(&f, (struct fake_answer){SPAN_LITERAL(""), THEN_CLOSE});
    f.habit = ASK_AGAIN;
    start(&f, 60000);
    loop_run(f.loop);
    CU_ASSERT_STRING_EQUAL(f.trace, "open;null;null;end;");
    tear_down(&f);
}

struct asked { // a command
    size_t *heard;
    int64_t number; // of its reply
};

static void
note_number(void *arg, const struct redis_reply *reply)
{
    struct asked *asked = arg;

    asked->number = reply != NULL ? reply->number : -1;
    ++*asked->heard;
}

static struct fake_answer
answer_number(void *arg, const struct redis_reply *command)
{
    static char text[40];

    (void)command;
    snprintf(text, sizeof text, ":%zu\r\n", ((struct fixture *)arg)->asked++);
    return fake_say(text);
}

// Each gets its own: the server counts them.
static void
test_many(void)
{
    enum { MANY = 20000 };

    static char value[300];
    static struct asked asked[MANY];
    const struct span args[] = {SPAN_LITERAL("SET"), span_from(value, sizeof value)};
    struct fixture f;
    size_t heard = 0, right = 0;

    set_up(&f, fake_say(""));
    f.server.answer = answer_number;
    start(&f, 60000);
    while (f.asked < 2 || redis_unanswered(f.redis) > 0) {
        loop_timer_start(f.stopper, 5);
        loop_run(f.loop);
    }
    for (unsigned i = 0; i < MANY; i++) {
        asked[i].heard = &heard;
        redis_command(f.redis, args, UNIT_COUNT(args), note_number, &asked[i]);
    }
    CU_ASSERT_EQUAL(redis_unanswered(f.redis), MANY);
    for (unsigned turn = 0; turn < 10000 && heard < MANY; turn++) {
        loop_timer_start(f.stopper, 5);
        loop_run(f.loop);
    }
    for (unsigned i = 0; i < MANY; i++)
        right += asked[i].number == i + 2;
    CU_ASSERT_EQUAL(right, MANY);
    tear_down(&f);
}

static const struct unit_test tests[] = {
    {"a dialogue, pipelined",    test_dialogue          },
    {"replies byte by byte",     test_dribbled_replies  },
    {"no time-out",              test_no_time_out       },
    {"one end",                  test_one_end           },
    {"ends with replies due",    test_ends              },
    {"what nobody asked for",    test_unasked           },
    {"refused",                  test_refused           },
    {"UNIX sockets",             test_unix              },
    {"freed in its callbacks",   test_freed             },
    {"freed under way",          test_freed_under_way   },
    {"a command within a reply", test_command_in_a_reply},
    {"many, in order",           test_many              },
};

UNIT_MAIN("base/redis", tests)
