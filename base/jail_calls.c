// SPDX-License-Identifier: BSD-2-Clause
#include "base/jail_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <seccomp.h>

enum {
    D = 1 << JAIL_DISSECTOR,
    N = 1 << JAIL_NURSERY, // its filter stays upon the dissectors that it forks
    W = 1 << JAIL_WORKER,
    S = 1 << JAIL_SCRIBE,
    LEAKS = 1 << 8, // only with the sanitizers, whose leak checker looks at the others' threads
    PLAIN = 1 << 9, // only without
};

#define ALL UINT32_MAX // of an int: its upper half may be anything

// --- calls with any arguments ---

// Descriptors are those that it was given; no call here makes one, but recvmsg.
static const int work[] = {
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

// Waiting, descriptors and threads, as libc, libevent and the libraries make them.
static const int loop[] = {
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(eventfd2),
    SCMP_SYS(pipe2),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(close_range),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_getres),
    SCMP_SYS(rt_sigpending),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(membarrier),
    SCMP_SYS(uname),
    SCMP_SYS(times),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getppid),
    SCMP_SYS(alarm), // the scribe's end, where a disk does not answer
};

// Which ones: Landlock. Plain files only: no links that lead elsewhere, no devices, no owners.
static const int files[] = {
    SCMP_SYS(open),      SCMP_SYS(openat),          SCMP_SYS(creat),
    SCMP_SYS(stat),      SCMP_SYS(lstat),           SCMP_SYS(newfstatat),
    SCMP_SYS(statx),     SCMP_SYS(statfs),          SCMP_SYS(fstatfs),
    SCMP_SYS(access),    SCMP_SYS(faccessat),       SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),  SCMP_SYS(readlinkat),      SCMP_SYS(getdents64),
    SCMP_SYS(mkdir),     SCMP_SYS(mkdirat),         SCMP_SYS(rmdir),
    SCMP_SYS(unlink),    SCMP_SYS(unlinkat),        SCMP_SYS(rename),
    SCMP_SYS(renameat),  SCMP_SYS(renameat2),       SCMP_SYS(link),
    SCMP_SYS(linkat),    SCMP_SYS(ftruncate),       SCMP_SYS(truncate),
    SCMP_SYS(fallocate), SCMP_SYS(fsync),           SCMP_SYS(fdatasync),
    SCMP_SYS(flock),     SCMP_SYS(sync_file_range), SCMP_SYS(fadvise64),
    SCMP_SYS(utimensat), SCMP_SYS(fchmod),          SCMP_SYS(fchmodat),
    SCMP_SYS(getcwd),    SCMP_SYS(memfd_create),    SCMP_SYS(pwritev),
    SCMP_SYS(umask),     SCMP_SYS(copy_file_range), SCMP_SYS(sendfile),
    SCMP_SYS(preadv2),
};

// Listening sockets were made by the master: no bind, no listen.
static const int peers[] = {
    SCMP_SYS(connect),     SCMP_SYS(accept),      SCMP_SYS(accept4),    SCMP_SYS(shutdown),
    SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
};

// It kills dissectors by the descriptors that the nursery hands over, and can make no others.
static const int deadlines[] = {SCMP_SYS(pidfd_send_signal)};

// Its children, and what they need to enter their own jail.
static const int parenthood[] = {
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(wait4),
    SCMP_SYS(kill),
    SCMP_SYS(tgkill),
    SCMP_SYS(pidfd_open),
    SCMP_SYS(signalfd4),
    SCMP_SYS(getppid),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(fcntl),
    SCMP_SYS(close_range),
    SCMP_SYS(newfstatat),
    SCMP_SYS(seccomp),
    SCMP_SYS(landlock_create_ruleset),
    SCMP_SYS(landlock_restrict_self),
};

static const int leak_checker[] = {
    SCMP_SYS(clone), SCMP_SYS(ptrace),    SCMP_SYS(wait4),      SCMP_SYS(prctl),
    SCMP_SYS(open),  SCMP_SYS(openat),    SCMP_SYS(getdents64), SCMP_SYS(readlink),
    SCMP_SYS(stat),  SCMP_SYS(lstat),     SCMP_SYS(newfstatat), SCMP_SYS(getppid),
    SCMP_SYS(dup),   SCMP_SYS(prlimit64), SCMP_SYS(getdents),
};

// Nobody calls these by mistake.
static const int programs[] = {SCMP_SYS(execve), SCMP_SYS(execveat)};
static const int forks[] = {SCMP_SYS(fork), SCMP_SYS(vfork)};
static const int clones[] = {SCMP_SYS(clone), SCMP_SYS(clone3)};
static const int tracing[] = {SCMP_SYS(ptrace)};
static const int sockets[] = {SCMP_SYS(socket)};

