// SPDX-License-Identifier: BSD-2-Clause
#include "base/loop.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

struct fixture {
    struct loop *loop;
    char trace[256];
    struct loop_deferred a, b;
    struct loop_io *io, *other;
    struct loop_timer *timer, *stopper;
    int pair[2];
    unsigned count;
};

static void
note(struct fixture *f, const char *what)
{
    strncat(f->trace, what, sizeof f->trace - strlen(f->trace) - 1);
}

static void
stop(void *arg)
{
    struct fixture *f = arg;

    note(f, "stop ");
    loop_stop(f->loop);
}

static void
set_up(struct fixture *f)
{
    struct err err;

    memset(f, 0, sizeof *f);
    f->loop = loop_new(&err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->loop);
    CU_ASSERT_EQUAL_FATAL(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, f->pair), 0);
    f->stopper = loop_timer_new(f->loop, stop, f);
}

static void
tear_down(struct fixture *f)
{
    loop_io_free(&f->io);
    loop_io_free(&f->other);
    loop_timer_free(&f->timer);
    loop_timer_free(&f->stopper);
    loop_free(&f->loop);
    CU_ASSERT_PTR_NULL(f->loop);
    close(f->pair[0]);
    close(f->pair[1]);
}

static void
run_for(struct fixture *f, uint64_t ms)
{
    loop_timer_start(f->stopper, ms);
    loop_run(f->loop);
}

static void
put(int fd, const char *text)
{
    CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void
on_a(void *arg)
{
    note(arg, "a ");
}

static void
on_b_again(void *arg)
{
    struct fixture *f = arg;

    note(f, "b ");
    if (++f->count < 3)
        loop_defer(f->loop, &f->b);
    else
        loop_stop(f->loop);
    loop_defer(f->loop, &f->a);
}

static void
test_deferred(void)
{
    struct fixture f;

    set_up(&f);
    f.a = (struct loop_deferred){.run = on_a, .arg = &f};
    f.b = (struct loop_deferred){.run = on_b_again, .arg = &f};
    loop_defer(f.loop, &f.b);
    loop_defer(f.loop, &f.a);
    loop_defer(f.loop, &f.a);
    loop_defer(f.loop, &f.b);
    CU_ASSERT_STRING_EQUAL(f.trace, "");
    loop_run(f.loop);
    // Once a turn each; what b asks for comes in the next one.
    CU_ASSERT_STRING_EQUAL(f.trace, "b a b b a ");
    loop_undefer(f.loop, &f.a);
    loop_undefer(f.loop, &f.a);
    CU_ASSERT_PTR_NULL(f.a.next);
    run_for(&f, 1);
    CU_ASSERT_STRING_EQUAL(f.trace, "b a b b a stop ");
    tear_down(&f);
}

static void
on_a_takes_b_back(void *arg)
{
    struct fixture *f = arg;

    note(f, "a ");
    loop_undefer(f->loop, &f->b);
    loop_stop(f->loop);
}

static void
test_undefer_of_the_next(void)
{
    struct fixture f;

    set_up(&f);
    f.a = (struct loop_deferred){.run = on_a_takes_b_back, .arg = &f};
    f.b = (struct loop_deferred){.run = on_b_again, .arg = &f};
    loop_defer(f.loop, &f.a);
    loop_defer(f.loop, &f.b);
    loop_run(f.loop);
    CU_ASSERT_STRING_EQUAL(f.trace, "a ");
    tear_down(&f);
}

static void
on_io_note(void *arg, bool readable, bool writable)
{
    struct fixture *f = arg;

    note(f, readable ? "r" : "");
    note(f, writable ? "w" : "");
    note(f, " ");
    loop_stop(f->loop);
}

static void
test_io(void)
{
    struct fixture f;

    set_up(&f);
    f.io = loop_io_new(f.loop, f.pair[0], on_io_note, &f);
    put(f.pair[1], "x");
    run_for(&f, 5);
    CU_ASSERT_STRING_EQUAL(f.trace, "stop ");
    loop_io_want(f.io, true, false);
    loop_run(f.loop);
    CU_ASSERT_STRING_EQUAL(f.trace, "stop r ");
    loop_io_want(f.io, true, true);
    loop_run(f.loop);
    CU_ASSERT_STRING_EQUAL(f.trace, "stop r rw ");
    loop_io_want(f.io, false, true);
    loop_run(f.loop);
    CU_ASSERT_STRING_EQUAL(f.trace, "stop r rw w ");
    loop_io_want(f.io, false, false);
    run_for(&f, 5);
    CU_ASSERT_STRING_EQUAL(f.trace, "stop r rw w stop ");
    tear_down(&f);
}

static void
on_io_free_both(void *arg, bool readable, bool writable)
{
    struct fixture *f = arg;

    (void)readable;
    (void)writable;
    note(f, "free ");
    loop_io_free(&f->io);
    loop_io_free(&f->other);
}

static void
test_io_freed_while_both_are_ready(void)
{
    struct fixture f;

    set_up(&f);
    f.io = loop_io_new(f.loop, f.pair[0], on_io_free_both, &f);
    f.other = loop_io_new(f.loop, f.pair[1], on_io_free_both, &f);
    put(f.pair[0], "x");
    put(f.pair[1], "x");
    loop_io_want(f.io, true, true);
    loop_io_want(f.other, true, true);
    run_for(&f, 5);
    CU_ASSERT_STRING_EQUAL(f.trace, "free stop ");
    tear_down(&f);
}

// A descriptor closed and its number used again within one turn, as with connections that come and
// go: the new one must be watched.
static void
test_io_number_used_again(void)
{
    struct fixture f;
    int again[2];

    set_up(&f);
    f.io = loop_io_new(f.loop, f.pair[0], on_io_note, &f);
    loop_io_want(f.io, true, false);
    run_for(&f, 1);
    loop_io_free(&f.io);
    close(f.pair[0]);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, again), 0);
    CU_ASSERT_EQUAL(again[0], f.pair[0]);
    f.io = loop_io_new(f.loop, again[0], on_io_note, &f);
    loop_io_want(f.io, true, false);
    put(again[1], "x");
    run_for(&f, 1000);
    CU_ASSERT_STRING_EQUAL(f.trace, "stop r ");
    close(again[1]);
    tear_down(&f);
}

