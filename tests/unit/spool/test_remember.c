// SPDX-License-Identifier: BSD-2-Clause
#include "spool/remember.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

enum { NOW = 2000000000, HOUR = 3600000, ROW = 256, ROWS = 16, HEAD = ROWS * ROW };

static struct tempdir dir;
static struct spool_settings settings = {.remember = HOUR, .remember_max = 128};
static struct remember_told told;
static uint64_t rows_of[300]; // of what was claimed

static struct remember *
open_one(void)
{
    struct err err;
    struct remember *remember = remember_open(dir.fd, &settings, &err);

    CU_ASSERT_PTR_NOT_NULL_FATAL(remember);
    return remember;
}

static struct digest_value
key_of(uint64_t number)
{
    return (struct digest_value){.high = number, .low = ~number};
}

static enum remember_find
claim_at(struct remember *remember, uint64_t number, int64_t now_ms, bool is_heir)
{
    struct remember_claim claim = {
        .key = key_of(number), .id = "4X2k9QzT7mB", .now_ms = now_ms, .is_heir = is_heir};
    enum remember_find find = remember_claim(remember, &claim, &told);

    if (find == REMEMBER_OURS)
        rows_of[number] = told.row;
    return find;
}

static enum remember_find
claim(struct remember *remember, uint64_t number)
{
    return claim_at(remember, number, NOW, false);
}

static void
tell_at(struct remember *remember, uint64_t number, int code, int64_t at_ms)
{
    struct smtp_reply reply;
    struct remember_answer answer = {.key = key_of(number),
                                     .row = rows_of[number],
                                     .id = "4X2k9QzT7mB",
                                     .reply = &reply,
                                     .at_ms = at_ms};

    reply_set(&reply, code, code == 550 ? "5.1.1" : "2.0.0", "answer %d of %llu", code,
              (unsigned long long)number);
    remember_tell(remember, &answer);
    CU_ASSERT(remember_flush(remember));
}

static void
tell(struct remember *remember, uint64_t number, int code)
{
    tell_at(remember, number, code, NOW);
}

// Of one whom nobody has.
static void
answer_at(struct remember *remember, uint64_t number, int code, int64_t at_ms)
{
    CU_ASSERT(claim_at(remember, number, at_ms, false) == REMEMBER_OURS);
    tell_at(remember, number, code, at_ms);
}

static void
answer(struct remember *remember, uint64_t number, int code)
{
    answer_at(remember, number, code, NOW);
}

static bool
is_told(uint64_t number, int code)
{
    char text[64];

    snprintf(text, sizeof text, "answer %d of %llu", code, (unsigned long long)number);
    return told.reply.code == code && strcmp(told.reply.text, text) == 0 &&
           strcmp(told.id, "4X2k9QzT7mB") == 0;
}

static void
begin(void)
{
    settings = (struct spool_settings){.remember = HOUR, .remember_max = 128};
    tempdir_make(&dir);
}

static void
end(struct remember *one, struct remember *two)
{
    remember_close(&one);
    remember_close(&two);
    tempdir_remove(&dir);
}

// Two workers: what the one has, the other waits for, and hears.
static void
test_two(void)
{
    struct remember *one, *two;

    begin();
    one = open_one();
    two = open_one();
    CU_ASSERT(claim(one, 1) == REMEMBER_OURS);
    CU_ASSERT(claim(two, 1) == REMEMBER_UNDER_WAY);
    CU_ASSERT_STRING_EQUAL(told.id, "4X2k9QzT7mB");
    CU_ASSERT(claim(one, 1) == REMEMBER_UNDER_WAY);
    CU_ASSERT(claim_at(two, 1, NOW + 2 * HOUR, true) == REMEMBER_UNDER_WAY); // however long
    tell(one, 1, 250);
    CU_ASSERT(claim(two, 1) == REMEMBER_TOLD);
    CU_ASSERT(is_told(1, 250));
    CU_ASSERT_STRING_EQUAL(told.reply.enhanced, "2.0.0");
    remember_forget_answer(two, key_of(1));
    CU_ASSERT(claim(one, 1) == REMEMBER_OURS);
    remember_forget_answer(one, key_of(1)); // there is none
    CU_ASSERT(claim(two, 1) == REMEMBER_UNDER_WAY);
    CU_ASSERT(claim(one, 2) == REMEMBER_OURS);
    remember_forget(one, key_of(2), rows_of[2]);
    CU_ASSERT(remember_flush(one));
    CU_ASSERT(claim(two, 2) == REMEMBER_OURS);
    end(one, two);
}

