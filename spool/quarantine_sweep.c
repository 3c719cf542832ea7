// SPDX-License-Identifier: BSD-2-Clause
// The oldest files are collected in one walk, a bounded number of them, and removed in order; as
// often as all of them had to go.
#include "spool/quarantine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { OLDEST_MAX = 10000, DAY_MS = 24 * 3600 * 1000 };

struct lying {
    int64_t since_ms;
    uint64_t size;
    char day[PLACE_BUCKET_NAME];
    char id[ID_MAX + 1];
};

struct sweep {
    struct place_root *root;
    const struct quarantine_settings *settings;
    int64_t now_ms;
    quarantine_told *told;
    void *arg;
    struct lying *oldest; // a heap while they are collected: the youngest is on top
    size_t count;
    uint64_t total;
};

static void
swap(struct lying *a, struct lying *b)
{
    struct lying kept = *a;

    *a = *b;
    *b = kept;
}

static void
sink(struct lying *heap, size_t count)
{
    size_t at = 0, child;

    while ((child = 2 * at + 1) < count) {
        if (child + 1 < count && heap[child + 1].since_ms > heap[child].since_ms)
            child++;
        if (heap[child].since_ms <= heap[at].since_ms)
            return;
        swap(&heap[child], &heap[at]);
        at = child;
    }
}

static void
rise(struct lying *heap, size_t at)
{
    while (at > 0 && heap[(at - 1) / 2].since_ms < heap[at].since_ms) {
        swap(&heap[(at - 1) / 2], &heap[at]);
        at = (at - 1) / 2;
    }
}

static void
collect(struct sweep *sweep, const struct lying *lying)
{
    if (sweep->count < OLDEST_MAX) {
        sweep->oldest[sweep->count] = *lying;
        rise(sweep->oldest, sweep->count++);
    } else if (lying->since_ms < sweep->oldest[0].since_ms) {
        sweep->oldest[0] = *lying;
        sink(sweep->oldest, sweep->count);
    }
}

static int
on_file(void *arg, int dir_fd, const char *day, const char *name, bool is_ours)
{
    struct sweep *sweep = arg;
    struct lying lying = {0};
    struct stat info;

    if (!is_ours || fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return 0;
    lying.since_ms = (int64_t)info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1000000;
    lying.size = (uint64_t)info.st_size;
    (void)snprintf(lying.day, sizeof lying.day, "%s", day);
    (void)snprintf(lying.id, sizeof lying.id, "%.*s", ID_MAX, name);
    sweep->total += lying.size;
    collect(sweep, &lying);
    return 0;
}

static int
compare(const void *a, const void *b)
{
    int64_t first = ((const struct lying *)a)->since_ms,
            second = ((const struct lying *)b)->since_ms;

    return first < second ? -1 : first > second;
}

// What somebody has, or has taken away, is passed over.
static int
remove_locked(int day_fd, const char *id, struct err *err)
{
    int fd = fs_open_write(day_fd, id, err), result = 0;

    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    if (place_lock_file(day_fd, id, fd) == 1)
        result = unlinkat(day_fd, id, 0) == 0 ? 1 : err_sys(err, ERR_TEMP, errno, "remove %s", id);
    close(fd);
    return result;
}

// 1: it is gone; 0: it stays.
static int
remove_one(struct sweep *sweep, const struct lying *lying, bool is_expired, struct err *err)
{
    struct quarantine_removed removed = {
        .id = lying->id, .size = lying->size, .is_expired = is_expired};
    int day_fd = fs_open_dir(sweep->root->quarantine_fd, lying->day, err), result;

    if (day_fd < 0)
        return errno == ENOENT ? 0 : -1;
    result = remove_locked(day_fd, lying->id, err);
    close(day_fd);
    if (result == 1) {
        sweep->total -= lying->size;
        sweep->told(sweep->arg, &removed);
    }
    return result;
}

// How many went; -1.
static int
remove_oldest(struct sweep *sweep, struct err *err)
{
    int count = 0;

    qsort(sweep->oldest, sweep->count, sizeof sweep->oldest[0], compare);
    for (size_t i = 0; i < sweep->count; i++) {
        const struct lying *lying = &sweep->oldest[i];
        int64_t age = sweep->now_ms - lying->since_ms;
        bool is_expired = age >= 0 && (uint64_t)age >= sweep->settings->keep;
        int result;

        if (!is_expired && sweep->total <= sweep->settings->max_size)
            break;
        result = remove_one(sweep, lying, is_expired, err);
        if (result < 0)
            return -1;
        count += result;
    }
    return count;
}

static int
sweep_all(struct sweep *sweep, struct err *err)
{
    int result;

    do {
        sweep->count = 0;
        sweep->total = 0;
        result = place_walk_quarantine(sweep->root, on_file, sweep, err);
        if (result == 0)
            result = remove_oldest(sweep, err);
    } while (result == OLDEST_MAX);
    // Into those of today and of late somebody may be about to put something.
    place_remove_empty_days(sweep->root, sweep->now_ms - 2 * (int64_t)DAY_MS);
    return result < 0 ? -1 : 0;
}

int
quarantine_sweep(struct place_root *root, const struct quarantine_settings *settings,
                 int64_t now_ms, quarantine_told *told, void *arg, struct err *err)
{
    struct sweep sweep = {
        .root = root, .settings = settings, .now_ms = now_ms, .told = told, .arg = arg};
    int lock_fd = fs_open_dir(root->quarantine_fd, ".", err), result;

    if (lock_fd < 0)
        return -1;
    if (flock(lock_fd, LOCK_EX | LOCK_NB) != 0) {
        result = errno == EWOULDBLOCK ? 1 : err_sys(err, ERR_TEMP, errno, "lock quarantine");
        close(lock_fd);
        return result;
    }
    sweep.oldest = mem_zarray(OLDEST_MAX, sizeof sweep.oldest[0]);
    result = sweep_all(&sweep, err);
    mem_free(&sweep.oldest);
    close(lock_fd);
    return result;
}
