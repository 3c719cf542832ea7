// SPDX-License-Identifier: BSD-2-Clause
// The test is the nursery.
#include "mime/nursery_line.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/parcel.h"
#include "mime/query.h"
#include "tests/unit/harness.h"

static struct {
    struct loop *loop;
    struct loop_timer *timer;
    struct nursery_line *line;
    int end;
    char told[400];
    bool frees;
} fix;

static void
tell(const char *what, uint64_t number, pid_t pid, const char *text)
{
    size_t len = strlen(fix.told);

    (void)snprintf(fix.told + len, sizeof fix.told - len, "%s %d %d%s;", what, (int)number,
                   (int)pid, text);
    if (fix.frees)
        nursery_line_free(&fix.line);
}

static void
on_spawned(void *arg, uint64_t number, pid_t pid, int pidfd_take)
{
    (void)arg;
    CU_ASSERT_EQUAL(close(pidfd_take), 0);
    tell("spawned", number, pid, "");
}

static void
on_refused(void *arg, uint64_t number, const char *why)
{
    (void)arg;
    tell("refused", number, 0, why);
}

static void
on_ended(void *arg, pid_t pid, const char *how)
{
    (void)arg;
    tell("ended", 0, pid, how);
}

static void
on_lost(void *arg)
{
    (void)arg;
    tell("lost", 0, 0, "");
}

static void
on_time(void *arg)
{
    loop_stop(arg);
}

static void
run(void)
{
    loop_timer_start(fix.timer, 10);
    loop_run(fix.loop);
}

static void
set_up(void)
{
    static const struct nursery_line_events events = {NULL, on_spawned, on_refused, on_ended,
                                                      on_lost};
    struct err err = {0};
    int ends[2];

    memset(&fix, 0, sizeof fix);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    fix.loop = loop_new(&err);
    fix.timer = loop_timer_new(fix.loop, on_time, fix.loop);
    fix.line = nursery_line_new(fix.loop, "test-1", ends[0], &events);
    fix.end = ends[1];
}

static void
tear_down(void)
{
    nursery_line_free(&fix.line);
    nursery_line_free(&fix.line);
    (void)close(fix.end);
    loop_timer_free(&fix.timer);
    loop_free(&fix.loop);
}

static void
test_what_is_told(void)
{
    static const struct {
        const char *name;
        uint16_t type;
        const char *payload;
        bool with_fd;
        const char *told;
    } rows[] = {
        {"spawned",            QUERY_SPAWNED, "7 123",            true,  "spawned 7 123;"        },
        {"refused",            QUERY_SPAWNED, "7 0 no more",      false, "refused 7 0no more;"   },
        {"ended",              QUERY_ENDED,   "123 was killed",   false, "ended 0 123was killed;"},
        {"ended, no more",     QUERY_ENDED,   "123",              false, "ended 0 123;"          },
        {"spawned, no fd",     QUERY_SPAWNED, "7 123",            false, "lost 0 0;"             },
        {"refused with an fd", QUERY_SPAWNED, "7 0 why",          true,  "lost 0 0;"             },
        {"no pid",             QUERY_SPAWNED, "7",                true,  "lost 0 0;"             },
        {"no number",          QUERY_SPAWNED, "x 123",            true,  "lost 0 0;"             },
        {"pid out of bounds",  QUERY_ENDED,   "99999999999 died", false, "lost 0 0;"             },
        {"ended, nobody",      QUERY_ENDED,   "",                 false, "lost 0 0;"             },
        {"another type",       QUERY_SPAWN,   "7",                false, "lost 0 0;"             },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows) * 2; i++) {
        set_up();
        fix.frees = i % 2 == 1;
        CU_ASSERT_EQUAL(parcel_send_hello(fix.end, "test-1"), 0);
        CU_ASSERT_EQUAL(parcel_send(fix.end, rows[i / 2].type, span_of(rows[i / 2].payload),
                                    rows[i / 2].with_fd ? fix.end : -1),
                        0);
        run();
        UNIT_CHECK_ROW(rows[i / 2].name, strcmp(fix.told, rows[i / 2].told) == 0);
        tear_down();
    }
}

static void
test_lost(void)
{
    set_up();
    CU_ASSERT_EQUAL(parcel_send_hello(fix.end, "test-2"), 0);
    run();
    CU_ASSERT_STRING_EQUAL(fix.told, "lost 0 0;");
    run(); // once
    CU_ASSERT_STRING_EQUAL(fix.told, "lost 0 0;");
    tear_down();
    // What it said before its end is heard.
    set_up();
    CU_ASSERT_EQUAL(parcel_send_hello(fix.end, "test-1"), 0);
    CU_ASSERT_EQUAL(parcel_send(fix.end, QUERY_ENDED, span_of("5 died"), -1), 0);
    (void)shutdown(fix.end, SHUT_RDWR);
    run();
    CU_ASSERT_STRING_EQUAL(fix.told, "ended 0 5died;lost 0 0;");
    CU_ASSERT_EQUAL(nursery_line_spawn(fix.line, 1, fix.end), -1);
    tear_down();
}

static void
test_spawn(void)
{
    struct parcel_reader reader;
    struct frame frame;
    int fd;

    set_up();
    CU_ASSERT_EQUAL(nursery_line_spawn(fix.line, 42, fix.end), 0);
    parcel_reader_init(&reader, fix.end, "test-1", 100);
    CU_ASSERT_EQUAL(parcel_receive(&reader), 1);
    CU_ASSERT_EQUAL_FATAL(parcel_next(&reader, &frame), FRAME_DONE);
    CU_ASSERT_EQUAL(frame.type, QUERY_SPAWN);
    CU_ASSERT_TRUE(span_is(frame.payload, "42"));
    fd = parcel_take_fd(&reader);
    CU_ASSERT_TRUE(fd >= 0);
    (void)close(fd);
    parcel_reader_clear(&reader);
    tear_down();
}

static const struct unit_test tests[] = {
    {"what is told", test_what_is_told},
    {"lost",         test_lost        },
    {"spawn",        test_spawn       },
};

UNIT_MAIN("mime/nursery_line", tests)
