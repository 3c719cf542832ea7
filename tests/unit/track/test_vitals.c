// SPDX-License-Identifier: BSD-2-Clause
#include "track/vitals.h"

#include "base/mem.h"
#include "tests/unit/harness.h"

enum { ARENA_MAX = 1 << 20 };

static struct vitals_server servers[] = {
    {SPAN_LITERAL("rspamd"),   SPAN_LITERAL("inet:127.0.0.1:11333"), false, true,  0 },
    {SPAN_LITERAL("reinject"), SPAN_LITERAL("inet:127.0.0.1:10025"), true,  false, 20},
};

static const struct vitals sample = {.pid = 812,
                                     .jobs = 17,
                                     .waiting = 200000,
                                     .is_draining = true,
                                     .servers = servers,
                                     .server_count = 2};

static void
test_round_trip(void)
{
    struct vitals got;
    struct arena arena;
    struct buf bytes;

    buf_init(&bytes, 1000);
    arena_init(&arena, ARENA_MAX);
    CU_ASSERT_EQUAL(vitals_write(&sample, &bytes), 0);
    CU_ASSERT_EQUAL_FATAL(vitals_read(buf_span(&bytes), &arena, &got), 0);
    CU_ASSERT_EQUAL(got.pid, 812);
    CU_ASSERT_EQUAL(got.jobs, 17);
    CU_ASSERT_EQUAL(got.waiting, 200000);
    CU_ASSERT_TRUE(got.is_draining);
    CU_ASSERT_EQUAL_FATAL(got.server_count, 2);
    CU_ASSERT_TRUE(span_is(got.servers[0].owner, "rspamd"));
    CU_ASSERT_TRUE(span_is(got.servers[0].address, "inet:127.0.0.1:11333"));
    CU_ASSERT_TRUE(!got.servers[0].is_hop && got.servers[0].is_up);
    CU_ASSERT_TRUE(got.servers[1].is_hop && !got.servers[1].is_up);
    CU_ASSERT_EQUAL(got.servers[1].connections, 20);
    arena_clear(&arena);
    buf_clear(&bytes);
}

static void
test_cuts_and_changes(void)
{
    struct vitals got;
    struct arena arena;
    struct buf bytes;

    buf_init(&bytes, 1000);
    arena_init(&arena, ARENA_MAX);
    CU_ASSERT_EQUAL(vitals_write(&sample, &bytes), 0);
    for (size_t len = 0; len < bytes.len; len++) {
        char *cut = mem_strndup(bytes.data, len);

        CU_ASSERT_EQUAL(vitals_read(span_from(cut, len), &arena, &got), -1);
        CU_ASSERT_EQUAL(got.pid, 0);
        CU_ASSERT_EQUAL(got.server_count, 0);
        mem_free(&cut);
    }
    for (size_t i = 0; i < bytes.len; i++) {
        char was = bytes.data[i];

        for (int byte = 0; byte < 256; byte++) {
            bytes.data[i] = (char)byte;
            if (vitals_read(buf_span(&bytes), &arena, &got) == 0)
                CU_ASSERT_TRUE(got.server_count <= VITALS_SERVERS_MAX);
            arena_clear(&arena);
        }
        bytes.data[i] = was;
    }
    CU_ASSERT_EQUAL(buf_add_char(&bytes, '\0'), 0);
    CU_ASSERT_EQUAL(vitals_read(buf_span(&bytes), &arena, &got), -1);
    arena_clear(&arena);
    buf_clear(&bytes);
}

static void
test_bounds(void)
{
    struct vitals_server *many = mem_zarray(VITALS_SERVERS_MAX + 1, sizeof(many[0]));
    struct vitals vitals = {.servers = many, .server_count = VITALS_SERVERS_MAX}, got;
    struct arena arena;
    struct buf bytes;

    buf_init(&bytes, 1 << 20);
    arena_init(&arena, ARENA_MAX);
    CU_ASSERT_EQUAL(vitals_write(&vitals, &bytes), 0);
    CU_ASSERT_EQUAL(vitals_read(buf_span(&bytes), &arena, &got), 0);
    CU_ASSERT_EQUAL(got.server_count, VITALS_SERVERS_MAX);
    arena_clear(&arena);
    arena_init(&arena, 100);
    CU_ASSERT_EQUAL(vitals_read(buf_span(&bytes), &arena, &got), -1);
    arena_clear(&arena);

    buf_cut(&bytes, 3);
    vitals.server_count++;
    CU_ASSERT_EQUAL(vitals_write(&vitals, &bytes), -1);
    CU_ASSERT_EQUAL(bytes.len, 3);
    buf_clear(&bytes);
    mem_free(&many);
}

static const struct unit_test tests[] = {
    {"round trip",        test_round_trip      },
    {"cut, or changed",   test_cuts_and_changes},
    {"bounds and memory", test_bounds          },
};

UNIT_MAIN("track/vitals", tests)
