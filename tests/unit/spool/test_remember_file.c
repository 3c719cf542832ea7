// SPDX-License-Identifier: BSD-2-Clause
// The file that what is remembered stands in: its head, and what makes way for another.
#include "spool/remember.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"
#include "tests/unit/spool/faults.h"

enum { NOW = 2000000000, HOUR = 3600000, ROW = 256, ROWS = 16, HEAD = ROWS * ROW };

static const struct spool_settings settings = {.remember = HOUR, .remember_max = 128};
static struct tempdir dir;
static struct remember_told told;

static struct remember *
open_one(void)
{
    struct err err;
    struct remember *remember = remember_open(dir.fd, &settings, &err);

    CU_ASSERT_PTR_NOT_NULL_FATAL(remember);
    return remember;
}

static enum remember_find
claim(struct remember *remember, uint64_t number)
{
    struct remember_claim claim = {
        .key = {.high = number, .low = ~number},
          .id = "4X2k9QzT7mB", .now_ms = NOW
    };

    return remember_claim(remember, &claim, &told);
}

static void
tell(struct remember *remember, uint64_t number, uint64_t row)
{
    struct smtp_reply reply;
    struct remember_answer answer = {
        .key = {.high = number, .low = ~number},
        .row = row,
        .id = "4X2k9QzT7mB",
        .reply = &reply,
        .at_ms = NOW
    };

    reply_set(&reply, 250, "2.0.0", "Ok");
    remember_tell(remember, &answer);
    CU_ASSERT(remember_flush(remember));
}

static void
answer(struct remember *remember, uint64_t number)
{
    CU_ASSERT(claim(remember, number) == REMEMBER_OURS);
    tell(remember, number, told.row);
}

static void
begin(void)
{
    tempdir_make(&dir);
}

static void
end(struct remember *one, struct remember *two)
{
    remember_close(&one);
    remember_close(&two);
    tempdir_remove(&dir);
}

// What makes a key goes with the file: whoever has it has the same, and a new one has another.
static void
test_seed(void)
{
    struct span text = span_of("ann@example.org");
    struct remember *one, *two;
    struct digest_value key;

    begin();
    one = open_one();
    two = open_one();
    key = remember_key(one, text);
    CU_ASSERT_TRUE(digest_equal(remember_key(two, text), key));
    CU_ASSERT_FALSE(digest_equal(remember_key(one, span_of("ann@example.or")), key));
    CU_ASSERT_FALSE(digest_equal(digest_of(text), key));
    end(one, two);
    begin();
    one = open_one();
    CU_ASSERT_FALSE(digest_equal(remember_key(one, text), key));
    end(one, NULL);
}

// A file that is none of ours, or only begun, makes way for one that is.
static void
test_other_file(void)
{
    static const struct {
        const char *name;
        off_t size, at; // at: where a byte is written
    } rows[] = {
        {"another layout",  128 * ROW,            -1       },
        {"no head",         HEAD + 128 * ROW,     -1       },
        {"half a head",     10,                   -1       },
        {"longer",          HEAD + 128 * ROW + 1, -1       },
        {"a damaged check", -1,                   0        },
        {"damaged buckets", -1,                   8        },
        {"a damaged seed",  -1,                   16       },
        {"a row",           -1,                   HEAD + 20},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct remember *one, *two;
        char byte;
        int fd;

        begin();
        one = open_one();
        answer(one, 1);
        fd = openat(dir.fd, "remembered", O_RDWR | O_CLOEXEC);
        CU_ASSERT_FATAL(fd >= 0);
        if (rows[i].size >= 0)
            CU_ASSERT(ftruncate(fd, 0) == 0 && ftruncate(fd, rows[i].size) == 0);
        if (rows[i].at >= 0) {
            CU_ASSERT(pread(fd, &byte, 1, rows[i].at) == 1);
            byte ^= 1;
            CU_ASSERT(pwrite(fd, &byte, 1, rows[i].at) == 1);
        }
        two = open_one();
        UNIT_CHECK_ROW(rows[i].name,
                       (claim(two, 1) == REMEMBER_TOLD) == (rows[i].at >= HEAD)); // another bucket
        UNIT_CHECK_ROW(rows[i].name, claim(two, 2) == REMEMBER_OURS);
        tell(two, 2, told.row);
        UNIT_CHECK_ROW(rows[i].name, claim(two, 2) == REMEMBER_TOLD);
        close(fd);
        end(one, two);
    }
}

