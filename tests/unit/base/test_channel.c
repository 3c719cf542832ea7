// SPDX-License-Identifier: BSD-2-Clause
#include "base/channel.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "tests/unit/harness.h"

static void
test_messages(void)
{
    static const struct {
        const char *name;
        enum channel_type type;
        const char *text;
        bool with_fd;
    } rows[] = {
        {"ready, no text",  CHANNEL_READY,    "",                                          false},
        {"a worker's line", CHANNEL_WORKER,   "",                                          true },
        {"why not",         CHANNEL_RELOADED, "postern.conf:3: max_size: expected a size", false},
    };
    struct channel_message message;
    int ends[2];

    CU_ASSERT_FATAL(channel_pair(ends, NULL) == 0);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        int fd = rows[i].with_fd ? ends[0] : -1;

        UNIT_CHECK_ROW(rows[i].name, channel_send(ends[0], rows[i].type, rows[i].text, fd) == 0);
        UNIT_CHECK_ROW(rows[i].name, channel_receive(ends[1], &message) == 1);
        UNIT_CHECK_ROW(rows[i].name, message.type == rows[i].type);
        UNIT_CHECK_ROW(rows[i].name, strcmp(message.text, rows[i].text) == 0);
        UNIT_CHECK_ROW(rows[i].name, (message.fd >= 0) == rows[i].with_fd);
        if (message.fd >= 0)
            (void)close(message.fd);
    }
    CU_ASSERT(channel_receive(ends[1], &message) == 0);
    (void)close(ends[0]);
    CU_ASSERT(channel_receive(ends[1], &message) == -1);
    (void)close(ends[1]);
}

static void
test_long_text_is_cut(void)
{
    char text[CHANNEL_TEXT_MAX * 2];
    struct channel_message message;
    int ends[2];

    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    CU_ASSERT_FATAL(channel_pair(ends, NULL) == 0);
    CU_ASSERT(channel_send(ends[0], CHANNEL_RELOADED, text, -1) == 0);
    CU_ASSERT(channel_receive(ends[1], &message) == 1);
    CU_ASSERT(strlen(message.text) == CHANNEL_TEXT_MAX);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void
test_nonsense(void)
{
    static const struct {
        const char *name;
        const char *bytes;
        size_t len;
    } rows[] = {
        {"unknown type", "\x7f", 1},
        {"type 0",       "\0x",  2}
    };
    struct channel_message message;
    char huge[2000] = {CHANNEL_READY};
    int ends[2];

    CU_ASSERT_FATAL(channel_pair(ends, NULL) == 0);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        CU_ASSERT(send(ends[0], rows[i].bytes, rows[i].len, 0) == (ssize_t)rows[i].len);
        UNIT_CHECK_ROW(rows[i].name, channel_receive(ends[1], &message) == -1);
    }
    CU_ASSERT(send(ends[0], huge, sizeof huge, 0) == (ssize_t)sizeof huge);
    CU_ASSERT(channel_receive(ends[1], &message) == -1);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void
send_with(int channel, struct span bytes, const int *fds, size_t count)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(3 * sizeof(int))] = {0};
    struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes.data, .iov_len = bytes.len};
    struct msghdr header = {.msg_iov = &piece,
                            .msg_iovlen = 1,
                            .msg_control = control,
                            .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *part = CMSG_FIRSTHDR(&header);

    CU_ASSERT_FATAL(part != NULL);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(part), fds, count * sizeof(int));
    CU_ASSERT_FATAL(sendmsg(channel, &header, 0) == (ssize_t)bytes.len);
}

// The other end was taken over: nothing that it sends stays open here, and its text has an end.
static void
test_hostile(void)
{
    struct channel_message message;
    char full[CHANNEL_TEXT_MAX + 2];
    int ends[2], pipes[2], fds[3];
    char byte;

    memset(full, 'x', sizeof full);
    full[0] = CHANNEL_TROUBLE;
    CU_ASSERT_FATAL(channel_pair(ends, NULL) == 0);
    for (size_t count = 1; count <= 3; count++) {
        CU_ASSERT_FATAL(pipe(pipes) == 0);
        for (size_t i = 0; i < count; i++)
            fds[i] = pipes[1];
        send_with(ends[0], SPAN_LITERAL("\1"), fds, count);
        CU_ASSERT(channel_receive(ends[1], &message) == (count == 1 ? 1 : -1));
        if (count == 1)
            (void)close(message.fd);
        (void)close(pipes[1]);
        CU_ASSERT_FATAL(fcntl(pipes[0], F_SETFL, O_NONBLOCK) == 0); // fails, where it would wait
        CU_ASSERT(read(pipes[0], &byte, 1) == 0); // nobody has its other end any more
        (void)close(pipes[0]);
    }
    CU_ASSERT(send(ends[0], full, sizeof full, 0) == (ssize_t)sizeof full);
    CU_ASSERT(channel_receive(ends[1], &message) == -1);
    CU_ASSERT(send(ends[0], full, sizeof full - 1, 0) == (ssize_t)sizeof full - 1);
    CU_ASSERT(channel_receive(ends[1], &message) == 1);
    CU_ASSERT(strnlen(message.text, sizeof message.text) == CHANNEL_TEXT_MAX);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

struct taken {
    size_t count;
    int fd; // of the first, which is taken
    int last;
};

static void
take(void *arg, struct channel_message *message)
{
    struct taken *taken = arg;

    if (taken->count++ == 0) {
        taken->fd = message->fd;
        message->fd = -1;
    } else {
        taken->last = message->fd;
    }
}

// All that is there; a descriptor that nobody takes is closed.
static void
test_each(void)
{
    struct taken taken = {.fd = -1, .last = -1};
    int ends[2];

    CU_ASSERT_FATAL(channel_pair(ends, NULL) == 0);
    CU_ASSERT(channel_each(ends[1], take, &taken) == 0 && taken.count == 0);
    CU_ASSERT(channel_send(ends[0], CHANNEL_WORKER, "", ends[0]) == 0);
    CU_ASSERT(channel_send(ends[0], CHANNEL_WORKER, "", ends[0]) == 0);
    CU_ASSERT(channel_each(ends[1], take, &taken) == 0 && taken.count == 2);
    CU_ASSERT(fcntl(taken.fd, F_GETFD) >= 0);
    CU_ASSERT(taken.last >= 0 && fcntl(taken.last, F_GETFD) < 0);
    (void)close(taken.fd);
    CU_ASSERT(channel_send(ends[0], CHANNEL_READY, "", -1) == 0);
    (void)close(ends[0]);
    CU_ASSERT(channel_each(ends[1], take, &taken) == -1 && taken.count == 3);
    (void)close(ends[1]);
}

static const struct unit_test tests[] = {
    {"messages with and without a descriptor", test_messages        },
    {"a long text is cut",                     test_long_text_is_cut},
    {"all that is there",                      test_each            },
    {"what is no message",                     test_nonsense        },
    {"from a stranger",                        test_hostile         }
};

UNIT_MAIN("base/channel", tests)
