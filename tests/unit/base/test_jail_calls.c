// SPDX-License-Identifier: BSD-2-Clause
// Every call by its number: what nobody has thought of is refused, too.
#include "base/jail.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>

#include "tests/unit/base/jailed.h"
#include "tests/unit/harness.h"

// With any arguments; those that are allowed with some only are refused with these.
static const long allowed[] = {
    SYS_read,
    SYS_readv,
    SYS_pread64,
    SYS_preadv,
    SYS_write,
    SYS_writev,
    SYS_pwrite64,
    SYS_lseek,
    SYS_fstat,
    SYS_close,
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    SYS_brk,
    SYS_futex,
    SYS_sched_yield,
    SYS_clock_gettime,
    SYS_gettimeofday,
    SYS_time,
    SYS_getrandom,
    SYS_getpid,
    SYS_gettid,
    SYS_getrusage,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_exit,
    SYS_exit_group,
    SYS_sysinfo,
    SYS_restart_syscall,
};

static const long killed[] = {
    SYS_execve, SYS_execveat, SYS_fork, SYS_vfork, SYS_clone, SYS_clone3, SYS_socket, SYS_ptrace,
};

// Where nothing else stands the kernel has two of its own, which no filter sees (uprobes).
enum { CALLS = 1024, GAP_BEGIN = 335, GAP_END = 424, BAD = -1 };

static bool
is_in(long number, const long *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == number)
            return true;
    }
    return false;
}

// The number of those that were not refused, at most 100.
static int
make_all_calls(void)
{
    int count = 0;

    for (long number = 0; number < CALLS; number++) {
        if (is_in(number, allowed, UNIT_COUNT(allowed)) ||
            is_in(number, killed, UNIT_COUNT(killed)) || (number >= GAP_BEGIN && number < GAP_END))
            continue;
        errno = 0;
        if (syscall(number, BAD, BAD, BAD, BAD, BAD, BAD) != -1 || errno != EPERM) {
            (void)fprintf(stderr, "call %ld: %d\n", number, errno);
            count += count < 100 ? 1 : 0;
        }
    }
    return count;
}

static long to_make;

static int
make_one(void)
{
    return syscall(to_make, BAD, BAD, BAD, BAD, BAD, BAD) == -1 ? errno : 0;
}

static void
test_calls(void)
{
    const struct jail_limits limits = {
        .memory = UINT64_C(512) << 20, .file_size = 4096, .descriptors = 16};

    CU_ASSERT_EQUAL(jailed_run(make_all_calls, &limits), 0);
    for (size_t i = 0; i < UNIT_COUNT(killed); i++) {
        to_make = killed[i];
        CU_ASSERT_EQUAL(jailed_run(make_one, &limits), JAILED_SIGNAL + SIGSYS);
    }
}

static const struct unit_test tests[] = {
    {"calls", test_calls},
};

UNIT_MAIN("base/jail_calls", tests)