// Many find a file that makes way: they agree upon one new one.
static void
test_opened_at_once(void)
{
    enum { OPENERS = 6, TIMES = 20 };

    size_t size = OPENERS * sizeof(struct digest_value);
    struct digest_value *keys =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pids[OPENERS];
    int status;

    CU_ASSERT_FATAL(keys != MAP_FAILED);
    for (int i = 0; i < TIMES; i++) {
        begin();
        close(openat(dir.fd, "remembered", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        CU_ASSERT(truncate(tempdir_name(&dir, "remembered"), 10) == 0);
        memset(keys, 0, size);
        for (int k = 0; k < OPENERS; k++) {
            pids[k] = fork();
            if (pids[k] == 0) {
                keys[k] = remember_key(open_one(), span_of("ann"));
                _exit(0);
            }
        }
        for (int k = 0; k < OPENERS; k++)
            CU_ASSERT(waitpid(pids[k], &status, 0) == pids[k] && status == 0);
        for (int k = 0; k < OPENERS; k++)
            CU_ASSERT(digest_equal(keys[k], keys[0]) && keys[k].high != 0);
        end(NULL, NULL);
    }
    munmap(keys, size);
}

// --- what the disk refuses ---

static struct digest_value
key_of(uint64_t number)
{
    return (struct digest_value){.high = number, .low = ~number};
}

static void
claim_and_forget(struct remember *remember, uint64_t number, int failures)
{
    CU_ASSERT(claim(remember, number) == REMEMBER_OURS);
    fault_set(FAULT_PWRITE, 0, failures);
    remember_forget(remember, key_of(number), told.row);
    CU_ASSERT(remember_flush(remember)); // it is owed
}

// Whom nobody has any more nobody waits for, though that could not be written at once.
static void
test_refused(void)
{
    struct remember *one, *two;

    begin();
    one = open_one();
    two = open_one();
    claim_and_forget(one, 1, 1);
    CU_ASSERT(claim(two, 1) == REMEMBER_UNDER_WAY); // he cannot know
    CU_ASSERT(claim(one, 1) == REMEMBER_OURS);
    claim_and_forget(one, 2, 1);
    remember_settle(one);
    CU_ASSERT(claim(two, 2) == REMEMBER_OURS);
    claim_and_forget(one, 3, 100);
    CU_ASSERT(claim(one, 3) == REMEMBER_NO_ROOM);
    remember_settle(one);
    fault_set(FAULT_PWRITE, 0, 0);
    CU_ASSERT(claim(two, 3) == REMEMBER_UNDER_WAY);
    CU_ASSERT(claim(one, 3 + 8) == REMEMBER_OURS); // in the same bucket
    CU_ASSERT(claim(two, 3) == REMEMBER_OURS);
    claim_and_forget(one, 4, 1);
    remember_close(&one);
    CU_ASSERT(claim(two, 4) == REMEMBER_OURS);
    end(NULL, two);
}

// Of several that are claimed at once, one has gone out already when the disk refuses the rest.
static void
test_refused_claims(void)
{
    struct remember *one, *two;

    begin();
    one = open_one();
    two = open_one();
    CU_ASSERT(claim(two, 9) == REMEMBER_OURS);
    CU_ASSERT(claim(two, 17) == REMEMBER_OURS);
    remember_forget(two, key_of(9), told.row - 1);
    CU_ASSERT(remember_flush(two));
    remember_hold(one, remember_place(one, key_of(1)));
    CU_ASSERT(claim(one, 1) == REMEMBER_OURS);
    fault_set(FAULT_PWRITE, 1, 100);
    CU_ASSERT(claim(one, 25) == REMEMBER_OURS); // behind two's row: the first is written
    CU_ASSERT_FALSE(remember_release(one));
    fault_set(FAULT_PWRITE, 0, 0);
    CU_ASSERT(claim(two, 1) == REMEMBER_UNDER_WAY); // he cannot know
    CU_ASSERT(claim(two, 25) == REMEMBER_OURS);
    remember_settle(one);
    CU_ASSERT(claim(two, 1) == REMEMBER_OURS);
    CU_ASSERT(claim(one, 25) == REMEMBER_UNDER_WAY);
    end(one, two);
}

// A row that is free here, but not on disk, is taken for another, and that is refused, too: what is
// owed to it stays.
static void
test_refused_again(void)
{
    struct remember *one, *two;

    begin();
    one = open_one();
    two = open_one();
    claim_and_forget(one, 1, 100);
    CU_ASSERT(claim(one, 1 + 8) == REMEMBER_NO_ROOM); // in the same bucket
    fault_set(FAULT_PWRITE, 0, 0);
    CU_ASSERT(claim(two, 1) == REMEMBER_UNDER_WAY); // he cannot know
    remember_settle(one);
    CU_ASSERT(claim(two, 1) == REMEMBER_OURS);
    answer(one, 2);
    fault_set(FAULT_PWRITE, 0, 100);
    remember_forget_answer(one, key_of(2));
    CU_ASSERT(claim(one, 2 + 8) == REMEMBER_NO_ROOM);
    fault_set(FAULT_PWRITE, 0, 0);
    CU_ASSERT(claim(two, 2) == REMEMBER_TOLD); // he cannot know
    remember_settle(one);
    CU_ASSERT(claim(two, 2) == REMEMBER_OURS);
    end(one, two);
}

static void
test_refused_answer(void)
{
    struct remember *one, *two;

    begin();
    one = open_one();
    two = open_one();
    CU_ASSERT(claim(one, 1) == REMEMBER_OURS);
    fault_set(FAULT_PWRITE, 0, 1);
    tell(one, 1, told.row);
    CU_ASSERT(claim(one, 1) == REMEMBER_TOLD);
    CU_ASSERT(claim(two, 1) == REMEMBER_TOLD);
    fault_set(FAULT_PWRITE, 0, 1);
    remember_forget_answer(one, key_of(1));
    CU_ASSERT(claim(two, 1) == REMEMBER_TOLD); // he cannot know
    remember_forget_answer(two, key_of(1));
    CU_ASSERT(claim(two, 1) == REMEMBER_OURS);
    remember_settle(one); // must not take from another what he has by now
    CU_ASSERT(claim(one, 1) == REMEMBER_UNDER_WAY);
    end(one, two);
}

static const struct unit_test tests[] = {
    {"what makes a key", test_seed          },
    {"another's file",   test_other_file    },
    {"opened at once",   test_opened_at_once},
    {"a disk refuses",   test_refused       },
    {"... claims",       test_refused_claims},
    {"... and again",    test_refused_again },
    {"... an answer",    test_refused_answer},
};

UNIT_MAIN("spool/remember, its file", tests)
