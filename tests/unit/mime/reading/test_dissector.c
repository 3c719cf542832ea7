// SPDX-License-Identifier: BSD-2-Clause
// The test is the worker of one dissector, and may have been taken over, too.
#include "mime/reading/nursery.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/frame.h"
#include "base/mem.h"
#include "base/pass.h"
#include "tests/unit/harness.h"

#define HELLO "postern-frame 1 test-1\n"

static const struct dissect_settings limits = {.timeout = 1000, .memory = UINT64_C(256) << 20};

static int line;
static pid_t pid;

static void
set_up(void)
{
    char bytes[100] = "";
    struct err err = {0};
    int ends[2];

    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    pid = fork();
    if (pid == 0) {
        struct dissect_setup setup = {.limits = limits};
        struct look *look = look_new(&setup, &err);

        (void)dup2(ends[1], NURSERY_CHANNEL);
        (void)close_range(NURSERY_CHANNEL + 1, ~0U, 0);
        dissector_run(NURSERY_CHANNEL, "test-1", look, &limits);
        _exit(0);
    }
    (void)close(ends[1]);
    line = ends[0];
    CU_ASSERT_TRUE(recv(line, bytes, sizeof bytes - 1, 0) > 0);
    CU_ASSERT_STRING_EQUAL(bytes, HELLO);
}

// How it ended, once the line is closed.
static int
tear_down(void)
{
    int status = -1;

    (void)close(line);
    (void)waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void
add_query(struct buf *out, const char *id, const char *content, uint64_t parts_max)
{
    struct dissect_query query = {.id = span_of(id), .parts_max = parts_max};
    struct buf payload;

    if (content != NULL) {
        query.content = span_of(content);
        query.len = query.content.len;
    }
    buf_init(&payload, FRAME_PAYLOAD_MAX);
    CU_ASSERT_EQUAL(query_write(&query, &payload), 0);
    CU_ASSERT_EQUAL(frame_add(out, QUERY_LOOK, buf_span(&payload)), 0);
    buf_clear(&payload);
}

static void
say(struct span bytes)
{
    CU_ASSERT_EQUAL(pass_send(line, bytes, NULL, 0), (ssize_t)bytes.len);
}

static void
check_answer(enum query_frame type, const char *text)
{
    struct buf in;
    struct frame frame;
    size_t used;
    ssize_t got = 1;

    buf_init(&in, FRAME_HEAD + FRAME_PAYLOAD_MAX);
    while (got > 0 && frame_read(buf_span(&in), FRAME_PAYLOAD_MAX, &frame, &used) != FRAME_DONE) {
        got = recv(line, buf_space(&in, 1000), 1000, 0);
        if (got > 0)
            buf_filled(&in, (size_t)got);
    }
    CU_ASSERT_TRUE_FATAL(got > 0);
    CU_ASSERT_EQUAL(frame.type, type);
    CU_ASSERT_EQUAL(used, in.len);
    if (type == QUERY_FOUND) {
        struct err err = {0};
        struct findings *findings = findings_read(frame.payload, &err);

        CU_ASSERT_PTR_NOT_NULL_FATAL(findings);
        CU_ASSERT_TRUE(span_is(findings->limit_text, text));
        findings_free(&findings);
    } else {
        CU_ASSERT_TRUE(span_is(frame.payload, text));
    }
    buf_clear(&in);
}

static void
test_one_after_another(void)
{
    struct buf out;

    set_up();
    buf_init(&out, 10000);
    CU_ASSERT_EQUAL(buf_add_text(&out, HELLO), 0);
    add_query(&out, "echo", "one", 0);
    for (size_t i = 0; i < out.len; i++)
        say(span_from(out.data + i, 1));
    check_answer(QUERY_FOUND, "one");
    buf_reset(&out);
    add_query(&out, "unreadable", "two", 0);
    say(buf_span(&out));
    check_answer(QUERY_FAILED, "read: no luck");
    buf_reset(&out);
    add_query(&out, "echo", "", 0);
    say(buf_span(&out));
    check_answer(QUERY_FOUND, "");
    buf_clear(&out);
    CU_ASSERT_EQUAL(tear_down(), 0);
}

static void
test_what_ends_it(void)
{
    enum { GIVEN_UP = 70 };

    static const struct {
        const char *name;
        struct span bytes;
        int status;
    } rows[] = {
        {"nothing",        {HELLO, 23},                      0       },
        {"not even that",  {"", 0},                          0       },
        {"half a frame",   {HELLO "\0\0\0\x09\0\x04x", 30},  0       },
        {"another build",  {"postern-frame 1 test-2\n", 23}, GIVEN_UP},
        {"another type",   {HELLO "\0\0\0\0\0\1", 29},       GIVEN_UP},
        {"an empty query", {HELLO "\0\0\0\0\0\4", 29},       GIVEN_UP},
        {"a bad query",
         {HELLO "\0\0\0\3\0\4"
                "abc",
          32},
         GIVEN_UP                                                    },
        {"an endless one", {HELLO "\xff\0\0\0\0\4", 29},     GIVEN_UP},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        set_up();
        if (rows[i].bytes.len > 0)
            say(rows[i].bytes);
        UNIT_CHECK_ROW(rows[i].name, tear_down() == rows[i].status);
    }
}

static void
test_content_and_descriptor_and_order(void)
{
    static const struct {
        const char *name;
        bool has_content;
        size_t fds;
        bool wants_parts, twice;
    } rows[] = {
        {"neither",            false, 0, false, false},
        {"both",               true,  1, false, false},
        {"two at a time",      true,  0, false, true },
        {"parts, nowhere",     true,  0, true,  false},
        {"parts, no content",  false, 1, true,  false},
        {"parts, both",        true,  2, true,  false},
        {"a third descriptor", false, 3, true,  false},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const int fds[] = {line, line, line};
        struct buf out;
        char byte;

        set_up();
        buf_init(&out, 10000);
        CU_ASSERT_EQUAL(buf_add_text(&out, HELLO), 0);
        add_query(&out, "echo", rows[i].has_content ? "x" : NULL, rows[i].wants_parts ? 100 : 0);
        if (rows[i].twice)
            add_query(&out, "echo", "y", 0);
        CU_ASSERT_EQUAL(pass_send(line, buf_span(&out), fds, rows[i].fds), (ssize_t)out.len);
        while (recv(line, &byte, 1, 0) > 0)
            continue;
        UNIT_CHECK_ROW(rows[i].name, tear_down() == 70);
        buf_clear(&out);
    }
}

static const struct unit_test tests[] = {
    {"one after another",       test_one_after_another               },
    {"what ends it",            test_what_ends_it                    },
    {"content or a descriptor", test_content_and_descriptor_and_order},
};

UNIT_MAIN("mime/reading/dissector", tests)
