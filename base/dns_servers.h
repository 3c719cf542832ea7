// SPDX-License-Identifier: BSD-2-Clause
// base/dns_servers.h - other name servers than the machine's, for tests.
#ifndef POSTERN_BASE_DNS_SERVERS_H
#define POSTERN_BASE_DNS_SERVERS_H

#include "base/dns.h"

// Right behind dns_start: "127.0.0.1:5353,...", and the file that CARES_HOSTS names for /etc/hosts.
void dns_use_servers(struct dns_query *query, const char *servers);

#endif