static void
on_timer(void *arg)
{
    note(arg, "timer ");
}

static void
test_timer(void)
{
    struct fixture f;

    set_up(&f);
    f.timer = loop_timer_new(f.loop, on_timer, &f);
    CU_ASSERT_FALSE(loop_timer_is_running(f.timer));
    loop_timer_start(f.timer, UINT64_MAX);
    CU_ASSERT_TRUE(loop_timer_is_running(f.timer));
    run_for(&f, 2);
    CU_ASSERT_STRING_EQUAL(f.trace, "stop ");
    loop_timer_start(f.timer, 1); // moved, from far away to soon
    run_for(&f, 30);
    CU_ASSERT_STRING_EQUAL(f.trace, "stop timer stop ");
    CU_ASSERT_FALSE(loop_timer_is_running(f.timer));
    loop_timer_start(f.timer, 1);
    loop_timer_stop(f.timer);
    run_for(&f, 30);
    CU_ASSERT_STRING_EQUAL(f.trace, "stop timer stop stop ");
    tear_down(&f);
}

static void
test_clock(void)
{
    struct fixture f;
    uint64_t before;

    set_up(&f);
    before = loop_now_ms(f.loop);
    run_for(&f, 30);
    // The timers' clock is coarse: up to 4 ms.
    CU_ASSERT_TRUE(loop_now_ms(f.loop) >= before + 20);
    CU_ASSERT_TRUE(loop_realtime_ms(f.loop) > INT64_C(1600000000000));
    tear_down(&f);
}

static void
test_stop_before_run(void)
{
    struct fixture f;

    set_up(&f);
    loop_stop(f.loop);
    loop_run(f.loop);
    run_for(&f, 1);
    CU_ASSERT_STRING_EQUAL(f.trace, "stop ");
    tear_down(&f);
}

static void
test_signal(void)
{
    struct fixture f;
    struct loop_signal *signal;

    set_up(&f);
    signal = loop_signal_new(f.loop, SIGUSR1, stop, &f);
    for (unsigned i = 0; i < 2; i++) {
        raise(SIGUSR1);
        CU_ASSERT_EQUAL(strlen(f.trace), 5 * i);
        loop_run(f.loop);
    }
    CU_ASSERT_STRING_EQUAL(f.trace, "stop stop ");
    loop_signal_free(&signal);
    CU_ASSERT_PTR_NULL(signal);
    tear_down(&f);
}

static void
on_use_memory(void *arg)
{
    struct fixture *f = arg;
    char *memory = mem_strdup("still here ");

    for (unsigned i = 0; i < 100; i++)
        loop_free_later(f->loop, mem_zalloc(8));
    loop_free_later(f->loop, memory);
    note(f, memory);
    loop_stop(f->loop);
}

static void
test_free_later(void)
{
    struct fixture f;

    set_up(&f);
    f.a = (struct loop_deferred){.run = on_use_memory, .arg = &f};
    loop_defer(f.loop, &f.a);
    loop_run(f.loop);
    CU_ASSERT_STRING_EQUAL(f.trace, "still here ");
    // Never run again: loop_free must do it.
    loop_free_later(f.loop, mem_zalloc(8));
    tear_down(&f);
}

