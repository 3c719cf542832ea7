// SPDX-License-Identifier: BSD-2-Clause
#include "src/master/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

enum { BACKLOG = 1024 };

static void
remember(struct listen_set *set, const struct addr *addr, int fd)
{
    set->sockets = mem_regrow(set->sockets, set->count + 1, sizeof *set->sockets);
    set->sockets[set->count++] = (struct listen_socket){.addr = *addr, .fd = fd, .is_wanted = true};
}

static bool
is_listening_stream(int fd)
{
    int listening = 0, type = 0;
    socklen_t len = sizeof listening, type_len = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening != 0 &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 && type == SOCK_STREAM;
}

static void
make_quiet(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (flags >= 0)
        (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

void
listen_inherit(struct listen_set *set, int first_fd, int count, bool is_foreign)
{
    for (int fd = first_fd; fd < first_fd + count; fd++) {
        struct addr addr = {.len = sizeof addr.sa};

        if (!is_listening_stream(fd) ||
            getsockname(fd, (struct sockaddr *)&addr.sa, &addr.len) != 0) {
            log_warning("master", "passed-in descriptor %d is no listening stream socket", fd);
            continue;
        }
        make_quiet(fd);
        remember(set, &addr, fd);
        set->sockets[set->count - 1].is_foreign = is_foreign;
    }
}

static bool
is_somebody_there(const struct addr *addr)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool is_there;

    if (fd < 0)
        return false;
    is_there = connect(fd, (const struct sockaddr *)&addr->sa, addr->len) == 0 || errno == EAGAIN;
    close(fd);
    return is_there;
}

static const char *
path_of(const struct addr *addr)
{
    return ((const struct sockaddr_un *)&addr->sa)->sun_path;
}

static int
clear_path(const struct addr *addr, struct err *err)
{
    const char *path = path_of(addr);
    struct stat info;

    if (lstat(path, &info) != 0)
        return errno == ENOENT ? 0 : err_sys(err, ERR_TEMP, errno, "%s", path);
    if (!S_ISSOCK(info.st_mode))
        return err_set(err, ERR_PERM, "%s exists and is not a socket", path);
    if (is_somebody_there(addr))
        return err_set(err, ERR_TEMP, "%s: another process listens there already", path);
    if (unlink(path) != 0)
        return err_sys(err, ERR_TEMP, errno, "unlink %s", path);
    return 0;
}

// The folder may be the user's, and what lies there by now a link to a file of root's: what is
// changed is what was looked at.
static int
set_owner(const struct addr *addr, const struct listen_owner *owner, struct err *err)
{
    const char *path = path_of(addr);
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), result = 0;
    char link[40];
    struct stat info;

    if (fd < 0)
        return err_sys(err, ERR_PERM, errno, "%s", path);
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (fstat(fd, &info) != 0 || !S_ISSOCK(info.st_mode))
        result = err_set(err, ERR_PERM, "%s is not a socket any more", path);
    else if (chmod(link, owner->mode) != 0)
        result = err_sys(err, ERR_PERM, errno, "chmod %04o %s", (unsigned)owner->mode, path);
    else if (fchownat(fd, "", owner->uid, owner->gid, AT_EMPTY_PATH) != 0)
        result = err_sys(err, ERR_PERM, errno, "chown %s", path);
    close(fd);
    return result;
}

static int
bind_and_listen(int fd, const struct addr *addr, const struct listen_owner *owner, struct err *err)
{
    char text[ADDR_TEXT_MAX];
    mode_t mask;
    int bound, one = 1;

    addr_format(addr, text);
    if (addr_is_unix(addr)) {
        if (clear_path(addr, err) != 0)
            return -1;
    } else {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (addr->sa.ss_family == AF_INET6)
            (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    }
    mask = umask(0777); // nobody may connect before owner and mode are right
    bound = bind(fd, (const struct sockaddr *)&addr->sa, addr->len);
    (void)umask(mask);
    if (bound != 0)
        return err_sys(err, errno == EADDRINUSE ? ERR_TEMP : ERR_PERM, errno, "bind %s", text);
    if (addr_is_unix(addr) && set_owner(addr, owner, err) != 0)
        return -1;
    if (listen(fd, BACKLOG) != 0)
        return err_sys(err, ERR_TEMP, errno, "listen %s", text);
    return 0;
}

int
listen_open(struct listen_set *set, const struct addr *addr, const struct listen_owner *owner,
            struct err *err)
{
    int fd;

    for (size_t i = 0; i < set->count; i++) {
        struct listen_socket *known = &set->sockets[i];

        if (!addr_equal(&known->addr, addr))
            continue;
        known->is_wanted = true;
        if (addr_is_unix(addr) && !known->is_foreign && set_owner(addr, owner, err) != 0)
            return -1;
        return known->fd;
    }
    fd = socket(addr->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_sys(err, ERR_TEMP, errno, "socket");
    if (bind_and_listen(fd, addr, owner, err) != 0) {
        close(fd);
        return -1;
    }
    remember(set, addr, fd);
    return fd;
}

void
listen_keep(struct listen_set *set, int fd)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->sockets[i].fd == fd)
            set->sockets[i].is_wanted = true;
    }
}

void
listen_unmark(struct listen_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        set->sockets[i].is_wanted = false;
}

void
listen_close_unwanted(struct listen_set *set, bool unlink_paths)
{
    size_t kept = 0;

    for (size_t i = 0; i < set->count; i++) {
        struct listen_socket *known = &set->sockets[i];

        if (known->is_wanted) {
            set->sockets[kept++] = *known;
            continue;
        }
        if (unlink_paths && !known->is_foreign && addr_is_unix(&known->addr))
            (void)unlink(path_of(&known->addr));
        close(known->fd);
    }
    set->count = kept;
}

void
listen_close_all(struct listen_set *set, bool unlink_paths)
{
    listen_unmark(set);
    listen_close_unwanted(set, unlink_paths);
    mem_free(&set->sockets);
}
