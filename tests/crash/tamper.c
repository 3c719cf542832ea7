// SPDX-License-Identifier: BSD-2-Clause
// tests/crash/tamper.c - kills a process, or fails or shortens a call, at its n-th call of a kind.
//
// tamper CALL N kill|short|ERRNO BEGIN PID... | -- COMMAND...
// CALL `all`: nothing is done. Calls count for the process, not (as with strace) for each thread;
// a call that is to fail gets an argument that the kernel refuses, because a filter of calls may
// kill for an invalid number. BEGIN: counts begin behind the opening of a file whose name ends so,
// empty: when `ready` is said.
// Prints: ready, fired, `wrote QUEUE-ID` for each line of a journal that is written with one, and
// at the end (SIGTERM, or all are gone) `calls NAME COUNT`.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>
#include <linux/sched.h>

enum { OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE, SEEN_MAX = 1 << 16, NO_LENGTH = -1 };

#define WAKE (-1UL) // numbers that no call has
#define LOCK (-2UL)
#define NO_CALL (-3UL)

// spoilt: that argument becomes `by`, which the kernel refuses. length: of what may be shorter.
static struct call {
    const char *name;
    unsigned long number;
    int spoilt;
    unsigned long by;
    int length;
    unsigned count;
} calls[] = {
    {"openat",       SYS_openat,       1, 0,             NO_LENGTH, 0},
    {"write",        SYS_write,        0, -1UL,          2,         0},
    {"pwrite64",     SYS_pwrite64,     0, -1UL,          2,         0},
    {"read",         SYS_read,         0, -1UL,          2,         0},
    {"pread64",      SYS_pread64,      0, -1UL,          2,         0},
    {"preadv2",      SYS_preadv2,      0, -1UL,          NO_LENGTH, 0},
    {"fsync",        SYS_fsync,        0, -1UL,          NO_LENGTH, 0},
    {"fdatasync",    SYS_fdatasync,    0, -1UL,          NO_LENGTH, 0},
    {"rename",       SYS_rename,       0, 0,             NO_LENGTH, 0},
    {"renameat",     SYS_renameat,     1, 0,             NO_LENGTH, 0},
    {"renameat2",    SYS_renameat2,    1, 0,             NO_LENGTH, 0},
    {"link",         SYS_link,         0, 0,             NO_LENGTH, 0},
    {"linkat",       SYS_linkat,       1, 0,             NO_LENGTH, 0},
    {"unlink",       SYS_unlink,       0, 0,             NO_LENGTH, 0},
    {"unlinkat",     SYS_unlinkat,     1, 0,             NO_LENGTH, 0},
    {"mkdir",        SYS_mkdir,        0, 0,             NO_LENGTH, 0},
    {"mkdirat",      SYS_mkdirat,      1, 0,             NO_LENGTH, 0},
    {"ftruncate",    SYS_ftruncate,    0, -1UL,          NO_LENGTH, 0},
    {"fallocate",    SYS_fallocate,    0, -1UL,          NO_LENGTH, 0},
    {"utimensat",    SYS_utimensat,    0, -1UL,          NO_LENGTH, 0},
    {"memfd_create", SYS_memfd_create, 0, 0,             NO_LENGTH, 0},
    {"socket",       SYS_socket,       0, -1UL,          NO_LENGTH, 0},
    {"socketpair",   SYS_socketpair,   0, -1UL,          NO_LENGTH, 0},
    {"connect",      SYS_connect,      0, -1UL,          NO_LENGTH, 0},
    {"accept4",      SYS_accept4,      0, -1UL,          NO_LENGTH, 0},
    {"sendto",       SYS_sendto,       0, -1UL,          2,         0},
    {"sendmsg",      SYS_sendmsg,      0, -1UL,          NO_LENGTH, 0},
    {"recvfrom",     SYS_recvfrom,     0, -1UL,          2,         0},
    {"recvmsg",      SYS_recvmsg,      0, -1UL,          NO_LENGTH, 0},
    {"mmap",         SYS_mmap,         1, 0,             NO_LENGTH, 0},
    {"clone",        SYS_clone,        0, CLONE_SIGHAND, NO_LENGTH, 0},
    {"clone3",       SYS_clone3,       1, 0,             NO_LENGTH, 0},
 // A thread and its loop wake each other by a counter: no disk is asked, none can fail.
    {"wake",         WAKE,             0, -1UL,          NO_LENGTH, 0},
 // Of fcntl only what locks: what it says of an open file's flags cannot fail.
    {"lock",         LOCK,             0, -1UL,          NO_LENGTH, 0},
};

