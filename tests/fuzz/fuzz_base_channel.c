// SPDX-License-Identifier: BSD-2-Clause
// A child that was taken over writes to its master: packets, one byte (how long, and whether
// descriptors come along) and the bytes each. What is believed has a type, an end to its text, and
// at most one descriptor; nothing else stays open.
#include "tests/fuzz/fuzz.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/channel.h"

enum { FDS_MAX = 3 };

static int
lowest_free(void)
{
    int fd = dup(0);

    FUZZ_CHECK(fd >= 0);
    (void)close(fd);
    return fd;
}

static void
send_packet(int channel, struct span packet, size_t fds)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(FDS_MAX * sizeof(int))] = {0};
    struct iovec piece = {.iov_base = (void *)(uintptr_t)packet.data, .iov_len = packet.len};
    struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1};

    if (fds > 0) {
        struct cmsghdr *part;

        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(fds * sizeof(int));
        part = CMSG_FIRSTHDR(&header);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(fds * sizeof(int));
        for (size_t i = 0; i < fds; i++)
            memcpy(CMSG_DATA(part) + i * sizeof(int), &channel, sizeof(int));
    }
    FUZZ_CHECK(sendmsg(channel, &header, 0) == (ssize_t)packet.len);
}

static void
receive(int channel)
{
    struct channel_message message;

    if (channel_receive(channel, &message) != 1)
        return;
    FUZZ_CHECK(message.type >= CHANNEL_READY && message.type <= CHANNEL_LOG_REOPEN);
    FUZZ_CHECK(memchr(message.text, '\0', sizeof message.text) != NULL);
    if (message.fd >= 0)
        (void)close(message.fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int ends[2], before = lowest_free();

    FUZZ_CHECK(channel_pair(ends, NULL) == 0);
    for (size_t at = 0; at < size;) {
        size_t len = data[at] >= 128 ? (data[at] & 0x7cu) * 8 : data[at] & 0x7cu;
        size_t fds = data[at++] & 3;

        if (len > size - at)
            len = size - at;
        send_packet(ends[0], fuzz_span(data + at, len), len > 0 ? fds : 0);
        receive(ends[1]);
        at += len;
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
    FUZZ_CHECK(lowest_free() == before);
    return 0;
}
