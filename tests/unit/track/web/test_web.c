// SPDX-License-Identifier: BSD-2-Clause
#include "track/web/web.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/unit/track/web_stand.h"

enum { PUMP_MAX = 1 << 20 };

// --- one request ---

#define REQUEST(method, path) method " " path " HTTP/1.1\r\nHost: x\r\n\r\n"

// clang-format off
static const struct {
    const char *name, *request, *begins, *has, *ends;
} rows[] = {
    {"GET", REQUEST("GET", "/metrics"), "HTTP/1.1 200 OK\r\n",
     "\r\nContent-Type: text/x-hello\r\n", "\r\n\r\nhello"},
    {"HEAD", REQUEST("HEAD", "/metrics"), "HTTP/1.1 200 OK\r\n", "\r\nContent-Length: 5\r\n",
     "\r\n\r\n"},
    {"not kept", REQUEST("GET", "/metrics"), "HTTP/1.1 200 ", "\r\nCache-Control: no-store\r\n",
     "hello"},
    {"closes", REQUEST("GET", "/metrics"), "HTTP/1.1 200 ", "\r\nConnection: close\r\n", "hello"},
    {"says the length", REQUEST("GET", "/metrics"), "HTTP/1.1 200 ", "\r\nContent-Length: 5\r\n",
     "hello"},
    {"503", REQUEST("GET", "/healthz"), "HTTP/1.1 503 ", "", "\r\n\r\nill\n"},
    {"query", REQUEST("GET", "/metrics?a=/healthz"), "HTTP/1.1 200 ", "", "hello"},
    {"no such page", REQUEST("GET", "/"), "HTTP/1.1 404 ", "", ""},
    {"longer path", REQUEST("GET", "/metrics/"), "HTTP/1.1 404 ", "", ""},
    {"two slashes", REQUEST("GET", "//metrics"), "HTTP/1.1 404 ", "", ""},
    {"escaped", REQUEST("GET", "/%6detrics"), "HTTP/1.1 404 ", "", ""},
    {"through a proxy", "GET http://x/metrics HTTP/1.1\r\nProxy-Connection: keep-alive\r\n\r\n",
     "HTTP/1.1 200 ", "", "hello"},
    {"star", REQUEST("OPTIONS", "*"), "HTTP/1.1 405 ", "\r\nAllow: GET, HEAD\r\n", ""},
    {"POST", REQUEST("POST", "/metrics"), "HTTP/1.1 405 ", "", ""},
    {"PUT with a body", "PUT /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 405 ", "",
     ""},
    {"chunked body",
     "POST /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
     "HTTP/1.1 405 ", "", ""},
    {"DELETE", REQUEST("DELETE", "/metrics"), "HTTP/1.1 405 ", "", ""},
    {"CONNECT", REQUEST("CONNECT", "localhost:80"), "HTTP/1.1 405 ", "", ""},
    {"TRACE", REQUEST("TRACE", "/metrics"), "HTTP/1.1 405 ", "", ""},
    {"unknown method", REQUEST("BREW", "/metrics"), "HTTP/1.1 501 ", "", ""},
    {"body too large", "POST /metrics HTTP/1.1\r\nContent-Length: 99999999\r\n\r\nx",
     "HTTP/1.1 413 ", "", ""},
    {"chunk too large",
     "POST /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\nabc", "HTTP/1.1 413 ",
     "", ""},
    {"negative length", "POST /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\nx", "HTTP/1.1 400 ",
     "", ""},
    {"no HTTP", "EHLO mail.example.org and more\r\n\r\n", "HTTP/1.1 400 ", "", ""},
    {"no header", "GET /metrics HTTP/1.1\r\nwhat\r\n\r\n", "HTTP/1.1 400 ", "", ""},
    {"HTTP/1.0", "GET /metrics HTTP/1.0\r\n\r\n", "HTTP/1.0 200 ", "", "hello"},
    {"kept-alive 1.0", "GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.0 200 ",
     "", "hello"},
    {"pipelined", REQUEST("GET", "/metrics") REQUEST("GET", "/healthz"), "HTTP/1.1 200 ", "",
     "hello"},
};

// clang-format on

