// SPDX-License-Identifier: BSD-2-Clause
#include "mime/query.h"

#include "base/frame.h"
#include "base/mem.h"
#include "tests/unit/harness.h"

static struct dissect_query
sample_query(bool has_content)
{
    static struct span rcpts[] = {
        {"a@b",     3},
        {"",        0},
        {"\xff\0c", 3}
    };
    struct dissect_query query = {
        .id = {"ID1",        3 },
        .offset = 4096,
        .len = 7,
        .from = {"from@x",     6 },
        .helo = {"helo",       4 },
        .user = {"",           0 },
        .client_name = {"mx.example", 10},
        .parts_max = 25 << 20,
        .parts_fd = 77,
        .rcpts = rcpts,
        .rcpt_count = 3
    };

    if (has_content)
        query.content = SPAN_LITERAL("a\0b\r\nc\n");
    return query;
}

static void
test_query(void)
{
    for (unsigned has_content = 0; has_content < 2; has_content++) {
        struct dissect_query query = sample_query(has_content), got;
        struct err err = {0};
        struct buf payload;

        buf_init(&payload, FRAME_PAYLOAD_MAX);
        CU_ASSERT_EQUAL(query_write(&query, &payload), 0);
        CU_ASSERT_EQUAL_FATAL(query_read(buf_span(&payload), &got, &err), 0);
        CU_ASSERT_TRUE(span_equal(got.id, query.id));
        CU_ASSERT_EQUAL(got.offset, 4096);
        CU_ASSERT_EQUAL(got.len, 7);
        CU_ASSERT_TRUE(span_equal(got.from, query.from));
        CU_ASSERT_TRUE(span_equal(got.helo, query.helo));
        CU_ASSERT_TRUE(span_equal(got.user, query.user));
        CU_ASSERT_TRUE(span_equal(got.client_name, query.client_name));
        CU_ASSERT_EQUAL(got.parts_max, 25 << 20);
        CU_ASSERT_EQUAL(got.parts_fd, -1);
        CU_ASSERT_EQUAL_FATAL(got.rcpt_count, 3);
        for (size_t i = 0; i < 3; i++)
            CU_ASSERT_TRUE(span_equal(got.rcpts[i], query.rcpts[i]));
        CU_ASSERT_EQUAL(got.content.data != NULL, has_content == 1);
        CU_ASSERT_TRUE(span_equal(got.content, query.content));
        query_clear(&got);
        buf_clear(&payload);
    }
}

