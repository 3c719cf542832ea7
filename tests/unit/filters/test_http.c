// SPDX-License-Identifier: BSD-2-Clause
#include "filters/http.h"

#include "tests/unit/filters/fake.h"

enum { REPLY_MAX = 1000 };

struct fixture {
    struct fake fake;
    struct pool *pool;
    struct http_multi *multi;
    struct http_call *call;
    struct content *content;
    char *text;
    struct loop_timer *later;
    unsigned told;
    int status;
    struct buf body;
    struct err err;
};

static void
on_done(void *arg, int status, struct span body, const struct err *err)
{
    struct fixture *f = arg;

    CU_ASSERT_PTR_NOT_NULL(f->call); // not from within start
    CU_ASSERT((status == 0) == (err != NULL));
    f->call = NULL;
    f->told++;
    f->status = status;
    buf_add_span(&f->body, body);
    if (err != NULL)
        f->err = *err;
    loop_stop(f->fake.loop);
}

static void
on_later(void *arg)
{
    struct fixture *f = arg;

    http_cancel(&f->call);
    loop_stop(f->fake.loop);
}

static void
set_up(struct fixture *f, enum fake_kind kind)
{
    memset(f, 0, sizeof(*f));
    fake_start(&f->fake, kind);
    f->fake.until = SPAN_LITERAL("\r\n\r\n");
    f->pool = pool_new(f->fake.loop, 1, NULL);
    f->multi = http_multi_new(f->fake.loop);
    f->later = loop_timer_new(f->fake.loop, on_later, f);
    f->status = -1;
    buf_init(&f->body, 2 * REPLY_MAX);
}

static void
tear_down(struct fixture *f)
{
    http_cancel(&f->call);
    http_multi_free(&f->multi);
    content_free(&f->content);
    pool_free(&f->pool);
    loop_timer_free(&f->later);
    mem_free(&f->text);
    buf_clear(&f->body);
    fake_stop(&f->fake);
    cached_is = false;
}

static void
start(struct fixture *f, uint64_t timeout_ms)
{
    static const char *const headers[] = {"X-One: 1", "X-Two: a b", NULL};
    struct addr server = f->fake.addr;
    struct http_request request = {.server = &server,
                                   .path = "/some/path",
                                   .headers = headers,
                                   .content = f->content,
                                   .connect_timeout_ms = timeout_ms,
                                   .timeout_ms = timeout_ms,
                                   .reply_max = REPLY_MAX,
                                   .done = on_done,
                                   .arg = f};

    f->call = http_start(f->multi, &request);
    memset(&server, 0, sizeof(server)); // it was copied
}

static void
ask(struct fixture *f, struct span reply)
{
    f->fake.reply = reply;
    start(f, 10000);
    loop_run(f->fake.loop);
}

static void
put_content(struct fixture *f, size_t len, bool is_file)
{
    f->text = fake_text(len);
    memcpy(f->text + len - 7, "THE END", 7);
    f->content = fake_content(&f->fake, f->pool, span_from(f->text, len), is_file);
    f->fake.until = SPAN_LITERAL("THE END");
}

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\npong"

static void
test_get(void)
{
    for (int kind = FAKE_UNIX; kind <= FAKE_INET; kind++) {
        struct fixture f;
        char expected[256];

        set_up(&f, (enum fake_kind)kind);
        ask(&f, SPAN_LITERAL(OK));
        CU_ASSERT_EQUAL(f.status, 200);
        CU_ASSERT(span_is(buf_span(&f.body), "pong"));
        if (kind == FAKE_UNIX)
            snprintf(expected, sizeof(expected),
                     "GET /some/path HTTP/1.1\r\nHost: localhost\r\n"
                     "X-One: 1\r\nX-Two: a b\r\n\r\n");
        else
            snprintf(expected, sizeof(expected),
                     "GET /some/path HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nX-One: 1\r\nX-Two: a "
                     "b\r\n\r\n",
                     (unsigned)addr_port(&f.fake.addr));
        CU_ASSERT_STRING_EQUAL(buf_text(&f.fake.input), expected);
        tear_down(&f);
    }
}

