// SPDX-License-Identifier: BSD-2-Clause
#include "base/jail.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/jail_memory.h"
#include "base/landlock.h"

// Whatever their arguments. Descriptors are those that it was given; no call here makes one, but
// recvmsg, which takes what the other end hands over.
static const int allowed[] = {
    SCMP_SYS(read),           SCMP_SYS(readv),
    SCMP_SYS(pread64),        SCMP_SYS(preadv),
    SCMP_SYS(write),          SCMP_SYS(writev),
    SCMP_SYS(pwrite64),       SCMP_SYS(lseek),
    SCMP_SYS(fstat),          SCMP_SYS(close),
    SCMP_SYS(munmap),         SCMP_SYS(mremap),
    SCMP_SYS(madvise),        SCMP_SYS(brk),
    SCMP_SYS(futex),          SCMP_SYS(sched_yield),
    SCMP_SYS(clock_gettime),  SCMP_SYS(gettimeofday),
    SCMP_SYS(time),           SCMP_SYS(getrandom),
    SCMP_SYS(getpid),         SCMP_SYS(gettid),
    SCMP_SYS(getrusage),      SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),           SCMP_SYS(exit_group),
    SCMP_SYS(sysinfo), // qsort asks how much memory there is
};

// Nobody calls these by mistake.
static const int killed[] = {
    SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork),   SCMP_SYS(vfork),
    SCMP_SYS(clone),  SCMP_SYS(clone3),   SCMP_SYS(socket), SCMP_SYS(ptrace),
};

static int
add_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
    int failed = 0;

    for (size_t i = 0; i < count && failed == 0; i++)
        failed = seccomp_rule_add(filter, action, calls[i], 0);
    return failed;
}

// With the flags that base/pass uses and no others: urgent data wakes who waits for data and is
// none then, and that corner of the kernel has let others out of their jails.
static int
add_passing(scmp_filter_ctx filter)
{
    const scmp_datum_t all = UINT32_MAX; // an int: its upper half may be anything
    int failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 1,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, all, MSG_NOSIGNAL));

    if (failed == 0)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(recvmsg), 1,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, all, MSG_CMSG_CLOEXEC));
    return failed;
}

// Those that are harmless with some arguments: memory that is not to be executed nor shared (a file
// that it was given to write would change past its seals), signals to itself (abort), limits asked
// for but not set.
static int
add_bounded(scmp_filter_ctx filter)
{
    int failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                                  SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_SHARED, 0));

    if (failed == 0)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (failed == 0)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                                  SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
    if (failed == 0)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2,
                                  SCMP_A0(SCMP_CMP_EQ, 0, 0), SCMP_A2(SCMP_CMP_EQ, 0, 0));
    return failed;
}

static int
filter_calls(struct err *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int failed;

    if (filter == NULL)
        return err_set(err, ERR_PERM, "seccomp_init failed");
    failed = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (failed == 0)
        failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (failed == 0)
        failed = add_all(filter, SCMP_ACT_ALLOW, allowed, sizeof allowed / sizeof allowed[0]);
    if (failed == 0)
        failed = add_all(filter, SCMP_ACT_KILL_PROCESS, killed, sizeof killed / sizeof killed[0]);
    if (failed == 0)
        failed = add_bounded(filter);
    if (failed == 0)
        failed = add_passing(filter);
    if (failed == 0)
        failed = seccomp_load(filter);
    seccomp_release(filter);
    return failed == 0 ? 0 : err_sys(err, ERR_PERM, -failed, "seccomp");
}

static int
set_limit(int resource, const char *name, uint64_t value, struct err *err)
{
    struct rlimit limit = {.rlim_cur = value, .rlim_max = value};

    if (setrlimit((__rlimit_resource_t)resource, &limit) != 0)
        return err_sys(err, ERR_PERM, errno, "limit of %s", name);
    return 0;
}

int
jail_enter(enum jail_profile profile, const struct jail_limits *limits, struct err *err)
{
    assert(profile == JAIL_DISSECTOR);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_sys(err, ERR_PERM, errno, "no_new_privs");
    // A core file would hold mail, and one that goes to a program knows no limit.
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return err_sys(err, ERR_PERM, errno, "dumpable");
    if (set_limit(RLIMIT_CORE, "core files", 0, err) != 0 ||
        set_limit(RLIMIT_FSIZE, "file size", limits->file_size, err) != 0 ||
        set_limit(RLIMIT_NOFILE, "descriptors", limits->descriptors, err) != 0 ||
        jail_memory_limit(limits->memory, err) != 0)
        return -1;
    if (landlock_forbid_all(err) != 0)
        return -1;
    return filter_calls(err);
}
