// SPDX-License-Identifier: BSD-2-Clause
#include "base/dns.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/time.h>

#include <ares.h>

#include "base/dns_servers.h"
#include "base/mem.h"

enum { TRIES = 3, TRY_MS = 2000, TRY_MIN_MS = 50 };

struct dns_socket {
    struct dns_query *query;
    int fd;
    struct loop_io *io;
    struct dns_socket *next;
};

struct dns_query {
    struct loop *loop;
    char *host;
    uint16_t port;
    uint64_t timeout_ms;
    dns_done *done;
    void *arg;
    ares_channel channel; // NULL: none, or over
    int flags;            // ARES_AI_*
    bool is_known;        // what came of it
    struct addr addrs[DNS_ADDRS_MAX];
    size_t count;
    struct err err;
    struct dns_socket *sockets;
    struct loop_timer *retry, *deadline;
    struct loop_deferred begin, finish;
};

// Before a socket is closed, c-ares tells that nothing is wanted of it.
static void
remove_socket(struct dns_query *query, struct dns_socket **place)
{
    struct dns_socket *gone = *place;

    *place = gone->next;
    loop_io_free(&gone->io);
    loop_free_later(query->loop, gone);
}

static void
let_go(struct dns_query *query)
{
    ares_channel channel = query->channel;

    query->channel = NULL;
    if (channel != NULL)
        ares_destroy(channel);
    while (query->sockets != NULL)
        remove_socket(query, &query->sockets);
    loop_timer_stop(query->retry);
    loop_timer_stop(query->deadline);
}

static void
on_finish(void *arg)
{
    struct dns_query *query = arg;

    let_go(query);
    query->done(query->arg, query->addrs, query->count, &query->err);
}

static void
finish_soon(struct dns_query *query)
{
    query->is_known = true;
    loop_defer(query->loop, &query->finish);
}

static void
keep_addr(struct dns_query *query, const struct ares_addrinfo_node *node)
{
    struct addr *addr = &query->addrs[query->count];
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (node->ai_family == AF_INET && node->ai_addrlen >= sizeof v4) {
        memcpy(&v4, node->ai_addr, sizeof v4);
        v4.sin_port = htons(query->port);
        memcpy(&addr->sa, &v4, sizeof v4);
        addr->len = sizeof v4;
    } else if (node->ai_family == AF_INET6 && node->ai_addrlen >= sizeof v6) {
        memcpy(&v6, node->ai_addr, sizeof v6);
        v6.sin6_port = htons(query->port);
        memcpy(&addr->sa, &v6, sizeof v6);
        addr->len = sizeof v6;
    } else {
        return;
    }
    query->count++;
}

static void
keep_failure(struct dns_query *query, int status)
{
    bool is_said = status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_EBADNAME ||
                   status == ARES_SUCCESS;

    if (status == ARES_ECANCELLED)
        err_set(&query->err, ERR_TEMP, "%s: name servers did not answer within %llu ms",
                query->host, (unsigned long long)query->timeout_ms);
    else if (is_said)
        err_set(&query->err, ERR_PERM, "%s: there is no such host", query->host);
    else
        err_set(&query->err, ERR_TEMP, "%s: %s", query->host, ares_strerror(status));
}

static void
on_found(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
    struct dns_query *query = arg;
    const struct ares_addrinfo_node *node = found != NULL ? found->nodes : NULL;

    (void)timeouts;
    if (query->channel != NULL) { // else it is being destroyed
        for (; node != NULL && query->count < DNS_ADDRS_MAX; node = node->ai_next)
            keep_addr(query, node);
        if (query->count == 0)
            keep_failure(query, status);
        finish_soon(query);
    }
    ares_freeaddrinfo(found);
}

static void
set_retry(struct dns_query *query)
{
    struct timeval left;

    if (query->is_known || ares_timeout(query->channel, NULL, &left) == NULL)
        loop_timer_stop(query->retry);
    else // rounded up: it would look too early, and again
        loop_timer_start(query->retry, (uint64_t)(left.tv_sec * 1000 + left.tv_usec / 1000 + 1));
}

