// SPDX-License-Identifier: BSD-2-Clause
#include "base/channel.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct packet {
    unsigned char type;
    char text[CHANNEL_TEXT_MAX + 1];
};

int
channel_pair(int ends_out[2], struct err *err)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends_out) != 0)
        return err_sys(err, ERR_TEMP, errno, "socketpair");
    return 0;
}

static void
attach_fd(struct msghdr *header, void *control, size_t control_len, int fd)
{
    struct cmsghdr *part;

    memset(control, 0, control_len);
    header->msg_control = control;
    header->msg_controllen = control_len;
    part = CMSG_FIRSTHDR(header);
    assert(part != NULL);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(part), &fd, sizeof(int));
}

int
channel_send(int channel, enum channel_type type, const char *text, int fd)
{
    struct packet packet = {.type = (unsigned char)type};
    struct iovec piece = {.iov_base = &packet};
    struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    size_t len = strnlen(text, CHANNEL_TEXT_MAX);

    memcpy(packet.text, text, len);
    piece.iov_len = offsetof(struct packet, text) + len;
    if (fd >= 0)
        attach_fd(&header, control, sizeof control, fd);
    return sendmsg(channel, &header, MSG_NOSIGNAL) == (ssize_t)piece.iov_len ? 0 : -1;
}

// All that came, or they stay open for ever: alignment leaves room for more than was asked for.
// How many there were; *fd_out is the last, -1 without.
static size_t
take_fds(struct msghdr *header, int *fd_out)
{
    size_t count = 0;

    *fd_out = -1;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part != NULL;
         part = CMSG_NXTHDR(header, part)) {
        const unsigned char *data = CMSG_DATA(part);
        size_t more = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < more; i++) {
            if (count++ > 0)
                (void)close(*fd_out);
            memcpy(fd_out, data + i * sizeof(int), sizeof(int));
        }
    }
    return count;
}

int
channel_receive(int channel, struct channel_message *message_out)
{
    struct packet packet = {0};
    // Without its last byte, so that the text ends in NUL whatever the other end says.
    struct iovec piece = {.iov_base = &packet, .iov_len = sizeof packet - 1};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct msghdr header = {.msg_iov = &piece,
                            .msg_iovlen = 1,
                            .msg_control = control,
                            .msg_controllen = sizeof control};
    ssize_t len = recvmsg(channel, &header, MSG_CMSG_CLOEXEC);
    size_t fds;

    if (len < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (len == 0)
        return -1;
    memset(message_out, 0, sizeof *message_out);
    fds = take_fds(&header, &message_out->fd);
    if (fds > 1 || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
        packet.type < CHANNEL_READY || packet.type > CHANNEL_LOG_REOPEN) {
        if (message_out->fd >= 0)
            close(message_out->fd);
        return -1;
    }
    message_out->type = (enum channel_type)packet.type;
    memcpy(message_out->text, packet.text, (size_t)len - offsetof(struct packet, text));
    return 1;
}

int
channel_each(int channel, channel_callback *callback, void *arg)
{
    struct channel_message message;
    int got;

    while ((got = channel_receive(channel, &message)) > 0) {
        callback(arg, &message);
        if (message.fd >= 0)
            (void)close(message.fd);
    }
    return got;
}
