// SPDX-License-Identifier: BSD-2-Clause
#include "filters/content.h"

#include <errno.h>
#include <sys/stat.h>

#include "tests/unit/base/tempdir.h"
#include "tests/unit/filters/cached.h"
#include "tests/unit/harness.h"

#include "base/fs.h"
#include "base/mem.h"

enum { OFFSET = 100, BIG = 300 << 10 };

struct fixture {
    struct tempdir dir;
    struct loop *loop;
    struct pool *pool;
    struct content *content;
    char *bytes; // of the message
    size_t len;
    unsigned done, failed, wanted; // wanted: so many of done stop the loop
    bool is_starting;
    char last_error[400];
};

static struct fixture f;

static void
on_done(void *arg, const struct err *err)
{
    unsigned *count = arg;

    CU_ASSERT_FALSE(f.is_starting);
    (*count)++;
    f.done++;
    if (err != NULL) {
        f.failed++;
        snprintf(f.last_error, sizeof(f.last_error), "%s", err->text);
    }
    if (f.done == f.wanted)
        loop_stop(f.loop);
}

static void
set_up(size_t len, bool is_memory)
{
    struct content_source source = {.fd_take = -1, .dir_fd = -1};

    memset(&f, 0, sizeof(f));
    tempdir_make(&f.dir);
    f.loop = loop_new(NULL);
    f.pool = pool_new(f.loop, 2, NULL);
    f.len = len;
    f.bytes = mem_zalloc(len + 1);
    for (size_t i = 0; i < len; i++)
        f.bytes[i] = (char)(i * 31 + i / 251);
    source.dir_fd = f.dir.fd;
    if (is_memory) {
        source.memory = span_from(f.bytes, len);
    } else {
        source.fd_take = fs_create(f.dir.fd, "message", 0600, NULL);
        CU_ASSERT_EQUAL(fs_write_all_at(source.fd_take, f.bytes, len, OFFSET, NULL), 0);
        CU_ASSERT_EQUAL(fs_write_all_at(source.fd_take, "behind", 6, (off_t)(OFFSET + len), NULL),
                        0);
        source.offset = OFFSET;
        source.len = len;
    }
    f.content = content_new(f.loop, f.pool, &source);
    CU_ASSERT_EQUAL(content_len(f.content), len);
}

static void
tear_down(void)
{
    content_free(&f.content);
    CU_ASSERT_PTR_NULL(f.content);
    pool_free(&f.pool);
    loop_free(&f.loop);
    mem_free(&f.bytes);
    tempdir_remove(&f.dir);
}

static void
run_until(unsigned done)
{
    f.wanted = f.done + done;
    loop_run(f.loop);
}

static struct content_read *
start_read(uint64_t offset, char *data, size_t len, unsigned *count)
{
    struct content_read *read;

    f.is_starting = true;
    read = content_read_start(f.content, offset, data, len, on_done, count);
    f.is_starting = false;
    return read;
}

static void
ask_alone(int *fd, unsigned *count)
{
    f.is_starting = true;
    content_alone(f.content, fd, on_done, count);
    f.is_starting = false;
}

// A file that is not in memory has to be waited for, whatever is read of it.
static void
check_now(uint64_t offset, char *data, size_t len)
{
    bool is_memory = content_memory(f.content).data != NULL;

    for (int is_cached = 0; is_cached < 2; is_cached++) {
        cached_is = is_cached == 1;
        cached_asked = 0;
        memset(data, 0, len);
        CU_ASSERT_EQUAL(content_read_now(f.content, offset, data, len), is_memory || cached_is);
        CU_ASSERT_EQUAL(cached_asked, is_memory ? 0 : 1);
        if (is_memory || cached_is)
            CU_ASSERT(memcmp(data, f.bytes + offset, len) == 0);
        CU_ASSERT_EQUAL(data[len], 0);
    }
    cached_is = false;
}

static void
check_reads(size_t len, bool is_memory)
{
    static const size_t sizes[] = {0, 1, 7, 4096, 65536, BIG};
    char *data;

    set_up(len, is_memory);
    CU_ASSERT_EQUAL(content_memory(f.content).data != NULL, is_memory);
    data = mem_zalloc(len + 1);
    for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
        size_t size = sizes[i] < len ? sizes[i] : len;
        size_t offsets[] = {0, len > size ? (len - size) / 2 : 0, len - size};

        for (size_t j = 0; j < UNIT_COUNT(offsets); j++) {
            unsigned count = 0;

            memset(data, 0, len + 1);
            start_read(offsets[j], data, size, &count);
            run_until(1);
            CU_ASSERT_EQUAL(count, 1);
            CU_ASSERT_EQUAL(f.failed, 0);
            CU_ASSERT(memcmp(data, f.bytes + offsets[j], size) == 0);
            CU_ASSERT_EQUAL(data[size], 0);
            check_now(offsets[j], data, size);
        }
    }
    mem_free(&data);
    tear_down();
}

