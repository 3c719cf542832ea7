// SPDX-License-Identifier: BSD-2-Clause
#include "filters/clamd.h"

#include <errno.h>

#include "tests/unit/filters/fake.h"

struct fixture {
    struct fake fake;
    struct pool *pool;
    struct filter_settings settings;
    struct filter_message message;
    struct filter_run *run;
    char *text;
    size_t len;
    struct loop_timer *later;
    unsigned told;
    enum filter_end end;
    struct result result;
    struct err err;
};

enum source { MEMORY, A_FILE };

static void
on_done(void *arg, enum filter_end end, struct result *result_take, const struct err *err)
{
    struct fixture *f = arg;

    CU_ASSERT_PTR_NOT_NULL(f->run); // not from within start
    f->told++;
    f->end = end;
    f->run = NULL;
    if (result_take != NULL)
        f->result = *result_take;
    if (err != NULL)
        f->err = *err;
    CU_ASSERT((end == FILTER_TROUBLE) == (err != NULL));
    loop_stop(f->fake.loop);
}

static void
on_later(void *arg)
{
    struct fixture *f = arg;

    if (f->run != NULL)
        clamd_type.cancel(f->run);
    f->run = NULL;
    loop_stop(f->fake.loop);
}

static void
set_up(struct fixture *f, enum fake_kind kind, enum source source, size_t len)
{
    memset(f, 0, sizeof(*f));
    fake_start(&f->fake, kind);
    f->fake.until = kind == FAKE_UNIX ? span_from("S\0", 3) : span_from("\0\0\0", 4);
    f->fake.then = FAKE_CLOSE;
    f->pool = pool_new(f->fake.loop, 1, NULL);
    f->later = loop_timer_new(f->fake.loop, on_later, f);
    filter_settings_init(&f->settings, "av");
    f->text = fake_text(len);
    f->len = len;
    f->message.content = fake_content(&f->fake, f->pool, span_from(f->text, len), source == A_FILE);
    result_init(&f->result);
}

static void
tear_down(struct fixture *f)
{
    content_free(&f->message.content);
    pool_free(&f->pool);
    loop_timer_free(&f->later);
    result_clear(&f->result);
    filter_settings_clear(&f->settings);
    mem_free(&f->text);
    fake_stop(&f->fake);
    cached_is = false;
}

static void
start(struct fixture *f, uint64_t timeout_ms)
{
    struct filter_try attempt = {.loop = f->fake.loop,
                                 .settings = &f->settings,
                                 .server = &f->fake.addr,
                                 .message = &f->message,
                                 .timeout_ms = timeout_ms,
                                 .done = on_done,
                                 .arg = f};

    f->end = FILTER_TROUBLE;
    f->run = clamd_type.start(&attempt);
}

static void
ask(struct fixture *f, struct span reply)
{
    f->fake.reply = reply;
    start(f, 10000);
    loop_run(f->fake.loop);
    CU_ASSERT_PTR_NULL(f->run);
}

// What an INSTREAM brought is the message: length and bytes of each chunk, then a length of 0.
static bool
is_stream_of(struct span input, struct span text)
{
    size_t len = sizeof("zINSTREAM");

    if (input.len < len || memcmp(input.data, "zINSTREAM", len) != 0)
        return false;
    while (input.len - len >= 4) {
        const unsigned char *head = (const unsigned char *)input.data + len;
        size_t count =
            (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];

        len += 4;
        if (count == 0)
            return text.len == 0 && len == input.len;
        if (count > text.len || count > input.len - len ||
            memcmp(input.data + len, text.data, count) != 0)
            return false;
        len += count;
        text = span_skip(text, count);
    }
    return false;
}