static void
rows_hold(void)
{
    struct stand stand;

    open_unix(&stand);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        int fd = call(&stand);
        size_t len = strlen(rows[i].request), end = strlen(rows[i].ends);
        uint64_t start = loop_now_ms(loop);
        const char *answer;

        CU_ASSERT(pump(fd, rows[i].request, len, len) == len);
        answer = hear(fd);
        UNIT_CHECK_ROW(rows[i].name, strncmp(answer, rows[i].begins, strlen(rows[i].begins)) == 0);
        UNIT_CHECK_ROW(rows[i].name, loop_now_ms(loop) - start < WEB_TIMEOUT_MS);
        UNIT_CHECK_ROW(rows[i].name, strstr(answer, rows[i].has) != NULL);
        UNIT_CHECK_ROW(rows[i].name, strlen(answer) >= end &&
                                         strcmp(answer + strlen(answer) - end, rows[i].ends) == 0);
        UNIT_CHECK_ROW(rows[i].name, strstr(answer, "\r\nServer:") == NULL);
        (void)close(fd);
    }
    close_stand(&stand);
}

static void
bites_make_no_difference(void)
{
    static const char request[] = REQUEST("GET", "/metrics");
    size_t len = sizeof request - 1;
    struct stand stand;

    open_unix(&stand);
    for (size_t cut = 0; cut < len; cut++) {
        int fd = call(&stand);

        CU_ASSERT(pump(fd, request, cut, cut) == cut);
        run_for(1);
        CU_ASSERT(pump(fd, request + cut, len - cut, len - cut) == len - cut);
        CU_ASSERT(strstr(hear(fd), "\r\n\r\nhello") != NULL);
        (void)close(fd);
    }
    close_stand(&stand);
}

// --- who may ask ---

static const struct {
    const char *name, *net, *begins;
} clients[] = {
    {"in the network",  "127.0.0.0/8",  "HTTP/1.1 200 "},
    {"in another",      "192.0.2.0/24", "HTTP/1.1 403 "},
    {"IPv6 only",       "::1",          "HTTP/1.1 403 "},
    {"nobody is named", NULL,           "HTTP/1.1 200 "},
};

static void
strangers_are_refused(void)
{
    static const char request[] = REQUEST("GET", "/metrics");
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};

    for (size_t i = 0; i < UNIT_COUNT(clients); i++) {
        struct net net;
        struct setting_list list = {&net, 0};
        struct stand stand;
        int fd;

        if (clients[i].net != NULL) {
            CU_ASSERT_FATAL(net_parse(span_of(clients[i].net), &net, NULL) == 0);
            list.count = 1;
        }
        open_stand(&stand, (struct sockaddr *)&addr, sizeof addr, &list);
        fd = call(&stand);
        shown = 0;
        CU_ASSERT(pump(fd, request, sizeof request - 1, 1) == sizeof request - 1);
        UNIT_CHECK_ROW(clients[i].name,
                       strncmp(hear(fd), clients[i].begins, strlen(clients[i].begins)) == 0);
        UNIT_CHECK_ROW(clients[i].name, shown == (strstr(clients[i].begins, "200") ? 1 : 0));
        (void)close(fd);
        close_stand(&stand);
    }
}

// --- the slow, the many, the greedy ---

static void
crowds_are_bounded(void)
{
    enum { CROWD = 1000 };

    static const char request[] = REQUEST("GET", "/metrics");
    static int fds[CROWD];
    struct stand stand;
    size_t closed = 0;

    open_unix(&stand);
    for (size_t i = 0; i < CROWD; i++)
        fds[i] = call(&stand);
    for (uint64_t start = loop_now_ms(loop);
         closed < CROWD - WEB_CONNECTIONS_MAX && loop_now_ms(loop) - start < PATIENCE_MS;) {
        run_for(1);
        closed = 0;
        for (size_t i = 0; i < CROWD; i++)
            closed += is_closed(fds[i]) ? 1 : 0;
    }
    CU_ASSERT(closed == CROWD - WEB_CONNECTIONS_MAX);
    // Those who were taken first are served all the same, and make room.
    CU_ASSERT(pump(fds[0], request, sizeof request - 1, 1) == sizeof request - 1);
    CU_ASSERT(strstr(hear(fds[0]), "\r\n\r\nhello") != NULL);
    (void)close(fds[0]);
    fds[0] = call(&stand);
    CU_ASSERT(pump(fds[0], request, sizeof request - 1, 1) == sizeof request - 1);
    CU_ASSERT(strstr(hear(fds[0]), "\r\n\r\nhello") != NULL);
    for (size_t i = 0; i < CROWD; i++)
        (void)close(fds[i]);
    close_stand(&stand);
}

