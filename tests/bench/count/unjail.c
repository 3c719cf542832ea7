// SPDX-License-Identifier: BSD-2-Clause
// tests/bench/count/unjail.c - preloaded: lets the real processes run below valgrind, which the
// jail refuses and which lacks some newer system calls.
//
// No filter of calls, no Landlock, no limits. A dissector is not killed but left to end by itself
// when its line does, so that it can say what it counted.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DESCRIPTORS = 1024, ARGUMENTS = 6, LANDLOCK_FIRST = 444, LANDLOCK_LAST = 446 };

typedef int kill_call(pid_t pid, int number);
typedef long any_call(long number, long a, long b, long c, long d, long e, long f);

// As libseccomp has them; its header may be included by base/jail_calls.c only.
int seccomp_attr_set(void *filter, int attribute, uint32_t value);
int seccomp_rule_add(void *filter, uint32_t action, int number, unsigned count, ...);
int seccomp_rule_add_array(void *filter, uint32_t action, int number, unsigned count,
                           const void *rules);
int seccomp_load(const void *filter);

static void *
next(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (found == NULL)
        abort();
    return found;
}

int
seccomp_attr_set(void *filter, int attribute, uint32_t value)
{
    (void)filter;
    (void)attribute;
    (void)value;
    return 0;
}

int
seccomp_rule_add(void *filter, uint32_t action, int number, unsigned count, ...)
{
    (void)filter;
    (void)action;
    (void)number;
    (void)count;
    return 0;
}

int
seccomp_rule_add_array(void *filter, uint32_t action, int number, unsigned count, const void *rules)
{
    (void)rules;
    return seccomp_rule_add(filter, action, number, count);
}

int
seccomp_load(const void *filter)
{
    (void)filter;
    return 0;
}

// valgrind takes memory and descriptors of its own.
int
setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
    (void)resource;
    (void)limit;
    return 0;
}

int
close_range(unsigned first, unsigned last, int flags)
{
    for (unsigned fd = first; fd <= last && fd < DESCRIPTORS; fd++) {
        if ((flags & (int)CLOSE_RANGE_CLOEXEC) != 0)
            (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
        else
            (void)close((int)fd);
    }
    return 0;
}

int
kill(pid_t pid, int number)
{
    static kill_call *real;

    if (real == NULL)
        *(void **)&real = next("kill");
    return number == SIGKILL ? 0 : real(pid, number);
}

long
syscall(long number, ...)
{
    static any_call *real;
    long words[ARGUMENTS];
    va_list args;

    va_start(args, number);
    for (int i = 0; i < ARGUMENTS; i++)
        words[i] = va_arg(args, long);
    va_end(args);
    if (number == SYS_pidfd_open)
        return eventfd(0, EFD_CLOEXEC); // never readable: it has not ended
    if (number >= LANDLOCK_FIRST && number <= LANDLOCK_LAST) {
        errno = ENOSYS;
        return -1;
    }
    if (real == NULL)
        *(void **)&real = next("syscall");
    return real(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}
