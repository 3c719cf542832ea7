// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/mime/nursery_stand.h - a real nursery in a process of its own, with fake_look.c.
#ifndef POSTERN_TESTS_UNIT_MIME_NURSERY_STAND_H
#define POSTERN_TESTS_UNIT_MIME_NURSERY_STAND_H

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/channel.h"
#include "mime/reading/nursery.h"
#include "tests/unit/harness.h"

struct nursery_stand {
    int channel;
    pid_t pid;
};

static inline void
nursery_stand_be(int channel, const struct dissect_settings *limits)
{
    struct dissect_setup setup = {.limits = *limits};
    struct err err = {0};
    struct look *look;
    int status;

    if (channel != NURSERY_CHANNEL && dup2(channel, NURSERY_CHANNEL) < 0)
        _exit(1);
    (void)close_range(NURSERY_CHANNEL + 1, ~0U, 0);
    look = look_new(&setup, &err);
    status = nursery_run("test-1", look, &setup);
    look_free(&look);
    _exit(status);
}

static inline void
nursery_stand_start(struct nursery_stand *stand, const struct dissect_settings *limits)
{
    struct channel_message message = {.type = CHANNEL_RELOAD};
    struct pollfd polled = {.events = POLLIN};
    struct err err = {0};
    int ends[2];

    CU_ASSERT_EQUAL_FATAL(channel_pair(ends, &err), 0);
    stand->pid = fork();
    if (stand->pid == 0)
        nursery_stand_be(ends[1], limits);
    (void)close(ends[1]);
    stand->channel = polled.fd = ends[0];
    CU_ASSERT_EQUAL(poll(&polled, 1, 10000), 1);
    CU_ASSERT_EQUAL(channel_receive(stand->channel, &message), 1);
    CU_ASSERT_EQUAL(message.type, CHANNEL_READY);
}

// A worker's end of a new line to it.
static inline int
nursery_stand_line(const struct nursery_stand *stand)
{
    int line[2];

    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, line),
                          0);
    CU_ASSERT_EQUAL(channel_send(stand->channel, CHANNEL_WORKER, "", line[0]), 0);
    (void)close(line[0]);
    return line[1];
}

// How it ended.
static inline int
nursery_stand_stop(struct nursery_stand *stand)
{
    int status = -1;

    (void)close(stand->channel);
    (void)waitpid(stand->pid, &status, 0);
    return status;
}

#endif
