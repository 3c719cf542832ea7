// SPDX-License-Identifier: BSD-2-Clause
#include "mime/dissect.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/frame.h"
#include "base/fs.h"
#include "base/priv.h"
#include "mime/reading/nursery.h"

#define PROGRAM_NAME "postern-dissect"

// To load libraries, databases and patterns, on a machine that has much else to do.
enum { READY_MS = 60 * 1000, ABOVE_FIXED = 10 };

// --- which program ---

static int
open_executable(const char *path)
{
    struct stat info;
    int fd = open(path, O_PATH | O_CLOEXEC);

    if (fd < 0)
        return -1;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & 0111) != 0)
        return fd;
    (void)close(fd);
    errno = EACCES;
    return -1;
}

// Seen from the folder of the program that runs: as built, and as installed under any prefix.
static const char *const places[] = {PROGRAM_NAME, POSTERN_DISSECT_NEAR};

// "" where it cannot be told.
static void
find_near(const char *place, char out[PATH_MAX])
{
    size_t place_len = strlen(place);
    ssize_t len = readlink("/proc/self/exe", out, PATH_MAX - place_len - 1);
    char *slash;

    out[len > 0 ? len : 0] = '\0';
    slash = strrchr(out, '/');
    if (slash != NULL)
        memcpy(slash + 1, place, place_len + 1); // room for it was left
}

int
dissect_open_program(const char *program, struct err *err)
{
    char near[PATH_MAX];
    int fd = -1;

    if (program[0] != '\0') {
        fd = open_executable(program);
        return fd < 0 ? err_sys(err, ERR_PERM, errno, "%s", program) : fd;
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0] && fd < 0; i++) {
        find_near(places[i], near);
        fd = open_executable(near);
    }
    if (fd >= 0)
        return fd;
    fd = open_executable(POSTERN_DISSECT_FILE);
    find_near(places[0], near);
    return fd < 0 ? err_set(err, ERR_PERM, PROGRAM_NAME " is neither %s nor %s", near,
                            POSTERN_DISSECT_FILE)
                  : fd;
}

// --- becoming the nursery ---

static int
write_setup(const struct dissect_setup *setup, struct err *err)
{
    struct buf payload;
    int fd = -1;

    buf_init(&payload, FRAME_PAYLOAD_MAX);
    if (query_setup_write(setup, &payload) != 0)
        err_set(err, ERR_PERM, "the rules' regular expressions are more than %d bytes",
                FRAME_PAYLOAD_MAX);
    else
        fd = fs_memory_file(PROGRAM_NAME, err);
    if (fd >= 0 && fs_write_all_at(fd, payload.data, payload.len, 0, err) != 0) {
        (void)close(fd);
        fd = -1;
    }
    buf_clear(&payload);
    return fd;
}

// Any of them may stand where another belongs.
static int
move_up(int fd, int *fd_out)
{
    *fd_out = fcntl(fd, F_DUPFD_CLOEXEC, ABOVE_FIXED);
    return *fd_out < 0 ? -1 : 0;
}

int
dissect_exec_nursery(int program_fd, const struct dissect_setup *setup, int channel,
                     struct err *err)
{
    char name[] = PROGRAM_NAME;
    char *arguments[] = {name, NULL};
    int setup_fd = write_setup(setup, err);
    int program;

    if (setup_fd < 0)
        return -1;
    if (move_up(program_fd, &program) != 0 || move_up(channel, &channel) != 0 ||
        move_up(setup_fd, &setup_fd) != 0 || dup2(channel, NURSERY_CHANNEL) < 0 ||
        dup2(setup_fd, NURSERY_SETUP) < 0 ||
        close_range(NURSERY_SETUP + 1, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
        return err_sys(err, ERR_TEMP, errno, "descriptors of " PROGRAM_NAME);
    (void)fexecve(program, arguments, environ);
    return err_sys(err, ERR_TEMP, errno, "execute " PROGRAM_NAME);
}

// --- a nursery of one's own ---

static int
fail_ended(pid_t pid, struct err *err)
{
    int status = 0;

    if (waitpid(pid, &status, 0) != pid)
        return err_sys(err, ERR_TEMP, errno, PROGRAM_NAME);
    if (WIFSIGNALED(status))
        return err_set(err, ERR_TEMP, PROGRAM_NAME " was killed by signal %d", WTERMSIG(status));
    return err_set(err, ERR_PERM, PROGRAM_NAME " exited with status %d", WEXITSTATUS(status));
}

// What it says else goes to standard error.
static int
wait_until_ready(pid_t pid, int channel, struct err *err)
{
    struct pollfd polled = {.fd = channel, .events = POLLIN};
    struct channel_message message;
    int got;

    do
        got = poll(&polled, 1, READY_MS);
    while (got < 0 && errno == EINTR);
    if (got > 0 && channel_receive(channel, &message) == 1 && message.type == CHANNEL_READY)
        return 0;
    if (got <= 0) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return err_set(err, ERR_TEMP, PROGRAM_NAME " did not become ready in time");
    }
    return fail_ended(pid, err);
}

static int
send_line(int channel, int *line_out, struct err *err)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return err_sys(err, ERR_TEMP, errno, "socketpair");
    if (channel_send(channel, CHANNEL_WORKER, "", ends[0]) != 0) {
        (void)close(ends[1]);
        ends[1] = err_set(err, ERR_TEMP, PROGRAM_NAME " does not listen");
    }
    (void)close(ends[0]);
    *line_out = ends[1];
    return ends[1] < 0 ? -1 : 0;
}

static pid_t
fork_nursery(int program_fd, const struct dissect_setup *setup, const int ends[2], struct err *err)
{
    pid_t parent = getpid(), pid = fork();

    if (pid < 0)
        err_sys(err, ERR_TEMP, errno, "fork");
    if (pid != 0)
        return pid;
    if (priv_die_with_parent(parent) != 0)
        _exit(EXIT_FAILURE);
    (void)close(ends[0]);
    (void)dissect_exec_nursery(program_fd, setup, ends[1], err);
    (void)fprintf(stderr, "%s\n", err->text);
    _exit(EXIT_FAILURE);
}

int
dissect_start_nursery(const char *program, const struct dissect_setup *setup, int *line_out,
                      struct err *err)
{
    int program_fd = dissect_open_program(program, err);
    int ends[2];
    int failed = -1;
    pid_t pid;

    if (program_fd < 0)
        return -1;
    if (channel_pair(ends, err) == 0) {
        pid = fork_nursery(program_fd, setup, ends, err);
        (void)close(ends[1]);
        if (pid > 0 && wait_until_ready(pid, ends[0], err) == 0)
            failed = send_line(ends[0], line_out, err);
        // It goes on as long as the line does.
        (void)close(ends[0]);
    }
    (void)close(program_fd);
    return failed;
}
