// SPDX-License-Identifier: BSD-2-Clause
#include "base/notify.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"

void
notify_send(const char *state)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    size_t len = path == NULL ? 0 : strlen(path);
    int fd;

    if (len < 2 || len >= sizeof sa.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(sa.sun_path, path, len);
    if (path[0] == '@') // an abstract name: a NUL stands first, and none at the end
        sa.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, state, strlen(state), MSG_DONTWAIT | MSG_NOSIGNAL,
                 (const struct sockaddr *)&sa,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    close(fd);
}

static uint64_t
number_of(const char *variable, uint64_t max)
{
    uint64_t number;

    if (str_parse_u64(span_of(getenv(variable)), max, &number) < 0)
        return 0;
    return number;
}

uint64_t
notify_watchdog_ms(void)
{
    if (getenv("WATCHDOG_PID") != NULL && number_of("WATCHDOG_PID", INT_MAX) != (uint64_t)getpid())
        return 0;
    return number_of("WATCHDOG_USEC", UINT64_MAX) / 1000;
}

int
notify_listen_count(void)
{
    if (number_of("LISTEN_PID", INT_MAX) != (uint64_t)getpid())
        return 0;
    return (int)number_of("LISTEN_FDS", INT_MAX);
}
