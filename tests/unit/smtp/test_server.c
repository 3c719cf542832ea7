// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/server.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/un.h>

#include "tests/unit/base/tempdir.h"
#include "tests/unit/smtp/talk.h"

#define GREETING "220 mx.test ESMTP Postern\r\n"
#define DRAINED "421 4.3.2 mx.test Service is shutting down\r\n"

struct house {
    struct talk talk; // for its loop, settings and handler
    struct smtp_share share;
    struct smtp_server_config config;
    struct smtp_server *server;
    struct tempdir dir;
    struct sockaddr_storage address;
    socklen_t address_len;
    int fd; // listening
    int empty_calls;
};

static void
on_empty(void *arg)
{
    struct house *house = arg;

    house->empty_calls++;
}

static void
listen_unix(struct house *house)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct err err;

    snprintf(un.sun_path, sizeof(un.sun_path), "%s/socket", house->dir.path);
    memcpy(&house->address, &un, sizeof(un));
    house->address_len = sizeof(un);
    house->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CU_ASSERT(addr_parse(SPAN_LITERAL("unix:/somewhere"), &house->talk.listener.addr, &err) == 0);
}

static void
listen_tcp(struct house *house)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    struct err err;

    memcpy(&house->address, &in, sizeof(in));
    house->address_len = sizeof(in);
    house->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CU_ASSERT(addr_parse(SPAN_LITERAL("inet:127.0.0.1:1"), &house->talk.listener.addr, &err) == 0);
}

static void
set_up(struct house *house, bool is_tcp, size_t max)
{
    struct sockaddr *address = (struct sockaddr *)&house->address;

    *house = (struct house){.share = {.max = max}};
    tempdir_make(&house->dir);
    talk_init(&house->talk, TALK_NO_OFFERS);
    if (is_tcp)
        listen_tcp(house);
    else
        listen_unix(house);
    CU_ASSERT_FATAL(bind(house->fd, address, house->address_len) == 0);
    CU_ASSERT_FATAL(listen(house->fd, 16) == 0);
    CU_ASSERT_FATAL(getsockname(house->fd, address, &house->address_len) == 0);
    house->config = (struct smtp_server_config){.session = house->talk.config,
                                                .share = &house->share,
                                                .on_empty = on_empty,
                                                .empty_arg = house};
    house->server = smtp_server_new(house->talk.loop, house->fd, &house->config);
}

static void
tear_down(struct house *house)
{
    smtp_server_free(&house->server);
    CU_ASSERT_PTR_NULL(house->server);
    CU_ASSERT_EQUAL(house->share.connections, 0);
    close(house->fd);
    talk_clear(&house->talk);
    tempdir_remove(&house->dir);
}

