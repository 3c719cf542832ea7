// SPDX-License-Identifier: BSD-2-Clause
// The test is the dissector: one that was taken over may say anything.
#include "mime/dissector_line.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/frame.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/pass.h"
#include "mime/parts_file.h"
#include "tests/unit/harness.h"
#include "tests/unit/mime/findings_sample.h"

#define HELLO "postern-frame 1 test-1\n"

static struct {
    struct loop *loop;
    struct loop_timer *timer;
    struct dissector_line *line;
    int end; // the dissector's
    unsigned readies, answers, failures, nonsense, ends;
    struct err err;
    bool frees; // in its callback
} fix;

static void
on_event(void *arg, enum dissector_event event, struct findings *findings_take,
         const struct err *err)
{
    unsigned *const counts[] = {[DISSECTOR_READY] = &fix.readies,
                                [DISSECTOR_ANSWER] = &fix.answers,
                                [DISSECTOR_FAILED] = &fix.failures,
                                [DISSECTOR_NONSENSE] = &fix.nonsense,
                                [DISSECTOR_ENDED] = &fix.ends};

    (void)arg;
    CU_ASSERT_EQUAL(findings_take != NULL, event == DISSECTOR_ANSWER);
    findings_free(&findings_take);
    ++*counts[event];
    if (err != NULL)
        fix.err = *err;
    if (fix.frees)
        dissector_line_free(&fix.line);
    loop_stop(fix.loop);
}

static void
on_time(void *arg)
{
    loop_stop(arg);
}

static void
run(void)
{
    loop_timer_start(fix.timer, 20);
    loop_run(fix.loop);
}

static void
set_up(void)
{
    struct err err = {0};

    memset(&fix, 0, sizeof fix);
    fix.loop = loop_new(&err);
    fix.timer = loop_timer_new(fix.loop, on_time, fix.loop);
    fix.line = dissector_line_new(fix.loop, "test-1", on_event, NULL, &fix.end, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fix.line);
}

static void
tear_down(void)
{
    dissector_line_free(&fix.line);
    dissector_line_free(&fix.line);
    (void)close(fix.end);
    loop_timer_free(&fix.timer);
    loop_free(&fix.loop);
}

