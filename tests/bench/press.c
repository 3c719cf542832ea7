// SPDX-License-Identifier: BSD-2-Clause
// press clamd SOCKET FILE THREADS COUNT - or: press rspamd PORT FILE THREADS COUNT. What a scanner
// can do alone: COUNT times the message in FILE (LF becomes CRLF), asked for as Postern asks (clamd
// by a descriptor over its UNIX socket, rspamd by HTTP on 127.0.0.1), a connection each time.
// Prints the seconds it took; fails if an answer is not that the message is clean.
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

enum { MESSAGE_MAX = 4 << 20, THREADS_MAX = 256, ANSWER_MAX = 1 << 16 };

struct press;

typedef bool ask(const struct press *press, int fd);

struct press {
    ask *ask;
    const char *is_clean; // stands in such an answer

    union {
        struct sockaddr any;
        struct sockaddr_un un;
        struct sockaddr_in in;
    } address;

    socklen_t address_len;
    int content_fd;
    struct buf request;
    atomic_long left;
    atomic_bool has_failed;
};

static bool
write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t count = send(fd, data, len, MSG_NOSIGNAL);

        if (count <= 0)
            return false;
        data += count;
        len -= (size_t)count;
    }
    return true;
}

static bool
ask_clamd(const struct press *press, int fd)
{
    static const char command[] = "zFILDES"; // with its NUL

    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};

    char byte = 0;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.room,
                             .msg_controllen = sizeof(control.room)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &press->content_fd, sizeof(int));
    return write_all(fd, command, sizeof(command)) && sendmsg(fd, &message, MSG_NOSIGNAL) == 1;
}

static bool
ask_rspamd(const struct press *press, int fd)
{
    struct span request = buf_span(&press->request);

    return write_all(fd, request.data, request.len);
}

// Both close the connection behind their answer.
static bool
is_answered(const struct press *press, int fd)
{
    char answer[ANSWER_MAX];
    size_t len = 0;
    ssize_t count = 1;

    while (count > 0 && len < sizeof(answer) - 1) {
        count = recv(fd, answer + len, sizeof(answer) - 1 - len, 0);
        len += count > 0 ? (size_t)count : 0;
    }
    answer[len] = '\0';
    return memmem(answer, len, press->is_clean, strlen(press->is_clean)) != NULL;
}

static bool
ask_once(const struct press *press)
{
    int fd = socket(press->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_good = fd != -1 && connect(fd, &press->address.any, press->address_len) == 0 &&
                   press->ask(press, fd) && is_answered(press, fd);

    if (fd != -1)
        close(fd);
    return is_good;
}

static void *
work(void *arg)
{
    struct press *press = arg;

    while (atomic_fetch_sub(&press->left, 1) > 0) {
        if (!ask_once(press))
            atomic_store(&press->has_failed, true);
    }
    return NULL;
}

static void
read_content(struct buf *content, const char *path)
{
    FILE *file = fopen(path, "re");

    if (file == NULL) {
        perror(path);
        exit(1);
    }
    for (int c = getc(file); c != EOF; c = getc(file)) {
        if (c == '\n')
            (void)buf_add_char(content, '\r');
        (void)buf_add_char(content, (char)c);
    }
    fclose(file);
}

static void
set_clamd(struct press *press, const char *path, const struct buf *content)
{
    press->ask = ask_clamd;
    press->is_clean = ": OK";
    press->address.un.sun_family = AF_UNIX;
    snprintf(press->address.un.sun_path, sizeof(press->address.un.sun_path), "%s", path);
    press->address_len = sizeof(press->address.un);
    press->content_fd = memfd_create("content", MFD_CLOEXEC);
    if (write(press->content_fd, content->data, content->len) != (ssize_t)content->len) {
        perror("memfd");
        exit(1);
    }
}

static void
set_rspamd(struct press *press, const char *port, const struct buf *content)
{
    char head[512];

    press->ask = ask_rspamd;
    press->is_clean = "\"action\":\"no action\"";
    press->address.in.sin_family = AF_INET;
    press->address.in.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    press->address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    press->address_len = sizeof(press->address.in);
    snprintf(head, sizeof(head),
             "POST /checkv2 HTTP/1.1\r\nHost: localhost\r\nFrom: <ann@example.org>\r\n"
             "Rcpt: <bob@example.com>\r\nIP: 192.0.2.7\r\nHelo: client.example.org\r\n"
             "Content-Length: %zu\r\n\r\n",
             content->len);
    (void)buf_add_text(&press->request, head);
    (void)buf_add_span(&press->request, buf_span(content));
}

static double
now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
run(struct press *press, size_t threads)
{
    pthread_t workers[THREADS_MAX];

    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    for (size_t i = 0; i < threads; i++) {
        if (pthread_create(&workers[i], NULL, work, press) != 0)
            abort();
    }
    for (size_t i = 0; i < threads; i++)
        pthread_join(workers[i], NULL);
}

int
main(int argc, char **argv)
{
    struct press press = {.content_fd = -1};
    struct buf content;
    double begin;

    if (argc != 6) {
        fprintf(stderr, "usage: press clamd SOCKET|rspamd PORT FILE THREADS COUNT\n");
        return 2;
    }
    buf_init(&content, MESSAGE_MAX);
    buf_init(&press.request, 2 * MESSAGE_MAX);
    read_content(&content, argv[3]);
    (strcmp(argv[1], "clamd") == 0 ? set_clamd : set_rspamd)(&press, argv[2], &content);
    atomic_store(&press.left, strtol(argv[5], NULL, 10));
    begin = now_s();
    run(&press, strtoul(argv[4], NULL, 10));
    printf("%.6f\n", now_s() - begin);
    buf_clear(&content);
    buf_clear(&press.request);
    return atomic_load(&press.has_failed) ? 1 : 0;
}
