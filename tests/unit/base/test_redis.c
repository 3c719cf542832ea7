// SPDX-License-Identifier: BSD-2-Clause
#include "base/redis.h"

#include <sys/un.h>

#include "tests/unit/base/fake_redis.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

// What the owner does beside writing down what it is told.
enum habit { LISTEN, FREE_ON_OPEN, FREE_ON_REPLY, FREE_ON_NULL, FREE_ON_END, ASK_AGAIN };

struct fixture {
    struct loop *loop;
    struct loop_timer *stopper;
    struct fake_redis server;
    struct fake_answer answers[10]; // one behind the other; the last is for all that follow
    size_t answer_count, asked;
    struct buf heard; // arguments, as the server got them
    struct redis *redis;
    redis_replied *replied;
    enum habit habit;
    bool is_calling;
    char trace[2000];
    struct err err;
};

static void
note(struct fixture *f, const char *what, struct span text)
{
    size_t len = strlen(f->trace);

    CU_ASSERT_FALSE(f->is_calling);
    snprintf(f->trace + len, sizeof f->trace - len, "%s%.*s;", what, (int)text.len,
             text.len > 0 ? text.data : "");
}

static void
free_if(struct fixture *f, enum habit habit)
{
    if (f->habit == habit)
        redis_free(&f->redis);
}

static void
on_open(void *arg)
{
    note(arg, "open", SPAN_LITERAL(""));
    free_if(arg, FREE_ON_OPEN);
}

static void
on_end(void *arg, const struct err *err)
{
    struct fixture *f = arg;

    note(f, "end", SPAN_LITERAL(""));
    f->err = *err;
    CU_ASSERT_EQUAL(err->kind, ERR_TEMP);
    CU_ASSERT_EQUAL(redis_unanswered(f->redis), 0);
    free_if(f, FREE_ON_END);
    loop_stop(f->loop);
}

static void
ask(struct fixture *f, const char *text)
{
    struct span args[] = {
        span_of(text), span_from("a\0\r\n", 4), {NULL, 0}
    };

    redis_command(f->redis, args, UNIT_COUNT(args), f->replied, f);
}

static void
on_reply(void *arg, const struct redis_reply *reply)
{
    struct fixture *f = arg;

    if (reply == NULL) {
        note(f, "null", SPAN_LITERAL(""));
        free_if(f, FREE_ON_NULL);
    } else {
        note(f, "", reply->text);
        free_if(f, FREE_ON_REPLY);
    }
    if (f->habit == ASK_AGAIN) {
        if (f->asked >= 3)
            f->habit = LISTEN;
        ask(f, "again");
    }
}

static struct fake_answer
answer(void *arg, const struct redis_reply *command)
{
    struct fixture *f = arg;
    size_t next = f->asked < f->answer_count ? f->asked : f->answer_count - 1;

    f->asked++;
    CU_ASSERT_EQUAL(command->kind, REDIS_LIST);
    for (size_t i = 0; i < command->item_count; i++) {
        buf_add_span(&f->heard, command->items[i].text);
        buf_add_char(&f->heard, '|');
    }
    return f->answers[next];
}

static void
on_stop(void *arg)
{
    loop_stop(((struct fixture *)arg)->loop);
}

static void
set_up(struct fixture *f, struct fake_answer first)
{
    struct err err;

    memset(f, 0, sizeof *f);
    f->loop = loop_new(&err);
    f->stopper = loop_timer_new(f->loop, on_stop, f);
    fake_redis_init(&f->server, f->loop);
    f->server.answer = answer;
    f->server.arg = f;
    f->answers[0] = first;
    f->answer_count = 1;
    buf_init(&f->heard, 1 << 20);
}

static void
start_at(struct fixture *f, const struct addr *addr, uint64_t timeout_ms)
{
    static const struct redis_callbacks callbacks = {on_open, on_end};

    f->replied = on_reply;
    f->is_calling = true;
    f->redis = redis_connect(f->loop, addr, timeout_ms, &callbacks, f);
    ask(f, "1");
    ask(f, "2");
    f->is_calling = false;
    CU_ASSERT_EQUAL(redis_unanswered(f->redis), 2);
}

static void
start(struct fixture *f, uint64_t timeout_ms)
{
    start_at(f, &f->server.addr, timeout_ms);
}

// Until nothing was told for so long.
static void
run_for(struct fixture *f, uint64_t ms)
{
    size_t before;

    do {
        before = strlen(f->trace);
        loop_timer_start(f->stopper, ms);
        loop_run(f->loop);
    } while (strlen(f->trace) != before);
}

static void
tear_down(struct fixture *f)
{
    redis_free(&f->redis);
    fake_redis_stop(&f->server);
    buf_clear(&f->heard);
    loop_timer_free(&f->stopper);
    loop_free(&f->loop);
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

static void
count_reply(void *arg, const struct redis_reply *reply)
{
    size_t *counts = arg;

    // In order: the server counts, too.
    if (reply != NULL && (size_t)reply->number == counts[0])
        counts[0]++;
    counts[1]++;
}

static struct fake_answer
answer_number(void *arg, const struct redis_reply *command)
{
    static char text[40];

    (void)command;
    snprintf(text, sizeof text, ":%zu\r\n", ((struct fixture *)arg)->asked++);
    return fake_say(text);
}

static void
test_many(void)
{
    enum { MANY = 20000 };

    static char value[300];
    const struct span args[] = {SPAN_LITERAL("SET"), span_from(value, sizeof value)};
    struct fixture f;
    size_t counts[2] = {2, 0};

    set_up(&f, fake_say(""));
    f.server.answer = answer_number;
    start(&f, 60000);
    for (unsigned i = 0; i < MANY; i++)
        redis_command(f.redis, args, UNIT_COUNT(args), count_reply, counts);
    CU_ASSERT_EQUAL(redis_unanswered(f.redis), MANY + 2);
    for (unsigned turn = 0; turn < 10000 && counts[1] < MANY; turn++) {
        loop_timer_start(f.stopper, 5);
        loop_run(f.loop);
    }
    CU_ASSERT_EQUAL(counts[0], MANY + 2);
    CU_ASSERT_EQUAL(counts[1], MANY);
    tear_down(&f);
}

static const struct unit_test tests[] = {
    {"a dialogue, pipelined",    test_dialogue          },
    {"replies byte by byte",     test_dribbled_replies  },
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
