// SPDX-License-Identifier: BSD-2-Clause
#include "base/jail.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>

#include "base/digest.h"
#include "base/pass.h"
#include "tests/unit/base/jailed.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

enum { FILE_SIZE = 4096, DESCRIPTORS = 16 };

static const struct jail_limits limits = {
    .memory = UINT64_C(512) << 20, .file_size = FILE_SIZE, .descriptors = DESCRIPTORS};

static struct {
    struct tempdir dir;
    int file;       // read and write
    int line[2];    // a socket pair
    int unbound;    // a socket that is connected to nobody
    pid_t stranger; // a process of the same user
    struct sha256 *sha256;
} before;

static void
set_up(void)
{
    tempdir_make(&before.dir);
    before.file = openat(before.dir.fd, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CU_ASSERT_EQUAL_FATAL(write(before.file, "content", 7), 7);
    CU_ASSERT_EQUAL_FATAL(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, before.line), 0);
    before.unbound = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    before.stranger = fork();
    if (before.stranger == 0) {
        (void)pause();
        _exit(0);
    }
    before.sha256 = sha256_new();
}

static void
tear_down(void)
{
    int status = 0;

    // Nothing that was tried has ended it.
    CU_ASSERT_EQUAL(waitpid(before.stranger, &status, WNOHANG), 0);
    (void)kill(before.stranger, SIGKILL);
    (void)waitpid(before.stranger, &status, 0);
    sha256_free(&before.sha256);
    (void)close(before.unbound);
    (void)close(before.line[0]);
    (void)close(before.line[1]);
    (void)close(before.file);
    tempdir_remove(&before.dir);
}

// 0: done; else errno.
static int
outcome(long result)
{
    return result < 0 ? errno : 0;
}

// --- what is refused ---