static void
test_no_content_at_all(void)
{
    struct dissect_query query =
                             {
                                 .content = {"", 0}
    },
                         got;
    struct err err = {0};
    struct buf payload;

    buf_init(&payload, FRAME_PAYLOAD_MAX);
    CU_ASSERT_EQUAL(query_write(&query, &payload), 0);
    CU_ASSERT_EQUAL_FATAL(query_read(buf_span(&payload), &got, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(got.content.data); // an empty message, not one in a descriptor
    CU_ASSERT_EQUAL(got.content.len, 0);
    query_clear(&got);
    buf_clear(&payload);
}

// Truncated anywhere, or with any byte changed: read as something whole, or not at all.
static void
test_damaged(void)
{
    struct dissect_query query = sample_query(true), got;
    struct buf payload;
    unsigned accepted = 0;

    buf_init(&payload, FRAME_PAYLOAD_MAX);
    CU_ASSERT_EQUAL(query_write(&query, &payload), 0);
    for (size_t len = 0; len < payload.len; len++) {
        struct err err = {0};

        CU_ASSERT_EQUAL(query_read(span_from(payload.data, len), &got, &err), -1);
        CU_ASSERT_EQUAL(err.kind, ERR_PERM);
    }
    for (size_t i = 0; i < payload.len * 256; i++) {
        char right = payload.data[i / 256];
        struct err err = {0};

        payload.data[i / 256] = (char)(i % 256);
        if (query_read(buf_span(&payload), &got, &err) == 0) {
            accepted++;
            CU_ASSERT_TRUE(got.content.data == NULL || got.content.len == got.len);
            query_clear(&got);
        }
        payload.data[i / 256] = right;
    }
    CU_ASSERT(accepted > payload.len);
    buf_clear(&payload);
}

static void
test_query_too_large(void)
{
    struct span rcpt = {"someone@example.com", 19};
    struct dissect_query query = sample_query(false);
    struct buf payload;

    query.rcpts = mem_zarray(300000, sizeof *query.rcpts);
    query.rcpt_count = 300000;
    for (size_t i = 0; i < query.rcpt_count; i++)
        query.rcpts[i] = rcpt;
    buf_init(&payload, 2 * FRAME_PAYLOAD_MAX);
    CU_ASSERT_EQUAL(query_write(&query, &payload), -1);
    CU_ASSERT_EQUAL(payload.len, 0);
    query.rcpt_count = 100000;
    CU_ASSERT_EQUAL(query_write(&query, &payload), 0);
    buf_clear(&payload);
    mem_free(&query.rcpts);
}

static void
test_setup(void)
{
    struct pattern_spec patterns[] = {
        {.target = PATTERN_SUBJECT, .text = {"^x", 2}, .ignore_case = true},
        {.target = PATTERN_MIME_TYPE,                         .text = {"", 0}               },
    };
    struct dissect_setup setup = {
        .limits = {.timeout = 1,
                   .memory = 2,
                   .max_depth = 3,
                   .max_parts = 4,
                   .max_members = 5,
                   .max_unpacked = 6,
                   .max_ratio = 7,
                   .max_header = 8,
                   .max_field = 9,
                   .max_fields = 10,
                   .max_parameters = UINT64_MAX},
        .patterns = patterns,
        .pattern_count = 2
    };
    struct dissect_setup got;
    struct err err = {0};
    struct buf payload;

    buf_init(&payload, FRAME_PAYLOAD_MAX);
    CU_ASSERT_EQUAL(query_setup_write(&setup, &payload), 0);
    CU_ASSERT_EQUAL_FATAL(query_setup_read(buf_span(&payload), &got, &err), 0);
    CU_ASSERT_EQUAL(got.limits.timeout, 1);
    CU_ASSERT_EQUAL(got.limits.memory, 2);
    CU_ASSERT_EQUAL(got.limits.max_depth, 3);
    CU_ASSERT_EQUAL(got.limits.max_parts, 4);
    CU_ASSERT_EQUAL(got.limits.max_members, 5);
    CU_ASSERT_EQUAL(got.limits.max_unpacked, 6);
    CU_ASSERT_EQUAL(got.limits.max_ratio, 7);
    CU_ASSERT_EQUAL(got.limits.max_header, 8);
    CU_ASSERT_EQUAL(got.limits.max_field, 9);
    CU_ASSERT_EQUAL(got.limits.max_fields, 10);
    CU_ASSERT_EQUAL(got.limits.max_parameters, UINT64_MAX);
    CU_ASSERT_EQUAL_FATAL(got.pattern_count, 2);
    CU_ASSERT_EQUAL(got.patterns[0].target, PATTERN_SUBJECT);
    CU_ASSERT_TRUE(got.patterns[0].ignore_case);
    CU_ASSERT_TRUE(span_is(got.patterns[0].text, "^x"));
    CU_ASSERT_EQUAL(got.patterns[1].target, PATTERN_MIME_TYPE);
    CU_ASSERT_FALSE(got.patterns[1].ignore_case);
    query_setup_clear(&got);
    for (size_t len = 0; len < payload.len; len++) {
        CU_ASSERT_EQUAL(query_setup_read(span_from(payload.data, len), &got, &err), -1);
        CU_ASSERT_EQUAL(err.kind, ERR_PERM);
    }
    buf_clear(&payload);
}

static void
test_setup_bounds(void)
{
    static const struct {
        const char *name;
        size_t count, text_len;
        bool is_read;
    } rows[] = {
        {"as many as may be", PATTERNS_MAX,     1,                    true },
        {"one more",          PATTERNS_MAX + 1, 1,                    false},
        {"a long one",        1,                PATTERN_TEXT_MAX,     true },
        {"a longer one",      1,                PATTERN_TEXT_MAX + 1, false},
    };

    char *text = mem_zalloc(PATTERN_TEXT_MAX + 1);

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct dissect_setup setup = {.pattern_count = rows[i].count}, got;
        struct err err = {0};
        struct buf payload;

        setup.patterns = mem_zarray(rows[i].count, sizeof *setup.patterns);
        for (size_t k = 0; k < rows[i].count; k++)
            setup.patterns[k].text = span_from(text, rows[i].text_len);
        buf_init(&payload, FRAME_PAYLOAD_MAX);
        CU_ASSERT_EQUAL(query_setup_write(&setup, &payload), 0);
        UNIT_CHECK_ROW(rows[i].name,
                       (query_setup_read(buf_span(&payload), &got, &err) == 0) == rows[i].is_read);
        query_setup_clear(&got);
        buf_clear(&payload);
        mem_free(&setup.patterns);
    }
    mem_free(&text);
}

static void
test_target_names(void)
{
    CU_ASSERT_STRING_EQUAL(pattern_target_name(PATTERN_FROM), "from");
    CU_ASSERT_STRING_EQUAL(pattern_target_name(PATTERN_CLIENT_NAME), "client_name");
    CU_ASSERT_STRING_EQUAL(pattern_target_name(PATTERN_MIME_TYPE), "mime_type");
    for (int i = 0; i < PATTERN_TARGET_COUNT; i++)
        CU_ASSERT_PTR_NOT_NULL(pattern_target_name((enum pattern_target)i));
}

static const struct unit_test tests[] = {
    {"query",             test_query            },
    {"no content at all", test_no_content_at_all},
    {"damaged",           test_damaged          },
    {"query too large",   test_query_too_large  },
    {"setup",             test_setup            },
    {"bounds of a setup", test_setup_bounds     },
    {"names of targets",  test_target_names     },
};

UNIT_MAIN("mime/query", tests)
