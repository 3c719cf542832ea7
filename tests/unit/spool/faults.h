// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/spool/faults.h - a disk that refuses: chosen calls fail with EIO. Linked with --wrap.
#ifndef POSTERN_TESTS_SPOOL_FAULTS_H
#define POSTERN_TESTS_SPOOL_FAULTS_H

#include <errno.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum fault { FAULT_PWRITE, FAULT_FSYNC, FAULT_FDATASYNC, FAULT_RENAME, FAULT_UNLINK, FAULT_KINDS };

struct fault_plan {
    int skip;  // so many succeed
    int count; // then so many fail
    int calls; // as seen
};

static struct fault_plan faults[FAULT_KINDS];
static _Atomic unsigned fault_slow_us; // a fdatasync takes so long

static inline void
fault_set(enum fault fault, int skip, int count)
{
    // Threads may be at it.
    __atomic_store_n(&faults[fault].count, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&faults[fault].skip, skip, __ATOMIC_SEQ_CST);
    __atomic_store_n(&faults[fault].calls, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&faults[fault].count, count, __ATOMIC_SEQ_CST);
}

static inline int
fault_calls(enum fault fault)
{
    return __atomic_load_n(&faults[fault].calls, __ATOMIC_SEQ_CST);
}

static inline bool
fault_comes(enum fault fault)
{
    int number = __atomic_fetch_add(&faults[fault].calls, 1, __ATOMIC_SEQ_CST);
    int skip = __atomic_load_n(&faults[fault].skip, __ATOMIC_SEQ_CST);
    int count = __atomic_load_n(&faults[fault].count, __ATOMIC_SEQ_CST);
    bool comes = number >= skip && number < skip + count;

    if (comes)
        errno = EIO;
    return comes;
}

ssize_t __real_pwrite(int fd, const void *data, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t offset);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __real_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags);

ssize_t
__wrap_pwrite(int fd, const void *data, size_t len, off_t offset)
{
    return fault_comes(FAULT_PWRITE) ? -1 : __real_pwrite(fd, data, len, offset);
}

int
__wrap_fsync(int fd)
{
    return fault_comes(FAULT_FSYNC) ? -1 : __real_fsync(fd);
}

int
__wrap_fdatasync(int fd)
{
    if (fault_slow_us > 0)
        usleep(fault_slow_us);
    return fault_comes(FAULT_FDATASYNC) ? -1 : __real_fdatasync(fd);
}

int
__wrap_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return fault_comes(FAULT_RENAME) ? -1 : __real_renameat(from_dir, from, to_dir, to);
}

int
__wrap_unlinkat(int dir, const char *name, int flags)
{
    return fault_comes(FAULT_UNLINK) ? -1 : __real_unlinkat(dir, name, flags);
}

#endif
