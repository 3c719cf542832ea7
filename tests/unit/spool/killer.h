// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/spool/killer.h - a process that is killed at one of its calls that change the disk.
// Linked with --wrap.
#ifndef POSTERN_TESTS_SPOOL_KILLER_H
#define POSTERN_TESTS_SPOOL_KILLER_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static long kill_at; // 0: never
static long calls;
static const bool is_synced =
    false; // a kill does not need it: what was written is seen by the next process

static inline void
count_call(void)
{
    if (kill_at != 0 && __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) == kill_at)
        (void)kill(getpid(), SIGKILL);
}

ssize_t __real_pwrite(int fd, const void *data, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t offset);
int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __real_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __real_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags);
int __wrap_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags);
int __real_ftruncate(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len);
int __real_futimens(int fd, const struct timespec times[2]);
int __wrap_futimens(int fd, const struct timespec times[2]);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

// Half a page's worth goes out before the kill, as a write that a fatal signal ends.
ssize_t
__wrap_pwrite(int fd, const void *data, size_t len, off_t offset)
{
    if (kill_at != 0 && __atomic_load_n(&calls, __ATOMIC_SEQ_CST) + 1 == kill_at && len > 4096)
        (void)__real_pwrite(fd, data, 4096, offset);
    count_call();
    return __real_pwrite(fd, data, len, offset);
}

int
__wrap_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    count_call();
    return __real_renameat(from_dir, from, to_dir, to);
}

int
__wrap_unlinkat(int dir, const char *name, int flags)
{
    count_call();
    return __real_unlinkat(dir, name, flags);
}

int
__wrap_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    count_call();
    return __real_linkat(from_dir, from, to_dir, to, flags);
}

int
__wrap_ftruncate(int fd, off_t len)
{
    count_call();
    return __real_ftruncate(fd, len);
}

int
__wrap_futimens(int fd, const struct timespec times[2])
{
    count_call();
    return __real_futimens(fd, times);
}

int
__wrap_fsync(int fd)
{
    count_call();
    return is_synced ? __real_fsync(fd) : 0;
}

int
__wrap_fdatasync(int fd)
{
    count_call();
    return is_synced ? __real_fdatasync(fd) : 0;
}

#endif
