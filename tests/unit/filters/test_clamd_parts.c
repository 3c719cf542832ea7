// SPDX-License-Identifier: BSD-2-Clause
#include "filters/clamd_parts.h"

#include "base/fs.h"
#include "tests/unit/filters/fake.h"

#define OK SPAN_LITERAL("fd[9]: OK\0")
#define FOUND SPAN_LITERAL("stream: Eicar FOUND\0")
#define ENCRYPTED SPAN_LITERAL("fd[9]: Heuristics.Encrypted.Zip FOUND\0")
#define BROKEN SPAN_LITERAL("fd[9]: lstat() failed ERROR\0")

enum { MESSAGE_LEN = 1000, PARTS_LEN = 200000 };

static struct {
    struct fake fake;
    struct pool *pool;
    struct filter_settings settings;
    struct findings findings;
    struct filter_message message;
    struct filter_run *run;
    struct loop_timer *later;
    char *text, *decoded;
    unsigned told;
    enum filter_end end;
    struct result result;
    struct err err;
} fix;

static void
on_done(void *arg, enum filter_end end, struct result *result_take, const struct err *err)
{
    (void)arg;
    CU_ASSERT_PTR_NOT_NULL(fix.run); // not from within start
    fix.told++;
    fix.end = end;
    fix.run = NULL;
    if (result_take != NULL)
        fix.result = *result_take;
    if (err != NULL)
        fix.err = *err;
    CU_ASSERT((end == FILTER_TROUBLE) == (err != NULL));
    loop_stop(fix.fake.loop);
}

static void
on_later(void *arg)
{
    (void)arg;
    if (fix.run != NULL)
        clamd_parts_type.cancel(fix.run);
    fix.run = NULL;
    loop_stop(fix.fake.loop);
}

// As a worker has them: read only, and nothing else in the file.
static struct content *
parts_content(size_t len)
{
    struct content_source source = {.len = len, .dir_fd = -1, .is_alone = true};
    struct err err;
    int fd = fs_memory_file("parts", &err);

    CU_ASSERT_EQUAL_FATAL(fs_write_all_at(fd, fix.decoded, len, 0, &err), 0);
    source.fd_take = fs_reopen_read(fd, &err);
    (void)close(fd);
    CU_ASSERT_FATAL(source.fd_take >= 0);
    return content_new(fix.fake.loop, fix.pool, &source);
}

static void
set_up(enum fake_kind kind, size_t parts_len)
{
    memset(&fix, 0, sizeof fix);
    fake_start(&fix.fake, kind);
    fix.fake.until = kind == FAKE_UNIX ? span_from("S\0", 3) : span_from("\0\0\0", 4);
    fix.pool = pool_new(fix.fake.loop, 1, NULL);
    fix.later = loop_timer_new(fix.fake.loop, on_later, NULL);
    filter_settings_init(&fix.settings, "av");
    fix.settings.type = FILTER_CLAMD;
    fix.text = fake_text(MESSAGE_LEN);
    fix.decoded = fake_text(PARTS_LEN);
    fix.findings.is_odd = true;
    fix.message.findings = &fix.findings;
    fix.message.content =
        fake_content(&fix.fake, fix.pool, span_from(fix.text, MESSAGE_LEN), false);
    if (parts_len > 0)
        fix.message.parts = parts_content(parts_len);
    result_init(&fix.result);
}

static void
tear_down(void)
{
    content_free(&fix.message.content);
    content_free(&fix.message.parts);
    pool_free(&fix.pool);
    loop_timer_free(&fix.later);
    result_clear(&fix.result);
    filter_settings_clear(&fix.settings);
    mem_free(&fix.text);
    mem_free(&fix.decoded);
    fake_stop(&fix.fake);
}

static void
start(uint64_t timeout_ms)
{
    struct filter_try attempt = {.loop = fix.fake.loop,
                                 .settings = &fix.settings,
                                 .server = &fix.fake.addr,
                                 .message = &fix.message,
                                 .timeout_ms = timeout_ms,
                                 .done = on_done};

    fix.run = clamd_parts_type.start(&attempt);
}

static void
ask(struct span reply, struct span later_reply)
{
    fix.fake.reply = reply;
    fix.fake.later_reply = later_reply;
    start(10000);
    loop_run(fix.fake.loop);
    CU_ASSERT_PTR_NULL(fix.run);
    CU_ASSERT_EQUAL(fix.told, 1);
}