static struct {
    const char *call, *action, *begin;
    unsigned when;
    bool is_counting;
    unsigned tracees;
    pid_t spoilt; // the thread whose call is on its way to fail
    struct user_regs_struct saved;
} tamper;

static volatile sig_atomic_t wants_end;

static void
on_end(int number)
{
    (void)number;
    wants_end = 1;
}

static void
die(const char *what)
{
    fprintf(stderr, "tamper: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

// --- what a tracee's memory and /proc say ---

static size_t
peek(pid_t thread, unsigned long from, char *into, size_t size)
{
    struct iovec here = {into, size}, there = {(void *)from, size};
    ssize_t got = process_vm_readv(thread, &here, 1, &there, 1, 0);

    return got > 0 ? (size_t)got : 0;
}

// A path may lie before the end of what can be read, so that less than asked for is no error.
static bool
path_ends(pid_t thread, unsigned long at, const char *ending)
{
    char path[512] = "";
    size_t len;

    for (len = 0; len < sizeof path - 1; len++) {
        if (peek(thread, at + len, path + len, 1) == 0 || path[len] == '\0')
            break;
    }
    path[len] = '\0';
    return len >= strlen(ending) && strcmp(path + len - strlen(ending), ending) == 0;
}

static pid_t
process_of(pid_t thread)
{
    char name[64], line[128];
    int process = thread;
    FILE *file;

    snprintf(name, sizeof name, "/proc/%d/status", (int)thread);
    file = fopen(name, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "Tgid: %d", &process) == 1)
            break;
    }
    if (file != NULL)
        fclose(file);
    return process;
}

static bool
is_counter(pid_t thread, int fd)
{
    static const char kind[] = "anon_inode:[eventfd]";
    char name[64], link[sizeof kind];
    ssize_t len;

    snprintf(name, sizeof name, "/proc/%d/fd/%d", (int)thread, fd);
    len = readlink(name, link, sizeof link);
    return len == (ssize_t)sizeof kind - 1 && memcmp(link, kind, sizeof kind - 1) == 0;
}

static bool
is_lock(int command)
{
    return command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK ||
           command == F_OFD_SETLKW || command == F_OFD_GETLK;
}

// --- one call ---

static struct call *
find(pid_t thread, const struct __ptrace_syscall_info *info)
{
    unsigned long number = info->entry.nr;

    if ((number == SYS_write || number == SYS_read) && is_counter(thread, (int)info->entry.args[0]))
        number = WAKE;
    if (number == SYS_fcntl)
        number = is_lock((int)info->entry.args[1]) ? LOCK : NO_CALL;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (calls[i].number == number)
            return &calls[i];
    }
    return NULL;
}

static unsigned long long *
argument(struct user_regs_struct *regs, int number)
{
    return number == 0 ? &regs->rdi : number == 1 ? &regs->rsi : &regs->rdx;
}

static void
fire(pid_t thread, const struct call *call)
{
    struct user_regs_struct regs;
    bool is_short = strcmp(tamper.action, "short") == 0;
    unsigned long long *changed;

    if (strcmp(tamper.action, "kill") == 0) {
        puts("fired");
        kill(process_of(thread), SIGKILL);
        return;
    }
    if (ptrace(PTRACE_GETREGS, thread, 0, &regs) != 0)
        die("cannot read registers");
    tamper.saved = regs;
    changed = argument(&regs, is_short ? call->length : call->spoilt);
    if (is_short && *changed < 2)
        return;
    *changed = is_short ? *changed / 2 : call->by;
    if (ptrace(PTRACE_SETREGS, thread, 0, &regs) != 0)
        die("cannot write registers");
    tamper.spoilt = thread;
    puts("fired");
}

static void
on_entry(pid_t thread, const struct __ptrace_syscall_info *info)
{
    struct call *call = find(thread, info);

    if (!tamper.is_counting) {
        tamper.is_counting = *tamper.begin != '\0' && info->entry.nr == SYS_openat &&
                             path_ends(thread, info->entry.args[1], tamper.begin);
        return;
    }
    if (call == NULL)
        return;
    call->count++;
    if (call->count == tamper.when && strcmp(call->name, tamper.call) == 0)
        fire(thread, call);
}

// Callers rely on it that a call leaves its arguments alone.
static void
mend(pid_t thread)
{
    struct user_regs_struct regs;

    tamper.spoilt = 0;
    if (ptrace(PTRACE_GETREGS, thread, 0, &regs) != 0)
        return; // killed meanwhile
    regs.rdi = tamper.saved.rdi;
    regs.rsi = tamper.saved.rsi;
    regs.rdx = tamper.saved.rdx;
    if (strcmp(tamper.action, "short") != 0)
        regs.rax = (unsigned long long)-atoll(tamper.action);
    (void)ptrace(PTRACE_SETREGS, thread, 0, &regs);
}

