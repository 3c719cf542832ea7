// SPDX-License-Identifier: BSD-2-Clause
#include "base/pass.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONTROL_SIZE = CMSG_SPACE(PASS_FDS_MAX * sizeof(int)) };

ssize_t
pass_send(int socket, struct span bytes, const int *fds, size_t fd_count)
{
    struct iovec piece = {.iov_base = (char *)(uintptr_t)bytes.data, .iov_len = bytes.len};
    struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1};
    _Alignas(struct cmsghdr) char control[CONTROL_SIZE] = {0};
    ssize_t taken;

    assert(fd_count <= PASS_FDS_MAX && (fd_count == 0 || bytes.len > 0));
    if (fd_count > 0) {
        struct cmsghdr *part;

        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        part = CMSG_FIRSTHDR(&header);
        assert(part != NULL);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(part), fds, fd_count * sizeof(int));
    }
    do
        taken = sendmsg(socket, &header, MSG_NOSIGNAL);
    while (taken < 0 && errno == EINTR);
    return taken;
}

// All that came, whether there is room for it or not: what is not taken stays open for ever.
static size_t
collect(struct msghdr *header, int fds[PASS_FDS_MAX])
{
    size_t count = 0;

    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part != NULL;
         part = CMSG_NXTHDR(header, part)) {
        size_t more;

        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        more = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        assert(more <= PASS_FDS_MAX - count); // control has no room for more
        memcpy(fds + count, CMSG_DATA(part), more * sizeof(int));
        count += more;
    }
    return count;
}

ssize_t
pass_receive(int socket, void *data, size_t len, int *fds_out, size_t *fd_count_io)
{
    struct iovec piece = {.iov_base = data, .iov_len = len};
    _Alignas(struct cmsghdr) char control[CONTROL_SIZE];
    struct msghdr header;
    int fds[PASS_FDS_MAX];
    size_t count;
    ssize_t got;

    do {
        header = (struct msghdr){.msg_iov = &piece,
                                 .msg_iovlen = 1,
                                 .msg_control = control,
                                 .msg_controllen = sizeof control};
        got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return -1;
    count = collect(&header, fds);
    if (count > *fd_count_io || (header.msg_flags & MSG_CTRUNC) != 0) {
        for (size_t i = 0; i < count; i++)
            (void)close(fds[i]);
        errno = EBADMSG;
        return -1;
    }
    for (size_t i = 0; i < count; i++)
        fds_out[i] = fds[i];
    *fd_count_io = count;
    return got;
}