static void
test_at_free(void)
{
    struct fixture f;

    set_up(&f);
    f.a = (struct loop_deferred){.run = on_a, .arg = &f};
    f.b = (struct loop_deferred){.run = on_a, .arg = &f};
    loop_at_free(f.loop, &f.a);
    loop_at_free(f.loop, &f.b);
    loop_undefer(f.loop, &f.b);
    run_for(&f, 1);
    CU_ASSERT_STRING_EQUAL(f.trace, "stop ");
    tear_down(&f);
    CU_ASSERT_STRING_EQUAL(f.trace, "stop a ");
}

static void
test_after_fork(void)
{
    struct fixture f;
    int status = -1;
    pid_t child;

    set_up(&f);
    f.io = loop_io_new(f.loop, f.pair[0], on_io_note, &f);
    loop_io_want(f.io, true, false);
    run_for(&f, 1);
    child = fork();
    CU_ASSERT_NOT_EQUAL_FATAL(child, -1);
    if (child == 0) {
        loop_after_fork(f.loop);
        loop_io_free(&f.io); // must not take it from the parent's
        f.trace[0] = '\0';
        run_for(&f, 1);
        _exit(strcmp(f.trace, "stop ") == 0 ? 0 : 1);
    }
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_EQUAL(status, 0);
    put(f.pair[1], "x");
    run_for(&f, 1000);
    CU_ASSERT_STRING_EQUAL(f.trace, "stop r ");
    tear_down(&f);
}

static void
on_spin(void *arg)
{
    struct fixture *f = arg;

    loop_defer(f->loop, &f->a);
}

static void
test_deferred_do_not_starve_io(void)
{
    struct fixture f;

    set_up(&f);
    f.a = (struct loop_deferred){.run = on_spin, .arg = &f};
    f.io = loop_io_new(f.loop, f.pair[0], on_io_note, &f);
    loop_io_want(f.io, true, false);
    loop_defer(f.loop, &f.a);
    put(f.pair[1], "x");
    loop_run(f.loop);
    CU_ASSERT_STRING_EQUAL(f.trace, "r ");
    tear_down(&f);
}

static struct tempdir dir;

static void
note_log(struct fixture *f)
{
    char *text = tempdir_read(&dir, "log");

    for (const char *at = text; at != NULL && *at != '\0'; at++) {
        if (*at == '\n')
            note(f, "line ");
    }
    free(text);
}

static void
log_and_defer(void *arg)
{
    struct fixture *f = arg;

    log_info("test", "one");
    note_log(f);
    note(f, "logged ");
    loop_defer(f->loop, &f->a);
}

static void
log_more(void *arg)
{
    struct fixture *f = arg;

    note_log(f);
    log_info("test", "two");
    note(f, "deferred ");
}

static void
stop_with_log(void *arg)
{
    note_log(arg);
    stop(arg);
}

// What was logged, also by what was deferred, is written before the loop waits.
static void
test_gathered_lines(void)
{
    static char name[200], mail[] = "mail", none[] = "", form[] = "text";
    struct log_settings settings = {
        .facility = mail, .file = name, .error_file = none, .format = form, .syslog_path = none};
    struct fixture f;
    struct err err;

    set_up(&f);
    tempdir_make(&dir);
    snprintf(name, sizeof name, "%s/log", dir.path);
    CU_ASSERT_EQUAL_FATAL(log_open("prog", &settings, false, 0, &err), 0);
    log_gather();
    f.a = (struct loop_deferred){.run = log_more, .arg = &f};
    f.timer = loop_timer_new(f.loop, log_and_defer, &f);
    loop_timer_start(f.timer, 0);
    loop_timer_free(&f.stopper);
    f.stopper = loop_timer_new(f.loop, stop_with_log, &f);
    run_for(&f, 20);
    CU_ASSERT_STRING_EQUAL(f.trace, "logged deferred line line stop ");
    log_close();
    tempdir_remove(&dir);
    tear_down(&f);
}

static const struct unit_test tests[] = {
    {"deferred: once a turn, re-armed for the next", test_deferred                     },
    {"deferred: undefer inside another's callback",  test_undefer_of_the_next          },
    {"deferred: do not starve descriptors",          test_deferred_do_not_starve_io    },
    {"io: what is wanted is told",                   test_io                           },
    {"io: freed inside a callback while ready",      test_io_freed_while_both_are_ready},
    {"io: a number used again",                      test_io_number_used_again         },
    {"timer",                                        test_timer                        },
    {"clock",                                        test_clock                        },
    {"stop before run",                              test_stop_before_run              },
    {"signal",                                       test_signal                       },
    {"free later",                                   test_free_later                   },
    {"at free",                                      test_at_free                      },
    {"after fork",                                   test_after_fork                   },
    {"gathered lines of the log",                    test_gathered_lines               },
};

UNIT_MAIN("base/loop", tests)