static const int attacks[] = {
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(kcmp),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(modify_ldt),
    SCMP_SYS(personality),
};

// Newer than what the C library can do without: it asks again in the old way.
static const int too_new[] = {SCMP_SYS(clone3)};

#define LIST(list) (list), sizeof(list) / sizeof((list)[0])

static const struct {
    unsigned who;
    uint32_t action;
    const int *calls;
    size_t count;
} groups[] = {
    {D | N | W | S,     SCMP_ACT_ALLOW,         LIST(work)        },
    {W | S,             SCMP_ACT_ALLOW,         LIST(loop)        },
    {W | S,             SCMP_ACT_ALLOW,         LIST(files)       },
    {W | S,             SCMP_ACT_ALLOW,         LIST(peers)       },
    {W,                 SCMP_ACT_ALLOW,         LIST(deadlines)   },
    {N,                 SCMP_ACT_ALLOW,         LIST(parenthood)  },
    {N | W | S | LEAKS, SCMP_ACT_ALLOW,         LIST(leak_checker)},
    {N | W | S,         SCMP_ACT_ERRNO(ENOSYS), LIST(too_new)     },
    {D | N | W | S,     SCMP_ACT_KILL_PROCESS,  LIST(programs)    },
    {D | W | S,         SCMP_ACT_KILL_PROCESS,  LIST(forks)       },
    {D,                 SCMP_ACT_KILL_PROCESS,  LIST(clones)      },
    {D,                 SCMP_ACT_KILL_PROCESS,  LIST(tracing)     },
    {N | W | S | PLAIN, SCMP_ACT_KILL_PROCESS,  LIST(tracing)     },
    {D | N,             SCMP_ACT_KILL_PROCESS,  LIST(sockets)     },
    {N | W | S,         SCMP_ACT_KILL_PROCESS,  LIST(attacks)     },
};

// --- calls that are harmless with some arguments ---

enum {
    NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                 CLONE_NEWPID | CLONE_NEWNET,
    KIND = 0xf, // of a socket's type: what is above it says how the descriptor behaves
    // Urgent data wakes who waits for data and is none then, and that corner of the kernel has let
    // others out of their jails. Fast open connects without being asked where to.
    ODD = MSG_OOB | MSG_FASTOPEN,
};

#define IS(number, value)                                                                          \
    {                                                                                              \
        number, SCMP_CMP_MASKED_EQ, ALL, (scmp_datum_t)(value)                                     \
    }
#define HAS(number, mask, value)                                                                   \
    {                                                                                              \
        number, SCMP_CMP_MASKED_EQ, (mask), (value)                                                \
    }

