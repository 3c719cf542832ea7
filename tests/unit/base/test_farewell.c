// SPDX-License-Identifier: BSD-2-Clause
#include "base/farewell.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/harness.h"

enum { LARGE = 1 << 20 };

struct fixture {
    struct loop *loop;
    struct loop_timer *stopper;
    struct buf words;
    int pair[2]; // [0] is handed over, [1] is the peer
    size_t got;
    bool is_eof;
};

static void
on_stop(void *arg)
{
    loop_stop(((struct fixture *)arg)->loop);
}

static void
set_up(struct fixture *f, size_t len)
{
    struct err err;

    memset(f, 0, sizeof *f);
    f->loop = loop_new(&err);
    f->stopper = loop_timer_new(f->loop, on_stop, f);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, f->pair), 0);
    fcntl(f->pair[0], F_SETFL, O_NONBLOCK);
    fcntl(f->pair[1], F_SETFL, O_NONBLOCK);
    buf_init(&f->words, LARGE);
    for (size_t i = 0; i < len; i++)
        buf_add_char(&f->words, (char)(i % 251));
}

static void
run_for(struct fixture *f, uint64_t ms)
{
    loop_timer_start(f->stopper, ms);
    loop_run(f->loop);
}

static void
tear_down(struct fixture *f)
{
    loop_timer_free(&f->stopper);
    loop_free(&f->loop);
    if (f->pair[1] >= 0)
        close(f->pair[1]);
}

static bool
is_closed(int fd)
{
    return fcntl(fd, F_GETFD) < 0 && errno == EBADF;
}

static void
read_all(struct fixture *f)
{
    char bytes[65536];
    ssize_t len;
    unsigned wrong = 0;

    while ((len = read(f->pair[1], bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < len; i++)
            wrong += bytes[i] != (char)((f->got + (size_t)i) % 251);
        f->got += (size_t)len;
    }
    f->is_eof = len == 0;
    CU_ASSERT_EQUAL(wrong, 0);
}

static void
test_at_once(void)
{
    struct fixture f;

    set_up(&f, 100);
    farewell_start(f.loop, f.pair[0], &f.words, false, 1000);
    CU_ASSERT_EQUAL(f.words.len, 0);
    CU_ASSERT_PTR_NULL(f.words.data);
    CU_ASSERT_TRUE(is_closed(f.pair[0]));
    read_all(&f);
    CU_ASSERT_EQUAL(f.got, 100);
    CU_ASSERT_TRUE(f.is_eof);
    tear_down(&f);
}

static void
test_slow_reader(void)
{
    struct fixture f;

    set_up(&f, LARGE);
    farewell_start(f.loop, f.pair[0], &f.words, false, 10000);
    CU_ASSERT_FALSE(is_closed(f.pair[0]));
    for (unsigned i = 0; i < 10000 && !f.is_eof; i++) {
        read_all(&f);
        run_for(&f, 1);
    }
    CU_ASSERT_EQUAL(f.got, LARGE);
    CU_ASSERT_TRUE(is_closed(f.pair[0]));
    tear_down(&f);
}

// Input waits: the words go out and the peer sees their end, but the descriptor stays until the
// peer closes too.
static void
test_input_is_thrown_away(void)
{
    struct fixture f;
    char rest[1000] = "";

    set_up(&f, 10);
    CU_ASSERT_EQUAL(write(f.pair[1], rest, sizeof rest), (ssize_t)sizeof rest);
    farewell_start(f.loop, f.pair[0], &f.words, false, 10000);
    CU_ASSERT_FALSE(is_closed(f.pair[0]));
    read_all(&f);
    CU_ASSERT_EQUAL(f.got, 10);
    CU_ASSERT_TRUE(f.is_eof);
    CU_ASSERT_EQUAL(write(f.pair[1], rest, sizeof rest), (ssize_t)sizeof rest);
    run_for(&f, 5);
    CU_ASSERT_FALSE(is_closed(f.pair[0]));
    close(f.pair[1]);
    f.pair[1] = -1;
    run_for(&f, 5);
    CU_ASSERT_TRUE(is_closed(f.pair[0]));
    tear_down(&f);
}

static void
test_half_closed_peer(void)
{
    struct fixture f;

    set_up(&f, LARGE);
    CU_ASSERT_EQUAL(shutdown(f.pair[1], SHUT_WR), 0);
    farewell_start(f.loop, f.pair[0], &f.words, true, 10000);
    for (unsigned i = 0; i < 10000 && !f.is_eof; i++) {
        read_all(&f);
        run_for(&f, 1);
    }
    CU_ASSERT_EQUAL(f.got, LARGE);
    CU_ASSERT_TRUE(is_closed(f.pair[0]));
    tear_down(&f);
}

static void
test_time_is_up(void)
{
    static const uint64_t times[] = {0, 20};
    struct fixture f;

    for (size_t i = 0; i < UNIT_COUNT(times); i++) {
        set_up(&f, LARGE);
        farewell_start(f.loop, f.pair[0], &f.words, false, times[i]);
        CU_ASSERT_EQUAL(is_closed(f.pair[0]), times[i] == 0);
        run_for(&f, 60);
        CU_ASSERT_TRUE(is_closed(f.pair[0]));
        read_all(&f);
        CU_ASSERT_TRUE(f.got > 0 && f.got < LARGE);
        tear_down(&f);
    }
}

static void
test_peer_is_gone(void)
{
    struct fixture f;

    set_up(&f, LARGE);
    close(f.pair[1]);
    f.pair[1] = -1;
    farewell_start(f.loop, f.pair[0], &f.words, false, 10000);
    CU_ASSERT_TRUE(is_closed(f.pair[0]));
    tear_down(&f);
    set_up(&f, LARGE);
    farewell_start(f.loop, f.pair[0], &f.words, false, 10000);
    close(f.pair[1]);
    f.pair[1] = -1;
    run_for(&f, 20);
    CU_ASSERT_TRUE(is_closed(f.pair[0]));
    tear_down(&f);
}

static void
test_loop_is_freed_meanwhile(void)
{
    struct fixture f;

    set_up(&f, LARGE);
    farewell_start(f.loop, f.pair[0], &f.words, false, 10000);
    CU_ASSERT_FALSE(is_closed(f.pair[0]));
    tear_down(&f);
    CU_ASSERT_TRUE(is_closed(f.pair[0]));
}

static const struct unit_test tests[] = {
    {"at once",                     test_at_once                },
    {"a slow reader",               test_slow_reader            },
    {"input is thrown away",        test_input_is_thrown_away   },
    {"a half-closed peer",          test_half_closed_peer       },
    {"time is up",                  test_time_is_up             },
    {"the peer is gone",            test_peer_is_gone           },
    {"the loop is freed meanwhile", test_loop_is_freed_meanwhile},
};

UNIT_MAIN("base/farewell", tests)
