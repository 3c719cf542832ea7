// SPDX-License-Identifier: BSD-2-Clause
#include "spool/remember_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

#define FILE_NAME "remembered"
#define LAYOUT UINT64_C(0x706f7374726f7733) // seeds the checksums: another layout, other rows
#define SETUP_BYTE (INT64_C(1) << 61)
#define OWNER_BYTES (INT64_C(1) << 62) // and on

enum {
    ROWS = REMEMBER_ROWS,
    BUCKET_LEN = ROWS * sizeof(struct remember_row),
    FILE_MODE = 0600,
    LOCK_TRIES = 200,
    OPEN_TRIES = 100
};

struct head {       // in the place of a bucket
    uint64_t check; // of what follows
    uint64_t buckets;
    uint64_t seed;
};

struct remember_owed {
    struct remember_owed *next;
    uint64_t number;         // of the row
    struct digest_value key; // of what stands there still
    struct remember_row row;
};

// --- locks ---

static int
lock(const struct remember *remember, int command, short type, int64_t start, int64_t len)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
    int result;

    do
        result = fcntl(remember->fd, command, &range);
    while (result < 0 && errno == EINTR);
    return result == 0 && command == F_OFD_GETLK ? range.l_type != F_UNLCK : result;
}

bool
remember_is_alive(const struct remember *remember, uint64_t owner)
{
    return owner == remember->owner ||
           lock(remember, F_OFD_GETLK, F_WRLCK, (int64_t)owner, 1) != 0; // cannot tell: he lives
}

static int64_t
place_of(uint64_t bucket)
{
    return (int64_t)((bucket + 1) * BUCKET_LEN);
}

// Whoever holds it needs it for microseconds only; but he may have been stopped.
int
remember_lock(const struct remember *remember, uint64_t bucket)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (lock(remember, F_OFD_SETLK, F_WRLCK, place_of(bucket), BUCKET_LEN) == 0)
            return 0;
        if (errno != EAGAIN && errno != EACCES)
            return -1;
        (void)sched_yield();
    }
    errno = EAGAIN;
    return -1;
}

void
remember_unlock(const struct remember *remember, uint64_t bucket)
{
    (void)lock(remember, F_OFD_SETLK, F_UNLCK, place_of(bucket), BUCKET_LEN);
}

// --- rows ---

// In two halves: for more than 240 bytes at once a table would be made of the seed.
static uint64_t
check_of(const struct remember_row *row)
{
    size_t skip = sizeof row->check, half = (sizeof *row - skip) / 2;
    const char *first = (const char *)row + skip;
    uint64_t sum = digest_sum64(span_from(first, half), LAYOUT);

    return digest_sum64(span_from(first + half, sizeof *row - skip - half), sum);
}

static bool
is_good(const struct remember_row *row)
{
    return row->at_ms > 0 && row->check == check_of(row);
}

// Was there one?
static bool
drop_torn(struct remember_bucket *bucket)
{
    bool is_found = false;

    for (size_t i = 0; i < ROWS; i++) {
        struct remember_row *row = &bucket->rows[i];

        if (row->at_ms == 0 || is_good(row))
            continue;
        memset(row, 0, sizeof *row);
        is_found = true;
    }
    return is_found;
}

static void
drop_owed(struct remember *remember, uint64_t number)
{
    for (struct remember_owed **at = &remember->owed; *at != NULL; at = &(*at)->next) {
        struct remember_owed *owed = *at;

        if (owed->number != number)
            continue;
        *at = owed->next;
        mem_free(&owed);
        return;
    }
}

static void
owe(struct remember *remember, uint64_t number, struct digest_value key,
    const struct remember_row *row)
{
    struct remember_owed *owed;

    drop_owed(remember, number);
    owed = mem_zalloc(sizeof *owed);
    *owed = (struct remember_owed){remember->owed, number, key, *row};
    remember->owed = owed;
}

void
remember_owe_none(struct remember *remember, uint64_t number, struct digest_value key)
{
    struct remember_row none = {.at_ms = 0};

    for (const struct remember_owed *at = remember->owed; at != NULL; at = at->next) {
        if (at->number == number)
            return; // nothing else was written there since
    }
    owe(remember, number, key, &none);
}

static void
write_run(struct remember *remember)
{
    struct remember_run *run = &remember->run;
    int64_t at = place_of(0) + (int64_t)(run->first * sizeof *run->rows);
    size_t size = run->count * sizeof *run->rows;
    bool is_written = size == 0 || fs_write_all_at(remember->fd, run->rows, size, at, NULL) == 0;

    run->has_failed = run->has_failed || (!is_written && !run->may_owe);
    for (size_t i = 0; i < run->count; i++) {
        if (is_written)
            drop_owed(remember, run->first + i);
        else if (run->may_owe)
            owe(remember, run->first + i, run->keys[i], &run->rows[i]);
    }
    run->count = 0;
}

