// SPDX-License-Identifier: BSD-2-Clause
// By way of http, which alone uses it: calls side by side and one after the other.
#include "filters/http_multi.h"

#include "filters/http.h"
#include "tests/unit/filters/fake.h"

enum { REPLY_MAX = 1000, CALLS = 40 };

struct fixture;

struct caller {
    struct fixture *f;
    struct http_call *call;
    unsigned told;
    int status;
    char body[REPLY_MAX + 1];
    struct err err;
    void (*then)(struct caller *caller); // when it is told; NULL: nothing
};

struct fixture {
    struct fake fake;
    struct pool *pool;
    struct http_multi *multi;
    struct caller callers[CALLS];
    unsigned under_way; // the loop stops when none is
};

static void
set_up(struct fixture *f, enum fake_kind kind)
{
    memset(f, 0, sizeof(*f));
    fake_start(&f->fake, kind);
    f->pool = pool_new(f->fake.loop, 1, NULL);
    f->multi = http_multi_new(f->fake.loop);
    for (size_t i = 0; i < CALLS; i++)
        f->callers[i].f = f;
}

static void
tear_down(struct fixture *f)
{
    http_multi_free(&f->multi);
    CU_ASSERT_PTR_NULL(f->multi);
    pool_free(&f->pool);
    fake_stop(&f->fake);
}

static void
leave(struct fixture *f)
{
    if (--f->under_way == 0)
        loop_stop(f->fake.loop);
}

static void
on_done(void *arg, int status, struct span body, const struct err *err)
{
    struct caller *caller = arg;

    CU_ASSERT_PTR_NOT_NULL(caller->call); // not from within start
    caller->call = NULL;
    caller->told++;
    caller->status = status;
    snprintf(caller->body, sizeof(caller->body), "%.*s", (int)body.len,
             body.len > 0 ? body.data : "");
    if (err != NULL)
        caller->err = *err;
    if (caller->then != NULL)
        caller->then(caller);
    leave(caller->f);
}

static void
start_at(struct caller *caller, struct content *content, const struct addr *server)
{
    struct http_request request = {.server = server,
                                   .path = "/path",
                                   .content = content,
                                   .connect_timeout_ms = 10000,
                                   .timeout_ms = 10000,
                                   .reply_max = REPLY_MAX,
                                   .done = on_done,
                                   .arg = caller};

    caller->f->under_way++;
    caller->call = http_start(caller->f->multi, &request);
}

static void
start(struct caller *caller, struct content *content)
{
    start_at(caller, content, &caller->f->fake.addr);
}

static void
cancel(struct caller *caller)
{
    http_cancel(&caller->call);
    leave(caller->f);
}

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\npong"
#define X100                                                                                       \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
    "x"                                                                                            \
    "xxxxxxx"
#define X1100 X100 X100 X100 X100 X100 X100 X100 X100 X100 X100 X100

enum body { BODY_NONE, BODY_MEMORY, BODY_FILE };

struct before { // what the handle has been through
    const char *name;
    enum body body;
    size_t len;
    bool is_early, is_cancelled;
    int status;
    const char *reply;
};

// clang-format off
static const struct before befores[] = {
    {"a good reply", BODY_NONE, 0, false, false, 200, OK},
    {"sent from memory", BODY_MEMORY, 3000000, false, false, 200, OK},
    {"sent from a file", BODY_FILE, 300000, false, false, 200, OK},
    {"kept open", BODY_NONE, 0, false, false, 200,
     "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=60\r\n"
     "Content-Length: 2\r\n\r\nok"},
    {"a cookie, and who are you", BODY_NONE, 0, false, false, 401,
     "HTTP/1.1 401 No\r\nSet-Cookie: a=b\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
     "Content-Length: 0\r\n\r\n"},
    {"somewhere else", BODY_MEMORY, 100, false, false, 302,
     "HTTP/1.1 302 No\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"},
    {"an error", BODY_FILE, 100, false, false, 503,
     "HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno"},
    {"cut", BODY_NONE, 0, false, false, 0, "HTTP/1.1 200 OK\r\nContent-Le"},
    {"too long", BODY_NONE, 0, false, false, 0, "HTTP/1.1 200 OK\r\n\r\n" X1100},
    {"no HTTP", BODY_MEMORY, 100, false, false, 0, "220 hello\r\n"},
    {"too early", BODY_MEMORY, 20 << 20, true, false, 0, OK},
    {"too early, from a file", BODY_FILE, 20 << 20, true, false, 0, OK},
    {"refused early", BODY_FILE, 20 << 20, true, false, 413,
     "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n"},
    {"cancelled", BODY_FILE, 20 << 20, true, true, -1, ""},
};

// clang-format on

