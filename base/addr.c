// SPDX-License-Identifier: BSD-2-Clause
#include "base/addr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

enum { PATH_MAX_LEN = 107, HOST_MAX_LEN = 253, QUOTE_MAX = 120, V4_BITS = 96 };

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static int
quote_len(struct span text)
{
    return (int)(text.len < QUOTE_MAX ? text.len : QUOTE_MAX);
}

static int
fail_socket(struct span text, struct err *err)
{
    return err_set(err, ERR_PERM,
                   "expected inet:HOST:PORT, inet:[::1]:PORT or unix:/path, not \"%.*s\"",
                   quote_len(text), text.len > 0 ? text.data : "");
}

// Copies to a string; -1 if it is empty, does not fit or holds a NUL.
static int
copy_text(struct span text, char *out, size_t size)
{
    if (text.len == 0 || text.len >= size || memchr(text.data, '\0', text.len) != NULL)
        return -1;
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return 0;
}

static int
parse_unix(struct span path, struct addr *addr_out, struct err *err)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    static_assert(sizeof(un.sun_path) == PATH_MAX_LEN + 1, "path bound");
    if (path.len > PATH_MAX_LEN)
        return err_set(err, ERR_PERM, "a socket's path has at most %d bytes, \"%.*s...\" has %zu",
                       PATH_MAX_LEN, 40, path.data, path.len);
    if (copy_text(path, un.sun_path, sizeof(un.sun_path)) != 0 || un.sun_path[0] != '/')
        return err_set(err, ERR_PERM, "expected an absolute path after unix:, not \"%.*s\"",
                       quote_len(path), path.len > 0 ? path.data : "");
    *addr_out =
        (struct addr){.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1)};
    memcpy(&addr_out->sa, &un, sizeof(un));
    return 0;
}

// A number as inet_pton reads it; no name is looked up.
static int
parse_numeric(const char *host, bool in_brackets, uint16_t port, struct addr *addr_out)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    if (in_brackets && inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
        *addr_out = (struct addr){.len = sizeof(v6)};
        memcpy(&addr_out->sa, &v6, sizeof(v6));
        return 0;
    }
    if (!in_brackets && inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
        *addr_out = (struct addr){.len = sizeof(v4)};
        memcpy(&addr_out->sa, &v4, sizeof(v4));
        return 0;
    }
    return -1;
}

