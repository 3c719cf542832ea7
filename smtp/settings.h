// SPDX-License-Identifier: BSD-2-Clause
// smtp/settings.h - the front door's settings: those of one listener, and those of all.
#ifndef POSTERN_SMTP_SETTINGS_H
#define POSTERN_SMTP_SETTINGS_H

#include "base/setting.h"
#include "smtp/envelope.h"

enum smtp_newlines { SMTP_NEWLINES_NORMALISE, SMTP_NEWLINES_REJECT };

enum smtp_routes { SMTP_ROUTES_REJECT, SMTP_ROUTES_STRIP };

enum smtp_tls_mode { SMTP_TLS_NO, SMTP_TLS_MAY, SMTP_TLS_REQUIRE };

struct smtp_listener_settings { // listen "ADDRESS" { ... }
    struct addr addr;           // the title
    char *name;                 // "" = the title
    int protocol;               // enum smtp_protocol; default smtp, on a UNIX socket lmtp
    uint64_t mode;              // of a UNIX socket [0660]
    char *group;                // of a UNIX socket ["" = the daemon's]
    char *next_hop;             // ["" = the first]
    struct setting_list rules;  // char *: names of rules that concern its mail [empty = all]
    int handoff;   // "" | spool | relay: 0 = the global one, else enum smtp_handoff + 1
    bool chunking; // offer BDAT [no]
    struct setting_list clients; // struct net [127.0.0.0/8, ::1]
    struct setting_list
        xforward_clients; // struct net [127.0.0.0/8, ::1]; UNIX peers are always allowed
    uint64_t timeout;     // of silence, ms [300s]
    // tls { ... }
    char *tls_cert, *tls_key, *tls_client_ca;
    int tls_mode; // enum smtp_tls_mode [no]
};

struct smtp_settings { // global, the whole daemon's
    char *hostname;    // ["" = the host's name, filled in by who loads them]
    uint64_t max_size; // of a message, bytes; 0: no limit
    uint64_t max_recipients, max_connections;
    uint64_t max_errors;  // bad commands in a session before 421 [20]
    uint64_t max_session; // ms of one session, a transaction under way is finished [1h]
    int bare_newlines;    // enum smtp_newlines
    int source_routes;    // enum smtp_routes
    bool strict_paths;
    bool trace;
    int handoff; // enum smtp_handoff
};

extern const struct setting_row smtp_listener_rows[];
extern const size_t smtp_listener_row_count;
extern const struct setting_row smtp_listener_tls_rows[]; // same struct
extern const size_t smtp_listener_tls_row_count;
extern const struct setting_row smtp_rows[];
extern const size_t smtp_row_count;

// Defaults where nothing is set: lmtp on a UNIX socket, else smtp. The listener owns what its rows
// own; setting_clear with both frees it.
void smtp_listener_init(struct smtp_listener_settings *listener, const struct addr *addr);

// What rows cannot tell: lmtp on UNIX sockets, tls needs cert and key, ... PERM with the setting's
// name.
int smtp_listener_check(const struct smtp_listener_settings *listener, struct err *err);
int smtp_settings_check(const struct smtp_settings *settings, struct err *err);

#endif
