// SPDX-License-Identifier: BSD-2-Clause
#include "base/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

static struct tempdir dir;
static int open_before;

static bool
opens_to_read(void)
{
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool
lists(void)
{
    return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0;
}

static bool
makes_a_file(void)
{
    return openat(dir.fd, "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0;
}

static bool
makes_a_folder(void)
{
    return mkdirat(dir.fd, "folder", 0700) == 0;
}

static bool
removes(void)
{
    return unlinkat(dir.fd, "file", 0) == 0;
}

static bool
reads_what_is_open(void)
{
    char byte;

    return pread(open_before, &byte, 1, 0) == 1;
}

// What f says after landlock_forbid_all, in a process of its own. -1: it could not be asked.
static int
ask_inside(bool (*f)(void))
{
    struct err err = {0};
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || landlock_forbid_all(&err) != 0)
            _exit(2);
        _exit(f() ? 1 : 0);
    }
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) == 2)
        return -1;
    return WEXITSTATUS(status);
}

static void
test_inside(void)
{
    static const struct {
        const char *name;
        bool (*run)(void);
        bool is_allowed;
    } rows[] = {
        {"open to read",      opens_to_read,      false},
        {"list a folder",     lists,              false},
        {"make a file",       makes_a_file,       false},
        {"make a folder",     makes_a_folder,     false},
        {"remove",            removes,            false},
        {"read what is open", reads_what_is_open, true },
    };

    bool is_there = landlock_version() > 0;

    tempdir_make(&dir);
    open_before = openat(dir.fd, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CU_ASSERT_EQUAL_FATAL(write(open_before, "x", 1), 1);
    // Where the kernel has none, all is as it was.
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        UNIT_CHECK_ROW(rows[i].name,
                       ask_inside(rows[i].run) == (rows[i].is_allowed || !is_there ? 1 : 0));
    (void)close(open_before);
    tempdir_remove(&dir);
}

static const struct unit_test tests[] = {
    {"inside", test_inside},
};

UNIT_MAIN("base/landlock", tests)