// What one holds, the other has to ask for again; all else is free.
static void
test_hold(void)
{
    struct remember *one, *two;

    begin();
    one = open_one();
    two = open_one();
    CU_ASSERT(remember_place(one, key_of(1)) == remember_place(two, key_of(9)));
    CU_ASSERT(remember_place(one, key_of(1)) != remember_place(one, key_of(2)));
    remember_hold(one, remember_place(one, key_of(1)));
    CU_ASSERT(claim(one, 1) == REMEMBER_OURS);
    CU_ASSERT(claim(one, 9) == REMEMBER_OURS);
    CU_ASSERT(claim(one, 1) == REMEMBER_UNDER_WAY);
    CU_ASSERT(claim(two, 17) == REMEMBER_UNDER_WAY);
    CU_ASSERT_STRING_EQUAL(told.id, "");
    CU_ASSERT(claim(two, 2) == REMEMBER_OURS);
    CU_ASSERT(remember_release(one));
    CU_ASSERT(claim(two, 17) == REMEMBER_OURS);
    CU_ASSERT(claim(two, 9) == REMEMBER_UNDER_WAY);
    CU_ASSERT_STRING_EQUAL(told.id, "4X2k9QzT7mB");
    CU_ASSERT(remember_release(one)); // holds nothing
    end(one, two);
}

// Rows that are written at once, with others' in between and a gap.
static void
test_runs(void)
{
    struct remember *one, *two;

    begin();
    one = open_one();
    two = open_one();
    for (uint64_t i = 0; i < 2 * ROWS; i++)
        CU_ASSERT(claim(i == 5 || i == ROWS ? two : one, i < ROWS ? i * 8 : (i - ROWS) * 8 + 1) ==
                  REMEMBER_OURS);
    for (uint64_t i = 0; i < ROWS; i++) {
        if (i != 5 && i != 9)
            remember_forget(one, key_of(i * 8), rows_of[i * 8]);
    }
    for (uint64_t i = 1; i < ROWS; i++)
        remember_forget(one, key_of(i * 8 + 1), rows_of[i * 8 + 1]);
    CU_ASSERT(remember_flush(one));
    for (uint64_t i = 0; i < ROWS; i++) {
        bool is_free = i != 5 && i != 9;

        CU_ASSERT((claim(two, i * 8) == REMEMBER_OURS) == is_free);
        CU_ASSERT((claim(two, i * 8 + 1) == REMEMBER_OURS) == (i != 0));
    }
    end(one, two);
}

static void
test_anew(void)
{
    struct remember_claim anew = {
        .key = key_of(1), .id = "4X2k9QzT7mC", .now_ms = NOW, .is_anew = true};
    struct remember *one;

    begin();
    one = open_one();
    answer(one, 1, 250);
    CU_ASSERT(remember_claim(one, &anew, &told) == REMEMBER_TOLD);
    remember_forget_answer(one, key_of(1));
    answer(one, 1, 550);
    CU_ASSERT(claim(one, 1) == REMEMBER_TOLD);
    CU_ASSERT(is_told(1, 550));
    CU_ASSERT(remember_claim(one, &anew, &told) == REMEMBER_OURS);
    CU_ASSERT(claim(one, 1) == REMEMBER_UNDER_WAY);
    end(one, NULL);
}

// It outlives all who knew it; what one had under way is his heir's.
static void
test_death(void)
{
    struct remember_claim left = {
        .id = "4X2k9QzT7mC", .now_ms = NOW, .is_heir = true, .is_left_only = true};
    struct remember *one, *two;

    begin();
    one = open_one();
    answer(one, 1, 250);
    CU_ASSERT(claim(one, 2) == REMEMBER_OURS);
    CU_ASSERT(claim(one, 3) == REMEMBER_OURS);
    remember_close(&one);
    two = open_one();
    left.key = key_of(3);
    CU_ASSERT(remember_claim(two, &left, &told) == REMEMBER_OURS);
    left.key = key_of(4);
    CU_ASSERT(remember_claim(two, &left, &told) == REMEMBER_NO_ROOM); // nobody had him
    CU_ASSERT(claim(two, 4) == REMEMBER_OURS);
    CU_ASSERT(claim(two, 1) == REMEMBER_TOLD);
    CU_ASSERT(claim(two, 2) == REMEMBER_UNDER_WAY);
    CU_ASSERT(claim_at(two, 2, NOW, true) == REMEMBER_OURS);
    CU_ASSERT(claim(two, 2) == REMEMBER_UNDER_WAY);
    end(NULL, two);
}