static void
test_post(void)
{
    static const struct {
        const char *name;
        size_t len;
        bool is_file, is_cached;
    } rows[] = {
        {"in memory",              1000,    false, false},
        {"a large one in memory",  3000000, false, false},
        {"a small file",           7,       true,  false},
        {"a file of one block",    65536,   true,  false},
        {"a file of blocks",       131072,  true,  false},
        {"a large file",           3000001, true,  false},
        {"a small one, cached",    7,       true,  true },
        {"one of a block, cached", 65536,   true,  true },
        {"one of blocks, cached",  131072,  true,  true },
        {"a large one, cached",    3000001, true,  true },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct fixture f;
        char head[256];
        size_t head_len;

        cached_is = rows[i].is_cached;
        set_up(&f, i % 2 == 0 ? FAKE_UNIX : FAKE_INET);
        put_content(&f, rows[i].len, rows[i].is_file);
        ask(&f, SPAN_LITERAL(OK));
        UNIT_CHECK_ROW(rows[i].name, f.status == 200 && f.told == 1);
        snprintf(head, sizeof(head), "X-One: 1\r\nX-Two: a b\r\nContent-Length: %zu\r\n\r\n",
                 rows[i].len);
        head_len = strlen(strstr(buf_text(&f.fake.input), "\r\n\r\n")) - 4;
        UNIT_CHECK_ROW(rows[i].name, head_len == rows[i].len);
        head_len = f.fake.input.len - rows[i].len;
        UNIT_CHECK_ROW(rows[i].name,
                       memcmp(f.fake.input.data, "POST /some/path HTTP/1.1\r\n", 26) == 0);
        UNIT_CHECK_ROW(rows[i].name, memcmp(f.fake.input.data + head_len - strlen(head), head,
                                            strlen(head)) == 0);
        UNIT_CHECK_ROW(rows[i].name,
                       memcmp(f.fake.input.data + head_len, f.text, rows[i].len) == 0);
        f.fake.input.data[head_len] = '\0';
        UNIT_CHECK_ROW(rows[i].name, strcasestr(f.fake.input.data, "expect") == NULL);
        UNIT_CHECK_ROW(rows[i].name, strcasestr(f.fake.input.data, "chunked") == NULL);
        tear_down(&f);
    }
}

static void
test_empty_post(void)
{
    struct fixture f;

    set_up(&f, FAKE_UNIX);
    f.content = fake_content(&f.fake, f.pool, span_of(NULL), false);
    ask(&f, SPAN_LITERAL(OK));
    CU_ASSERT_EQUAL(f.status, 200);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_text(&f.fake.input), "Content-Length: 0\r\n"));
    tear_down(&f);
}

#define X100                                                                                       \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
    "xxxxxxxx"
#define X1000 X100 X100 X100 X100 X100 X100 X100 X100 X100 X100
#define F1000 "X-Field: " X1000 "\r\n"
#define F10000 F1000 F1000 F1000 F1000 F1000 F1000 F1000 F1000 F1000 F1000

struct row {
    const char *name;
    int status; // 0: no reply
    const char *body;
    struct span reply;
};