static void
on_cancel(void *arg)
{
    cancel(arg);
}

static void
go_through(struct fixture *f, const struct before *before)
{
    struct caller *caller = &f->callers[0];
    char *text = fake_text(before->len > 7 ? before->len : 7);
    struct content *content = NULL;
    struct loop_timer *timer = loop_timer_new(f->fake.loop, on_cancel, caller);

    memcpy(text + (before->len > 7 ? before->len : 7) - 7, "THE END", 7);
    if (before->body != BODY_NONE)
        content = fake_content(&f->fake, f->pool, span_from(text, before->len),
                               before->body == BODY_FILE);
    f->fake.until = span_of(before->is_early            ? ""
                            : before->body != BODY_NONE ? "THE END"
                                                        : "\r\n\r\n");
    f->fake.is_deaf = before->is_early;
    f->fake.then = before->is_early || before->status == 200 ? FAKE_STAY : FAKE_CLOSE;
    f->fake.reply = span_of(before->reply);
    caller->status = -1;
    start(caller, content);
    if (before->is_cancelled)
        loop_timer_start(timer, 3);
    loop_run(f->fake.loop);
    UNIT_CHECK_ROW(before->name, caller->status == before->status);
    UNIT_CHECK_ROW(before->name, caller->told == !before->is_cancelled);
    content_free(&content);
    loop_timer_free(&timer);
    mem_free(&text);
}

// Asks and hears as if nobody had been there before: on a new connection, byte for byte.
static void
check_like_new(struct fixture *f, const char *name, const char *text, bool is_file)
{
    struct content *content = NULL;
    struct caller *caller = &f->callers[1];
    unsigned accepted = f->fake.accepted;
    const char *host = strstr(buf_text(&f->fake.input), "Host: ");
    char expected[300], length[60] = "";

    CU_ASSERT_PTR_NOT_NULL_FATAL(host);
    if (text != NULL) {
        content = fake_content(&f->fake, f->pool, span_of(text), is_file);
        snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(text));
    }
    snprintf(expected, sizeof(expected), "%s /path HTTP/1.1\r\n%.*s\r\n%s\r\n%s",
             text == NULL ? "GET" : "POST", (int)strcspn(host, "\r"), host, length,
             text == NULL ? "" : text);
    f->fake.until = span_of(text == NULL ? "\r\n\r\n" : "THE END");
    f->fake.is_deaf = false;
    f->fake.then = FAKE_CLOSE;
    f->fake.reply = SPAN_LITERAL(OK);
    caller->told = 0;
    start(caller, content);
    loop_run(f->fake.loop);
    UNIT_CHECK_ROW(name, caller->told == 1 && caller->status == 200);
    UNIT_CHECK_ROW(name, strcmp(caller->body, "pong") == 0);
    UNIT_CHECK_ROW(name, f->fake.accepted == accepted + 1);
    UNIT_CHECK_ROW(name, strcmp(buf_text(&f->fake.input), expected) == 0);
    content_free(&content);
}

static void
test_nothing_is_left(void)
{
    for (size_t i = 0; i < 2 * UNIT_COUNT(befores); i++) {
        const struct before *before = &befores[i / 2];
        const struct before plain = befores[0];
        struct fixture f;

        cached_is = i % 2 == 0;
        set_up(&f, i % 2 == 0 ? FAKE_UNIX : FAKE_INET);
        go_through(&f, before);
        f.callers[0].told = 0;
        if (before->is_early) // nothing was heard: so that there is a Host to go by
            go_through(&f, &plain);
        check_like_new(&f, before->name, NULL, false);
        check_like_new(&f, before->name, "from memory: THE END", false);
        check_like_new(&f, before->name, NULL, false);
        check_like_new(&f, before->name, "from a file: THE END", true);
        check_like_new(&f, before->name, "THE END", false);
        tear_down(&f);
    }
}

// What an earlier call has sent does not count for one whose message is not heard.
static void
test_early_behind_a_long_one(void)
{
    static const struct before later = {"early", BODY_MEMORY, 2000000, true, false, 0, OK};
    struct fixture f;

    set_up(&f, FAKE_UNIX);
    go_through(&f, &befores[1]);
    f.callers[0].told = 0;
    go_through(&f, &later);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.callers[0].err.text, "before all of the message"));
    tear_down(&f);
}

// A reason belongs to its call alone.
static void
test_errors(void)
{
    struct fixture f;

    set_up(&f, FAKE_INET);
    go_through(&f, &befores[0]);
    fake_vanish(&f.fake);
    start(&f.callers[1], NULL);
    loop_run(f.fake.loop);
    CU_ASSERT_EQUAL(f.callers[1].status, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.callers[1].err.text, "Failed to connect"));
    tear_down(&f);
}