static void
test_time(void)
{
    static const struct {
        const char *name;
        int64_t at_ms;
        enum remember_find find;
    } rows[] = {
        {"at once",           NOW,            REMEMBER_TOLD},
        {"within the hour",   NOW + HOUR - 1, REMEMBER_TOLD},
        {"after it",          NOW + HOUR,     REMEMBER_OURS},
        {"clock set back",    NOW - HOUR + 1, REMEMBER_TOLD},
        {"set back by hours", NOW - HOUR,     REMEMBER_OURS},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct remember *one;

        begin();
        one = open_one();
        answer(one, 1, 250);
        UNIT_CHECK_ROW(rows[i].name, claim_at(one, 1, rows[i].at_ms, false) == rows[i].find);
        end(one, NULL);
    }
}

// Every eighth key has the same bucket (there are eight).
static void
test_full(void)
{
    enum { NEXT = ROWS * 8 };

    struct remember *one, *two;

    begin();
    one = open_one();
    two = open_one();
    for (uint64_t i = 0; i < ROWS; i++)
        answer_at(one, i * 8, 250, NOW + (int64_t)i);
    CU_ASSERT(claim(one, NEXT) == REMEMBER_OURS); // the oldest has gone
    CU_ASSERT(claim(one, 8) == REMEMBER_TOLD);
    answer(one, NEXT + 8, 250); // and the next
    CU_ASSERT(claim(one, NEXT + 8) == REMEMBER_TOLD);
    CU_ASSERT(claim(one, 16) == REMEMBER_TOLD);
    for (uint64_t i = 2; i < ROWS + 1; i++)
        CU_ASSERT(claim(i % 2 == 0 ? one : two, NEXT + i * 8) == REMEMBER_OURS);
    CU_ASSERT(claim(one, 2 * NEXT + 8) == REMEMBER_NO_ROOM); // all are under way
    CU_ASSERT(claim(two, NEXT) == REMEMBER_UNDER_WAY);
    CU_ASSERT(claim(two, 1) == REMEMBER_OURS); // another bucket
    remember_close(&two);
    CU_ASSERT(claim(one, 2 * NEXT + 8) == REMEMBER_OURS); // in place of a dead one's
    end(one, NULL);
}

// A row of which a byte is not as it was written is none; and none of them breaks another.
static void
test_torn(void)
{
    static const char empty[ROWS * ROW];
    char name[200], byte;
    struct remember *one;
    int fd;

    begin();
    one = open_one();
    snprintf(name, sizeof name, "%s", tempdir_name(&dir, "remembered"));
    fd = open(name, O_RDWR | O_CLOEXEC);
    CU_ASSERT_FATAL(fd >= 0);
    for (off_t at = 0; at < ROW; at++) {
        CU_ASSERT(pwrite(fd, empty, sizeof empty, HEAD) == sizeof empty);
        answer(one, 0, 250);
        answer(one, 8, 550);
        CU_ASSERT(pread(fd, &byte, 1, HEAD + at) == 1);
        byte = (char)(byte ^ 0x10);
        CU_ASSERT(pwrite(fd, &byte, 1, HEAD + at) == 1);
        CU_ASSERT(claim(one, 8) == REMEMBER_TOLD && is_told(8, 550));
        CU_ASSERT(claim(one, 0) == REMEMBER_OURS);
        tell(one, 0, 250);
    }
    CU_ASSERT(ftruncate(fd, 100) == 0); // somebody else's hand
    CU_ASSERT(claim(one, 0) == REMEMBER_OURS);
    close(fd);
    end(one, NULL);
}

static void
test_size(void)
{
    struct remember *one, *two;
    struct stat info;
    struct err err;

    begin();
    one = open_one();
    answer(one, 1, 250);
    CU_ASSERT(fstatat(dir.fd, "remembered", &info, 0) == 0 && info.st_size == HEAD + 128 * ROW);
    CU_ASSERT(info.st_blocks * 512 >= info.st_size); // a full disk comes too late
    settings.remember_max = 200;
    two = open_one();
    CU_ASSERT(fstatat(dir.fd, "remembered", &info, 0) == 0 && info.st_size == HEAD + 208 * ROW);
    CU_ASSERT(claim(two, 1) == REMEMBER_OURS); // forgotten
    CU_ASSERT(claim(one, 1) == REMEMBER_TOLD); // but not by the former generation, which lives on
    CU_ASSERT(claim(one, 63) == REMEMBER_OURS);
    tell(one, 63, 250);
    CU_ASSERT(claim(one, 63) == REMEMBER_TOLD);
    CU_ASSERT(claim(two, 2) == REMEMBER_OURS);
    remember_close(&two);
    settings.remember = 0;
    two = remember_open(dir.fd, &settings, &err);
    CU_ASSERT(two == NULL && err.kind == ERR_NONE);
    CU_ASSERT(claim(NULL, 1) == REMEMBER_NO_ROOM);
    tell(NULL, 1, 250);
    remember_forget(NULL, key_of(1), 0);
    remember_settle(NULL);
    remember_forget_answer(NULL, key_of(1));
    end(one, NULL);
}