// Long ones, which the alignment of arrays would spread over the page.
// clang-format off
static const struct row rows[] = {
    {"with a length", 200, "pong", SPAN_LITERAL(OK)},
    {"until the end", 200, "pong", SPAN_LITERAL("HTTP/1.1 200 OK\r\n\r\npong")},
    {"HTTP/1.0", 200, "pong", SPAN_LITERAL("HTTP/1.0 200 OK\r\n\r\npong")},
    {"chunked", 200, "pong", SPAN_LITERAL("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                          "2\r\npo\r\n2\r\nng\r\n0\r\n\r\n")},
    {"chunked, no end", 0, "", SPAN_LITERAL("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                            "2\r\npo\r\n2\r\nng\r\n")},
    {"chunked, with a trailer", 200, "pong",
     SPAN_LITERAL("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "4\r\npong\r\n0\r\nX-A: b\r\n\r\n")},
    {"an interim reply, then half a header", 0, "",
     SPAN_LITERAL("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-A: b\r\n")},
    {"shorter than its length", 0, "",
     SPAN_LITERAL("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\npong")},
    {"longer than its length", 200, "po",
     SPAN_LITERAL("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\npong")},
    {"a length that is none", 0, "",
     SPAN_LITERAL("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\npong")},
    {"interim replies", 200, "pong", SPAN_LITERAL("HTTP/1.1 100 Continue\r\n\r\n" OK)},
    {"nothing but interim replies", 0, "", SPAN_LITERAL("HTTP/1.1 100 Continue\r\n\r\n")},
    {"an error", 503, "no", SPAN_LITERAL("HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno")},
    {"no content", 204, "", SPAN_LITERAL("HTTP/1.1 204 No\r\n\r\n")},
    {"somewhere else", 302, "", SPAN_LITERAL("HTTP/1.1 302 No\r\nLocation: http://127.0.0.1:1/\r\n"
                                             "Content-Length: 0\r\n\r\n")},
    {"says who are you", 401, "", SPAN_LITERAL("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\n"
                                               "Content-Length: 0\r\n\r\n")},
    {"HTTP/0.9", 0, "", SPAN_LITERAL("pong")},
    {"SMTP", 0, "", SPAN_LITERAL("220 hello\r\n")},
    {"nothing", 0, "", SPAN_LITERAL("")},
    {"half a header", 0, "", SPAN_LITERAL("HTTP/1.1 200 OK\r\nContent-Le")},
    {"a body as long as may be", 200, X1000, SPAN_LITERAL("HTTP/1.1 200 OK\r\n\r\n" X1000)},
    {"a longer one", 0, "", SPAN_LITERAL("HTTP/1.1 200 OK\r\n\r\n" X1000 "x")},
    {"a long header", 200, "pong", SPAN_LITERAL("HTTP/1.1 200 OK\r\n" F10000 "\r\npong")},
    {"a longer one still", 0, "",
     SPAN_LITERAL("HTTP/1.1 200 OK\r\n" F10000 F10000 F10000 F10000 F10000 F10000 F10000
                  "\r\npong")},
};

// clang-format on

static void
test_replies(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        for (size_t bite = 0; bite < (rows[i].reply.len < 500 ? 2 : 1); bite++) {
            struct fixture f;

            set_up(&f, FAKE_UNIX);
            f.fake.bite = bite;
            ask(&f, rows[i].reply);
            UNIT_CHECK_ROW(rows[i].name, f.status == rows[i].status);
            UNIT_CHECK_ROW(rows[i].name, span_is(buf_span(&f.body), rows[i].body));
            UNIT_CHECK_ROW(rows[i].name, f.told == 1 && f.fake.accepted == 1);
            tear_down(&f);
        }
    }
}

static void
test_cut_at_each_byte(void)
{
    static const char reply[] = OK;

    for (size_t len = 0; len < sizeof(reply) - 1; len++) {
        struct fixture f;

        set_up(&f, FAKE_UNIX);
        ask(&f, span_from(reply, len));
        CU_ASSERT_EQUAL(f.status, 0);
        CU_ASSERT_NOT_EQUAL(f.err.text[0], '\0');
        tear_down(&f);
    }
}

// Whatever byte stands in the reply: one answer, no crash, and only what is there.
static void
test_each_byte(void)
{
    static const char bytes[] = {'\0', '\r', '\n', ' ', ':', '9', '\xff'};

    for (size_t at = 0; at < (sizeof(OK) - 1) * sizeof(bytes); at++) {
        char reply[] = OK;
        struct fixture f;

        set_up(&f, FAKE_UNIX);
        reply[at / sizeof(bytes)] = bytes[at % sizeof(bytes)];
        ask(&f, span_from(reply, sizeof(reply) - 1));
        CU_ASSERT_EQUAL(f.told, 1);
        CU_ASSERT(f.status == 0 || f.body.len <= sizeof(reply));
        tear_down(&f);
    }
}

// It answers and hangs up with most of the message still to come.
static void
test_early(void)
{
    for (int kind = FAKE_UNIX; kind <= FAKE_INET; kind++) {
        struct fixture f;

        set_up(&f, (enum fake_kind)kind);
        put_content(&f, 20 << 20, true);
        f.fake.until = span_of(NULL);
        f.fake.is_deaf = true;
        f.fake.then = FAKE_STAY;
        ask(&f, SPAN_LITERAL("HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno"));
        CU_ASSERT_EQUAL(f.status, 413);
        tear_down(&f);
        set_up(&f, (enum fake_kind)kind);
        put_content(&f, 20 << 20, true);
        f.fake.until = span_of(NULL);
        f.fake.is_deaf = true;
        ask(&f, span_of(NULL));
        CU_ASSERT_EQUAL(f.status, 0);
        tear_down(&f);
    }
}

// Nobody can say that all is well who has not heard all of it.
static void
test_early_success(void)
{
    for (int kind = FAKE_UNIX; kind <= FAKE_INET; kind++) {
        for (int is_file = 0; is_file < 3; is_file++) { // 2: a cached one
            struct fixture f;

            cached_is = is_file == 2;
            set_up(&f, (enum fake_kind)kind);
            put_content(&f, 20 << 20, is_file > 0);
            f.fake.until = span_of(NULL);
            f.fake.is_deaf = true;
            f.fake.then = FAKE_STAY;
            ask(&f, SPAN_LITERAL(OK));
            CU_ASSERT(f.told == 1 && f.status == 0 && f.body.len == 0);
            CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "before all of the message"));
            tear_down(&f);
        }
    }
}

static void
test_silence(void)
{
    struct fixture f;

    set_up(&f, FAKE_INET);
    f.fake.then = FAKE_STAY;
    start(&f, 60);
    loop_run(f.fake.loop);
    CU_ASSERT_EQUAL(f.status, 0);
    CU_ASSERT_STRING_EQUAL(f.err.text, "no HTTP reply within 60 ms");
    tear_down(&f);
}

static void
test_nobody(void)
{
    for (int kind = FAKE_UNIX; kind <= FAKE_INET; kind++) {
        struct fixture f;

        set_up(&f, (enum fake_kind)kind);
        fake_vanish(&f.fake);
        ask(&f, span_of(NULL));
        CU_ASSERT_EQUAL(f.status, 0);
        CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "Failed to connect"));
        tear_down(&f);
    }
}

// connect() says EAGAIN: curl gives up at once, and leaves it to who asks to come again.
static void
test_full_backlog(void)
{
    struct fixture f;
    int fillers[2];

    set_up(&f, FAKE_UNIX);
    loop_io_want(f.fake.listener_io, false, false);
    CU_ASSERT_EQUAL(listen(f.fake.listener, 0), 0);
    for (size_t i = 0; i < 2; i++) {
        fillers[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&f.fake.addr.sa, f.fake.addr.len);
    }
    start(&f, 200);
    loop_run(f.fake.loop);
    CU_ASSERT_EQUAL(f.status, 0);
    CU_ASSERT_EQUAL(f.told, 1);
    close(fillers[0]);
    close(fillers[1]);
    tear_down(&f);
}

static void
test_no_proxy(void)
{
    struct fixture f;

    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    set_up(&f, FAKE_INET);
    ask(&f, SPAN_LITERAL(OK));
    CU_ASSERT_EQUAL(f.status, 200);
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    tear_down(&f);
}

static void
test_file_too_short(void)
{
    struct fixture f;
    struct content_source source = {.fd_take = -1, .len = 200000};

    set_up(&f, FAKE_INET);
    source.fd_take = openat(f.fake.dir.fd, "short", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CU_ASSERT_EQUAL(write(source.fd_take, "short", 5), 5);
    f.content = content_new(f.fake.loop, f.pool, &source);
    ask(&f, SPAN_LITERAL(OK));
    CU_ASSERT_EQUAL(f.status, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "ends too early"));
    unlinkat(f.fake.dir.fd, "short", 0);
    tear_down(&f);
}

static void
test_cancel(void)
{
    for (unsigned after_ms = 0; after_ms < 8; after_ms++) {
        struct fixture f;

        cached_is = after_ms % 4 > 1;
        set_up(&f, after_ms % 2 == 0 ? FAKE_UNIX : FAKE_INET);
        put_content(&f, 8 << 20, true);
        f.fake.then = FAKE_STAY;
        f.fake.is_deaf = after_ms % 4 > 1;
        start(&f, 10000);
        if (after_ms == 0)
            on_later(&f);
        loop_timer_start(f.later, after_ms);
        loop_run(f.fake.loop);
        CU_ASSERT_PTR_NULL(f.call);
        loop_timer_start(f.later, 2);
        loop_run(f.fake.loop);
        CU_ASSERT_EQUAL(f.told, 0);
        tear_down(&f);
    }
}

static const struct unit_test tests[] = {
    {"get",              test_get             },
    {"post",             test_post            },
    {"empty post",       test_empty_post      },
    {"replies",          test_replies         },
    {"cut at each byte", test_cut_at_each_byte},
    {"each byte",        test_each_byte       },
    {"early",            test_early           },
    {"early success",    test_early_success   },
    {"silence",          test_silence         },
    {"nobody",           test_nobody          },
    {"full backlog",     test_full_backlog    },
    {"no proxy",         test_no_proxy        },
    {"file too short",   test_file_too_short  },
    {"cancel",           test_cancel          },
};

UNIT_MAIN("filters/http", tests)