// Letters, digits, "-", "_" and dots, and the last label begins with a letter: getaddrinfo would
// also take "1", "127.1" and "0x7f.1" for addresses, which nobody means.
static bool
is_name(const char *host)
{
    const char *last = strrchr(host, '.');
    char first = last == NULL ? host[0] : last[1];

    if (!((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z')))
        return false;
    return host[strspn(
               host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")] == '\0';
}

static int
look_up(const char *host, uint16_t port, struct addr *addr_out, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char service[8];
    int result;

    snprintf(service, sizeof(service), "%u", port);
    result = getaddrinfo(host, service, &hints, &found);
    if (result != 0)
        return err_set(err, result == EAI_AGAIN ? ERR_TEMP : ERR_PERM, "%s: %s", host,
                       gai_strerror(result));
    *addr_out = (struct addr){.len = found->ai_addrlen};
    memcpy(&addr_out->sa, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return 0;
}

static int
parse_inet(struct span text, bool may_be_name, struct addr *addr_out, struct err *err)
{
    struct span whole = text;
    struct span host, port_text;
    char name[HOST_MAX_LEN + 1];
    const char *colon;
    bool in_brackets;
    uint64_t port;

    text = span_skip(text, strlen("inet:"));
    colon = text.len > 0 ? memrchr(text.data, ':', text.len) : NULL;
    if (colon == NULL)
        return fail_socket(whole, err);
    host = span_from(text.data, (size_t)(colon - text.data));
    port_text = span_skip(text, host.len + 1);
    if (str_parse_u64(port_text, 65535, &port) != 0 || port == 0)
        return err_set(err, ERR_PERM, "expected a port from 1 to 65535, not \"%.*s\"",
                       quote_len(port_text), port_text.data);
    in_brackets = host.len >= 2 && host.data[0] == '[' && host.data[host.len - 1] == ']';
    if (in_brackets)
        host = span_from(host.data + 1, host.len - 2);
    if (copy_text(host, name, sizeof(name)) != 0)
        return fail_socket(whole, err);
    if (parse_numeric(name, in_brackets, (uint16_t)port, addr_out) == 0)
        return 0;
    if (!in_brackets && may_be_name && is_name(name))
        return look_up(name, (uint16_t)port, addr_out, err);
    return err_set(err, ERR_PERM, "expected %s, not \"%s\" (IPv6 stands in brackets)",
                   may_be_name ? "an address or a host name" : "a numeric address", name);
}

static int
parse_any(struct span text, bool may_be_name, struct addr *addr_out, struct err *err)
{
    if (text.len > 5 && memcmp(text.data, "unix:", 5) == 0)
        return parse_unix(span_skip(text, 5), addr_out, err);
    if (text.len > 5 && memcmp(text.data, "inet:", 5) == 0)
        return parse_inet(text, may_be_name, addr_out, err);
    return fail_socket(text, err);
}

int
addr_parse(struct span text, struct addr *addr_out, struct err *err)
{
    return parse_any(text, false, addr_out, err);
}

int
addr_resolve(struct span text, struct addr *addr_out, struct err *err)
{
    return parse_any(text, true, addr_out, err);
}

static int
family(const struct addr *addr)
{
    return addr->len == 0 ? AF_UNSPEC : addr->sa.ss_family;
}

static struct sockaddr_in
as_v4(const struct addr *addr)
{
    struct sockaddr_in v4;

    memcpy(&v4, &addr->sa, sizeof(v4));
    return v4;
}

static struct sockaddr_in6
as_v6(const struct addr *addr)
{
    struct sockaddr_in6 v6;

    memcpy(&v6, &addr->sa, sizeof(v6));
    return v6;
}

// The path, empty for an unnamed peer. What the kernel returns may lack the NUL; an abstract name
// begins with one and counts as unnamed.
static struct span
unix_path(const struct addr *addr)
{
    size_t offset = offsetof(struct sockaddr_un, sun_path);
    const char *path = (const char *)&addr->sa + offset;
    size_t len = addr->len > offset ? addr->len - offset : 0;

    return span_from(path, strnlen(path, len < PATH_MAX_LEN + 1 ? len : PATH_MAX_LEN + 1));
}

bool
addr_is_unix(const struct addr *addr)
{
    return family(addr) == AF_UNIX;
}

bool
addr_equal(const struct addr *a, const struct addr *b)
{
    struct sockaddr_in6 six_a, six_b;
    struct span path;

    if (family(a) != family(b) || addr_port(a) != addr_port(b))
        return false;
    switch (family(a)) {
    case AF_UNSPEC:
        return true;
    case AF_UNIX:
        path = unix_path(b);
        return span_equal(unix_path(a), path);
    case AF_INET:
        return as_v4(a).sin_addr.s_addr == as_v4(b).sin_addr.s_addr;
    case AF_INET6:
        six_a = as_v6(a);
        six_b = as_v6(b);
        return six_a.sin6_scope_id == six_b.sin6_scope_id &&
               memcmp(&six_a.sin6_addr, &six_b.sin6_addr, sizeof(six_a.sin6_addr)) == 0;
    default:
        return false;
    }
}

uint16_t
addr_port(const struct addr *addr)
{
    if (family(addr) == AF_INET)
        return ntohs(as_v4(addr).sin_port);
    return family(addr) == AF_INET6 ? ntohs(as_v6(addr).sin6_port) : 0;
}

void
addr_format(const struct addr *addr, char out[ADDR_TEXT_MAX])
{
    char host[ADDR_TEXT_MAX];

    addr_format_host(addr, host);
    if (family(addr) == AF_UNIX && host[0] == '/')
        snprintf(out, ADDR_TEXT_MAX, "unix:%.*s", PATH_MAX_LEN + 1, host);
    else if (family(addr) == AF_INET)
        snprintf(out, ADDR_TEXT_MAX, "inet:%.*s:%u", INET_ADDRSTRLEN, host, addr_port(addr));
    else if (family(addr) == AF_INET6)
        snprintf(out, ADDR_TEXT_MAX, "inet:[%.*s]:%u", INET6_ADDRSTRLEN, host, addr_port(addr));
    else
        memcpy(out, host, sizeof(host));
}

void
addr_format_host(const struct addr *addr, char out[ADDR_TEXT_MAX])
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct span path;

    memset(out, 0, ADDR_TEXT_MAX);
    switch (family(addr)) {
    case AF_UNIX:
        path = unix_path(addr);
        if (path.len == 0)
            path = SPAN_LITERAL("local");
        memcpy(out, path.data, path.len);
        break;
    case AF_INET:
        v4 = as_v4(addr);
        inet_ntop(AF_INET, &v4.sin_addr, out, ADDR_TEXT_MAX);
        break;
    case AF_INET6:
        v6 = as_v6(addr);
        inet_ntop(AF_INET6, &v6.sin6_addr, out, ADDR_TEXT_MAX);
        break;
    default:
        break;
    }
}

static int
fail_net(struct span text, struct err *err)
{
    return err_set(err, ERR_PERM,
                   "expected a network such as 192.0.2.0/24, 2001:db8::/32 or ::1, not \"%.*s\"",
                   quote_len(text), text.len > 0 ? text.data : "");
}

// Is any bit set behind the first bits?
static bool
has_host_bits(const struct net *net)
{
    for (unsigned bit = net->bits; bit < 128; bit++) {
        if ((net->bytes[bit / 8] & (0x80u >> bit % 8)) != 0)
            return true;
    }
    return false;
}

int
net_parse(struct span text, struct net *net_out, struct err *err)
{
    struct net net = {.bits = 0};
    struct span rest = text;
    struct span host = span_cut(&rest, '/');
    char name[INET6_ADDRSTRLEN + 1];
    uint64_t bits, first = 0;

    if (copy_text(host, name, sizeof(name)) != 0)
        return fail_net(text, err);
    if (inet_pton(AF_INET, name, net.bytes + sizeof(v4_prefix)) == 1) {
        memcpy(net.bytes, v4_prefix, sizeof(v4_prefix));
        first = V4_BITS;
    } else if (inet_pton(AF_INET6, name, net.bytes) != 1) {
        return fail_net(text, err);
    }
    bits = 128 - first;
    if (rest.data != NULL && str_parse_u64(rest, 128 - first, &bits) != 0)
        return fail_net(text, err);
    net.bits = (uint8_t)(first + bits);
    if (has_host_bits(&net))
        return err_set(err, ERR_PERM, "\"%.*s\" has bits set behind its first %u", quote_len(text),
                       text.data, (unsigned)bits);
    *net_out = net;
    return 0;
}

bool
net_has(const struct net *net, const struct addr *addr)
{
    uint8_t bytes[16];
    size_t whole = net->bits / 8;
    unsigned rest_mask = 0xffu << (8 - net->bits % 8) & 0xffu;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (family(addr) == AF_INET) {
        v4 = as_v4(addr);
        memcpy(bytes, v4_prefix, sizeof(v4_prefix));
        memcpy(bytes + sizeof(v4_prefix), &v4.sin_addr, 4);
    } else if (family(addr) == AF_INET6) {
        v6 = as_v6(addr);
        memcpy(bytes, &v6.sin6_addr, sizeof(bytes));
    } else {
        return false;
    }
    if (memcmp(bytes, net->bytes, whole) != 0)
        return false;
    return net->bits % 8 == 0 || (bytes[whole] & rest_mask) == net->bytes[whole];
}

void
net_format(const struct net *net, char out[ADDR_TEXT_MAX])
{
    bool is_v4 = net->bits >= V4_BITS && memcmp(net->bytes, v4_prefix, sizeof(v4_prefix)) == 0;
    char host[INET6_ADDRSTRLEN];

    if (is_v4)
        inet_ntop(AF_INET, net->bytes + sizeof(v4_prefix), host, sizeof(host));
    else
        inet_ntop(AF_INET6, net->bytes, host, sizeof(host));
    if (net->bits == 128)
        snprintf(out, ADDR_TEXT_MAX, "%s", host);
    else
        snprintf(out, ADDR_TEXT_MAX, "%s/%d", host, is_v4 ? net->bits - V4_BITS : net->bits);
}
