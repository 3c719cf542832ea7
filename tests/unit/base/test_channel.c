// SPDX-License-Identifier: BSD-2-Clause
#include "base/channel.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

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

static const struct unit_test tests[] = {
    {"messages with and without a descriptor", test_messages        },
    {"a long text is cut",                     test_long_text_is_cut},
    {"what is no message",                     test_nonsense        }
};

UNIT_MAIN("base/channel", tests)