static void
tell_written(pid_t thread)
{
    static char seen[SEEN_MAX + 1];
    struct user_regs_struct regs;
    size_t len;

    if (ptrace(PTRACE_GETREGS, thread, 0, &regs) != 0 ||
        (regs.orig_rax != SYS_pwrite64 && regs.orig_rax != SYS_write) || (long long)regs.rax <= 0)
        return;
    len = regs.rax < SEEN_MAX ? regs.rax : SEEN_MAX;
    len = peek(thread, regs.rsi, seen, len);
    seen[len] = '\0';
    for (const char *at = seen; (at = memmem(at, len - (size_t)(at - seen), " qid=", 5)) != NULL;) {
        at += 5;
        printf("wrote %.*s\n", (int)strcspn(at, " \n"), at);
    }
}

static void
on_call(pid_t thread)
{
    struct __ptrace_syscall_info info;

    if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0)
        return;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        on_entry(thread, &info);
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
        if (tamper.spoilt == thread)
            mend(thread);
        tell_written(thread);
    }
}

// --- tracees ---

static void
seize(pid_t thread)
{
    if (ptrace(PTRACE_SEIZE, thread, 0, OPTIONS) != 0)
        return; // it has ended
    tamper.tracees++;
    (void)ptrace(PTRACE_INTERRUPT, thread, 0, 0);
}

static void
seize_threads(pid_t process)
{
    char name[64];
    struct dirent *entry;
    DIR *folder;

    snprintf(name, sizeof name, "/proc/%d/task", (int)process);
    folder = opendir(name);
    if (folder == NULL)
        die(name);
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.')
            seize((pid_t)atoi(entry->d_name));
    }
    closedir(folder);
}

static pid_t
run(char **command)
{
    int gate[2];
    pid_t child;
    char byte;

    if (pipe2(gate, O_CLOEXEC) != 0)
        die("pipe");
    child = fork();
    if (child == 0) {
        close(gate[1]);
        (void)!read(gate[0], &byte, 1);
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execv(command[0], command);
        _exit(127);
    }
    seize(child);
    close(gate[0]);
    close(gate[1]);
    return child;
}

// What the thread goes on with: a signal, or nothing.
static void
go_on(pid_t thread, int status)
{
    int number = WSTOPSIG(status), event = status >> 16;

    if (event == PTRACE_EVENT_STOP && number != SIGTRAP) {
        (void)ptrace(PTRACE_LISTEN, thread, 0, 0);
        return;
    }
    if (event != 0 || number == (SIGTRAP | 0x80))
        number = 0;
    (void)ptrace(PTRACE_SYSCALL, thread, 0, number);
}

static void
watch(void)
{
    int status;
    bool is_ready = false;

    for (unsigned stopped = 0; tamper.tracees > 0 && (!wants_end || tamper.spoilt != 0);) {
        pid_t thread;

        if (!is_ready && stopped >= tamper.tracees) {
            is_ready = true;
            tamper.is_counting = *tamper.begin == '\0';
            puts("ready");
        }
        thread = waitpid(-1, &status, __WALL);
        if (thread < 0 && errno == EINTR)
            continue;
        if (thread < 0)
            break;
        if (!WIFSTOPPED(status)) {
            tamper.tracees--;
            continue;
        }
        stopped += is_ready ? 0 : 1;
        if (status >> 16 == PTRACE_EVENT_CLONE)
            tamper.tracees++;
        if (WSTOPSIG(status) == (SIGTRAP | 0x80))
            on_call(thread);
        go_on(thread, status);
    }
}

int
main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_end};

    if (argc < 6)
        die("usage: CALL N kill|short|ERRNO BEGIN PID...|-- COMMAND");
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigaction(SIGTERM, &action, NULL);
    tamper.call = argv[1];
    tamper.when = (unsigned)atoi(argv[2]);
    tamper.action = argv[3];
    tamper.begin = argv[4];
    if (strcmp(argv[5], "--") == 0) {
        printf("pid %d\n", (int)run(argv + 6));
    } else {
        for (int i = 5; i < argc; i++)
            seize_threads((pid_t)atoi(argv[i]));
    }
    watch();
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (calls[i].count > 0)
            printf("calls %s %u\n", calls[i].name, calls[i].count);
    }
    return 0;
}
