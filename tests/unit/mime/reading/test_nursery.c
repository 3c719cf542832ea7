// SPDX-License-Identifier: BSD-2-Clause
// The test is a worker, and not always a good one.
#include "mime/reading/nursery.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/parcel.h"
#include "tests/unit/harness.h"
#include "tests/unit/mime/nursery_stand.h"

static const struct dissect_settings limits = {.timeout = 1000, .memory = UINT64_C(512) << 20};

struct worker {
    int line;
    struct parcel_reader in;
};

static void
worker_start(struct worker *worker, const struct nursery_stand *stand)
{
    worker->line = nursery_stand_line(stand);
    parcel_reader_init(&worker->in, worker->line, "test-1", 1000);
    CU_ASSERT_EQUAL(parcel_send_hello(worker->line, "test-1"), 0);
}

static void
worker_stop(struct worker *worker)
{
    parcel_reader_clear(&worker->in);
    (void)close(worker->line);
}

static bool
wait_for(int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};

    return poll(&polled, 1, 10000) == 1;
}

// The next frame; false where the line ended.
static bool
hear(struct worker *worker, struct frame *frame)
{
    while (parcel_next(&worker->in, frame) != FRAME_DONE) {
        if (!wait_for(worker->line) || parcel_receive(&worker->in) < 0)
            return false;
    }
    return true;
}

// A dissector; our end of its line, its pid and pidfd.
static int
spawn(struct worker *worker, const char *number, pid_t *pid_out, int *pidfd_out)
{
    char expected[32], text[64];
    struct frame frame;
    int ends[2];

    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    CU_ASSERT_EQUAL(parcel_send(worker->line, QUERY_SPAWN, span_of(number), ends[1]), 0);
    (void)close(ends[1]);
    CU_ASSERT_TRUE_FATAL(hear(worker, &frame));
    CU_ASSERT_EQUAL(frame.type, QUERY_SPAWNED);
    (void)snprintf(text, sizeof text, "%.*s", (int)frame.payload.len, frame.payload.data);
    (void)snprintf(expected, sizeof expected, "%s ", number);
    CU_ASSERT_EQUAL(strncmp(text, expected, strlen(expected)), 0);
    *pid_out = (pid_t)strtol(text + strlen(expected), NULL, 10);
    *pidfd_out = parcel_take_fd(&worker->in);
    CU_ASSERT_TRUE(*pid_out > 0 && *pidfd_out >= 0);
    return ends[0];
}

// Its hello comes from the jail; it ends with its line.
static void
test_life_of_a_dissector(void)
{
    struct nursery_stand stand;
    struct worker worker;
    struct frame frame;
    char bytes[100] = "", expected[64];
    pid_t pid;
    int line, pidfd;

    nursery_stand_start(&stand, &limits);
    worker_start(&worker, &stand);
    line = spawn(&worker, "1", &pid, &pidfd);
    CU_ASSERT_TRUE(wait_for(line));
    CU_ASSERT_TRUE(recv(line, bytes, sizeof bytes - 1, 0) > 0);
    CU_ASSERT_STRING_EQUAL(bytes, "postern-frame 1 test-1\n");
    CU_ASSERT_EQUAL(kill(pid, 0), 0);
    CU_ASSERT_EQUAL(parcel_send_hello(line, "test-1"), 0);
    (void)close(line);
    CU_ASSERT_TRUE(wait_for(pidfd));
    CU_ASSERT_TRUE(hear(&worker, &frame));
    CU_ASSERT_EQUAL(frame.type, QUERY_ENDED);
    (void)snprintf(expected, sizeof expected, "%d exited with status 0", (int)pid);
    CU_ASSERT_TRUE(span_is(frame.payload, expected));
    (void)close(pidfd);
    worker_stop(&worker);
    CU_ASSERT_EQUAL(nursery_stand_stop(&stand), 0);
}

static void
test_killed(void)
{
    struct nursery_stand stand;
    struct worker worker;
    struct frame frame;
    char expected[64];
    pid_t pid;
    int line, pidfd;

    nursery_stand_start(&stand, &limits);
    worker_start(&worker, &stand);
    line = spawn(&worker, "18446744073709551615", &pid, &pidfd);
    CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
    CU_ASSERT_TRUE(hear(&worker, &frame));
    (void)snprintf(expected, sizeof expected, "%d was killed by signal 9", (int)pid);
    CU_ASSERT_TRUE(span_is(frame.payload, expected));
    (void)close(line);
    (void)close(pidfd);
    worker_stop(&worker);
    CU_ASSERT_EQUAL(nursery_stand_stop(&stand), 0);
}