static int
open_file(void)
{
    return outcome(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int
open_new(void)
{
    return outcome(openat(before.dir.fd, "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int
open_again(void)
{
    return outcome(open("/proc/self/fd/0", O_RDONLY | O_CLOEXEC));
}

static int
open_how(void)
{
    uint64_t how[3] = {O_RDONLY, 0, 0};

    return outcome(syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", how, sizeof how));
}

static int
ask_about_path(void)
{
    struct stat info;

    return outcome(stat("/etc/passwd", &info));
}

static int
list_folder(void)
{
    char room[4096];

    return outcome(syscall(SYS_getdents64, before.dir.fd, room, sizeof room));
}

static int
remove_file(void)
{
    return outcome(unlinkat(before.dir.fd, "file", 0));
}

static int
rename_file(void)
{
    return outcome(renameat(before.dir.fd, "file", before.dir.fd, "other"));
}

static int
change_mode(void)
{
    return outcome(fchmod(before.file, 0777));
}

static int
change_folder(void)
{
    return outcome(fchdir(before.dir.fd));
}

static int
make_memory_file(void)
{
    return outcome(memfd_create("x", 0));
}

static int
make_pipe(void)
{
    int ends[2];

    return outcome(pipe(ends));
}

static int
make_pair(void)
{
    int ends[2];

    return outcome(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
}

static int
connect_socket(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/run/x"};

    return outcome(connect(before.unbound, (struct sockaddr *)&name, sizeof name));
}

static int
bind_socket(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0x"};

    return outcome(bind(before.unbound, (struct sockaddr *)&name, sizeof name));
}

static int
listen_socket(void)
{
    return outcome(listen(before.unbound, 1));
}

static int
signal_stranger(void)
{
    return outcome(kill(before.stranger, SIGKILL));
}

static int
signal_thread_of_stranger(void)
{
    return outcome(syscall(SYS_tgkill, before.stranger, before.stranger, SIGKILL));
}

static int
signal_by_descriptor(void)
{
    return outcome(syscall(SYS_pidfd_open, before.stranger, 0));
}

static int
read_stranger(void)
{
    char byte;
    struct iovec piece = {&byte, 1};

    return outcome(syscall(SYS_process_vm_readv, before.stranger, &piece, 1, &piece, 1, 0));
}

static int
map_to_execute(void)
{
    void *memory =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return memory == MAP_FAILED ? errno : 0;
}

static int
make_executable(void)
{
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return memory == MAP_FAILED ? 0 : outcome(mprotect(memory, 4096, PROT_READ | PROT_EXEC));
}

static int
raise_limit(void)
{
    struct rlimit limit = {.rlim_cur = 1, .rlim_max = 1};

    return outcome(setrlimit(RLIMIT_FSIZE, &limit));
}

static int
become_dumpable(void)
{
    return outcome(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int
leave_namespace(void)
{
    return outcome(unshare(CLONE_NEWUSER));
}

static int
use_ring(void)
{
    char room[256] = {0};

    return outcome(syscall(SYS_io_uring_setup, 1, room));
}

static int
use_bpf(void)
{
    char room[128] = {0};

    return outcome(syscall(SYS_bpf, 0, room, sizeof room));
}

static int
control_device(void)
{
    int size = 0;

    return outcome(syscall(SYS_ioctl, before.line[0], 0x541B, &size));
}

static int
pass_urgent(void)
{
    struct msghdr header = {.msg_iovlen = 0};

    if (sendmsg(before.line[0], &header, MSG_OOB) == 0 || errno != EPERM)
        return -1;
    return outcome(recvmsg(before.line[1], &header, MSG_OOB));
}

static int
copy_descriptor(void)
{
    return outcome(dup(before.file));
}

static int
cut_file(void)
{
    return outcome(ftruncate(before.file, 0));
}

// --- what kills ---

static int
execute(void)
{
    char *arguments[] = {NULL, NULL};

    return outcome(execve("/bin/true", arguments, arguments));
}

static int
execute_descriptor(void)
{
    char *arguments[] = {NULL, NULL};

    return outcome(syscall(SYS_execveat, before.file, "", arguments, arguments, AT_EMPTY_PATH));
}

static int
fork_process(void)
{
    return outcome(fork());
}

static int
fork_by_number(void)
{
    return outcome(syscall(SYS_fork));
}

static int
clone_anew(void)
{
    uint64_t arguments[11] = {[4] = SIGCHLD};

    return outcome(syscall(SYS_clone3, arguments, sizeof arguments));
}

static int
make_socket(void)
{
    return outcome(socket(AF_INET, SOCK_STREAM, 0));
}

static int
trace_stranger(void)
{
    return outcome(ptrace(PTRACE_ATTACH, before.stranger, NULL, NULL));
}

// --- limits ---

// Its file: behind the limit nothing is written.
static int
write_much(void)
{
    (void)signal(SIGXFSZ, SIG_IGN);
    return outcome(pwrite(before.file, "x", 1, FILE_SIZE));
}

static int
write_enough(void)
{
    return outcome(pwrite(before.file, "x", 1, FILE_SIZE - 1));
}

// Handed more descriptors than it may have open, it gets none of those on top.
static int
take_descriptors(void)
{
    int got[PASS_FDS_MAX];
    char byte;

    for (unsigned i = 0; i < DESCRIPTORS; i++) {
        size_t count = PASS_FDS_MAX;

        if (pass_send(before.line[0], span_of("x"), &before.file, 1) != 1)
            return 1;
        if (pass_receive(before.line[1], &byte, 1, got, &count) != 1)
            return errno;
    }
    return 0;
}

// --- what it needs ---

static int
work(void)
{
    uint8_t digest[SHA256_LEN];
    char bytes[8] = "";
    struct timespec time;
    char *memory = malloc(8 << 20);

    if (memory == NULL || clock_gettime(CLOCK_MONOTONIC, &time) != 0)
        return 1;
    memset(memory, 1, 8 << 20);
    memory = realloc(memory, 16 << 20);
    if (memory == NULL || pread(before.file, bytes, 7, 0) != 7 || strcmp(bytes, "content") != 0)
        return 2;
    sha256_reset(before.sha256);
    sha256_add(before.sha256, memory, 8 << 20);
    sha256_get(before.sha256, digest);
    free(memory);
    if (pass_send(before.line[0], span_of("x"), &before.file, 1) != 1)
        return 3;
    return outcome(fprintf(stderr, "%s", ""));
}

static int
first_digest(void)
{
    struct sha256 *another = sha256_new();

    sha256_free(&another);
    return 0;
}

static int
give_up(void)
{
    abort();
}

static void
test_inside(void)
{
    static const struct {
        const char *name;
        int (*run)(void);
        int expected;
    } rows[] = {
        {"open",                    open_file,                 EPERM                  },
        {"create",                  open_new,                  EPERM                  },
        {"open what is open",       open_again,                EPERM                  },
        {"openat2",                 open_how,                  EPERM                  },
        {"stat",                    ask_about_path,            EPERM                  },
        {"list a folder",           list_folder,               EPERM                  },
        {"unlink",                  remove_file,               EPERM                  },
        {"rename",                  rename_file,               EPERM                  },
        {"chmod",                   change_mode,               EPERM                  },
        {"chdir",                   change_folder,             EPERM                  },
        {"memfd",                   make_memory_file,          EPERM                  },
        {"pipe",                    make_pipe,                 EPERM                  },
        {"socketpair",              make_pair,                 EPERM                  },
        {"connect",                 connect_socket,            EPERM                  },
        {"bind",                    bind_socket,               EPERM                  },
        {"listen",                  listen_socket,             EPERM                  },
        {"signal another",          signal_stranger,           EPERM                  },
        {"signal another's thread", signal_thread_of_stranger, EPERM                  },
        {"pidfd",                   signal_by_descriptor,      EPERM                  },
        {"read another's memory",   read_stranger,             EPERM                  },
        {"map to execute",          map_to_execute,            EPERM                  },
        {"make executable",         make_executable,           EPERM                  },
        {"set a limit",             raise_limit,               EPERM                  },
        {"prctl",                   become_dumpable,           EPERM                  },
        {"unshare",                 leave_namespace,           EPERM                  },
        {"io_uring",                use_ring,                  EPERM                  },
        {"bpf",                     use_bpf,                   EPERM                  },
        {"ioctl",                   control_device,            EPERM                  },
        {"dup",                     copy_descriptor,           EPERM                  },
        {"urgent data",             pass_urgent,               EPERM                  },
        {"ftruncate",               cut_file,                  EPERM                  },
        {"execve",                  execute,                   JAILED_SIGNAL + SIGSYS },
        {"execveat",                execute_descriptor,        JAILED_SIGNAL + SIGSYS },
        {"fork",                    fork_process,              JAILED_SIGNAL + SIGSYS },
        {"fork by its number",      fork_by_number,            JAILED_SIGNAL + SIGSYS },
        {"clone3",                  clone_anew,                JAILED_SIGNAL + SIGSYS },
        {"socket",                  make_socket,               JAILED_SIGNAL + SIGSYS },
        {"ptrace",                  trace_stranger,            JAILED_SIGNAL + SIGSYS },
        {"a file that grows",       write_much,                EFBIG                  },
        {"up to the limit",         write_enough,              0                      },
        {"many descriptors",        take_descriptors,          EBADMSG                },
        {"its work",                work,                      0                      },
        {"a digest more",           first_digest,              0                      },
        {"abort",                   give_up,                   JAILED_SIGNAL + SIGABRT},
    };

    set_up();
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        int got = jailed_run(rows[i].run, &limits);

        if (got != rows[i].expected)
            fprintf(stderr, "%s: %d\n", rows[i].name, got);
        UNIT_CHECK_ROW(rows[i].name, got == rows[i].expected);
    }
    tear_down();
}

static const struct unit_test tests[] = {
    {"inside", test_inside},
};

UNIT_MAIN("base/jail", tests)