// What the server does not take stays in the client's socket: that is the bound on our memory.
static void
greed_is_bounded(void)
{
    static const char get[] = REQUEST("GET", "/big");
    static const char head[] = "GET /metrics HTTP/1.1\r\nX: ";
    static char block[65536];
    struct stand stand;
    size_t sent[2] = {0, 0};
    int fds[2];

    memset(block, 'x', sizeof block);
    open_unix(&stand);
    fds[0] = call(&stand); // asks, reads nothing, and goes on sending
    fds[1] = call(&stand); // a header without an end
    CU_ASSERT(pump(fds[0], get, sizeof get - 1, 1) == sizeof get - 1);
    CU_ASSERT(pump(fds[1], head, sizeof head - 1, 1) == sizeof head - 1);
    for (int turn = 0; turn < 200; turn++) {
        run_for(1);
        for (size_t i = 0; i < 2; i++)
            sent[i] += pump(fds[i], block, sizeof block, PUMP_MAX);
    }
    CU_ASSERT(sent[0] < PUMP_MAX);
    CU_ASSERT(sent[1] < PUMP_MAX);
    CU_ASSERT(strncmp(hear(fds[1]), "HTTP/1.1 4", 10) == 0 || is_closed(fds[1]));
    (void)close(fds[0]);
    (void)close(fds[1]);
    close_stand(&stand);
}

struct slow { // one byte at a time
    struct loop_timer *timer;
    int fd;
    const char *at; // what it has left to say; NULL: it reads
};