static void
test_both_answers(void)
{
    static const struct {
        const char *name;
        struct span whole, parts;
        unsigned asked;
        enum filter_end end;
        enum result_kind kind;
    } rows[] = {
        {"clean, clean",             OK,        OK,        2, FILTER_ANSWERED, RESULT_CLEAN      },
        {"clean, virus",             OK,        FOUND,     2, FILTER_ANSWERED, RESULT_HIT        },
        {"clean, unscannable",       OK,        ENCRYPTED, 2, FILTER_ANSWERED, RESULT_UNSCANNABLE},
        {"clean, trouble",           OK,        BROKEN,    2, FILTER_TROUBLE,  RESULT_PENDING    },
        {"clean, nothing",           OK,        {"", 0},   2, FILTER_TROUBLE,  RESULT_PENDING    },
        {"virus",                    FOUND,     OK,        1, FILTER_ANSWERED, RESULT_HIT        },
        {"unscannable, clean",       ENCRYPTED, OK,        2, FILTER_ANSWERED, RESULT_UNSCANNABLE},
        {"unscannable, virus",       ENCRYPTED, FOUND,     2, FILTER_ANSWERED, RESULT_HIT        },
        {"unscannable, unscannable", ENCRYPTED, ENCRYPTED, 2, FILTER_ANSWERED, RESULT_UNSCANNABLE},
        {"unscannable, trouble",     ENCRYPTED, BROKEN,    2, FILTER_TROUBLE,  RESULT_PENDING    },
        {"trouble",                  BROKEN,    FOUND,     1, FILTER_TROUBLE,  RESULT_PENDING    },
    };

    for (size_t i = 0; i < 2 * UNIT_COUNT(rows); i++) {
        const char *name = rows[i / 2].name;

        set_up(i % 2 == 0 ? FAKE_UNIX : FAKE_INET, PARTS_LEN);
        ask(rows[i / 2].whole, rows[i / 2].parts);
        UNIT_CHECK_ROW(name, fix.end == rows[i / 2].end && fix.result.kind == rows[i / 2].kind);
        UNIT_CHECK_ROW(name, fix.fake.accepted == rows[i / 2].asked);
        tear_down();
    }
}

static bool
is_stream_of(struct span input, struct span text)
{
    size_t len = sizeof("zINSTREAM");

    while (input.len - len >= 4) {
        const unsigned char *head = (const unsigned char *)input.data + len;
        size_t count =
            (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];

        len += 4;
        if (count == 0)
            return text.len == 0 && len == input.len;
        if (count > text.len || memcmp(input.data + len, text.data, count) != 0)
            return false;
        len += count;
        text = span_skip(text, count);
    }
    return false;
}

// What comes second is the parts, whole, and nobody can write them.
static void
test_what_is_scanned(void)
{
    char *content = mem_zalloc(PARTS_LEN + 1);

    set_up(FAKE_UNIX, PARTS_LEN);
    ask(OK, OK);
    CU_ASSERT_EQUAL(pread(fix.fake.passed, content, PARTS_LEN + 1, 0), PARTS_LEN);
    CU_ASSERT_EQUAL(memcmp(content, fix.decoded, PARTS_LEN), 0);
    CU_ASSERT_EQUAL(pwrite(fix.fake.passed, "x", 1, 0), -1);
    tear_down();
    set_up(FAKE_INET, PARTS_LEN);
    ask(OK, OK);
    CU_ASSERT(is_stream_of(buf_span(&fix.fake.input), span_from(fix.decoded, PARTS_LEN)));
    tear_down();
    mem_free(&content);
}

static void
test_when_parts_are_shown(void)
{
    static const struct {
        const char *name;
        int setting;
        bool is_odd, has_more;
        size_t len, max_size;
        unsigned asked;
        enum result_kind kind; // the parts hold a virus
    } rows[] = {
        {"odd",              FILTER_PARTS_ODD,    true,  false, 2000, 2000, 2, RESULT_HIT        },
        {"in order",         FILTER_PARTS_ODD,    false, false, 2000, 2000, 1, RESULT_CLEAN      },
        {"in order, always", FILTER_PARTS_ALWAYS, false, false, 2000, 2000, 2, RESULT_HIT        },
        {"odd, never",       FILTER_PARTS_NEVER,  true,  true,  2000, 2000, 1, RESULT_CLEAN      },
        {"odd, none",        FILTER_PARTS_ODD,    true,  false, 0,    2000, 1, RESULT_CLEAN      },
        {"odd, too large",   FILTER_PARTS_ODD,    true,  false, 2001, 2000, 1, RESULT_UNSCANNABLE},
        {"odd, more",        FILTER_PARTS_ODD,    true,  true,  2000, 2000, 1, RESULT_UNSCANNABLE},
        {"odd, none fits",   FILTER_PARTS_ODD,    true,  true,  0,    2000, 1, RESULT_UNSCANNABLE},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        set_up(FAKE_UNIX, rows[i].len);
        fix.settings.parts = rows[i].setting;
        fix.settings.max_size = rows[i].max_size;
        fix.findings.is_odd = rows[i].is_odd;
        fix.findings.has_more_parts = rows[i].has_more;
        ask(OK, FOUND);
        UNIT_CHECK_ROW(rows[i].name, fix.end == FILTER_ANSWERED);
        UNIT_CHECK_ROW(rows[i].name, fix.result.kind == rows[i].kind);
        UNIT_CHECK_ROW(rows[i].name, fix.fake.accepted == rows[i].asked);
        tear_down();
    }
}

