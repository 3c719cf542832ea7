// SPDX-License-Identifier: BSD-2-Clause
#include "base/frame.h"

#include "tests/unit/harness.h"

static void
test_hello(void)
{
    struct buf buf;
    size_t used = 0;

    buf_init(&buf, 1000);
    CU_ASSERT(frame_hello_add(&buf, "0.1-abc") == 0);
    for (size_t len = 0; len < buf.len; len++)
        CU_ASSERT_EQUAL(frame_hello_read(span_from(buf.data, len), "0.1-abc", &used),
                        FRAME_NEED_MORE);
    CU_ASSERT_EQUAL(used, 0);
    CU_ASSERT_EQUAL(frame_hello_read(buf_span(&buf), "0.1-abc", &used), FRAME_DONE);
    CU_ASSERT_EQUAL(used, buf.len);
    buf_add_text(&buf, "more");
    CU_ASSERT_EQUAL(frame_hello_read(buf_span(&buf), "0.1-abc", &used), FRAME_DONE);
    CU_ASSERT_EQUAL(used, buf.len - 4);
    CU_ASSERT_EQUAL(frame_hello_read(span_of(NULL), "0.1-abc", &used), FRAME_NEED_MORE);
    buf_clear(&buf);
}

// Whatever byte is wrong: BAD as soon as it is there.
static void
test_wrong_hello(void)
{
    static const char *const others[] = {"0.1-abd", "0.1-ab", "0.1-abcd", "0.2-abc", "1"};
    struct buf buf;
    size_t used = 0;

    buf_init(&buf, 1000);
    frame_hello_add(&buf, "0.1-abc");
    for (size_t i = 0; i < UNIT_COUNT(others); i++)
        UNIT_CHECK_ROW(others[i], frame_hello_read(buf_span(&buf), others[i], &used) == FRAME_BAD);
    for (size_t at = 0; at < buf.len; at++) {
        buf.data[at] ^= 1;
        CU_ASSERT_EQUAL(frame_hello_read(span_from(buf.data, at + 1), "0.1-abc", &used), FRAME_BAD);
        CU_ASSERT_EQUAL(frame_hello_read(buf_span(&buf), "0.1-abc", &used), FRAME_BAD);
        buf.data[at] ^= 1;
    }
    CU_ASSERT_EQUAL(frame_hello_read(SPAN_LITERAL("GET / HTTP/1.0\r\n"), "0.1-abc", &used),
                    FRAME_BAD);
    CU_ASSERT_EQUAL(used, 0);
    buf_clear(&buf);
}

static void
test_build_id(void)
{
    char longest[FRAME_BUILD_ID_MAX + 2];
    struct buf buf;
    size_t used;

    memset(longest, 'x', sizeof(longest));
    longest[FRAME_BUILD_ID_MAX + 1] = '\0';
    buf_init(&buf, 1000);
    CU_ASSERT(frame_hello_add(&buf, longest) == -1);
    CU_ASSERT(frame_hello_add(&buf, "") == -1);
    CU_ASSERT(frame_hello_add(&buf, "a b") == -1);
    CU_ASSERT(frame_hello_add(&buf, "a\nb") == -1);
    CU_ASSERT_EQUAL(buf.len, 0);
    longest[FRAME_BUILD_ID_MAX] = '\0';
    CU_ASSERT(frame_hello_add(&buf, longest) == 0);
    CU_ASSERT_EQUAL(frame_hello_read(buf_span(&buf), longest, &used), FRAME_DONE);
    CU_ASSERT_EQUAL(frame_hello_read(buf_span(&buf), "", &used), FRAME_BAD);
    buf_clear(&buf);
    buf_init(&buf, 10);
    CU_ASSERT(frame_hello_add(&buf, "abc") == -1);
    CU_ASSERT_EQUAL(buf.len, 0);
    buf_clear(&buf);
}