static void
test_reads(void)
{
    static const size_t lens[] = {0, 1, 5000, BIG};

    for (size_t i = 0; i < UNIT_COUNT(lens); i++) {
        check_reads(lens[i], true);
        check_reads(lens[i], false);
    }
}

static void
test_side_by_side(void)
{
    enum { READS = 50, SIZE = 1000 };

    static char data[READS][SIZE];
    unsigned counts[READS] = {0};

    for (int is_memory = 0; is_memory < 2; is_memory++) {
        set_up((size_t)READS * SIZE, is_memory == 1);
        memset(counts, 0, sizeof(counts));
        for (size_t i = 0; i < READS; i++)
            start_read(i * SIZE, data[i], SIZE, &counts[i]);
        run_until(READS);
        for (size_t i = 0; i < READS; i++) {
            CU_ASSERT_EQUAL(counts[i], 1);
            CU_ASSERT(memcmp(data[i], f.bytes + i * SIZE, SIZE) == 0);
        }
        tear_down();
    }
}

static void
test_too_short(void)
{
    char data[100];
    unsigned count = 0;
    int fd = -1;

    set_up(5000, false);
    // Somebody cut the file: never read as if it were whole.
    CU_ASSERT_EQUAL(truncate(tempdir_name(&f.dir, "message"), OFFSET + 4950), 0);
    start_read(4900, data, 100, &count);
    run_until(1);
    CU_ASSERT_EQUAL(f.failed, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.last_error, "ends too early"));
    ask_alone(&fd, &count);
    run_until(1);
    CU_ASSERT_EQUAL(f.failed, 2);
    CU_ASSERT_EQUAL(fd, -1);
    tear_down();
}

// What is cancelled is not called and not written to, whenever that happens.
static void
test_read_cancelled(void)
{
    for (int is_memory = 0; is_memory < 2; is_memory++) {
        char *gone = mem_zalloc(5000);
        char data[10];
        unsigned cancelled = 0, other = 0;
        struct content_read *read;

        set_up(5000, is_memory == 1);
        read = start_read(0, gone, 5000, &cancelled);
        start_read(0, data, sizeof(data), &other);
        content_read_cancel(&read);
        CU_ASSERT_PTR_NULL(read);
        content_read_cancel(&read);
        mem_free(&gone);
        run_until(1);
        CU_ASSERT_EQUAL(other, 1);
        CU_ASSERT_EQUAL(cancelled, 0);
        tear_down();
        CU_ASSERT_EQUAL(cancelled, 0);
    }
}

// A turn of the loop in which what is left of others can do harm.
static void
run_a_turn(void)
{
    struct content_source source = {.memory = SPAN_LITERAL("x"), .fd_take = -1, .dir_fd = -1};
    struct content *other = content_new(f.loop, f.pool, &source);
    unsigned count = 0;
    char byte;

    content_read_start(other, 0, &byte, 1, on_done, &count);
    run_until(1);
    CU_ASSERT_EQUAL(count, 1);
    content_free(&other);
}

static void
test_freed_while_reading(void)
{
    for (int is_memory = 0; is_memory < 2; is_memory++) {
        char data[10];
        unsigned count = 0;
        int fd;

        set_up(BIG, is_memory == 1);
        start_read(0, data, sizeof(data), &count);
        ask_alone(&fd, &count);
        content_free(&f.content);
        mem_free(&f.bytes); // what was borrowed goes, too
        run_a_turn();
        tear_down();
        CU_ASSERT_EQUAL(count, 0);
    }
}

static void
check_alone(int fd)
{
    char *data = mem_zalloc(f.len + 10);
    struct stat info;

    CU_ASSERT_EQUAL(fstat(fd, &info), 0);
    CU_ASSERT_EQUAL((size_t)info.st_size, f.len);
    CU_ASSERT_EQUAL(info.st_nlink, 0);
    CU_ASSERT_EQUAL(fs_read_at(fd, data, f.len + 10, 0, NULL), (ssize_t)f.len);
    CU_ASSERT(memcmp(data, f.bytes, f.len) == 0);
    mem_free(&data);
}

static bool
is_in_dir(int fd)
{
    struct stat info, dir;

    CU_ASSERT_EQUAL(fstat(fd, &info), 0);
    CU_ASSERT_EQUAL(fstat(f.dir.fd, &dir), 0);
    return info.st_dev == dir.st_dev;
}

static void
test_alone(void)
{
    static const struct {
        size_t len;
        bool is_file; // not in memory
    } rows[] = {
        {0,               false},
        {1,               false},
        {5000,            false},
        {256 << 10,       false},
        {(256 << 10) + 1, true },
        {BIG,             true },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows) * 2; i++) {
        size_t row = i / 2;
        unsigned counts[3] = {0};
        int fds[3] = {-1, -1, -1};

        set_up(rows[row].len, i % 2 == 0);
        ask_alone(&fds[0], &counts[0]);
        ask_alone(&fds[1], &counts[1]);
        run_until(2);
        CU_ASSERT_EQUAL(f.failed, 0);
        ask_alone(&fds[2], &counts[2]);
        run_until(1);
        CU_ASSERT(fds[0] >= 0 && fds[0] == fds[1] && fds[0] == fds[2]);
        for (size_t j = 0; j < 3; j++)
            CU_ASSERT_EQUAL(counts[j], 1);
        check_alone(fds[0]);
        CU_ASSERT_EQUAL(is_in_dir(fds[0]), rows[row].is_file);
        tear_down();
        CU_ASSERT(fcntl(fds[0], F_GETFD) == -1 && errno == EBADF);
    }
}

