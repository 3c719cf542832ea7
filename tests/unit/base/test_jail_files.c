// SPDX-License-Identifier: BSD-2-Clause
// What may be done with a file in memory that was given to be filled, and what not.
#include "base/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "base/fs.h"
#include "tests/unit/base/jailed.h"
#include "tests/unit/harness.h"

enum { SIZE = 8192, FAR = SIZE * 1000 };

static int file;

static int
write_at(off_t offset)
{
    return pwrite(file, "x", 1, offset) == 1 ? 0 : errno;
}

static int
write_inside(void)
{
    return write_at(SIZE - 1);
}

static int
write_behind(void)
{
    return write_at(SIZE);
}

static int
write_far_behind(void)
{
    return write_at(FAR);
}

static int
cut(void)
{
    return ftruncate(file, 0) == 0 ? 0 : errno;
}

static int
seal(void)
{
    return fcntl(file, F_ADD_SEALS, F_SEAL_SEAL) == 0 ? 0 : errno;
}

static int
punch(void)
{
    return fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == 0 ? 0 : errno;
}

static int
map(int flags)
{
    void *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, file, 0);

    return memory == MAP_FAILED ? errno : 0;
}

static int
map_shared(void)
{
    return map(MAP_SHARED);
}

static int
map_shared_checked(void)
{
    return map(MAP_SHARED_VALIDATE);
}

static int
map_private(void)
{
    return map(MAP_PRIVATE);
}

static void
test_file(void)
{
    static const struct {
        const char *name;
        int (*run)(void);
        int expected;
    } rows[] = {
        {"write",                write_inside,       0    },
        {"write behind",         write_behind,       EPERM},
        {"write far behind",     write_far_behind,   EPERM},
        {"cut",                  cut,                EPERM},
        {"seal",                 seal,               EPERM},
        {"punch",                punch,              EPERM},
        {"map, shared",          map_shared,         EPERM},
        {"map, shared, checked", map_shared_checked, EPERM},
        {"map, private",         map_private,        0    },
    };
    const struct jail_limits limits = {
        .memory = UINT64_C(512) << 20, .file_size = UINT64_C(256) << 20, .descriptors = 16};

    file = fs_memory_file("test", NULL);
    CU_ASSERT_EQUAL_FATAL(ftruncate(file, SIZE), 0);
    CU_ASSERT_EQUAL_FATAL(fcntl(file, F_ADD_SEALS, F_SEAL_GROW), 0);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        UNIT_CHECK_ROW(rows[i].name, jailed_run(rows[i].run, &limits) == rows[i].expected);
    CU_ASSERT_EQUAL(lseek(file, 0, SEEK_END), SIZE);
    (void)close(file);
}

static const struct unit_test tests[] = {
    {"file", test_file},
};

UNIT_MAIN("base/jail_files", tests)
