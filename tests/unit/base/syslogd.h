// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/base/syslogd.h - a datagram socket that takes what a daemon would say to syslog.
#ifndef POSTERN_TESTS_UNIT_BASE_SYSLOGD_H
#define POSTERN_TESTS_UNIT_BASE_SYSLOGD_H

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static inline int
syslogd_open(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (len < sizeof sa.sun_path) // else bind fails for want of a name
        memcpy(sa.sun_path, path, len);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&sa, sizeof sa) < 0) {
        perror(path);
        return -1;
    }
    return fd;
}

// The next datagram, NUL-terminated; "" if there is none.
static inline const char *
syslogd_next(int fd, char *out, size_t size)
{
    ssize_t len = recv(fd, out, size - 1, MSG_DONTWAIT);

    out[len < 0 ? 0 : len] = '\0';
    return out;
}

#endif