static bool
is_descriptor_of(const struct fixture *f)
{
    char *content = mem_zalloc(f->len + 10);
    ssize_t got = pread(f->fake.passed, content, f->len + 10, 0);
    bool is_same = got == (ssize_t)f->len && memcmp(content, f->text, f->len) == 0;

    mem_free(&content);
    return is_same && f->fake.input.len == 9 && memcmp(f->fake.input.data, "zFILDES\0", 9) == 0;
}

static const struct {
    const char *name;
    enum fake_kind kind;
    enum source source;
    size_t len;
    bool is_cached;
} ways[] = {
    {"descriptor of memory",      FAKE_UNIX, MEMORY, 1000,   false},
    {"descriptor of a file",      FAKE_UNIX, A_FILE, 300000, false},
    {"descriptor of a small one", FAKE_UNIX, A_FILE, 5,      false},
    {"descriptor of nothing",     FAKE_UNIX, MEMORY, 0,      false},
    {"stream of memory",          FAKE_INET, MEMORY, 100000, false},
    {"stream of a file",          FAKE_INET, A_FILE, 300001, false},
    {"stream of whole blocks",    FAKE_INET, A_FILE, 131072, false},
    {"stream of nothing",         FAKE_INET, A_FILE, 0,      false},
    {"cached: of a file",         FAKE_INET, A_FILE, 300001, true },
    {"cached: of whole blocks",   FAKE_INET, A_FILE, 131072, true },
    {"cached: of nothing",        FAKE_INET, A_FILE, 0,      true },
};

static void
test_ways(void)
{
    for (size_t i = 0; i < UNIT_COUNT(ways); i++) {
        struct fixture f;

        cached_is = ways[i].is_cached;
        set_up(&f, ways[i].kind, ways[i].source, ways[i].len);
        ask(&f, SPAN_LITERAL("stream: OK\0"));
        UNIT_CHECK_ROW(ways[i].name, f.end == FILTER_ANSWERED && f.result.kind == RESULT_CLEAN);
        UNIT_CHECK_ROW(ways[i].name, f.told == 1);
        if (ways[i].kind == FAKE_UNIX)
            UNIT_CHECK_ROW(ways[i].name, is_descriptor_of(&f));
        else
            UNIT_CHECK_ROW(ways[i].name,
                           is_stream_of(buf_span(&f.fake.input), span_from(f.text, f.len)));
        tear_down(&f);
    }
}

static void
test_answers(void)
{
    static const struct {
        struct span reply;
        enum filter_end end;
        enum result_kind kind;
    } rows[] = {
        {SPAN_LITERAL("fd[9]: OK\0"),                             FILTER_ANSWERED, RESULT_CLEAN  },
        {SPAN_LITERAL("fd[9]: Eicar FOUND\0"),                    FILTER_ANSWERED, RESULT_HIT    },
        {SPAN_LITERAL("fd[9]: Heuristics.Encrypted.Zip FOUND\0"), FILTER_ANSWERED,
         RESULT_UNSCANNABLE                                                                      },
        {SPAN_LITERAL("INSTREAM size limit exceeded. ERROR\0"),   FILTER_ANSWERED,
         RESULT_UNSCANNABLE                                                                      },
        {SPAN_LITERAL("fd[9]: lstat() failed ERROR\0"),           FILTER_TROUBLE,  RESULT_PENDING},
        {SPAN_LITERAL("COMMAND READ TIMED OUT\n"),                FILTER_TROUBLE,  RESULT_PENDING},
        {SPAN_LITERAL(""),                                        FILTER_TROUBLE,  RESULT_PENDING},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        for (size_t bite = 0; bite < 2; bite++) {
            struct fixture f;

            set_up(&f, FAKE_UNIX, MEMORY, 10);
            f.fake.bite = bite;
            ask(&f, rows[i].reply);
            UNIT_CHECK_ROW(rows[i].reply.data, f.end == rows[i].end);
            UNIT_CHECK_ROW(rows[i].reply.data, f.result.kind == rows[i].kind);
            tear_down(&f);
        }
    }
}