// clang-format off
static const struct {
    unsigned who;
    uint32_t action;
    int call;
    unsigned count;
    struct scmp_arg_cmp args[3];
} bounds[] = {
    // Memory is not to be executed. Nor shared, in the dissector: a file that it was given to write
    // would change past its seals.
    {D, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, {HAS(2, PROT_EXEC, 0), HAS(3, MAP_SHARED, 0)}},
    {N | W | S, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, {HAS(2, PROT_EXEC, 0)}},
    {D | N | W | S, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, {HAS(2, PROT_EXEC, 0)}},

    // Limits: asked for but not set. The nursery's dissectors lower theirs.
    {D, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, {{0, SCMP_CMP_EQ, 0, 0}, {2, SCMP_CMP_EQ, 0, 0}}},
    {W | S | PLAIN, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, {{0, SCMP_CMP_EQ, 0, 0}, {2, SCMP_CMP_EQ, 0, 0}}},
    {N | PLAIN, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, {{0, SCMP_CMP_EQ, 0, 0}}},

    // With the flags that base/pass uses and no others.
    {D, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 1, {HAS(2, ALL, MSG_NOSIGNAL)}},
    {D, SCMP_ACT_ALLOW, SCMP_SYS(recvmsg), 1, {HAS(2, ALL, MSG_CMSG_CLOEXEC)}},
    {N | W | S, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 1, {HAS(2, ODD, 0)}},
    {N | W | S, SCMP_ACT_ALLOW, SCMP_SYS(recvmsg), 1, {HAS(2, ODD, 0)}},
    {N | W | S, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1, {HAS(3, ODD, 0)}},
    {N | W | S, SCMP_ACT_ALLOW, SCMP_SYS(recvfrom), 1, {HAS(3, ODD, 0)}},
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(sendmmsg), 1, {HAS(3, ODD, 0)}},
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(recvmmsg), 1, {HAS(3, ODD, 0)}},

    // Local sockets, TCP; and UDP for the scribe, which looks up Redis's name. TCP by another name
    // (MPTCP, SCTP, SMC) would pass Landlock by.
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, {IS(0, AF_UNIX)}},
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1, {IS(0, AF_UNIX)}},
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3, {IS(0, AF_INET), HAS(1, KIND, SOCK_STREAM), IS(2, 0)}},
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3, {IS(0, AF_INET), HAS(1, KIND, SOCK_STREAM), IS(2, IPPROTO_TCP)}},
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3, {IS(0, AF_INET6), HAS(1, KIND, SOCK_STREAM), IS(2, 0)}},
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3, {IS(0, AF_INET6), HAS(1, KIND, SOCK_STREAM), IS(2, IPPROTO_TCP)}},
    {S, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3, {IS(0, AF_INET), HAS(1, KIND, SOCK_DGRAM), IS(2, 0)}},
    {S, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3, {IS(0, AF_INET), HAS(1, KIND, SOCK_DGRAM), IS(2, IPPROTO_UDP)}},
    {S, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3, {IS(0, AF_INET6), HAS(1, KIND, SOCK_DGRAM), IS(2, 0)}},
    {S, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3, {IS(0, AF_INET6), HAS(1, KIND, SOCK_DGRAM), IS(2, IPPROTO_UDP)}},

    // Threads, but no processes; the nursery's children stay in its namespaces.
    {W | S | PLAIN, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, {HAS(0, CLONE_THREAD, CLONE_THREAD)}},
    {W | S | PLAIN, SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone), 1, {HAS(0, CLONE_THREAD, 0)}},
    {N | PLAIN, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, {HAS(0, NAMESPACES, 0)}},

    // Is somebody there? No signal.
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(kill), 1, {IS(1, 0)}},

    // Not those that let the kernel send signals (F_SETOWN, F_SETSIG).
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, {IS(1, F_DUPFD)}},
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, {IS(1, F_DUPFD_CLOEXEC)}},
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, {IS(1, F_GETFD)}},
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, {IS(1, F_SETFD)}},
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, {IS(1, F_GETFL)}},
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, {IS(1, F_SETFL)}},
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, {IS(1, F_GETLK)}},
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, {IS(1, F_SETLK)}},
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, {IS(1, F_SETLKW)}},
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, {IS(1, F_OFD_SETLK)}},
    {W, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, {IS(1, F_OFD_SETLKW)}},
    {W, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, {IS(1, F_OFD_GETLK)}},
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, {IS(1, F_ADD_SEALS)}},
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, {IS(1, F_GET_SEALS)}},
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, {IS(1, FIONREAD)}},
    {W | S, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, {IS(1, FIONBIO)}},

    {N | W | S | PLAIN, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, {IS(0, PR_SET_NAME)}},
    {N | PLAIN, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, {IS(0, PR_SET_PDEATHSIG)}},
    {N | PLAIN, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, {IS(0, PR_SET_DUMPABLE)}},
    {N | PLAIN, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, {IS(0, PR_SET_NO_NEW_PRIVS)}},
};

// clang-format on

static bool
concerns(unsigned who, enum jail_profile profile, bool is_sanitized)
{
    unsigned other = is_sanitized ? PLAIN : LEAKS;

    return (who & (1U << profile)) != 0 && (who & other) == 0;
}

static int
add_groups(scmp_filter_ctx filter, enum jail_profile profile, bool is_sanitized)
{
    int failed = 0;

    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        if (!concerns(groups[i].who, profile, is_sanitized))
            continue;
        for (size_t j = 0; j < groups[i].count && failed == 0; j++)
            failed = seccomp_rule_add(filter, groups[i].action, groups[i].calls[j], 0);
    }
    return failed;
}

static int
add_bounds(scmp_filter_ctx filter, enum jail_profile profile, bool is_sanitized)
{
    int failed = 0;

    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0] && failed == 0; i++) {
        if (concerns(bounds[i].who, profile, is_sanitized))
            failed = seccomp_rule_add_array(filter, bounds[i].action, bounds[i].call,
                                            bounds[i].count, bounds[i].args);
    }
    // Signals to itself (abort). The nursery's dissectors have pids of their own.
    if (failed == 0 && profile != JAIL_NURSERY)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                                  SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
    return failed;
}

int
jail_calls_filter(enum jail_profile profile, bool is_sanitized, struct err *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int failed;

    if (filter == NULL)
        return err_set(err, ERR_PERM, "seccomp_init failed");
    failed = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (failed == 0)
        failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (failed == 0)
        failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); // a tree: many calls
    if (failed == 0)
        failed = add_groups(filter, profile, is_sanitized);
    if (failed == 0)
        failed = add_bounds(filter, profile, is_sanitized);
    if (failed == 0)
        failed = seccomp_load(filter);
    seccomp_release(filter);
    return failed == 0 ? 0 : err_sys(err, ERR_PERM, -failed, "seccomp");
}