static void
say(const char *bytes, size_t len)
{
    CU_ASSERT_EQUAL(send(fix.end, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void
ask(void)
{
    static const char content[1000]; // as long as the sample says
    struct dissect_query query = {
        .id = {"ID",    2             },
          .len = sizeof content, .content = {content, sizeof content}
    };
    struct err err = {0};

    CU_ASSERT_EQUAL(dissector_line_ask(fix.line, &query, -1, &err), 0);
}

static void
get_ready(void)
{
    set_up();
    say(HELLO, strlen(HELLO));
    run();
    CU_ASSERT_EQUAL_FATAL(fix.readies, 1);
}

static void
add_findings(struct buf *out)
{
    struct findings sample = findings_sample();
    struct buf payload;

    buf_init(&payload, FRAME_PAYLOAD_MAX);
    CU_ASSERT_EQUAL(findings_write(&sample, &payload), 0);
    CU_ASSERT_EQUAL(frame_add(out, QUERY_FOUND, buf_span(&payload)), 0);
    buf_clear(&payload);
}

// Whole, and in two pieces; a turn of the loop each, so not cut at every byte.
static void
test_answer_in_pieces(void)
{
    struct buf answer;

    buf_init(&answer, 1 << 20);
    add_findings(&answer);
    for (size_t cut = 0; cut < answer.len; cut += 7) {
        get_ready();
        ask();
        if (cut > 0) {
            say(answer.data, cut);
            run();
            CU_ASSERT_EQUAL(fix.answers + fix.nonsense, 0);
        }
        say(answer.data + cut, answer.len - cut);
        run();
        CU_ASSERT_EQUAL(fix.answers, 1);
        // And the next.
        ask();
        say(answer.data, answer.len);
        run();
        CU_ASSERT_EQUAL(fix.answers, 2);
        CU_ASSERT_EQUAL(fix.nonsense, 0);
        tear_down();
    }
    buf_clear(&answer);
}

static void
test_what_is_said(void)
{
    static const struct {
        const char *name;
        struct span bytes;
        bool is_asked;
        unsigned answers, failures, nonsense;
    } rows[] = {
        {"failed",
         {"\0\0\0\x03\0\x06"
          "why",
          9},
         true,                                                   0,
         1,                                                            0},
        {"failed, not asked",
         {"\0\0\0\x03\0\x06"
          "why",
          9},
         false,                                                  0,
         0,                                                            1},
        {"empty findings",     {"\0\0\0\0\0\x05", 6},     true,  0, 0, 1},
        {"no findings",
         {"\0\0\0\x03\0\x05"
          "abc",
          9},
         true,                                                   0,
         0,                                                            1},
        {"a query",            {"\0\0\0\0\0\x04", 6},     true,  0, 0, 1},
        {"type 0",             {"\0\0\0\0\0\0", 6},       true,  0, 0, 1},
        {"too long",           {"\0\x40\0\x01\0\x05", 6}, true,  0, 0, 1},
        {"failed and a byte",
         {"\0\0\0\x03\0\x06"
          "why!",
          10},
         true,                                                   0,
         0,                                                            1},
        {"begins to say more", {"\0\0\0", 3},             false, 0, 0, 1},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows) * 2; i++) {
        const char *name = rows[i / 2].name;

        get_ready();
        if (rows[i / 2].is_asked)
            ask();
        fix.frees = i % 2 == 1;
        say(rows[i / 2].bytes.data, rows[i / 2].bytes.len);
        run();
        UNIT_CHECK_ROW(name, fix.answers == rows[i / 2].answers);
        UNIT_CHECK_ROW(name, fix.failures == rows[i / 2].failures);
        UNIT_CHECK_ROW(name, fix.nonsense == rows[i / 2].nonsense);
        UNIT_CHECK_ROW(name, fix.failures == 0 || strcmp(fix.err.text, "why") == 0);
        UNIT_CHECK_ROW(name, fix.nonsense == 0 || fix.err.kind == ERR_PERM);
        tear_down();
    }
}

static void
test_no_hello(void)
{
    static const struct {
        const char *name, *bytes;
        unsigned nonsense;
    } rows[] = {
        {"another build", "postern-frame 1 test-2\n", 1},
        {"a frame",       "\1\1\1\1\1\1",             1},
        {"half of it",    "postern-frame",            0},
        {"more than it",  HELLO "x",                  1},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        set_up();
        say(rows[i].bytes, strlen(rows[i].bytes));
        run();
        UNIT_CHECK_ROW(rows[i].name, fix.nonsense == rows[i].nonsense && fix.readies == 0);
        tear_down();
    }
}

static void
test_descriptor_sent_back(void)
{
    get_ready();
    ask();
    CU_ASSERT_EQUAL(pass_send(fix.end, SPAN_LITERAL("\0"), &fix.end, 1), 1);
    run();
    CU_ASSERT_EQUAL(fix.nonsense, 1);
    tear_down();
}

static void
test_end(void)
{
    struct dissect_query query = {
        .content = {"", 0}
    };
    struct err err = {0};

    get_ready();
    ask();
    (void)shutdown(fix.end, SHUT_RDWR);
    run();
    CU_ASSERT_EQUAL(fix.ends, 1);
    CU_ASSERT_EQUAL(fix.nonsense, 0);
    tear_down();
    // Gone before it was asked: it has seen nothing.
    get_ready();
    (void)shutdown(fix.end, SHUT_RDWR);
    CU_ASSERT_EQUAL(dissector_line_ask(fix.line, &query, -1, &err), -1);
    CU_ASSERT_EQUAL(err.kind, ERR_TEMP);
    tear_down();
}

// What is believed of parts: no more than was asked for, and than is there; then they are sealed.
static void
test_parts(void)
{
    static const struct {
        const char *name;
        uint64_t max, file, told;
        bool is_good;
    } rows[] = {
        {"none",                1000, 1000, 0,         true },
        {"some",                1000, 1000, 300,       true },
        {"all",                 1000, 1000, 1000,      true },
        {"more than all",       1000, 1000, 1001,      false},
        {"more than there is",  2000, 1000, 1001,      false},
        {"very much",           1000, 1000, INT64_MAX, false},
        {"not asked for",       0,    1000, 1,         false},
        {"not asked for, none", 0,    1000, 0,         true },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct dissect_query query = {
            .content = {"x", 1},
              .len = 1, .parts_max = rows[i].max
        };
        struct findings findings = {.len = 1, .parts_len = rows[i].told};
        int got[PASS_FDS_MAX], fd = parts_file_new(rows[i].file, NULL);
        size_t count = PASS_FDS_MAX;
        struct buf payload, answer;
        char room[1000];

        get_ready();
        CU_ASSERT_TRUE(recv(fix.end, room, strlen(HELLO), 0) > 0);
        query.parts_fd = fd;
        CU_ASSERT_EQUAL(dissector_line_ask(fix.line, &query, -1, NULL), 0);
        CU_ASSERT_TRUE(pass_receive(fix.end, room, sizeof room, got, &count) > 0);
        UNIT_CHECK_ROW(rows[i].name, count == (rows[i].max > 0 ? 1 : 0));
        buf_init(&payload, FRAME_PAYLOAD_MAX);
        buf_init(&answer, FRAME_PAYLOAD_MAX);
        CU_ASSERT_EQUAL(findings_write(&findings, &payload), 0);
        CU_ASSERT_EQUAL(frame_add(&answer, QUERY_FOUND, buf_span(&payload)), 0);
        say(answer.data, answer.len);
        run();
        UNIT_CHECK_ROW(rows[i].name, fix.answers == (rows[i].is_good ? 1 : 0));
        UNIT_CHECK_ROW(rows[i].name, fix.nonsense == (rows[i].is_good ? 0 : 1));
        if (rows[i].is_good && rows[i].max > 0) {
            UNIT_CHECK_ROW(rows[i].name, lseek(fd, 0, SEEK_END) == (off_t)rows[i].told);
            UNIT_CHECK_ROW(rows[i].name, pwrite(got[0], "x", 1, 0) == -1);
        }
        while (count > 0)
            (void)close(got[--count]);
        buf_clear(&payload);
        buf_clear(&answer);
        (void)close(fd);
        tear_down();
    }
}

// One that was taken over has its answer ready: findings of another message, or of one that it has
// not been told of to its end. Whoever believed it would ask the next with the last still on its
// way.
static void
test_answer_in_advance(void)
{
    enum { LEN = 3 << 20 };

    char *content = mem_zalloc(LEN);
    struct dissect_query query = {
        .len = LEN, .content = {content, LEN}
    };
    struct buf answer;
    struct err err = {0};

    buf_init(&answer, 1 << 20);
    add_findings(&answer);
    for (unsigned is_whole = 0; is_whole < 2; is_whole++) {
        get_ready();
        CU_ASSERT_EQUAL(dissector_line_ask(fix.line, &query, -1, &err), 0);
        if (is_whole == 1)
            say(answer.data, answer.len);
        else
            say("\0\0\0\x03\0\x06why", 9);
        run();
        CU_ASSERT_EQUAL(fix.answers + fix.failures, 0);
        CU_ASSERT_EQUAL(fix.nonsense, 1);
        tear_down();
    }
    query = (struct dissect_query){
        .len = 1, .content = {"x", 1}
    };
    get_ready();
    CU_ASSERT_EQUAL(dissector_line_ask(fix.line, &query, -1, &err), 0);
    say(answer.data, answer.len);
    run();
    CU_ASSERT_EQUAL(fix.answers, 0);
    CU_ASSERT_EQUAL(fix.nonsense, 1);
    tear_down();
    buf_clear(&answer);
    mem_free(&content);
}

// More than the socket takes at once, with a descriptor: it comes with the first bytes, once.
static void
test_question_in_pieces(void)
{
    enum { RCPTS = 100000 };
    struct dissect_query query = {.len = 1};
    size_t count = PASS_FDS_MAX, received = 0, fds = 0;
    char *room = mem_zalloc(1 << 16);
    struct span rcpt = {"0123456789", 10};
    struct err err = {0};
    int got[PASS_FDS_MAX];
    ssize_t len = 1;

    get_ready();
    CU_ASSERT_TRUE(recv(fix.end, room, strlen(HELLO), 0) > 0);
    query.rcpt_count = RCPTS;
    query.rcpts = mem_zarray(RCPTS, sizeof *query.rcpts);
    for (size_t i = 0; i < RCPTS; i++)
        query.rcpts[i] = rcpt;
    CU_ASSERT_EQUAL(dissector_line_ask(fix.line, &query, fix.end, &err), 0);
    (void)fcntl(fix.end, F_SETFL, O_NONBLOCK);
    for (unsigned i = 0; i < 1000 && received < RCPTS * 11; i++) {
        count = PASS_FDS_MAX;
        len = pass_receive(fix.end, room, 1 << 16, got, &count);
        if (len > 0) {
            received += (size_t)len;
            fds += count;
            for (size_t k = 0; k < count; k++)
                (void)close(got[k]);
        } else {
            run();
        }
    }
    CU_ASSERT_TRUE(received >= RCPTS * 11);
    CU_ASSERT_EQUAL(fds, 1);
    mem_free(&query.rcpts);
    mem_free(&room);
    tear_down();
}

static const struct unit_test tests[] = {
    {"answer in pieces",     test_answer_in_pieces    },
    {"what is said",         test_what_is_said        },
    {"no hello",             test_no_hello            },
    {"descriptor sent back", test_descriptor_sent_back},
    {"end",                  test_end                 },
    {"question in pieces",   test_question_in_pieces  },
    {"answer in advance",    test_answer_in_advance   },
    {"parts",                test_parts               },
};

UNIT_MAIN("mime/dissector_line", tests)
