// SPDX-License-Identifier: BSD-2-Clause
// tests/bench/pace.c - pace PORT CONNECTIONS COUNT RECIPIENTS FILE: one message after another.
//
// Sends FILE, dots stuffed and CRLF.CRLF at its end, COUNT times over each of CONNECTIONS, each in
// a thread of its own, and prints for each message the microseconds from the end of the data (the
// write of its last 64 KB) to the reply. Small and in C, so that its own part is small: PORT 0 asks
// a thread of its own that does nothing but answer, which is what the loopback and pace cost alone.
#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LAST = 65536, REPLY_MAX = 65536, COMMAND_MAX = 64 };

struct text {
    char *data;
    size_t len;
};

static struct text head, message; // of all connections: read only
static long message_count, recipient_count;
static in_port_t port;

struct one {
    pthread_t thread;
    unsigned *taken_us;
};

static void
must(int holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    _exit(1);
}

static uint64_t
now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void
put(int fd, const char *data, size_t len, int flags)
{
    while (len > 0) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL | flags);

        must(sent > 0, "send");
        data += sent;
        len -= (size_t)sent;
    }
}

// Reads `count` replies, which all begin with one of the two digits.
static void
expect(int fd, long count, const char *digits)
{
    char reply[REPLY_MAX];
    size_t len = 0, at = 0;

    while (count > 0) {
        ssize_t got = recv(fd, reply + len, sizeof reply - len, 0);
        char *end;

        must(got > 0, "the server ended the connection");
        len += (size_t)got;
        while ((end = memchr(reply + at, '\n', len - at)) != NULL) {
            char *line = reply + at;

            if (strchr(digits, *line) == NULL) {
                fprintf(stderr, "%.*s\n", (int)(end - line), line);
                _exit(1);
            }
            if (line[3] != '-')
                count--;
            at = (size_t)(end - reply) + 1;
        }
        if (at == len)
            at = len = 0;
    }
}

static int
dial(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(connect(fd, (struct sockaddr *)&to, sizeof to) == 0, "connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    expect(fd, 1, "2");
    put(fd, "EHLO pace.postern.test\r\n", 24, 0);
    expect(fd, 1, "2");
    return fd;
}

// No two messages are the same.
static void
put_field(int fd, const struct one *one, long number)
{
    char field[COMMAND_MAX];
    int len =
        snprintf(field, sizeof field, "X-Pace: %d.%p.%ld\r\n", getpid(), (const void *)one, number);

    put(fd, field, (size_t)len, MSG_MORE);
}

static void *
send_all(void *arg)
{
    struct one *one = arg;
    size_t first = message.len > LAST ? message.len - LAST : 0;
    int fd = dial();

    for (long i = 0; i < message_count; i++) {
        uint64_t begin;

        put(fd, head.data, head.len, 0);
        expect(fd, recipient_count + 2, "23");
        begin = now_us();
        put_field(fd, one, i);
        if (first > 0) {
            put(fd, message.data, first, 0);
            begin = now_us();
        }
        put(fd, message.data + first, message.len - first, 0);
        expect(fd, 1, "2");
        one->taken_us[i] = (unsigned)(now_us() - begin);
    }
    put(fd, "QUIT\r\n", 6, 0);
    close(fd);
    return NULL;
}

// The peer that does nothing: a reply for each line, until DATA; then one for the end of data.
static void *
answer_one(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char *bytes = malloc(LAST);
    char end[5] = "";
    int is_data = 0;
    ssize_t got;

    put(fd, "220 pace\r\n", 10, 0);
    while ((got = recv(fd, bytes, LAST, 0)) > 0) {
        size_t len = (size_t)got, keep = len < sizeof end ? len : sizeof end;

        memmove(end, end + keep, sizeof end - keep);
        memcpy(end + sizeof end - keep, bytes + len - keep, keep);
        if (is_data) {
            if (memcmp(end, "\r\n.\r\n", sizeof end) == 0) {
                put(fd, "250 2.0.0 Ok\r\n", 14, 0);
                is_data = 0;
            }
            continue;
        }
        for (char *at = bytes; (at = memchr(at, '\n', len - (size_t)(at - bytes))) != NULL; at++)
            put(fd, "250 2.0.0 Ok\r\n", 14, 0);
        is_data = len >= 6 && memcmp(bytes + len - 6, "DATA\r\n", 6) == 0;
    }
    free(bytes);
    close(fd);
    return NULL;
}

static void *
answer_all(void *arg)
{
    int listener = (int)(intptr_t)arg;

    for (;;) {
        pthread_t thread;
        int one = 1;
        int fd = accept(listener, NULL, NULL);

        must(fd >= 0, "accept");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        must(pthread_create(&thread, NULL, answer_one, (void *)(intptr_t)fd) == 0, "thread");
        pthread_detach(thread);
    }
    return NULL;
}

static void
answer_myself(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t thread;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, 1024) == 0, "listen");
    must(getsockname(fd, (struct sockaddr *)&at, &len) == 0, "getsockname");
    port = ntohs(at.sin_port);
    must(pthread_create(&thread, NULL, answer_all, (void *)(intptr_t)fd) == 0, "thread");
}

static void
make_head(void)
{
    FILE *out = open_memstream(&head.data, &head.len);

    fputs("MAIL FROM:<ann@example.org>\r\n", out);
    for (long i = 0; i < recipient_count; i++)
        fprintf(out, "RCPT TO:<n%ld@example.com>\r\n", i);
    fputs("DATA\r\n", out);
    fclose(out);
}

static void
read_message(const char *path)
{
    FILE *in = fopen(path, "rb"), *out = open_memstream(&message.data, &message.len);
    char piece[LAST];
    size_t len;

    must(in != NULL, path);
    while ((len = fread(piece, 1, sizeof piece, in)) > 0)
        fwrite(piece, 1, len, out);
    fclose(in);
    fclose(out);
}

int
main(int argc, char **argv)
{
    long connections;
    struct one *all;

    if (argc != 6) {
        fputs("usage: pace PORT CONNECTIONS COUNT RECIPIENTS FILE\n", stderr);
        return 64;
    }
    port = (in_port_t)atol(argv[1]);
    connections = atol(argv[2]);
    message_count = atol(argv[3]);
    recipient_count = atol(argv[4]);
    make_head();
    read_message(argv[5]);
    if (port == 0)
        answer_myself();
    all = calloc((size_t)connections, sizeof *all);
    for (long i = 0; i < connections; i++) {
        all[i].taken_us = calloc((size_t)message_count, sizeof *all[i].taken_us);
        must(pthread_create(&all[i].thread, NULL, send_all, &all[i]) == 0, "thread");
    }
    for (long i = 0; i < connections; i++)
        pthread_join(all[i].thread, NULL);
    for (long i = 0; i < connections; i++)
        for (long k = 0; k < message_count; k++)
            printf("%u\n", all[i].taken_us[k]);
    return 0;
}
