// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/tool/fake.h - a daemon's control socket: answers each request with the next line.
#ifndef POSTERN_TESTS_UNIT_TOOL_FAKE_H
#define POSTERN_TESTS_UNIT_TOOL_FAKE_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FAKE_ANSWERS_MAX = 8, FAKE_LINE_MAX = 1 << 16 };

struct fake {
    int fd;
    pthread_t thread;
    const char *answers[FAKE_ANSWERS_MAX]; // NULL: closes without one; the last ends it
    size_t count;
    char requests[FAKE_ANSWERS_MAX][FAKE_LINE_MAX];
};

static inline void
fake_read(int fd, char *out)
{
    size_t len = 0;
    ssize_t got;

    while ((got = read(fd, out + len, FAKE_LINE_MAX - 1 - len)) > 0) {
        len += (size_t)got;
        if (out[len - 1] == '\n')
            break;
    }
    out[len] = '\0';
}

static inline void *
fake_main(void *arg)
{
    struct fake *fake = arg;

    for (size_t i = 0; i < fake->count; i++) {
        int fd = accept(fake->fd, NULL, NULL);
        const char *answer = fake->answers[i];

        if (fd < 0)
            break;
        fake_read(fd, fake->requests[i]);
        // In two pieces, so that a reader has to wait for the end.
        if (answer != NULL && strlen(answer) > 1) {
            (void)!write(fd, answer, 1);
            usleep(1000);
            (void)!write(fd, answer + 1, strlen(answer) - 1);
        }
        close(fd);
    }
    return NULL;
}

// backlog 0: only bound, as a dead daemon leaves it.
static inline int
fake_bind(const char *path, int backlog)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (fd < 0 || strlen(path) >= sizeof addr.sun_path)
        abort();
    memcpy(addr.sun_path, path, strlen(path));
    unlink(path);
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) != 0 ||
        (backlog > 0 && listen(fd, backlog) != 0))
        abort();
    return fd;
}

static inline void
fake_start(struct fake *fake, const char *path)
{
    fake->fd = fake_bind(path, 8);
    if (pthread_create(&fake->thread, NULL, fake_main, fake) != 0)
        abort();
}

static inline void
fake_stop(struct fake *fake)
{
    shutdown(fake->fd, SHUT_RDWR);
    pthread_join(fake->thread, NULL);
    close(fake->fd);
}

#endif