// More than handles are kept. The server knows one connection: the others hear it close.
static void
test_side_by_side(void)
{
    for (int kind = FAKE_UNIX; kind <= FAKE_INET; kind++) {
        struct fixture f;
        unsigned good = 0;

        set_up(&f, (enum fake_kind)kind);
        f.fake.until = SPAN_LITERAL("\r\n\r\n");
        f.fake.reply = SPAN_LITERAL(OK);
        for (int round = 0; round < 2; round++) {
            for (size_t i = 0; i < CALLS; i++)
                start(&f.callers[i], NULL);
            loop_run(f.fake.loop);
        }
        for (size_t i = 0; i < CALLS; i++) {
            CU_ASSERT_EQUAL(f.callers[i].told, 2);
            CU_ASSERT(f.callers[i].status == 0 || strcmp(f.callers[i].body, "pong") == 0);
            good += f.callers[i].status == 200;
        }
        CU_ASSERT(good > 0);
        tear_down(&f);
    }
}

static void
cancel_the_others(struct caller *caller)
{
    for (size_t i = 0; i < CALLS; i++) {
        if (caller->f->callers[i].call != NULL)
            cancel(&caller->f->callers[i]);
    }
}

// All have come to their end in the same turn: who is cancelled by the first is not told.
static void
test_cancel_from_done(void)
{
    struct fixture f;
    unsigned told = 0;

    set_up(&f, FAKE_UNIX);
    fake_vanish(&f.fake);
    for (size_t i = 0; i < CALLS; i++) {
        f.callers[i].then = cancel_the_others;
        start(&f.callers[i], NULL);
    }
    loop_run(f.fake.loop);
    for (size_t i = 0; i < CALLS; i++)
        told += f.callers[i].told;
    CU_ASSERT_EQUAL(told, 1);
    tear_down(&f);
}

static void
start_the_next(struct caller *caller)
{
    if (caller + 1 < caller->f->callers + CALLS)
        start(caller + 1, NULL);
}

static void
test_start_from_done(void)
{
    for (int vanishes = 0; vanishes < 2; vanishes++) {
        struct fixture f;

        set_up(&f, FAKE_UNIX);
        f.fake.until = SPAN_LITERAL("\r\n\r\n");
        f.fake.reply = SPAN_LITERAL(OK);
        if (vanishes == 1)
            fake_vanish(&f.fake);
        for (size_t i = 0; i < CALLS; i++)
            f.callers[i].then = start_the_next;
        start(&f.callers[0], NULL);
        loop_run(f.fake.loop);
        for (size_t i = 0; i < CALLS; i++) {
            CU_ASSERT_EQUAL(f.callers[i].told, 1);
            CU_ASSERT_EQUAL(f.callers[i].status, vanishes == 1 ? 0 : 200);
        }
        tear_down(&f);
    }
}

// A server that is stuck does not keep others waiting, nor those the time that is over.
static void
test_cancel_beside(void)
{
    struct fixture f;
    struct loop_timer *timer;

    set_up(&f, FAKE_INET);
    f.fake.until = span_of("never");
    timer = loop_timer_new(f.fake.loop, on_cancel, &f.callers[0]);
    start(&f.callers[0], NULL);
    loop_timer_start(timer, 5);
    loop_run(f.fake.loop);
    CU_ASSERT_EQUAL(f.callers[0].told, 0);
    go_through(&f, &befores[0]);
    loop_timer_free(&timer);
    tear_down(&f);
}

// One that came to its end as it was started is told so, though another one leaves in that turn:
// it does not wait for its time to be over.
static void
test_cancel_behind_an_end(void)
{
    struct fixture f, gone;

    set_up(&f, FAKE_INET);
    set_up(&gone, FAKE_UNIX);
    fake_vanish(&gone.fake);
    f.fake.until = span_of("never");
    start(&f.callers[0], NULL);
    start_at(&f.callers[1], NULL, &gone.fake.addr);
    cancel(&f.callers[0]);
    loop_run(f.fake.loop);
    CU_ASSERT_EQUAL(f.callers[1].told, 1);
    CU_ASSERT_EQUAL(f.callers[1].status, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.callers[1].err.text, "connect"));
    tear_down(&gone);
    tear_down(&f);
}

static const struct unit_test tests[] = {
    {"nothing is left",         test_nothing_is_left        },
    {"early behind a long one", test_early_behind_a_long_one},
    {"errors",                  test_errors                 },
    {"side by side",            test_side_by_side           },
    {"cancel from done",        test_cancel_from_done       },
    {"start from done",         test_start_from_done        },
    {"cancel beside",           test_cancel_beside          },
    {"cancel behind an end",    test_cancel_behind_an_end   },
};

UNIT_MAIN("filters/http_multi", tests)
