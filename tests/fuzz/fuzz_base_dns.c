// SPDX-License-Identifier: BSD-2-Clause
// A name server that answers anything: who asked is told once, of addresses with his port or why
// there are none. The question's number is put in, and by the first bit the question, else hardly
// an answer would be looked at.
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/dns.h"
#include "base/dns_servers.h"

enum { PORT = 6379, TIMEOUT_MS = 5, HEADER_LEN = 12, PACKET_MAX = 4096 };

struct run {
    struct loop *loop;
    int fd;
    struct span answer;
    unsigned told;
};

static void
on_question(void *arg, bool readable, bool writable)
{
    struct run *run = arg;
    unsigned char question[512], packet[PACKET_MAX];
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    ssize_t got =
        recvfrom(run->fd, question, sizeof question, 0, (struct sockaddr *)&from, &from_len);
    size_t len = run->answer.len, asked = got > HEADER_LEN ? (size_t)got - HEADER_LEN : 0;

    (void)readable;
    (void)writable;
    if (got < HEADER_LEN || len < HEADER_LEN || len + asked > sizeof packet)
        return;
    memcpy(packet, run->answer.data, len);
    if ((packet[0] & 1) != 0) {
        memmove(packet + HEADER_LEN + asked, packet + HEADER_LEN, len - HEADER_LEN);
        memcpy(packet + HEADER_LEN, question + HEADER_LEN, asked);
        packet[2] |= 0x80; // it is an answer
        packet[4] = 0, packet[5] = 1;
        len += asked;
    }
    memcpy(packet, question, 2);
    (void)sendto(run->fd, packet, len, 0, (const struct sockaddr *)&from, from_len);
}

static void
on_done(void *arg, const struct addr *addrs, size_t count, const struct err *err)
{
    struct run *run = arg;

    FUZZ_CHECK(count <= DNS_ADDRS_MAX && (count > 0 || err != NULL));
    for (size_t i = 0; i < count; i++)
        FUZZ_CHECK(addr_port(&addrs[i]) == PORT && !addr_is_unix(&addrs[i]));
    run->told++;
    loop_stop(run->loop);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct run run = {.loop = loop_new(NULL), .answer = fuzz_span(data, size)};
    socklen_t len = sizeof here;
    struct dns_query *query;
    char servers[40];
    struct loop_io *io;

    run.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    FUZZ_CHECK(run.fd >= 0 && bind(run.fd, (struct sockaddr *)&here, len) == 0);
    FUZZ_CHECK(getsockname(run.fd, (struct sockaddr *)&here, &len) == 0);
    snprintf(servers, sizeof servers, "127.0.0.1:%u", ntohs(here.sin_port));
    io = loop_io_new(run.loop, run.fd, on_question, &run);
    loop_io_want(io, true, false);
    query = dns_start(run.loop, "redis.example", PORT, TIMEOUT_MS, on_done, &run);
    dns_use_servers(query, servers);
    loop_run(run.loop);
    FUZZ_CHECK(run.told == 1);
    dns_free(&query);
    loop_io_free(&io);
    loop_free(&run.loop);
    (void)close(run.fd);
    return 0;
}
