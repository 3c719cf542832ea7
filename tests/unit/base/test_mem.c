// SPDX-License-Identifier: BSD-2-Clause
#include "base/mem.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/harness.h"

static bool
is_zero(const void *memory, size_t len)
{
    const unsigned char *byte = memory;

    for (size_t i = 0; i < len; i++) {
        if (byte[i] != 0)
            return false;
    }
    return true;
}

static void
test_zalloc(void)
{
    char *some = mem_zalloc(1000);
    char *none = mem_zalloc(0);
    uint64_t *many = mem_zarray(100, sizeof(*many));
    void *empty = mem_zarray(0, 8);

    CU_ASSERT(is_zero(some, 1000));
    CU_ASSERT(is_zero(many, 100 * sizeof(*many)));
    CU_ASSERT_PTR_NOT_NULL(none);
    CU_ASSERT_PTR_NOT_NULL(empty);
    mem_free(&some);
    mem_free(&none);
    mem_free(&many);
    mem_free(&empty);
    CU_ASSERT_PTR_NULL(some);
    CU_ASSERT_PTR_NULL(many);
}

static void
test_regrow(void)
{
    char *data = mem_regrow(NULL, 4, 1);

    memcpy(data, "abc", 4);
    data = mem_regrow(data, 1000, 10);
    CU_ASSERT_STRING_EQUAL(data, "abc");
    data[9999] = 'x';
    data = mem_regrow(data, 0, 10);
    CU_ASSERT_PTR_NOT_NULL(data);
    mem_free(&data);
}

static void
test_texts(void)
{
    char *copy = mem_strdup("text");
    char *part = mem_strndup("a\0b", 3);
    char *empty = mem_strndup(NULL, 0);
    char *made = mem_printf("%s-%d", "x", 7);

    CU_ASSERT_STRING_EQUAL(copy, "text");
    CU_ASSERT(memcmp(part, "a\0b", 4) == 0);
    CU_ASSERT_STRING_EQUAL(empty, "");
    CU_ASSERT_STRING_EQUAL(made, "x-7");
    CU_ASSERT_PTR_NULL(mem_strdup(NULL));
    mem_free(&copy);
    mem_free(&part);
    mem_free(&empty);
    mem_free(&made);
}

static void
test_free_nothing(void)
{
    char *none = NULL;

    mem_free(&none);
    mem_free_at(NULL);
    CU_ASSERT_PTR_NULL(none);
}

static void
overflow_zarray(void)
{
    mem_zarray(SIZE_MAX / 2, 3);
}

static void
overflow_regrow(void)
{
    mem_regrow(NULL, SIZE_MAX / 2, 3);
}

static void
overflow_strndup(void)
{
    mem_strndup("", SIZE_MAX);
}

// Whether the call ends the process in any way but returning.
static bool
is_fatal(void (*call)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        call();
        _exit(0);
    }
    CU_ASSERT_FATAL(pid > 0 && waitpid(pid, &status, 0) == pid);
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void
test_overflow(void)
{
    CU_ASSERT(is_fatal(overflow_zarray));
    CU_ASSERT(is_fatal(overflow_regrow));
    CU_ASSERT(is_fatal(overflow_strndup));
    CU_ASSERT(!is_fatal(test_free_nothing));
}

static size_t
resident_pages(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    size_t all = 0, resident = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT(fscanf(file, "%zu %zu", &all, &resident) == 2);
    fclose(file);
    return resident;
}

static void
test_give_back(void)
{
    enum { COUNT = 4096, SIZE = 4096, KEPT_EVERY = 64 };

    static char *blocks[COUNT];
    const char *heap_end = sbrk(0);
    size_t before;
    bool is_library; // sanitizers and valgrind have allocators of their own

    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = mem_zalloc(SIZE);
        memset(blocks[i], 1, SIZE);
    }
    is_library = (const char *)sbrk(0) - heap_end >= COUNT / 2 * SIZE;
    for (size_t i = 0; i < COUNT; i++) {
        if (i % KEPT_EVERY != 0)
            mem_free(&blocks[i]);
    }
    before = resident_pages();
    mem_give_back();
    if (is_library)
        CU_ASSERT(resident_pages() + COUNT / 2 < before);
    for (size_t i = 0; i < COUNT; i += KEPT_EVERY) {
        CU_ASSERT(blocks[i][0] == 1 && blocks[i][SIZE - 1] == 1);
        mem_free(&blocks[i]);
    }
}

// After the others: it is for the rest of the process.
static void
test_keep_freed(void)
{
    enum { COUNT = 64, SIZE = 65536 };

    char *blocks[COUNT];
    const char *heap_end;
    bool is_library;

    mem_keep_freed();
    mem_give_back();
    heap_end = sbrk(0);
    for (size_t i = 0; i < COUNT; i++)
        blocks[i] = memset(mem_zalloc(SIZE), 1, SIZE);
    is_library = (const char *)sbrk(0) - heap_end >= COUNT / 2 * SIZE;
    heap_end = sbrk(0);
    for (size_t i = 0; i < COUNT; i++)
        mem_free(&blocks[i]);
    if (is_library)
        CU_ASSERT_PTR_EQUAL(sbrk(0), heap_end);
    mem_give_back();
    if (is_library)
        CU_ASSERT((const char *)sbrk(0) < heap_end);
}

static const struct unit_test tests[] = {
    {"zeroed",                    test_zalloc      },
    {"regrow",                    test_regrow      },
    {"texts",                     test_texts       },
    {"free nothing",              test_free_nothing},
    {"overflow ends the process", test_overflow    },
    {"given back",                test_give_back   },
    {"kept",                      test_keep_freed  },
};

UNIT_MAIN("base/mem", tests)
