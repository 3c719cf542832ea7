// SPDX-License-Identifier: BSD-2-Clause
#include "tests/crash/intruder.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, X32 = 0x40000000, TERMINAL_INPUT = 0x5412 };

static char room[PAGE];

// One call, with arguments that the kernel would take, or at least look at.
#define CALLS(function, ...)                                                                       \
    static int function(const struct intruder *intruder)                                           \
    {                                                                                              \
        (void)intruder;                                                                            \
        return intruder_outcome(syscall(__VA_ARGS__));                                             \
    }

// --- programs and processes ---

static char *no_arguments[] = {NULL, NULL};

CALLS(execute, SYS_execve, "/bin/true", no_arguments, no_arguments)
CALLS(execute_at, SYS_execveat, AT_FDCWD, "/bin/true", no_arguments, no_arguments, 0)
CALLS(fork_old, SYS_fork)
CALLS(fork_virtual, SYS_vfork)
CALLS(fork_now, SYS_clone, SIGCHLD, 0, 0, 0, 0)
CALLS(fork_in_namespace, SYS_clone, SIGCHLD | CLONE_NEWUSER | CLONE_NEWNS, 0, 0, 0, 0)
CALLS(compare, SYS_kcmp, getpid(), getppid(), 0, 0, 0)
CALLS(be_traced, SYS_ptrace, PTRACE_TRACEME, 0, 0, 0)
CALLS(take_descriptor, SYS_pidfd_getfd, 0, 0, 0)

static int
fork_anew(const struct intruder *intruder)
{
    uint64_t arguments[11] = {[4] = SIGCHLD};

    (void)intruder;
    return intruder_outcome(syscall(SYS_clone3, arguments, sizeof arguments));
}

static int
execute_memory(const struct intruder *intruder)
{
    int fd = memfd_create("x", 0);

    (void)intruder;
    if (fd < 0 || write(fd, "#!/bin/true\n", 12) != 12)
        return errno;
    return intruder_outcome(
        syscall(SYS_execveat, fd, "", no_arguments, no_arguments, AT_EMPTY_PATH));
}

// --- memory ---

static int
map(int protection, int flags)
{
    void *memory = mmap(NULL, PAGE, protection, flags, -1, 0);

    return memory == MAP_FAILED ? errno : 0;
}

static int
map_to_execute(const struct intruder *intruder)
{
    (void)intruder;
    return map(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS);
}

static int
make_executable(const struct intruder *intruder)
{
    void *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)intruder;
    return intruder_outcome(mprotect(memory, PAGE, PROT_READ | PROT_EXEC));
}

static int
make_executable_by_key(const struct intruder *intruder)
{
    void *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)intruder;
    return intruder_outcome(syscall(SYS_pkey_mprotect, memory, PAGE, PROT_READ | PROT_EXEC, -1));
}

static int
map_file_to_execute(const struct intruder *intruder)
{
    int fd = memfd_create("x", 0);
    void *memory;

    (void)intruder;
    if (fd < 0 || ftruncate(fd, PAGE) != 0)
        return errno;
    memory = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    return memory == MAP_FAILED ? errno : 0;
}

CALLS(become_another, SYS_personality, 0x0400000) // READ_IMPLIES_EXEC
CALLS(share_memory, SYS_shmget, 0, PAGE, 01600)
CALLS(catch_faults, SYS_userfaultfd, 1)

// --- rights ---

static int
raise_limit(const struct intruder *intruder)
{
    struct rlimit limit = {1 << 20, 1 << 20};

    (void)intruder;
    return intruder_outcome(setrlimit(RLIMIT_FSIZE, &limit));
}

static int
regain_capabilities(const struct intruder *intruder)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {.effective = 1U << CAP_KILL, .permitted = 1U << CAP_KILL}
    };

    (void)intruder;
    return intruder_outcome(syscall(SYS_capset, &header, data));
}

CALLS(become_root, SYS_setuid, 0)
CALLS(become_root_again, SYS_setresuid, 0, 0, 0)
CALLS(join_group, SYS_setgroups, 1, room)
CALLS(dump, SYS_prctl, PR_GET_SECUREBITS, 0, 0, 0, 0)
CALLS(let_trace, SYS_prctl, PR_SET_PTRACER, -1, 0, 0, 0)
CALLS(another_root, SYS_chroot, "/")
CALLS(new_users, SYS_unshare, CLONE_NEWUSER)
CALLS(new_network, SYS_unshare, CLONE_NEWUSER | CLONE_NEWNET)
CALLS(new_mounts, SYS_unshare, CLONE_NEWUSER | CLONE_NEWNS)
CALLS(enter_namespace, SYS_setns, 0, 0)

// --- the kernel's darker corners ---