static void
test_nobody_looked(void)
{
    set_up(FAKE_UNIX, 0);
    fix.message.findings = NULL;
    fix.settings.parts = FILTER_PARTS_ALWAYS;
    ask(OK, FOUND);
    CU_ASSERT_EQUAL(fix.result.kind, RESULT_CLEAN);
    tear_down();
}

static void
test_too_large_but_a_virus(void)
{
    set_up(FAKE_UNIX, 2000);
    fix.findings.has_more_parts = true;
    ask(FOUND, OK);
    CU_ASSERT_EQUAL(fix.result.kind, RESULT_HIT);
    tear_down();
}

// The first answer takes its time, and the second never comes: both together may not take longer.
static void
test_one_deadline(void)
{
    uint64_t before;

    set_up(FAKE_UNIX, PARTS_LEN);
    fix.fake.reply = OK;
    fix.fake.later_reply = SPAN_LITERAL("");
    fix.fake.then = FAKE_STAY;
    before = loop_now_ms(fix.fake.loop);
    start(200);
    loop_run(fix.fake.loop);
    CU_ASSERT_EQUAL(fix.end, FILTER_TROUBLE);
    CU_ASSERT_EQUAL(fix.fake.accepted, 2);
    CU_ASSERT(loop_now_ms(fix.fake.loop) - before < 2000);
    CU_ASSERT_PTR_NOT_NULL(strstr(fix.err.text, "no answer within"));
    tear_down();
}

// Before anything, and while the parts are scanned.
static void
test_cancel(void)
{
    for (unsigned after_ms = 0; after_ms < 40; after_ms += 5) {
        set_up(after_ms % 2 == 0 ? FAKE_UNIX : FAKE_INET, PARTS_LEN);
        fix.fake.reply = OK;
        fix.fake.later_reply = SPAN_LITERAL("");
        fix.fake.then = FAKE_STAY;
        start(10000);
        if (after_ms == 0)
            on_later(NULL);
        loop_timer_start(fix.later, after_ms);
        loop_run(fix.fake.loop);
        CU_ASSERT_PTR_NULL(fix.run);
        loop_timer_start(fix.later, 2);
        loop_run(fix.fake.loop);
        CU_ASSERT_EQUAL(fix.told, 0);
        tear_down();
    }
}

static void
test_probe(void)
{
    static const struct {
        struct span reply;
        enum filter_end end;
    } rows[] = {
        {SPAN_LITERAL("PONG\0"), FILTER_ANSWERED},
        {SPAN_LITERAL("PING\0"), FILTER_TROUBLE },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct filter_try attempt = {.settings = &fix.settings, .done = on_done};

        set_up(FAKE_UNIX, 0);
        attempt.loop = fix.fake.loop;
        attempt.server = &fix.fake.addr;
        attempt.timeout_ms = 1000;
        fix.fake.until = SPAN_LITERAL("zPING\0");
        fix.fake.reply = rows[i].reply;
        fix.run = clamd_parts_type.probe(&attempt);
        loop_run(fix.fake.loop);
        CU_ASSERT(fix.told == 1 && fix.end == rows[i].end);
        fix.run = clamd_parts_type.probe(&attempt);
        on_later(NULL);
        CU_ASSERT_EQUAL(fix.told, 1);
        tear_down();
    }
}

static const struct unit_test tests[] = {
    {"both answers",           test_both_answers         },
    {"what is scanned",        test_what_is_scanned      },
    {"when parts are shown",   test_when_parts_are_shown },
    {"nobody looked",          test_nobody_looked        },
    {"too large, but a virus", test_too_large_but_a_virus},
    {"one deadline",           test_one_deadline         },
    {"cancel",                 test_cancel               },
    {"probe",                  test_probe                },
};

UNIT_MAIN("filters/clamd_parts", tests)
