// SPDX-License-Identifier: BSD-2-Clause
#include "base/arena.h"

#include "tests/unit/harness.h"

static bool
is_zeroed(const char *memory, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (memory[i] != 0)
            return false;
    }
    return true;
}

// Each keeps what was written into it, whatever comes behind it.
static void
test_many_sizes(void)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 4095, 4096, 4097, 16384, 100000, 3, 2000};

    enum { COUNT = 600 };

    char *given[COUNT];
    struct arena arena;

    arena_init(&arena, 64 << 20);
    for (size_t i = 0; i < COUNT; i++) {
        size_t size = sizes[i % UNIT_COUNT(sizes)];

        given[i] = arena_array(&arena, size, 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(given[i]);
        CU_ASSERT_EQUAL((uintptr_t)given[i] % 16, 0);
        CU_ASSERT_TRUE(is_zeroed(given[i], size));
        memset(given[i], (int)i, size);
    }
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t k = 0; k < sizes[i % UNIT_COUNT(sizes)]; k++)
            CU_ASSERT_EQUAL((unsigned char)given[i][k], i % 256);
    }
    arena_clear(&arena);
    CU_ASSERT_EQUAL(arena.given, 0);
    CU_ASSERT_PTR_NOT_NULL(arena_array(&arena, 1, 1));
    arena_clear(&arena);
    arena_clear(&arena);
}

static void
test_ceiling(void)
{
    static const struct {
        const char *name;
        size_t count, size;
        bool fits;
    } rows[] = {
        {"all of it",                1,                 1024,         true },
        {"rounded up to all",        1,                 1009,         true },
        {"a byte more",              1,                 1025,         false},
        {"product overflows",        SIZE_MAX / 2,      3,            false},
        {"product wraps to nothing", SIZE_MAX / 16 + 1, 16,           false},
        {"rounding overflows",       1,                 SIZE_MAX - 3, false},
        {"none of something",        0,                 SIZE_MAX,     true },
        {"nothing, often",           SIZE_MAX,          0,            true },
    };
    struct arena arena;

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        void *memory;

        arena_init(&arena, 1024);
        memory = arena_array(&arena, rows[i].count, rows[i].size);
        UNIT_CHECK_ROW(rows[i].name, (memory != NULL) == rows[i].fits);
        UNIT_CHECK_ROW(rows[i].name, rows[i].fits == (arena.given > 0));
        // What did not fit took nothing.
        UNIT_CHECK_ROW(rows[i].name, rows[i].fits || arena_array(&arena, 1024, 1) != NULL);
        arena_clear(&arena);
    }
    arena_init(&arena, 100);
    for (size_t i = 0; i < 6; i++)
        CU_ASSERT_PTR_NOT_NULL(arena_array(&arena, 1, 1));
    CU_ASSERT_PTR_NULL(arena_array(&arena, 1, 1));
    arena_clear(&arena);
}

static void
test_copy(void)
{
    struct arena arena;
    struct span copy;

    arena_init(&arena, 64);
    copy = arena_copy(&arena, SPAN_LITERAL("a\0b"));
    CU_ASSERT_EQUAL(copy.len, 3);
    CU_ASSERT_EQUAL(memcmp(copy.data, "a\0b", 4), 0);
    copy = arena_copy(&arena, span_from(NULL, 0));
    CU_ASSERT_PTR_NOT_NULL_FATAL(copy.data);
    CU_ASSERT_EQUAL(copy.data[0], '\0');
    CU_ASSERT_EQUAL(copy.len, 0);
    copy = arena_copy(&arena, SPAN_LITERAL("this is longer than what is left"));
    CU_ASSERT_PTR_NULL(copy.data);
    CU_ASSERT_EQUAL(copy.len, 0);
    arena_clear(&arena);
}

static const struct unit_test tests[] = {
    {"many sizes", test_many_sizes},
    {"ceiling",    test_ceiling   },
    {"copy",       test_copy      },
};

UNIT_MAIN("base/arena", tests)
