// SPDX-License-Identifier: BSD-2-Clause
// base/dns.h - host names looked up without waiting; door to c-ares.
//
// /etc/hosts and the name servers of /etc/resolv.conf. done comes once, never from within
// dns_start, never after dns_free (which cancels; due after done, too, and allowed in it).
#ifndef POSTERN_BASE_DNS_H
#define POSTERN_BASE_DNS_H

#include "base/addr.h"
#include "base/loop.h"

enum { DNS_ADDRS_MAX = 16 };

struct dns_query;

// count 0: err tells why. In the order in which they should be tried (RFC 6724).
typedef void dns_done(void *arg, const struct addr *addrs, size_t count, const struct err *err);

// A numeric host needs no server and is answered all the same. ms: at most, all tries together.
struct dns_query *dns_start(struct loop *loop, const char *host, uint16_t port, uint64_t timeout_ms,
                            dns_done *done, void *arg);
void dns_free(struct dns_query **query);

#endif
