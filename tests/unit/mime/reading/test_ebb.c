// SPDX-License-Identifier: BSD-2-Clause
// The bytes are the same, before and after; and no more of them than two strides are in memory.
#include "mime/reading/ebb.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "tests/unit/harness.h"

enum { STRIDES = 6, TAIL = 5000, LEN = STRIDES * EBB_STRIDE + TAIL };

static struct {
    char *map;
    struct ebb ebb;
} fix;

static char
byte_at(size_t at)
{
    return (char)('a' + (at * 2654435761U >> 20) % 26);
}

static void
set_up(void)
{
    int fd = fs_memory_file("ebb", NULL);
    char *bytes = mem_zalloc(LEN);

    for (size_t i = 0; i < LEN; i++)
        bytes[i] = byte_at(i);
    CU_ASSERT_FATAL(fs_write_all_at(fd, bytes, LEN, 0, NULL) == 0);
    fix.map = mmap(NULL, LEN, PROT_READ, MAP_PRIVATE, fd, 0);
    CU_ASSERT_FATAL(fix.map != MAP_FAILED);
    ebb_init(&fix.ebb, fix.map, LEN);
    (void)close(fd);
    mem_free(&bytes);
}

static void
tear_down(void)
{
    munmap(fix.map, LEN);
}

// Bytes of the mapping that are in memory.
static size_t
present(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    size_t count = 0;

    CU_ASSERT_FATAL(fd >= 0);
    for (size_t at = 0; at < LEN; at += page) {
        uint64_t entry = 0;

        CU_ASSERT(pread(fd, &entry, sizeof entry,
                        (off_t)(((uintptr_t)fix.map + at) / page * sizeof entry)) == sizeof entry);
        count += entry >> 63;
    }
    (void)close(fd);
    return count * page;
}

// Step by step, as a reader goes.
static bool
is_same(size_t step)
{
    for (size_t at = 0; at < LEN; at++) {
        if (at % step == 0)
            ebb_at(&fix.ebb, fix.map + at);
        if (fix.map[at] != byte_at(at))
            return false;
    }
    return true;
}

static void
test_forward(void)
{
    static const size_t steps[] = {1, 77, 4096, 65537, EBB_STRIDE / 4, EBB_STRIDE};

    set_up();
    CU_ASSERT(present() == 0);
    for (size_t i = 0; i < UNIT_COUNT(steps); i++) {
        CU_ASSERT(is_same(steps[i]));
        CU_ASSERT(present() > 0 && present() <= (size_t)2 * EBB_STRIDE);
    }
    tear_down();
}

static void
test_any_order(void)
{
    size_t at = 0, wrong = 0, most = 0;

    set_up();
    for (unsigned i = 0; i < 2000; i++) {
        at = (at * 31 + 1234567) % LEN;
        ebb_at(&fix.ebb, fix.map + at);
        wrong += fix.map[at] != byte_at(at);
        most = i % 100 == 0 && present() > most ? present() : most;
    }
    CU_ASSERT(wrong == 0 && most <= (size_t)2 * EBB_STRIDE);
    tear_down();
}

static void
test_find(void)
{
    static const size_t begins[] = {0, 1, EBB_STRIDE - 1, EBB_STRIDE, EBB_STRIDE * 3 + 7, LEN};
    struct span none = {NULL, 0};

    set_up();
    CU_ASSERT_PTR_NULL(ebb_find(&fix.ebb, none, 'a'));
    CU_ASSERT_PTR_NULL(ebb_find(NULL, none, 'a'));
    for (size_t i = 0; i < UNIT_COUNT(begins); i++) {
        struct span text = {fix.map + begins[i], LEN - begins[i]};

        CU_ASSERT_PTR_NULL(ebb_find(&fix.ebb, text, '-'));
        CU_ASSERT(present() <= (size_t)2 * EBB_STRIDE);
        for (char byte = 'a'; byte <= 'z'; byte++)
            CU_ASSERT(ebb_find(&fix.ebb, text, byte) == ebb_find(NULL, text, byte));
    }
    tear_down();
}

// The byte stands far away, or behind the end.
static void
test_find_far(void)
{
    char *text = mem_zalloc(LEN + 1);

    set_up();
    text[LEN] = '!';
    CU_ASSERT_PTR_NULL(ebb_find(&fix.ebb, span_from(text, LEN), '!'));
    CU_ASSERT(ebb_find(&fix.ebb, span_from(text, LEN + 1), '!') == text + LEN);
    CU_ASSERT(text[0] == '\0' && text[LEN] == '!');
    mem_free(&text);
    tear_down();
}

// What lies elsewhere is nobody's to give back.
static void
test_elsewhere(void)
{
    char *other = mem_zalloc((size_t)4 * EBB_STRIDE);

    set_up();
    memset(other, 'x', (size_t)4 * EBB_STRIDE);
    for (size_t at = 0; at < (size_t)4 * EBB_STRIDE; at += 1000)
        ebb_at(&fix.ebb, other + at);
    ebb_at(&fix.ebb, fix.map + LEN); // behind the end
    CU_ASSERT(fix.ebb.low == fix.ebb.begin);
    for (size_t at = 0; at < (size_t)4 * EBB_STRIDE; at += 1000)
        CU_ASSERT_EQUAL(other[at], 'x');
    ebb_at(NULL, other);
    mem_free(&other);
    tear_down();
}

static const struct unit_test tests[] = {
    {"forward",   test_forward  },
    {"any order", test_any_order},
    {"find",      test_find     },
    {"find far",  test_find_far },
    {"elsewhere", test_elsewhere},
};

UNIT_MAIN("mime/reading/ebb", tests)
