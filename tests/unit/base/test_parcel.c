// SPDX-License-Identifier: BSD-2-Clause
#include "base/parcel.h"

#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/harness.h"

enum { PAYLOAD_MAX = 100 };

static int ends[2];
static struct parcel_reader reader;

static void
set_up(void)
{
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
                          0);
    parcel_reader_init(&reader, ends[1], "build-1", PAYLOAD_MAX);
}

static void
tear_down(void)
{
    parcel_reader_clear(&reader);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void
test_frames_and_descriptors(void)
{
    struct frame frame;
    int fd;

    set_up();
    CU_ASSERT_EQUAL(parcel_receive(&reader), 0);
    CU_ASSERT_EQUAL(parcel_send_hello(ends[0], "build-1"), 0);
    CU_ASSERT_EQUAL(parcel_send(ends[0], 7, SPAN_LITERAL("one"), -1), 0);
    CU_ASSERT_EQUAL(parcel_send(ends[0], 8, SPAN_LITERAL("two"), ends[0]), 0);
    CU_ASSERT_EQUAL(parcel_send(ends[0], 9, SPAN_LITERAL(""), -1), 0);
    while (parcel_receive(&reader) > 0)
        continue;
    CU_ASSERT_EQUAL(parcel_next(&reader, &frame), FRAME_DONE);
    CU_ASSERT_TRUE(frame.type == 7 && span_is(frame.payload, "one"));
    CU_ASSERT_EQUAL(parcel_next(&reader, &frame), FRAME_DONE);
    CU_ASSERT_TRUE(frame.type == 8 && span_is(frame.payload, "two"));
    CU_ASSERT_FALSE(parcel_is_empty(&reader));
    fd = parcel_take_fd(&reader);
    CU_ASSERT_TRUE(fd >= 0);
    (void)close(fd);
    CU_ASSERT_EQUAL(parcel_take_fd(&reader), -1);
    CU_ASSERT_EQUAL(parcel_next(&reader, &frame), FRAME_DONE);
    CU_ASSERT_TRUE(frame.type == 9 && frame.payload.len == 0);
    CU_ASSERT_TRUE(parcel_is_empty(&reader));
    CU_ASSERT_EQUAL(parcel_next(&reader, &frame), FRAME_NEED_MORE);
    (void)shutdown(ends[0], SHUT_WR);
    CU_ASSERT_EQUAL(parcel_receive(&reader), -1);
    tear_down();
}

static void
test_byte_by_byte(void)
{
    static const char bytes[] = "postern-frame 1 build-1\n\0\0\0\x03\0\x07"
                                "abc\0\0\0\x01\0\x08x";
    struct frame frame;
    unsigned frames = 0;

    set_up();
    for (size_t i = 0; i < sizeof bytes - 1; i++) {
        enum frame_result result;

        CU_ASSERT_EQUAL(send(ends[0], bytes + i, 1, 0), 1);
        CU_ASSERT_EQUAL(parcel_receive(&reader), 1);
        result = parcel_next(&reader, &frame);
        CU_ASSERT_TRUE(result != FRAME_BAD);
        if (result != FRAME_DONE)
            continue;
        frames++;
        CU_ASSERT_TRUE(span_is(frame.payload, frames == 1 ? "abc" : "x"));
    }
    CU_ASSERT_EQUAL(frames, 2);
    tear_down();
}

static void
test_nonsense(void)
{
    static const struct {
        const char *name;
        struct span bytes;
    } rows[] = {
        {"another build",      {"postern-frame 1 build-2\n", 24}                    },
        {"no hello",           {"\0\0\0\0\0\1", 6}                                  },
        {"longer than agreed", {"postern-frame 1 build-1\n\0\0\0\x65\0\1", 30}      },
        {"longer than all",    {"postern-frame 1 build-1\n\xff\xff\xff\xff\0\1", 30}},
    };
    struct frame frame;

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        set_up();
        CU_ASSERT(send(ends[0], rows[i].bytes.data, rows[i].bytes.len, 0) > 0);
        UNIT_CHECK_ROW(rows[i].name, parcel_receive(&reader) == 1);
        UNIT_CHECK_ROW(rows[i].name, parcel_next(&reader, &frame) == FRAME_BAD);
        tear_down();
    }
}

// Descriptors that nobody takes: no more than a few are kept, and none stays open.
static void
test_too_many_descriptors(void)
{
    int received = 1, fd;

    set_up();
    CU_ASSERT_EQUAL(parcel_send_hello(ends[0], "build-1"), 0);
    for (unsigned i = 0; i < 20; i++)
        (void)parcel_send(ends[0], 1, SPAN_LITERAL("x"), ends[0]);
    for (unsigned i = 0; i < 20 && received > 0; i++)
        received = parcel_receive(&reader);
    CU_ASSERT_EQUAL(received, -1);
    CU_ASSERT_TRUE(reader.fd_count <= PASS_FDS_MAX);
    fd = reader.fds[0];
    parcel_reader_clear(&reader);
    CU_ASSERT_EQUAL(close(fd), -1);
    tear_down();
}

static void
test_nobody_reads(void)
{
    int sent = 0;

    set_up();
    for (unsigned i = 0; i < 100000 && sent == 0; i++)
        sent = parcel_send(ends[0], 1, SPAN_LITERAL("0123456789"), -1);
    CU_ASSERT_EQUAL(sent, -1);
    (void)close(ends[1]);
    CU_ASSERT_EQUAL(parcel_send(ends[0], 1, SPAN_LITERAL("x"), -1), -1);
    CU_ASSERT_EQUAL(parcel_send_hello(ends[0], "not one word"), -1);
    parcel_reader_clear(&reader);
    (void)close(ends[0]);
}

static const struct unit_test tests[] = {
    {"frames and descriptors", test_frames_and_descriptors},
    {"byte by byte",           test_byte_by_byte          },
    {"nonsense",               test_nonsense              },
    {"too many descriptors",   test_too_many_descriptors  },
    {"nobody reads",           test_nobody_reads          },
};

UNIT_MAIN("base/parcel", tests)