bool
remember_flush(struct remember *remember)
{
    bool has_failed;

    if (remember == NULL)
        return true;
    write_run(remember);
    has_failed = remember->run.has_failed;
    remember->run.has_failed = false;
    return !has_failed;
}

static void
add(struct remember *remember, uint64_t number, struct remember_row *row)
{
    struct remember_run *run = &remember->run;

    row->check = row->at_ms > 0 ? check_of(row) : 0;
    if (number != run->first + run->count || run->count == ROWS)
        write_run(remember);
    if (run->count == 0)
        run->first = number;
    run->rows[run->count++] = *row;
}

// The other kind is never under way: whoever holds a bucket begins and ends with a flush.
void
remember_add(struct remember *remember, uint64_t number, struct remember_row *row)
{
    remember->run.may_owe = false;
    add(remember, number, row);
}

void
remember_add_or_owe(struct remember *remember, uint64_t number, struct digest_value key,
                    struct remember_row *row)
{
    struct remember_run *run = &remember->run;

    run->may_owe = true;
    add(remember, number, row);
    run->keys[run->count - 1] = key;
}

// Where something is owed, no claim of ours was written since: what stands there as ours must go,
// whoever it was. Who saw it answered may have put something else there meanwhile.
static bool
is_owed_still(const struct remember *remember, const struct remember_owed *owed,
              const struct remember_row *row)
{
    bool is_answer = row->owner == 0 && digest_equal(row->key, owed->key);

    return is_good(row) && (is_answer || row->owner == remember->owner);
}

static void
pay_one(struct remember *remember, struct remember_owed *owed)
{
    int64_t at = place_of(0) + (int64_t)(owed->number * sizeof owed->row);

    if (fs_write_all_at(remember->fd, &owed->row, sizeof owed->row, at, NULL) == 0)
        drop_owed(remember, owed->number);
}

static void
pay(struct remember *remember, struct remember_bucket *bucket)
{
    struct remember_owed *next;

    for (struct remember_owed *owed = remember->owed; owed != NULL; owed = next) {
        struct remember_row *row = &bucket->rows[owed->number % ROWS];

        next = owed->next;
        if (owed->number / ROWS != bucket->number)
            continue;
        if (is_owed_still(remember, owed, row)) {
            *row = owed->row;
            pay_one(remember, owed);
        } else {
            drop_owed(remember, owed->number);
        }
    }
}

// An owner answers without the lock. A row that is torn the second time, too, was so left.
int
remember_read(struct remember *remember, uint64_t number, int64_t now_ms,
              struct remember_bucket *bucket)
{
    bucket->now_ms = now_ms;
    bucket->number = number;
    for (int i = 0; i < 2; i++) {
        ssize_t got = fs_read_at(remember->fd, bucket->rows, BUCKET_LEN, place_of(number), NULL);

        if (got < 0)
            return -1;
        memset((char *)bucket->rows + got, 0, BUCKET_LEN - (size_t)got);
        if (!drop_torn(bucket))
            break;
    }
    pay(remember, bucket);
    return 0;
}

void
remember_settle(struct remember *remember)
{
    struct remember_owed *left = remember != NULL ? remember->owed : NULL;

    if (left != NULL)
        remember->owed = NULL;
    while (left != NULL) {
        struct remember_owed *owed = left;
        uint64_t number = owed->number / ROWS;
        struct remember_bucket bucket;

        left = owed->next;
        owed->next = remember->owed;
        remember->owed = owed;
        if (remember_lock(remember, number) < 0)
            continue;
        (void)remember_read(remember, number, 0, &bucket);
        remember_unlock(remember, number);
    }
}

// --- life ---

static uint64_t
check_of_head(const struct head *head)
{
    size_t skip = sizeof head->check;

    return digest_sum64(span_from((const char *)head + skip, sizeof *head - skip), LAYOUT);
}

// Its blocks are there before they are needed, where the file system can do that.
static int
make_rows(const struct remember *remember, struct err *err)
{
    off_t size = place_of(remember->buckets);

    if (fallocate(remember->fd, 0, 0, size) == 0)
        return 0;
    if ((errno != EOPNOTSUPP && errno != ENOSYS) || ftruncate(remember->fd, size) < 0)
        return err_sys(err, ERR_TEMP, errno, "make room in " FILE_NAME);
    return 0;
}