// Handed out as it is, for reading only.
static void
test_alone_already(void)
{
    struct content_source source = {.len = 5, .dir_fd = -1, .is_alone = true};
    int fd = fs_memory_file("parts", NULL), given = -1;
    unsigned count = 0;
    char bytes[6] = "";

    set_up(0, true);
    content_free(&f.content);
    CU_ASSERT_EQUAL(fs_write_all_at(fd, "hello", 5, 0, NULL), 0);
    source.fd_take = fs_reopen_read(fd, NULL);
    f.content = content_new(f.loop, f.pool, &source);
    ask_alone(&given, &count);
    CU_ASSERT_EQUAL(count, 0);
    run_until(1);
    CU_ASSERT(given == source.fd_take && count == 1 && f.failed == 0);
    CU_ASSERT_EQUAL(pwrite(given, "x", 1, 0), -1);
    count = 0;
    (void)content_read_start(f.content, 0, bytes, 5, on_done, &count);
    run_until(1);
    CU_ASSERT_STRING_EQUAL(bytes, "hello");
    (void)close(fd);
    tear_down();
    CU_ASSERT(fcntl(given, F_GETFD) == -1 && errno == EBADF);
}

static void
test_alone_fails_and_works(void)
{
    struct content_source source = {.fd_take = -1, .dir_fd = -1};
    unsigned count = 0;
    int fd = -1;
    char *big;

    set_up(10, true);
    content_free(&f.content);
    big = mem_zalloc(BIG);
    source.memory = span_from(big, BIG); // no folder to put it in
    f.content = content_new(f.loop, f.pool, &source);
    ask_alone(&fd, &count);
    ask_alone(&fd, &count);
    run_until(2);
    CU_ASSERT_EQUAL(f.failed, 2);
    CU_ASSERT_EQUAL(fd, -1);
    // It is tried anew.
    ask_alone(&fd, &count);
    run_until(1);
    CU_ASSERT_EQUAL(f.failed, 3);
    CU_ASSERT_EQUAL(count, 3);
    tear_down();
    mem_free(&big);
}

static void
test_alone_cancelled(void)
{
    static const size_t lens[] = {5000, BIG};

    for (size_t i = 0; i < UNIT_COUNT(lens) * 2; i++) {
        unsigned counts[3] = {0};
        int fds[3] = {-1, -1, -1};

        set_up(lens[i / 2], i % 2 == 0);
        for (size_t j = 0; j < 3; j++)
            ask_alone(&fds[j], &counts[j]);
        content_alone_cancel(f.content, &counts[0]);
        content_alone_cancel(f.content, &counts[2]);
        content_alone_cancel(f.content, &f); // never asked
        run_until(1);
        CU_ASSERT(counts[0] == 0 && counts[1] == 1 && counts[2] == 0);
        CU_ASSERT(fds[0] == -1 && fds[1] >= 0 && fds[2] == -1);
        tear_down();
        CU_ASSERT(counts[0] == 0 && counts[2] == 0);
    }
}

static void
on_done_free(void *arg, const struct err *err)
{
    content_free(&f.content);
    on_done(arg, err);
}

static void
test_freed_in_done(void)
{
    for (int is_memory = 0; is_memory < 2; is_memory++) {
        unsigned count = 0, other = 0;
        int fd = -1;
        char data[10];

        set_up(5000, is_memory == 1);
        content_alone(f.content, &fd, on_done_free, &count);
        content_alone(f.content, &fd, on_done, &other);
        run_until(1);
        CU_ASSERT(count == 1 && other == 0);
        tear_down();

        set_up(5000, is_memory == 1);
        content_read_start(f.content, 0, data, sizeof(data), on_done_free, &count);
        run_until(1);
        CU_ASSERT_EQUAL(count, 2);
        CU_ASSERT(memcmp(data, f.bytes, sizeof(data)) == 0);
        tear_down();
    }
}

static const struct unit_test tests[] = {
    {"reads",                           test_reads                },
    {"side by side",                    test_side_by_side         },
    {"a file that is too short",        test_too_short            },
    {"a read that is cancelled",        test_read_cancelled       },
    {"freed while it is read",          test_freed_while_reading  },
    {"alone in a file",                 test_alone                },
    {"alone already",                   test_alone_already        },
    {"alone fails, and is tried again", test_alone_fails_and_works},
    {"alone, cancelled",                test_alone_cancelled      },
    {"freed in done",                   test_freed_in_done        },
};

UNIT_MAIN("filters/content", tests)