// A worker that dies takes its dissectors with it, those of others go on.
static void
test_a_worker_dies(void)
{
    struct nursery_stand stand;
    struct worker dying, other;
    int lines[2], pidfds[2];
    pid_t pids[2];

    nursery_stand_start(&stand, &limits);
    worker_start(&dying, &stand);
    worker_start(&other, &stand);
    lines[0] = spawn(&dying, "1", &pids[0], &pidfds[0]);
    lines[1] = spawn(&other, "1", &pids[1], &pidfds[1]);
    worker_stop(&dying);
    CU_ASSERT_TRUE(wait_for(pidfds[0])); // though its own line is still open here
    CU_ASSERT_EQUAL(kill(pids[1], 0), 0);
    // Without the master's channel it serves the workers that are left.
    (void)close(stand.channel);
    stand.channel = -1;
    (void)close(lines[0]);
    (void)close(pidfds[0]);
    lines[0] = spawn(&other, "2", &pids[0], &pidfds[0]);
    worker_stop(&other);
    CU_ASSERT_TRUE(wait_for(pidfds[0]) && wait_for(pidfds[1]));
    for (unsigned i = 0; i < 2; i++) {
        (void)close(lines[i]);
        (void)close(pidfds[i]);
    }
    CU_ASSERT_EQUAL(nursery_stand_stop(&stand), 0);
}

static void
test_nonsense(void)
{
    static const struct {
        const char *name;
        const char *hello;
        uint16_t type;
        const char *payload;
        bool with_fd;
    } rows[] = {
        {"no descriptor", "test-1", QUERY_SPAWN, "1",     false},
        {"no number",     "test-1", QUERY_SPAWN, "first", true },
        {"another type",  "test-1", QUERY_LOOK,  "1",     true },
        {"another build", "test-2", QUERY_SPAWN, "1",     true },
    };
    struct nursery_stand stand;
    struct worker good;
    int line, pidfd;
    pid_t pid;

    nursery_stand_start(&stand, &limits);
    worker_start(&good, &stand);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct worker bad = {.line = nursery_stand_line(&stand)};
        struct frame frame;

        parcel_reader_init(&bad.in, bad.line, "test-1", 1000);
        CU_ASSERT_EQUAL(parcel_send_hello(bad.line, rows[i].hello), 0);
        // After a wrong hello the line may be gone already.
        (void)parcel_send(bad.line, rows[i].type, span_of(rows[i].payload),
                          rows[i].with_fd ? bad.line : -1);
        UNIT_CHECK_ROW(rows[i].name, !hear(&bad, &frame));
        worker_stop(&bad);
    }
    line = spawn(&good, "1", &pid, &pidfd);
    (void)close(line);
    (void)close(pidfd);
    worker_stop(&good);
    CU_ASSERT_EQUAL(nursery_stand_stop(&stand), 0);
}

// Workers that drain need it to the end, whatever a service's processes are sent; without any it is
// free to go.
static void
test_a_service_s_signals(void)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGTERM};
    struct nursery_stand stand;
    struct worker worker;
    int lines[2], pidfds[2];
    pid_t pids[2];

    nursery_stand_start(&stand, &limits);
    worker_start(&worker, &stand);
    lines[0] = spawn(&worker, "1", &pids[0], &pidfds[0]);
    for (size_t i = 0; i < UNIT_COUNT(numbers); i++)
        CU_ASSERT_EQUAL(kill(stand.pid, numbers[i]), 0);
    lines[1] = spawn(&worker, "2", &pids[1], &pidfds[1]);
    CU_ASSERT_EQUAL(kill(pids[0], 0), 0);
    worker_stop(&worker);
    CU_ASSERT_TRUE(wait_for(pidfds[0]) && wait_for(pidfds[1]));
    for (unsigned i = 0; i < 2; i++) {
        (void)close(lines[i]);
        (void)close(pidfds[i]);
    }
    CU_ASSERT_EQUAL(nursery_stand_stop(&stand), 0);
}

static const struct unit_test tests[] = {
    {"life of a dissector", test_life_of_a_dissector},
    {"killed",              test_killed             },
    {"a worker dies",       test_a_worker_dies      },
    {"nonsense",            test_nonsense           },
    {"a service's signals", test_a_service_s_signals},
};

UNIT_MAIN("mime/reading/nursery", tests)