static void
test_cannot_open(void)
{
    struct err err;

    begin();
    CU_ASSERT(symlinkat("/etc/passwd", dir.fd, "remembered") == 0);
    CU_ASSERT_PTR_NULL(remember_open(dir.fd, &settings, &err));
    CU_ASSERT(err.kind == ERR_TEMP);
    end(NULL, NULL);
}

// --- processes that are killed at any instruction ---

enum { KEYS = 24, CHILDREN = 3, ROUNDS = 60 };

struct witness { // shared
    _Atomic int holders[KEYS];
    _Atomic int wrong, claims;
};

static void
work(struct remember *remember, struct witness *witness, int self)
{
    unsigned seed = (unsigned)getpid();

    for (;;) {
        uint64_t number = (uint64_t)rand_r(&seed) % KEYS;
        enum remember_find find = claim_at(remember, number, NOW + rand_r(&seed) % 2, false);

        if (find == REMEMBER_TOLD && !is_told(number, 250) && !is_told(number, 550))
            atomic_fetch_add(&witness->wrong, 1);
        if (find != REMEMBER_OURS)
            continue;
        atomic_fetch_add(&witness->claims, 1);
        if (atomic_exchange(&witness->holders[number], self) != 0)
            atomic_fetch_add(&witness->wrong, 1);
        atomic_store(&witness->holders[number], 0);
        // An answer that is old soon, so that the next may have him.
        if (rand_r(&seed) % 2 == 0)
            tell_at(remember, number, rand_r(&seed) % 2 == 0 ? 250 : 550,
                    NOW - HOUR + rand_r(&seed) % 2);
        else
            remember_forget(remember, key_of(number), rows_of[number]);
    }
}

static pid_t
start(struct witness *witness, int self)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct remember *remember = open_one();

        work(remember, witness, self);
    }
    return pid;
}

static void
check_all(struct witness *witness)
{
    struct remember *remember = open_one();

    for (uint64_t i = 0; i < KEYS; i++) {
        enum remember_find find = claim_at(remember, i, NOW, true);

        CU_ASSERT(find == REMEMBER_OURS ||
                  (find == REMEMBER_TOLD && (is_told(i, 250) || is_told(i, 550))));
        if (find == REMEMBER_OURS)
            remember_forget(remember, key_of(i), rows_of[i]);
        atomic_store(&witness->holders[i], 0);
    }
    CU_ASSERT_EQUAL(atomic_load(&witness->wrong), 0);
    remember_close(&remember);
}

static void
test_kills(void)
{
    struct witness *witness =
        mmap(NULL, sizeof *witness, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pids[CHILDREN];

    CU_ASSERT_FATAL(witness != MAP_FAILED);
    begin();
    for (unsigned round = 0; round < ROUNDS; round++) {
        int before = atomic_load(&witness->claims);

        for (int i = 0; i < CHILDREN; i++)
            pids[i] = start(witness, i + 1);
        while (atomic_load(&witness->claims) < before + 200)
            usleep(200 + round);
        for (int i = 0; i < CHILDREN; i++) {
            CU_ASSERT(kill(pids[i], SIGKILL) == 0);
            CU_ASSERT(waitpid(pids[i], NULL, 0) == pids[i]);
        }
        check_all(witness);
    }
    munmap(witness, sizeof *witness);
    end(NULL, NULL);
}

static const struct unit_test tests[] = {
    {"two workers",             test_two        },
    {"held",                    test_hold       },
    {"rows at once",            test_runs       },
    {"a 5xx is not enough",     test_anew       },
    {"a worker dies",           test_death      },
    {"it is forgotten in time", test_time       },
    {"full",                    test_full       },
    {"torn",                    test_torn       },
    {"another size, or none",   test_size       },
    {"cannot be opened",        test_cannot_open},
    {"kills",                   test_kills      },
};

UNIT_MAIN("spool/remember", tests)