static void
on_retry(void *arg)
{
    struct dns_query *query = arg;

    ares_process_fd(query->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_retry(query);
}

static void
on_io(void *arg, bool readable, bool writable)
{
    struct dns_socket *socket = arg;
    struct dns_query *query = socket->query;
    int fd = socket->fd;

    // The socket may be gone behind it.
    ares_process_fd(query->channel, readable ? fd : ARES_SOCKET_BAD,
                    writable ? fd : ARES_SOCKET_BAD);
    set_retry(query);
}

static void
on_socket_state(void *arg, int fd, int readable, int writable)
{
    struct dns_query *query = arg;
    struct dns_socket **place = &query->sockets;

    while (*place != NULL && (*place)->fd != fd)
        place = &(*place)->next;
    if (!readable && !writable) {
        if (*place != NULL)
            remove_socket(query, place);
        return;
    }
    if (*place == NULL) {
        *place = mem_zalloc(sizeof **place);
        **place = (struct dns_socket){.query = query, .fd = fd};
        (*place)->io = loop_io_new(query->loop, fd, on_io, *place);
    }
    loop_io_want((*place)->io, readable != 0, writable != 0);
}

// What one address family has answered by then is given, even if the other's server is silent.
static void
on_deadline(void *arg)
{
    struct dns_query *query = arg;

    if (!query->is_known)
        ares_cancel(query->channel);
}

static int
open_channel(struct dns_query *query)
{
    char lookups[] = "fb"; // the file, then name servers, whatever nsswitch.conf says
    uint64_t try_ms = query->timeout_ms / TRIES;
    struct ares_options options = {.tries = TRIES,
                                   .lookups = lookups,
                                   .sock_state_cb = on_socket_state,
                                   .sock_state_cb_data = query};

    options.timeout = (int)(try_ms > TRY_MS ? TRY_MS : try_ms < TRY_MIN_MS ? TRY_MIN_MS : try_ms);
    return ares_init_options(&query->channel, &options,
                             ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
                                 ARES_OPT_SOCK_STATE_CB);
}

// c-ares would ask a server for some of them.
static int
read_number(struct dns_query *query)
{
    bool is_v6 = strchr(query->host, ':') != NULL;
    char *text =
        mem_printf("inet:%s%s%s:%u", is_v6 ? "[" : "", query->host, is_v6 ? "]" : "", query->port);
    int result = addr_parse(span_of(text), &query->addrs[0], NULL);

    mem_free(&text);
    query->count = result == 0 ? 1 : 0;
    return result;
}

static void
on_begin(void *arg)
{
    struct dns_query *query = arg;
    struct ares_addrinfo_hints hints = {.ai_flags = query->flags, .ai_socktype = SOCK_STREAM};

    ares_getaddrinfo(query->channel, query->host, NULL, &hints, on_found, query);
    set_retry(query);
}

struct dns_query *
dns_start(struct loop *loop, const char *host, uint16_t port, uint64_t timeout_ms, dns_done *done,
          void *arg)
{
    struct dns_query *query = mem_zalloc(sizeof *query);
    int status = ares_library_init(ARES_LIB_INIT_ALL);

    assert(status == ARES_SUCCESS);
    query->loop = loop;
    query->host = mem_strdup(host);
    query->port = port;
    query->timeout_ms = timeout_ms;
    query->done = done;
    query->arg = arg;
    query->retry = loop_timer_new(loop, on_retry, query);
    query->deadline = loop_timer_new(loop, on_deadline, query);
    query->begin = (struct loop_deferred){.run = on_begin, .arg = query};
    query->finish = (struct loop_deferred){.run = on_finish, .arg = query};
    if (read_number(query) == 0) {
        finish_soon(query);
        return query;
    }
    status = open_channel(query);
    if (status != ARES_SUCCESS) {
        query->channel = NULL;
        keep_failure(query, status);
        finish_soon(query);
        return query;
    }
    loop_defer(loop, &query->begin);
    loop_timer_start(query->deadline, timeout_ms);
    return query;
}

void
dns_use_servers(struct dns_query *query, const char *servers)
{
    int status = ARES_SUCCESS;

    if (query->channel != NULL)
        status = ares_set_servers_ports_csv(query->channel, servers);
    assert(status == ARES_SUCCESS);
    query->flags |= ARES_AI_ENVHOSTS;
}

void
dns_free(struct dns_query **query_in)
{
    struct dns_query *query = *query_in;

    if (query == NULL)
        return;
    loop_undefer(query->loop, &query->begin);
    loop_undefer(query->loop, &query->finish);
    let_go(query);
    loop_timer_free(&query->retry);
    loop_timer_free(&query->deadline);
    mem_free(&query->host);
    ares_library_cleanup();
    loop_free_later(query->loop, query);
    *query_in = NULL;
}