static void
test_cut_at_each_byte(void)
{
    static const char reply[] = "stream: Eicar FOUND";

    for (int kind = FAKE_UNIX; kind <= FAKE_INET; kind++) {
        for (size_t len = 0; len <= sizeof(reply); len++) {
            struct fixture f;

            set_up(&f, (enum fake_kind)kind, MEMORY, 10);
            ask(&f, span_from(reply, len));
            CU_ASSERT_EQUAL(f.end, len == sizeof(reply) ? FILTER_ANSWERED : FILTER_TROUBLE);
            CU_ASSERT_EQUAL(f.told, 1);
            CU_ASSERT(len == sizeof(reply) ||
                      strstr(f.err.text, len == 0 ? "said nothing" : "broke off: s") != NULL);
            tear_down(&f);
        }
    }
}

// The server speaks and hangs up while most of the message is still to be said: its reply is heard
// all the same, even where writing fails. But nothing is clean that was not read to its end.
static void
test_early(void)
{
    static const struct {
        const char *name;
        struct span reply;
        enum filter_end end;
        enum result_kind kind;
    } rows[] = {
        {"too large", SPAN_LITERAL("INSTREAM size limit exceeded. ERROR\0"), FILTER_ANSWERED,
         RESULT_UNSCANNABLE                                                                                 },
        {"found",     SPAN_LITERAL("stream: Eicar FOUND\0"),                 FILTER_ANSWERED, RESULT_HIT    },
        {"clean",     SPAN_LITERAL("stream: OK\0"),                          FILTER_TROUBLE,  RESULT_PENDING},
        {"nothing",   SPAN_LITERAL(""),                                      FILTER_TROUBLE,  RESULT_PENDING},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        for (int then = FAKE_CLOSE; then <= FAKE_STAY; then++) {
            struct fixture f;

            cached_is = i % 2 == 1;
            set_up(&f, FAKE_INET, A_FILE, 20 << 20);
            f.fake.until = span_of(NULL);
            f.fake.is_deaf = true;
            f.fake.then = (enum fake_then)then;
            f.fake.reply = rows[i].reply;
            start(&f, then == FAKE_STAY && rows[i].reply.len == 0 ? 100 : 10000);
            loop_run(f.fake.loop);
            UNIT_CHECK_ROW(rows[i].name, f.end == rows[i].end);
            UNIT_CHECK_ROW(rows[i].name, f.result.kind == rows[i].kind);
            tear_down(&f);
        }
    }
}

static void
test_silence(void)
{
    for (int kind = FAKE_UNIX; kind <= FAKE_INET; kind++) {
        struct fixture f;

        set_up(&f, (enum fake_kind)kind, MEMORY, 10);
        f.fake.then = FAKE_STAY;
        start(&f, 60);
        loop_run(f.fake.loop);
        CU_ASSERT_EQUAL(f.end, FILTER_TROUBLE);
        CU_ASSERT_STRING_EQUAL(f.err.text, "no answer within 60 ms");
        CU_ASSERT_EQUAL(f.told, 1);
        tear_down(&f);
    }
}

static void
test_nobody(void)
{
    for (int kind = FAKE_UNIX; kind <= FAKE_INET; kind++) {
        struct fixture f;

        set_up(&f, (enum fake_kind)kind, MEMORY, 10);
        fake_vanish(&f.fake);
        ask(&f, span_of(NULL));
        CU_ASSERT_EQUAL(f.end, FILTER_TROUBLE);
        CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, strerror(ECONNREFUSED)));
        tear_down(&f);
    }
}

