// SPDX-License-Identifier: BSD-2-Clause
#include "tool/postconf.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"

enum { ARGUMENTS_MAX = 8, SAID_MAX = 300 };

static int
spawn(char *const *argv, const int fds[2], pid_t *pid_out, struct err *err)
{
    posix_spawn_file_actions_t actions;
    int errnum = posix_spawn_file_actions_init(&actions);

    if (errnum == 0)
        errnum = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    for (int i = 0; i < 2 && errnum == 0; i++)
        errnum = posix_spawn_file_actions_adddup2(&actions, fds[i], i + 1);
    if (errnum == 0)
        errnum = posix_spawnp(pid_out, argv[0], &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (errnum != 0)
        return err_sys(err, ERR_PERM, errnum, "cannot run %s; is Postfix installed, and in PATH?",
                       argv[0]);
    return 0;
}

// Files, not pipes: nobody has to read two at once.
static int
read_back(int fd, struct buf *out, struct err *err)
{
    off_t len = lseek(fd, 0, SEEK_END);
    char *space = len < 0 ? NULL : buf_space(out, (size_t)len);
    ssize_t got;

    if (space == NULL)
        return err_set(err, ERR_PERM, "postconf said more than can be");
    got = fs_read_at(fd, space, (size_t)len, 0, err);
    if (got < 0)
        return -1;
    buf_filled(out, (size_t)got);
    while (out->len > 0 && out->data[out->len - 1] == '\n')
        buf_cut(out, out->len - 1);
    return 0;
}

// Its last line, which is the fatal one; warnings stand before it.
static int
fail(int status, int said_fd, struct err *err)
{
    struct buf said;
    const char *line;

    buf_init(&said, 1 << 20);
    if (read_back(said_fd, &said, err) != 0) {
        buf_clear(&said);
        return -1;
    }
    line = strrchr(buf_text(&said), '\n');
    line = line != NULL ? line + 1 : buf_text(&said);
    if (line[0] != '\0')
        (void)err_set(err, ERR_PERM, "%.*s", SAID_MAX, line);
    else if (WIFSIGNALED(status))
        (void)err_set(err, ERR_PERM, "postconf was killed by signal %d", WTERMSIG(status));
    else
        (void)err_set(err, ERR_PERM, "postconf ended with status %d", WEXITSTATUS(status));
    buf_clear(&said);
    return -1;
}

static int
run(char *const *argv, const int fds[2], struct buf *out, struct err *err)
{
    int status = 0;
    pid_t pid = 0;

    if (spawn(argv, fds, &pid, err) != 0)
        return -1;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return err_sys(err, ERR_PERM, errno, "cannot wait for postconf");
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return fail(status, fds[1], err);
    return read_back(fds[0], out, err);
}

int
postconf_run(const char *folder, const char *const *arguments, struct buf *out, struct err *err)
{
    char *argv[ARGUMENTS_MAX + 4] = {(char *)"postconf"};
    int fds[2] = {-1, -1}, argc = 1, result = -1;

    if (folder != NULL) {
        argv[argc++] = (char *)"-c";
        argv[argc++] = (char *)folder;
    }
    for (size_t i = 0; arguments[i] != NULL; i++) {
        assert(i < ARGUMENTS_MAX);
        argv[argc++] = (char *)arguments[i];
    }
    fds[0] = fs_memory_file("postconf output", err);
    if (fds[0] >= 0)
        fds[1] = fs_memory_file("postconf errors", err);
    if (fds[1] >= 0)
        result = run(argv, fds, out, err);
    for (int i = 0; i < 2; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    return result;
}
