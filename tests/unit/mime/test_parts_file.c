// SPDX-License-Identifier: BSD-2-Clause
#include "mime/parts_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"
#include "tests/unit/harness.h"

enum { MAX = 10000, FAR = 2 * MAX };

static void
test_before(void)
{
    struct err err;
    int fd = parts_file_new(MAX, &err);

    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(pwrite(fd, "end", 3, MAX - 3), 3);
    CU_ASSERT_EQUAL(pwrite(fd, "x", 1, FAR), -1);
    CU_ASSERT_EQUAL(errno, EPERM);
    CU_ASSERT_EQUAL(lseek(fd, 0, SEEK_END), MAX);
    (void)close(fd);
}

// Whoever still has it: neither its bytes nor its size nor its seals.
static void
test_after(void)
{
    static const uint64_t lens[] = {0, 1, 4096, MAX};

    for (size_t i = 0; i < UNIT_COUNT(lens); i++) {
        char bytes[2] = "";
        struct err err;
        int fd = parts_file_new(MAX, &err), again;

        CU_ASSERT_EQUAL(pwrite(fd, "a", 1, 0), 1);
        CU_ASSERT_EQUAL(parts_file_seal(fd, lens[i], &err), 0);
        again = fs_reopen_read(fd, &err);
        CU_ASSERT_EQUAL(lseek(again, 0, SEEK_END), (off_t)lens[i]);
        CU_ASSERT_EQUAL(pread(again, bytes, 1, 0), lens[i] > 0 ? 1 : 0);
        CU_ASSERT_STRING_EQUAL(bytes, lens[i] > 0 ? "a" : "");
        CU_ASSERT_EQUAL(pwrite(fd, "x", 1, 0), -1);
        CU_ASSERT_EQUAL(ftruncate(fd, 0), lens[i] == 0 ? 0 : -1);
        CU_ASSERT_EQUAL(ftruncate(fd, MAX + 1), -1);
        CU_ASSERT_EQUAL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
        CU_ASSERT(mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
        (void)close(again);
        (void)close(fd);
    }
}

static void
test_longer_than_it_is(void)
{
    struct err err = {0};
    int fd = parts_file_new(MAX, &err);

    CU_ASSERT_EQUAL(parts_file_seal(fd, MAX + 1, &err), -1);
    CU_ASSERT_EQUAL(err.kind, ERR_TEMP);
    (void)close(fd);
    CU_ASSERT_EQUAL(parts_file_seal(fd, 1, &err), -1);
}

static const struct unit_test tests[] = {
    {"before",            test_before           },
    {"after",             test_after            },
    {"longer than it is", test_longer_than_it_is},
};

UNIT_MAIN("mime/parts_file", tests)