// At the start, while the copy is made, connected, while a large message is under way.
static void
test_cancel(void)
{
    for (int kind = FAKE_UNIX; kind <= FAKE_INET; kind++) {
        for (unsigned after_ms = 0; after_ms < 6; after_ms++) {
            struct fixture f;

            set_up(&f, (enum fake_kind)kind, A_FILE, 4 << 20);
            f.fake.then = FAKE_STAY;
            f.fake.is_deaf = after_ms % 2 == 1;
            start(&f, 10000);
            if (after_ms == 0)
                on_later(&f);
            loop_timer_start(f.later, after_ms);
            loop_run(f.fake.loop);
            CU_ASSERT_PTR_NULL(f.run);
            loop_timer_start(f.later, 2);
            loop_run(f.fake.loop);
            CU_ASSERT_EQUAL(f.told, 0);
            tear_down(&f);
        }
    }
}

static void
test_file_too_short(void)
{
    for (int kind = FAKE_UNIX; kind <= FAKE_INET; kind++) {
        struct fixture f;
        struct content_source source = {.fd_take = -1, .len = 1000};

        set_up(&f, (enum fake_kind)kind, MEMORY, 10);
        content_free(&f.message.content);
        source.dir_fd = f.fake.dir.fd;
        source.fd_take = openat(f.fake.dir.fd, "short", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        CU_ASSERT_EQUAL(write(source.fd_take, "short", 5), 5);
        f.message.content = content_new(f.fake.loop, f.pool, &source);
        ask(&f, SPAN_LITERAL("stream: OK\0"));
        CU_ASSERT_EQUAL(f.end, FILTER_TROUBLE);
        unlinkat(f.fake.dir.fd, "short", 0);
        tear_down(&f);
    }
}

static void
test_probe(void)
{
    static const struct {
        const char *name;
        struct span reply;
        enum fake_then then;
        enum filter_end end;
    } rows[] = {
        {"pong",          SPAN_LITERAL("PONG\0"),            FAKE_CLOSE, FILTER_ANSWERED},
        {"pong, stays",   SPAN_LITERAL("PONG\0"),            FAKE_STAY,  FILTER_ANSWERED},
        {"half a pong",   SPAN_LITERAL("PON"),               FAKE_CLOSE, FILTER_TROUBLE },
        {"without a NUL", SPAN_LITERAL("PONG"),              FAKE_CLOSE, FILTER_TROUBLE },
        {"another word",  SPAN_LITERAL("PING\0"),            FAKE_STAY,  FILTER_TROUBLE },
        {"more",          SPAN_LITERAL("PONG\0x"),           FAKE_STAY,  FILTER_TROUBLE },
        {"an error",      SPAN_LITERAL("UNKNOWN COMMAND\0"), FAKE_CLOSE, FILTER_TROUBLE },
        {"nothing",       SPAN_LITERAL(""),                  FAKE_CLOSE, FILTER_TROUBLE },
        {"silence",       SPAN_LITERAL(""),                  FAKE_STAY,  FILTER_TROUBLE },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct fixture f;
        struct filter_try attempt = {.settings = &f.settings, .server = &f.fake.addr};

        set_up(&f, i % 2 == 0 ? FAKE_UNIX : FAKE_INET, MEMORY, 0);
        attempt.loop = f.fake.loop;
        attempt.timeout_ms = 100;
        attempt.done = on_done;
        attempt.arg = &f;
        f.fake.until = SPAN_LITERAL("zPING\0");
        f.fake.reply = rows[i].reply;
        f.fake.then = rows[i].then;
        f.run = clamd_type.probe(&attempt);
        loop_run(f.fake.loop);
        UNIT_CHECK_ROW(rows[i].name, f.told == 1 && f.end == rows[i].end);
        tear_down(&f);
    }
}

static const struct unit_test tests[] = {
    {"ways",             test_ways            },
    {"answers",          test_answers         },
    {"cut at each byte", test_cut_at_each_byte},
    {"early",            test_early           },
    {"silence",          test_silence         },
    {"nobody",           test_nobody          },
    {"cancel",           test_cancel          },
    {"file too short",   test_file_too_short  },
    {"probe",            test_probe           },
};

UNIT_MAIN("filters/clamd", tests)