static int
come_in(struct house *house)
{
    int fd = socket(house->address.ss_family, SOCK_STREAM, 0);

    CU_ASSERT_FATAL(connect(fd, (struct sockaddr *)&house->address, house->address_len) == 0);
    CU_ASSERT_FATAL(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    return fd;
}

static bool
says(int fd, const char *words)
{
    return send(fd, words, strlen(words), MSG_NOSIGNAL) == (ssize_t)strlen(words);
}

// TCP over loopback may take a moment; what is expected is waited for, up to a second.
static bool
hears(struct house *house, int fd, const char *expected)
{
    size_t len = strlen(expected), got = 0;
    char bytes[1000];
    ssize_t n;

    for (int i = 0; i < 1000 && got < len; i++) {
        talk_turns(&house->talk, 4);
        n = read(fd, bytes + got, len - got);
        got += n > 0 ? (size_t)n : 0;
        if (n <= 0)
            (void)poll(NULL, 0, 1);
    }
    if (got == len && memcmp(bytes, expected, len) == 0)
        return true;
    fprintf(stderr, "expected %s got %.*s\n", expected, (int)got, bytes);
    return false;
}

static bool
hears_nothing(struct house *house, int fd)
{
    char byte;

    talk_turns(&house->talk, 20);
    return read(fd, &byte, 1) < 0 && errno == EAGAIN;
}

static bool
hears_the_end(struct house *house, int fd)
{
    char byte;

    for (int i = 0; i < 1000; i++) {
        talk_turns(&house->talk, 4);
        if (read(fd, &byte, 1) == 0)
            return true;
        (void)poll(NULL, 0, 1);
    }
    return false;
}

static void
test_come_and_go(void)
{
    struct house house;
    int one, two;

    set_up(&house, false, 10);
    one = come_in(&house);
    two = come_in(&house);
    CU_ASSERT(hears(&house, one, GREETING) && hears(&house, two, GREETING));
    CU_ASSERT_EQUAL(smtp_server_session_count(house.server), 2);
    CU_ASSERT_EQUAL(house.share.connections, 2);
    CU_ASSERT(says(two, "QUIT\r\n") && hears(&house, two, "221 2.0.0 Bye\r\n"));
    CU_ASSERT(hears_the_end(&house, two));
    CU_ASSERT_EQUAL(smtp_server_session_count(house.server), 1);
    CU_ASSERT_EQUAL(house.share.connections, 1);
    close(one);
    close(two);
    talk_settle(&house.talk);
    CU_ASSERT_EQUAL(smtp_server_session_count(house.server), 0);
    CU_ASSERT_EQUAL(house.empty_calls, 0);
    tear_down(&house);
}

static void
set_nets(const char *setting, struct smtp_listener_settings *listener, const char *value)
{
    struct span span = span_of(value);
    struct err err;

    CU_ASSERT(
        setting_parse(setting_find(smtp_listener_rows, smtp_listener_row_count, span_of(setting)),
                      &span, 1, listener, &err) == 0);
}

static void
test_clients(void)
{
    struct counter_worker counters = {.pid = 0};
    struct house house;
    int fd;

    set_up(&house, true, 10);
    house.config.session.counters = &counters;
    set_nets("clients", &house.talk.listener, "10.0.0.0/8");
    fd = come_in(&house);
    CU_ASSERT(hears(&house, fd, "554 5.7.1 mx.test: client not allowed\r\n"));
    CU_ASSERT_EQUAL(counters.rejects[counter_code_index(554)], 1);
    CU_ASSERT(hears_the_end(&house, fd));
    CU_ASSERT_EQUAL(house.share.connections, 0);
    close(fd);
    set_nets("clients", &house.talk.listener, "127.0.0.1");
    fd = come_in(&house);
    CU_ASSERT(hears(&house, fd, GREETING));
    close(fd);
    tear_down(&house);
}

struct xforward_row {
    bool is_tcp;
    const char *nets;
    bool is_allowed;
};

static const struct xforward_row xforward_rows[] = {
    {true,  "127.0.0.0/8", true },
    {true,  "10.0.0.0/8",  false},
    {false, "10.0.0.0/8",  true }, // a UNIX socket has its own access rights
};

static void
test_xforward_clients(void)
{
    for (size_t i = 0; i < UNIT_COUNT(xforward_rows); i++) {
        const struct xforward_row *row = &xforward_rows[i];
        struct house house;
        int fd;

        set_up(&house, row->is_tcp, 10);
        set_nets("xforward_clients", &house.talk.listener, row->nets);
        fd = come_in(&house);
        CU_ASSERT(hears(&house, fd, GREETING) && says(fd, "HELO me\r\nXFORWARD IDENT=a\r\n"));
        CU_ASSERT(hears(&house, fd, row->is_allowed ? TALK_HELLO_OK "250 " : TALK_HELLO_OK "550 "));
        close(fd);
        tear_down(&house);
    }
}

static void
test_share(void)
{
    struct house house;
    int one, two;

    set_up(&house, false, 1);
    one = come_in(&house);
    two = come_in(&house);
    CU_ASSERT(hears(&house, one, GREETING));
    CU_ASSERT(hears_nothing(&house, two));
    CU_ASSERT_EQUAL(house.share.connections, 1);
    close(one);
    CU_ASSERT(hears(&house, two, GREETING));
    close(two);
    talk_settle(&house.talk);
    tear_down(&house);
}

static void
test_no_descriptors(void)
{
    struct house house;
    struct rlimit limit, none;
    int fd;

    set_up(&house, false, 10);
    fd = come_in(&house);
    CU_ASSERT_FATAL(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    none = limit;
    none.rlim_cur = 3;
    CU_ASSERT_FATAL(setrlimit(RLIMIT_NOFILE, &none) == 0);
    CU_ASSERT(hears_nothing(&house, fd));
    CU_ASSERT_FATAL(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CU_ASSERT(hears_nothing(&house, fd)); // it pauses
    for (int i = 0; i < 200 && house.share.connections == 0; i++) {
        (void)poll(NULL, 0, 10);
        talk_turns(&house.talk, 4);
    }
    CU_ASSERT(hears(&house, fd, GREETING));
    close(fd);
    tear_down(&house);
}

static void
test_drain_empty(void)
{
    struct house house;
    int fd;

    set_up(&house, false, 10);
    smtp_server_drain(house.server);
    CU_ASSERT_EQUAL(house.empty_calls, 0);
    fd = come_in(&house);
    CU_ASSERT(hears_nothing(&house, fd));
    CU_ASSERT_EQUAL(house.empty_calls, 1);
    close(fd);
    tear_down(&house);
}

static void
test_drain_busy(void)
{
    struct house house;
    int idle, busy;

    set_up(&house, false, 10);
    idle = come_in(&house);
    busy = come_in(&house);
    CU_ASSERT(hears(&house, idle, GREETING) && hears(&house, busy, GREETING));
    CU_ASSERT(says(busy, TALK_UP_TO_RCPT "DATA\r\n"));
    CU_ASSERT(hears(&house, busy, TALK_UP_TO_RCPT_OK TALK_DATA_OK));
    smtp_server_drain(house.server);
    CU_ASSERT(hears(&house, idle, DRAINED) && hears_the_end(&house, idle));
    CU_ASSERT_EQUAL(house.empty_calls, 0);
    CU_ASSERT(says(busy, "x\r\nRSET\r\n"));
    CU_ASSERT(hears_nothing(&house, busy));
    close(busy);
    talk_settle(&house.talk);
    CU_ASSERT_EQUAL(house.empty_calls, 1);
    smtp_server_drain(house.server);
    talk_settle(&house.talk);
    CU_ASSERT_EQUAL(house.empty_calls, 1);
    close(idle);
    tear_down(&house);
}

static void
test_free_aborts(void)
{
    struct house house;
    int one, two;

    set_up(&house, false, 10);
    one = come_in(&house);
    two = come_in(&house);
    CU_ASSERT(hears(&house, one, GREETING) && hears(&house, two, GREETING));
    CU_ASSERT(says(one, TALK_UP_TO_RCPT) && hears(&house, one, TALK_UP_TO_RCPT_OK));
    smtp_server_free(&house.server);
    CU_ASSERT(span_is(buf_span(&house.talk.events), "mail<a@b>[] abort(gone) "));
    CU_ASSERT(hears_the_end(&house, one) && hears_the_end(&house, two));
    close(one);
    close(two);
    tear_down(&house);
}

static const struct unit_test tests[] = {
    {"come and go",      test_come_and_go     },
    {"clients",          test_clients         },
    {"xforward clients", test_xforward_clients},
    {"share",            test_share           },
    {"no descriptors",   test_no_descriptors  },
    {"drain, empty",     test_drain_empty     },
    {"drain, busy",      test_drain_busy      },
    {"free aborts",      test_free_aborts     },
};

UNIT_MAIN("smtp/server", tests)
