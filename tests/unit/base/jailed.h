// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/base/jailed.h - runs a function in a process of its own that has entered the jail.
#ifndef POSTERN_TESTS_UNIT_BASE_JAILED_H
#define POSTERN_TESTS_UNIT_BASE_JAILED_H

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/jail.h"

// Beyond what an exit status can be.
enum { JAILED_NOT_ENTERED = 1000, JAILED_SIGNAL = 2000 };

// What f returned; JAILED_SIGNAL + number where it was killed.
static inline int
jailed_run(int (*f)(void), const struct jail_limits *limits)
{
    struct err err = {0};
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        if (jail_enter(limits, &err) != 0) {
            (void)fprintf(stderr, "jail: %s\n", err.text);
            _exit(255);
        }
        _exit(f());
    }
    if (waitpid(pid, &status, 0) != pid)
        return JAILED_NOT_ENTERED;
    if (WIFSIGNALED(status))
        return JAILED_SIGNAL + WTERMSIG(status);
    return WEXITSTATUS(status) == 255 ? JAILED_NOT_ENTERED : WEXITSTATUS(status);
}

#endif
