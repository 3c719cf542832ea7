// SPDX-License-Identifier: BSD-2-Clause
// What is written is read as POSIX has it, and by libarchive.
#include "mime/reading/parts.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "mime/reading/archive.h"
#include "tests/unit/harness.h"

enum { BLOCK = 512, END_LEN = 2 * BLOCK, LARGE = 1 << 20 };

static struct {
    int fd;
    struct parts parts;
    struct sha256 *sha256;
    char *text;
} fix;

static void
set_up(uint64_t max)
{
    fix.fd = fs_memory_file("parts", NULL);
    CU_ASSERT_FATAL(fix.fd >= 0);
    fix.sha256 = sha256_new();
    fix.text = mem_zalloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        fix.text[i] = (char)('a' + (i * 2654435761U >> 20) % 26);
    parts_init(&fix.parts, fix.fd, max);
}

static void
tear_down(void)
{
    parts_clear(&fix.parts);
    sha256_free(&fix.sha256);
    mem_free(&fix.text);
    (void)close(fix.fd);
}

static void
add(const char *data, size_t len)
{
    uint8_t digest[SHA256_LEN];

    sha256_reset(fix.sha256);
    sha256_add(fix.sha256, data, len);
    sha256_get(fix.sha256, digest);
    // Two pieces, of any length.
    parts_write(&fix.parts, span_from(data, len / 3));
    parts_write(&fix.parts, span_from(data + len / 3, len - len / 3));
    parts_add(&fix.parts, digest);
}

static uint64_t
octal(const char *text)
{
    return strtoull(text, NULL, 8);
}

// A header of a file with that number and length, and its checksum.
static bool
is_header(const char *block, size_t number, size_t len)
{
    char name[32];
    unsigned sum = 8 * ' ';

    (void)snprintf(name, sizeof name, "%zu", number);
    for (size_t i = 0; i < BLOCK; i++)
        sum += i >= 148 && i < 156 ? 0 : (unsigned char)block[i];
    return strcmp(block, name) == 0 && octal(block + 124) == len && block[156] == '0' &&
           octal(block + 148) == sum &&
           memcmp(block + 257,
                  "ustar\0"
                  "00",
                  8) == 0;
}

static bool
is_zero(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != '\0')
            return false;
    }
    return true;
}

// The archive holds contents of these lengths, all of fix.text, and nothing else.
static bool
holds(uint64_t len, const size_t *lens, size_t count)
{
    char *bytes = mem_zalloc(len + 1);
    bool is_right = true;
    size_t at = 0;

    CU_ASSERT_EQUAL(pread(fix.fd, bytes, len + 1, 0), (ssize_t)len);
    for (size_t i = 0; i < count && is_right; i++) {
        size_t room = (lens[i] + BLOCK - 1) / BLOCK * BLOCK;

        is_right = at + BLOCK + room <= len && is_header(bytes + at, i + 1, lens[i]) &&
                   memcmp(bytes + at + BLOCK, fix.text, lens[i]) == 0 &&
                   is_zero(bytes + at + BLOCK + lens[i], room - lens[i]);
        at += BLOCK + room;
    }
    is_right = is_right && len == at + END_LEN && is_zero(bytes + at, END_LEN);
    mem_free(&bytes);
    return is_right;
}

static void
test_lengths(void)
{
    static const size_t lens[] = {1, 2, 511, 512, 513, 1023, 1024, 1025, 65536, LARGE};
    uint64_t wanted = END_LEN, len;

    set_up(UINT64_C(16) << 20);
    for (size_t i = 0; i < UNIT_COUNT(lens); i++) {
        add(fix.text, lens[i]);
        wanted += BLOCK + (lens[i] + BLOCK - 1) / BLOCK * BLOCK;
    }
    len = parts_end(&fix.parts);
    CU_ASSERT_EQUAL(len, wanted);
    CU_ASSERT_FALSE(fix.parts.has_more);
    CU_ASSERT(holds(len, lens, UNIT_COUNT(lens)));
    tear_down();
}

static void
on_member(void *arg, const struct archive_member *member)
{
    uint64_t *sum = arg;

    *sum = *sum * 10000 + member->finding.size;
}

