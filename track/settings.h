// SPDX-License-Identifier: BSD-2-Clause
// track/settings.h - track { }, redis { } and http "ADDRESS" { }.
#ifndef POSTERN_TRACK_SETTINGS_H
#define POSTERN_TRACK_SETTINGS_H

#include "base/setting.h"

struct track_settings {
    char *ledger;      // ["/var/lib/postern/ledger.db"]
    uint64_t keep;     // ms [90d]
    uint64_t max_size; // bytes of the ledger [10G]
    char *postfix_log; // ["" = not followed]
    uint64_t buffer;   // bytes that may wait for the scribe, of all workers [16M]
};

enum redis_layout { REDIS_LAYOUT_POSTERN, REDIS_LAYOUT_MAILBORDER };

struct redis_settings {
    struct setting_list servers; // texts "inet:HOST:PORT", "unix:/path"; empty: no Redis
    char *prefix;                // ["postern"]
    uint64_t ttl;                // ms [24h]
    char *user;                  // ["" = the server's default user]
    char *password;              // [""]
    uint64_t database;           // [0]
    int layout;                  // enum redis_layout
    bool with_host;              // [no] our host's name in the keys
    uint64_t timeout;            // ms, for a connection and for a reply [5s]
};

struct http_settings { // one of them a section
    struct addr addr;
    struct setting_list clients; // struct net
};

enum { HTTP_MAX = 4 };

extern const struct setting_row track_rows[], redis_rows[], http_rows[];
extern const size_t track_row_count, redis_row_count, http_row_count;

// What rows cannot tell: absolute paths, servers that can be parsed, a prefix of [0-9A-Za-z_.:-].
// PERM with the setting's name.
int track_settings_check(const struct track_settings *settings, struct err *err);
int redis_settings_check(const struct redis_settings *settings, struct err *err);

// "inet:HOST:PORT" with HOST a name or a number. *addr_out is set (len 0: HOST is a name, *host_out
// and *port_out are set). PERM.
int redis_server_parse(const char *text, struct addr *addr_out, char host_out[256],
                       uint16_t *port_out, struct err *err);

#endif