CALLS(ring, SYS_io_uring_setup, 1, room)
CALLS(ring_register, SYS_io_uring_register, -1, 0, room, 0)
CALLS(program_kernel, SYS_bpf, 0, room, 128)
CALLS(count_events, SYS_perf_event_open, room, 0, -1, -1, 0)
CALLS(use_key, SYS_keyctl, 0, -3, 1)
CALLS(add_key, SYS_add_key, "user", "x", "y", 1, -3)
CALLS(request_key, SYS_request_key, "user", "x", 0, -3)
CALLS(mount_it, SYS_mount, "none", "/tmp", "tmpfs", 0, 0)
CALLS(unmount_it, SYS_umount2, "/proc", 0)
CALLS(open_mount, SYS_fsopen, "tmpfs", 0)
CALLS(copy_mount, SYS_open_tree, AT_FDCWD, "/", 1)
CALLS(turn_root, SYS_pivot_root, "/", "/")
CALLS(by_handle, SYS_open_by_handle_at, AT_FDCWD, room, 0)
CALLS(watch_all, SYS_fanotify_init, 0, 0)
CALLS(watch_files, SYS_inotify_init1, 0)
CALLS(load_module, SYS_init_module, room, PAGE, "")
CALLS(load_module_file, SYS_finit_module, 0, "", 0)
CALLS(load_kernel, SYS_kexec_load, 0, 0, room, 0)
CALLS(restart, SYS_reboot, 0, 0, 0, 0)
CALLS(swap, SYS_swapon, "/tmp", 0)
CALLS(set_name, SYS_sethostname, "x", 1)
CALLS(set_clock, SYS_clock_settime, 0, room)
CALLS(read_log, SYS_syslog, 3, room, PAGE)
CALLS(use_ports, SYS_iopl, 3)
CALLS(change_descriptors, SYS_modify_ldt, 1, room, 16)
CALLS(queue_messages, SYS_msgget, 0, 01600)
CALLS(filter_more, SYS_seccomp, 1, 0, room)
CALLS(type_for_others, SYS_ioctl, 0, TERMINAL_INPUT, "x")
CALLS(by_another_table, X32 + SYS_getpid)

const struct attempt intruder_calls[] = {
    {BY_ALL,               "execve",                       execute               },
    {BY_ALL,               "execveat",                     execute_at            },
    {BY_ALL,               "execute memory",               execute_memory        },
    {BY_ALL & ~BY_NURSERY, "fork",                         fork_old              },
    {BY_ALL,               "vfork",                        fork_virtual          },
    {BY_ALL & ~BY_NURSERY, "clone",                        fork_now              },
    {BY_ALL,               "clone into namespaces",        fork_in_namespace     },
    {BY_ALL,               "clone3",                       fork_anew             },
    {BY_ALL,               "kcmp",                         compare               },
    {BY_ALL,               "be traced",                    be_traced             },
    {BY_ALL,               "pidfd_getfd",                  take_descriptor       },
    {BY_ALL,               "map to execute",               map_to_execute        },
    {BY_ALL,               "make executable",              make_executable       },
    {BY_ALL,               "the same, by key",             make_executable_by_key},
    {BY_ALL,               "map memory file to execute",   map_file_to_execute   },
    {BY_ALL,               "personality",                  become_another        },
    {BY_ALL,               "shared memory",                share_memory          },
    {BY_ALL,               "userfaultfd",                  catch_faults          },
    {BY_ALL & ~BY_NURSERY, "raise a limit",                raise_limit           },
    {BY_ALL,               "capset",                       regain_capabilities   },
    {BY_ALL,               "setuid",                       become_root           },
    {BY_ALL,               "setresuid",                    become_root_again     },
    {BY_ALL,               "setgroups",                    join_group            },
    {BY_ALL,               "secure bits",                  dump                  },
    {BY_ALL,               "let others trace",             let_trace             },
    {BY_ALL,               "chroot",                       another_root          },
    {BY_ALL,               "a user namespace",             new_users             },
    {BY_ALL,               "a network namespace",          new_network           },
    {BY_ALL,               "a mount namespace",            new_mounts            },
    {BY_ALL,               "setns",                        enter_namespace       },
    {BY_ALL,               "io_uring",                     ring                  },
    {BY_ALL,               "io_uring_register",            ring_register         },
    {BY_ALL,               "bpf",                          program_kernel        },
    {BY_ALL,               "perf",                         count_events          },
    {BY_ALL,               "keyctl",                       use_key               },
    {BY_ALL,               "add_key",                      add_key               },
    {BY_ALL,               "request_key",                  request_key           },
    {BY_ALL,               "mount",                        mount_it              },
    {BY_ALL,               "umount",                       unmount_it            },
    {BY_ALL,               "fsopen",                       open_mount            },
    {BY_ALL,               "open_tree",                    copy_mount            },
    {BY_ALL,               "pivot_root",                   turn_root             },
    {BY_ALL,               "open by handle",               by_handle             },
    {BY_ALL,               "fanotify",                     watch_all             },
    {BY_ALL,               "inotify",                      watch_files           },
    {BY_ALL,               "load a module",                load_module           },
    {BY_ALL,               "load a module's file",         load_module_file      },
    {BY_ALL,               "load a kernel",                load_kernel           },
    {BY_ALL,               "reboot",                       restart               },
    {BY_ALL,               "swapon",                       swap                  },
    {BY_ALL,               "sethostname",                  set_name              },
    {BY_ALL,               "set the clock",                set_clock             },
    {BY_ALL,               "read the kernel's log",        read_log              },
    {BY_ALL,               "iopl",                         use_ports             },
    {BY_ALL,               "modify_ldt",                   change_descriptors    },
    {BY_ALL,               "message queues",               queue_messages        },
    {BY_ALL & ~BY_NURSERY, "a filter of its own",          filter_more           },
    {BY_ALL,               "type on a terminal",           type_for_others       },
    {BY_ALL,               "calls of another table (x32)", by_another_table      },
};
const size_t intruder_call_count = sizeof intruder_calls / sizeof intruder_calls[0];
