// SPDX-License-Identifier: BSD-2-Clause
// base/addr.h - socket addresses and networks as the configuration writes them. Pure, except
// resolve.
//
// "inet:HOST:PORT", "inet:[::1]:PORT", "unix:/path". HOST is numeric after addr_parse; a name must
// go through addr_resolve, which blocks and is for start-up only.
#ifndef POSTERN_BASE_ADDR_H
#define POSTERN_BASE_ADDR_H

#include "base/err.h"
#include "base/str.h"
#include <sys/socket.h>

struct addr {
    struct sockaddr_storage sa;
    socklen_t len; // 0: none
};

struct net {
    uint8_t bytes[16]; // IPv4 as ::ffff:a.b.c.d
    uint8_t bits;      // 0..128, counted in the 16-byte form
};

enum { ADDR_TEXT_MAX = 128 };

// PERM with what was expected. A path over 107 bytes, a port 0 or over 65535 are errors.
int addr_parse(struct span text, struct addr *addr_out, struct err *err);

// The same, but HOST may be a name; the first address found is taken. Blocks.
int addr_resolve(struct span text, struct addr *addr_out, struct err *err);

bool addr_is_unix(const struct addr *addr);
bool addr_equal(const struct addr *a, const struct addr *b);
uint16_t addr_port(const struct addr *addr); // 0 for UNIX sockets

// "inet:127.0.0.1:25", "inet:[::1]:25", "unix:/path": what addr_parse reads.
void addr_format(const struct addr *addr, char out[ADDR_TEXT_MAX]);
// "127.0.0.1", "::1", "/path", or "local" for an unnamed UNIX peer: for logs and Received.
void addr_format_host(const struct addr *addr, char out[ADDR_TEXT_MAX]);

// "192.0.2.0/24", "2001:db8::/32", "127.0.0.1", "::1". Host bits set beyond the mask are an error.
int net_parse(struct span text, struct net *net_out, struct err *err);
bool net_has(const struct net *net, const struct addr *addr); // never a UNIX socket
void net_format(const struct net *net, char out[ADDR_TEXT_MAX]);

#endif