static void
on_slow(void *arg)
{
    struct slow *slow = arg;
    char byte;

    if (slow->at == NULL)
        (void)!recv(slow->fd, &byte, 1, MSG_DONTWAIT);
    else if (*slow->at != '\0')
        (void)!send(slow->fd, slow->at++, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    loop_timer_start(slow->timer, 200);
}

// Who reads slowly has unread bytes in front of the end: sending tells.
static bool
is_over(const struct slow *slow)
{
    if (slow->at != NULL)
        return is_closed(slow->fd);
    return send(slow->fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN;
}

// Neither silence nor a byte now and then holds a place for longer than the time-out, and others
// are answered meanwhile.
static void
slowness_ends(void)
{
    static const char get[] = REQUEST("GET", "/metrics"), big[] = REQUEST("GET", "/big");
    static const char *const sends[] = {"", "GET /metrics HTTP/1.1\r\nX: 1234567890123456789",
                                        NULL};
    struct slow slow[UNIT_COUNT(sends)];
    bool ended[UNIT_COUNT(sends)] = {false};
    uint64_t start = loop_now_ms(loop);
    struct stand stand;
    size_t left = UNIT_COUNT(sends);
    unsigned answers = 0;

    open_unix(&stand);
    for (size_t i = 0; i < UNIT_COUNT(sends); i++) {
        slow[i] = (struct slow){loop_timer_new(loop, on_slow, &slow[i]), call(&stand), sends[i]};
        loop_timer_start(slow[i].timer, 0);
    }
    CU_ASSERT(pump(slow[2].fd, big, sizeof big - 1, 1) == sizeof big - 1);
    while (left > 0 && loop_now_ms(loop) - start < PATIENCE_MS) {
        int fd = call(&stand);

        CU_ASSERT(pump(fd, get, sizeof get - 1, 1) == sizeof get - 1);
        answers += strstr(hear(fd), "\r\n\r\nhello") != NULL;
        (void)close(fd);
        run_for(200);
        for (size_t i = 0; i < UNIT_COUNT(sends); i++) {
            if (ended[i] || !is_over(&slow[i]))
                continue;
            ended[i] = true;
            left--;
        }
    }
    CU_ASSERT(left == 0);
    CU_ASSERT(answers > 5);
    for (size_t i = 0; i < UNIT_COUNT(sends); i++) {
        loop_timer_free(&slow[i].timer);
        (void)close(slow[i].fd);
    }
    close_stand(&stand);
}

static void
count_up(void *arg)
{
    ++*(unsigned *)arg;
}

// Who is there already gets an answer, who comes is left to whoever else listens; and nobody can
// put off the end.
static void
draining_lets_others_answer(void)
{
    static const char request[] = REQUEST("GET", "/metrics");
    struct stand stand;
    unsigned idle = 0;
    int asks, is_silent, is_late;

    open_unix(&stand);
    asks = call(&stand);
    is_silent = call(&stand);
    run_for(5);
    web_drain(stand.web, count_up, &idle);
    is_late = call(&stand);
    CU_ASSERT(pump(is_late, request, sizeof request - 1, 1) == sizeof request - 1);
    CU_ASSERT(pump(asks, request, sizeof request - 1, 1) == sizeof request - 1);
    CU_ASSERT(strstr(hear(asks), "\r\n\r\nhello") != NULL);
    CU_ASSERT(idle == 0);
    CU_ASSERT_STRING_EQUAL(hear(is_silent), "");
    run_for(5);
    CU_ASSERT(idle == 1);
    CU_ASSERT(!is_closed(is_late));
    (void)close(asks);
    (void)close(is_silent);
    (void)close(is_late);
    close_stand(&stand);
}

// Of nobody, and of one who is just coming.
static void
draining_ends_at_once(void)
{
    struct stand stand;
    unsigned idle = 0;
    int fd;

    open_unix(&stand);
    web_drain(stand.web, count_up, &idle);
    CU_ASSERT(idle == 0);
    run_for(5);
    CU_ASSERT(idle == 1);
    close_stand(&stand);
    open_unix(&stand);
    fd = call(&stand);
    run_for(5);
    web_drain(stand.web, count_up, &idle);
    (void)close(fd);
    run_for(20);
    CU_ASSERT(idle == 2);
    close_stand(&stand);
}

// With a connection in each state, and one that was just accepted.
static void
freeing_ends_all(void)
{
    static const char big[] = REQUEST("GET", "/big");
    struct stand stand;
    int fds[3];

    open_unix(&stand);
    for (size_t i = 0; i < UNIT_COUNT(fds); i++)
        fds[i] = call(&stand);
    CU_ASSERT(pump(fds[1], big, sizeof big - 1, 1) == sizeof big - 1);
    CU_ASSERT(pump(fds[2], big, 4, 1) == 4);
    run_for(20);
    close_stand(&stand);
    for (size_t i = 0; i < UNIT_COUNT(fds); i++) {
        CU_ASSERT(send(fds[i], "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0);
        (void)close(fds[i]);
    }
}

static void
free_at_once(void *arg)
{
    struct stand *stand = arg;

    close_stand(stand);
    loop_stop(loop);
}

static void
freeing_right_after_accept(void)
{
    struct stand stand;
    struct loop_deferred deferred = {.run = free_at_once, .arg = &stand};
    int fd;

    open_unix(&stand);
    fd = call(&stand);
    loop_defer(loop, &deferred);
    loop_run(loop);
    (void)close(fd);
    CU_ASSERT_PTR_NULL(stand.web);
    web_free(&stand.web);
}

static const struct unit_test tests[] = {
    {"rows hold",                     rows_hold                  },
    {"bites make no difference",      bites_make_no_difference   },
    {"strangers are refused",         strangers_are_refused      },
    {"crowds are bounded",            crowds_are_bounded         },
    {"greed is bounded",              greed_is_bounded           },
    {"slowness ends",                 slowness_ends              },
    {"draining lets others answer",   draining_lets_others_answer},
    {"draining ends at once",         draining_ends_at_once      },
    {"freeing ends all",              freeing_ends_all           },
    {"freeing right after an accept", freeing_right_after_accept },
};

int
main(void)
{
    struct err err;
    int status;

    (void)signal(SIGPIPE, SIG_IGN);
    tempdir_make(&dir);
    loop = loop_new(&err);
    status = unit_run("track/web/web", tests, UNIT_COUNT(tests));
    loop_free(&loop);
    tempdir_remove(&dir);
    return status;
}