static int
make_head(const struct remember *remember, struct err *err)
{
    struct head head = {.buckets = remember->buckets};

    if (getrandom(&head.seed, sizeof head.seed, 0) != sizeof head.seed)
        return err_sys(err, ERR_TEMP, errno, "draw a number");
    head.check = check_of_head(&head);
    return fs_write_all_at(remember->fd, &head, sizeof head, 0, err);
}

// 1: it is as we need it; 0: it is another's, with other buckets or another layout.
static int
know_file(struct remember *remember, struct err *err)
{
    struct stat info;
    struct head head;

    if (fstat(remember->fd, &info) < 0)
        return err_sys(err, ERR_TEMP, errno, "look at " FILE_NAME);
    if (info.st_size == 0 && (make_rows(remember, err) < 0 || make_head(remember, err) < 0))
        return -1;
    if (info.st_size != 0 && info.st_size != place_of(remember->buckets))
        return 0;
    if (fs_read_at(remember->fd, &head, sizeof head, 0, err) != sizeof head)
        return 0;
    remember->seed = head.seed;
    return head.check == check_of_head(&head) && head.buckets == remember->buckets;
}

static bool
has_its_name(const struct remember *remember, int dir_fd)
{
    struct stat named, open;

    return fstatat(dir_fd, FILE_NAME, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstat(remember->fd, &open) == 0 && named.st_ino == open.st_ino &&
           named.st_dev == open.st_dev;
}

// 1: set up; 0: it is no more, or never was, what we need: another try. Another generation that
// uses it still keeps it, without its name.
static int
set_up(struct remember *remember, int dir_fd, struct err *err)
{
    int result = 0;

    if (lock(remember, F_OFD_SETLKW, F_WRLCK, SETUP_BYTE, 1) != 0)
        return err_sys(err, ERR_TEMP, errno, "lock " FILE_NAME);
    if (has_its_name(remember, dir_fd)) {
        result = know_file(remember, err);
        if (result == 0 && unlinkat(dir_fd, FILE_NAME, 0) < 0)
            result = err_sys(err, ERR_TEMP, errno, "remove " FILE_NAME);
    }
    (void)lock(remember, F_OFD_SETLK, F_UNLCK, SETUP_BYTE, 1);
    return result;
}

static int
open_file(struct remember *remember, int dir_fd, struct err *err)
{
    int result = 0;

    for (int i = 0; i < OPEN_TRIES && result == 0; i++) {
        if (remember->fd >= 0)
            close(remember->fd);
        remember->fd = openat(dir_fd, FILE_NAME,
                              O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, FILE_MODE);
        if (remember->fd < 0)
            return err_sys(err, ERR_TEMP, errno, "open " FILE_NAME);
        result = set_up(remember, dir_fd, err);
    }
    if (result == 0)
        return err_set(err, ERR_TEMP, FILE_NAME " is replaced again and again");
    // What is read ahead would be in large folios, which make each small write dearer.
    (void)posix_fadvise(remember->fd, 0, 0, POSIX_FADV_RANDOM);
    return result < 0 ? -1 : 0;
}

static int
become_owner(struct remember *remember, struct err *err)
{
    if (getrandom(&remember->owner, sizeof remember->owner, 0) != sizeof remember->owner)
        return err_sys(err, ERR_TEMP, errno, "draw a number");
    remember->owner = (uint64_t)OWNER_BYTES | (remember->owner >> 3);
    if (lock(remember, F_OFD_SETLK, F_WRLCK, (int64_t)remember->owner, 1) != 0)
        return err_sys(err, ERR_TEMP, errno, "lock a byte of " FILE_NAME);
    return 0;
}

struct remember *
remember_open(int dir_fd, const struct spool_settings *settings, struct err *err)
{
    struct remember *remember;

    err->kind = ERR_NONE;
    if (settings->remember == 0)
        return NULL;
    remember = mem_zalloc(sizeof *remember);
    remember->buckets = (settings->remember_max + ROWS - 1) / ROWS;
    remember->lifetime_ms = (int64_t)settings->remember;
    remember->fd = -1;
    if (open_file(remember, dir_fd, err) < 0 || become_owner(remember, err) < 0)
        remember_close(&remember);
    return remember;
}

void
remember_close(struct remember **remember)
{
    if (*remember == NULL)
        return;
    (void)remember_flush(*remember);
    remember_settle(*remember);
    while ((*remember)->owed != NULL)
        drop_owed(*remember, (*remember)->owed->number);
    if ((*remember)->fd >= 0)
        close((*remember)->fd);
    mem_free(remember);
}