static void
test_round(void)
{
    static const struct {
        const char *name;
        uint16_t type;
        struct span payload;
    } rows[] = {
        {"empty",   0,      {"", 0}             },
        {"null",    1,      {NULL, 0}           },
        {"text",    0x1234, {"hello", 5}        },
        {"bytes",   0xffff, {"\0\xff\n\r\0", 5} },
        {"a frame", 7,      {"\0\0\0\1\0\7x", 7}},
    };
    struct buf buf;
    size_t used, at = 0;
    struct frame frame;

    buf_init(&buf, 1000);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        UNIT_CHECK_ROW(rows[i].name, frame_add(&buf, rows[i].type, rows[i].payload) == 0);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct span rest = span_skip(buf_span(&buf), at);
        size_t len = FRAME_HEAD + rows[i].payload.len;

        used = 0;
        for (size_t some = 0; some < len; some++)
            UNIT_CHECK_ROW(rows[i].name, frame_read(span_from(rest.data, some), 100, &frame,
                                                    &used) == FRAME_NEED_MORE);
        UNIT_CHECK_ROW(rows[i].name, used == 0);
        UNIT_CHECK_ROW(rows[i].name, frame_read(rest, 100, &frame, &used) == FRAME_DONE);
        UNIT_CHECK_ROW(rows[i].name, used == len && frame.type == rows[i].type);
        UNIT_CHECK_ROW(rows[i].name, frame.payload.len == rows[i].payload.len &&
                                         (frame.payload.len == 0 ||
                                          memcmp(frame.payload.data, rows[i].payload.data,
                                                 frame.payload.len) == 0));
        at += used;
    }
    CU_ASSERT_EQUAL(at, buf.len);
    CU_ASSERT_EQUAL(frame_read(span_of(NULL), 100, &frame, &used), FRAME_NEED_MORE);
    buf_clear(&buf);
}

static void
test_bytes_on_the_wire(void)
{
    struct buf buf;

    buf_init(&buf, 100);
    CU_ASSERT(frame_add(&buf, 0x0102, SPAN_LITERAL("abc")) == 0);
    CU_ASSERT(buf.len == 9 && memcmp(buf.data, "\0\0\0\3\1\2abc", 9) == 0);
    buf_clear(&buf);
}

static void
test_bounds(void)
{
    static const struct {
        const char *name;
        struct span in;
        size_t payload_max;
        enum frame_result expected;
    } rows[] = {
        {"at the caller's bound", {"\0\0\0\3\0\1abc", 9},      3,        FRAME_DONE     },
        {"one above",             {"\0\0\0\4\0\1abcd", 10},    3,        FRAME_BAD      },
        {"above, only length",    {"\0\0\0\4", 4},             3,        FRAME_BAD      },
        {"length not all there",  {"\xff\xff\xff", 3},         3,        FRAME_NEED_MORE},
        {"nothing allowed",       {"\0\0\0\0\0\1", 6},         0,        FRAME_DONE     },
        {"at our bound",          {"\0\x40\0\0\0\1", 6},       SIZE_MAX, FRAME_NEED_MORE},
        {"above our bound",       {"\0\x40\0\1\0\1", 6},       SIZE_MAX, FRAME_BAD      },
        {"all ones",              {"\xff\xff\xff\xff\0\1", 6}, SIZE_MAX, FRAME_BAD      },
    };
    struct frame frame;
    size_t used;

    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        UNIT_CHECK_ROW(rows[i].name, frame_read(rows[i].in, rows[i].payload_max, &frame, &used) ==
                                         rows[i].expected);
}

static void
test_too_large_to_add(void)
{
    static char big[FRAME_PAYLOAD_MAX + 1];
    struct buf buf;

    buf_init(&buf, (size_t)2 * FRAME_PAYLOAD_MAX);
    CU_ASSERT(frame_add(&buf, 1, span_from(big, sizeof(big))) == -1);
    CU_ASSERT_EQUAL(buf.len, 0);
    CU_ASSERT(frame_add(&buf, 1, span_from(big, FRAME_PAYLOAD_MAX)) == 0);
    CU_ASSERT_EQUAL(buf.len, FRAME_HEAD + FRAME_PAYLOAD_MAX);
    buf_clear(&buf);
    buf_init(&buf, FRAME_HEAD + 2);
    CU_ASSERT(frame_add(&buf, 1, SPAN_LITERAL("abc")) == -1);
    CU_ASSERT_EQUAL(buf.len, 0);
    CU_ASSERT(frame_add(&buf, 1, SPAN_LITERAL("ab")) == 0);
    buf_clear(&buf);
}

static const struct unit_test tests[] = {
    {"hello",             test_hello            },
    {"wrong hello",       test_wrong_hello      },
    {"build id",          test_build_id         },
    {"there and back",    test_round            },
    {"bytes on the wire", test_bytes_on_the_wire},
    {"bounds",            test_bounds           },
    {"too large to add",  test_too_large_to_add },
};

UNIT_MAIN("base/frame", tests)