// libarchive agrees.
static void
test_library(void)
{
    static const struct dissect_settings limits = {.max_depth = 3, .max_ratio = 250};
    struct archive_budget budget = {.members = 10, .unpacked = LARGE};
    uint64_t sum = 0;
    struct magic *magic = magic_new(NULL);
    const struct archive_job job = {magic, &limits, &budget, on_member, &sum};
    enum finding_limit limit = LIMIT_NONE;
    char bytes[8 * BLOCK];
    const struct span all = {bytes, sizeof bytes};

    set_up(LARGE);
    add(fix.text, 700);
    add(fix.text, 1024);
    CU_ASSERT_EQUAL(parts_end(&fix.parts), sizeof bytes);
    CU_ASSERT_TRUE(pread(fix.fd, bytes, sizeof bytes, 0) > 0);
    CU_ASSERT_EQUAL(archive_list(&job, all, magic_of(magic, all), &limit), ARCHIVE_READ);
    CU_ASSERT_EQUAL(sum, 7001024);
    magic_free(&magic);
    tear_down();
}

static void
test_each_once(void)
{
    static const size_t lens[] = {100, 7};
    uint64_t len;

    set_up(LARGE);
    add(fix.text, 100);
    add("", 0);
    add(fix.text, 7);
    add(fix.text, 100);
    add(fix.text, 7);
    len = parts_end(&fix.parts);
    CU_ASSERT(holds(len, lens, UNIT_COUNT(lens)));
    CU_ASSERT_FALSE(fix.parts.has_more);
    tear_down();
}

static void
test_nothing(void)
{
    set_up(LARGE);
    add("", 0);
    CU_ASSERT_EQUAL(parts_end(&fix.parts), 0);
    CU_ASSERT_FALSE(fix.parts.has_more);
    tear_down();
}

// At bounds around what two contents need, and never a byte behind them.
static void
test_bound(void)
{
    static const size_t lens[] = {600, 300};
    const uint64_t first = BLOCK + END_LEN, second = END_LEN, end = END_LEN;

    for (uint64_t max = 0; max <= first + second + end + 1; max++) {
        size_t fits = max < first + end ? 0 : max < first + second + end ? 1 : 2;
        size_t small_one = fits == 0 && max >= second + end ? 1 : 0;
        uint64_t len;

        if (max % BLOCK > 1 && max % BLOCK < BLOCK - 1)
            continue;
        set_up(max);
        add(fix.text, lens[0]);
        add(fix.text, lens[1]);
        len = parts_end(&fix.parts);
        CU_ASSERT(len <= max && lseek(fix.fd, 0, SEEK_END) <= (off_t)max);
        CU_ASSERT_EQUAL(fix.parts.has_more, fits < 2);
        CU_ASSERT_EQUAL(fix.parts.count, fits + small_one);
        CU_ASSERT(len == 0 || holds(len, small_one == 1 ? lens + 1 : lens, fits + small_one));
        tear_down();
    }
}

static void
test_many(void)
{
    uint64_t len;

    set_up(UINT64_C(16) << 20);
    for (unsigned i = 0; i < PARTS_FILES_MAX; i++)
        add((const char *)&i, sizeof i);
    CU_ASSERT_FALSE(fix.parts.has_more);
    add("x", 1);
    CU_ASSERT_TRUE(fix.parts.has_more);
    len = parts_end(&fix.parts);
    CU_ASSERT_EQUAL(len, (uint64_t)PARTS_FILES_MAX * 2 * BLOCK + END_LEN);
    tear_down();
}

// What cannot be written is not told of, and is missed.
static void
test_cannot_write(void)
{
    set_up(LARGE);
    (void)close(fix.fd);
    add(fix.text, 100);
    CU_ASSERT_TRUE(fix.parts.has_more);
    CU_ASSERT_EQUAL(parts_end(&fix.parts), 0);
    fix.fd = -1;
    tear_down();
}

// What another has left there is not in it.
static void
test_used_file(void)
{
    static const size_t lens[] = {5};
    uint64_t len;

    set_up(LARGE);
    memset(fix.text + LARGE / 2, 'x', LARGE / 2);
    CU_ASSERT_EQUAL(fs_write_all_at(fix.fd, fix.text + LARGE / 2, 10000, 0, NULL), 0);
    add(fix.text, 5);
    len = parts_end(&fix.parts);
    CU_ASSERT_EQUAL(ftruncate(fix.fd, (off_t)len), 0);
    CU_ASSERT(holds(len, lens, 1));
    tear_down();
}

static const struct unit_test tests[] = {
    {"lengths",      test_lengths     },
    {"library",      test_library     },
    {"each once",    test_each_once   },
    {"nothing",      test_nothing     },
    {"bound",        test_bound       },
    {"many",         test_many        },
    {"cannot write", test_cannot_write},
    {"used file",    test_used_file   },
};

UNIT_MAIN("mime/reading/parts", tests)
