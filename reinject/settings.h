// SPDX-License-Identifier: BSD-2-Clause
// reinject/settings.h - next_hop "ADDRESS" { ... } and the global settings of delivery.
#ifndef POSTERN_REINJECT_SETTINGS_H
#define POSTERN_REINJECT_SETTINGS_H

#include "base/setting.h"

enum hop_protocol { HOP_SMTP, HOP_LMTP };

enum hop_tls { HOP_TLS_NO, HOP_TLS_MAY, HOP_TLS_REQUIRE };

struct hop_settings {
    struct addr addr;           // the title
    struct setting_list backup; // struct addr: tried in order where the one before fails
    char *name;                 // "" = the title
    int protocol, tls;
    char *tls_ca;             // "" = the certificate is not verified
    uint64_t connections;     // of the whole daemon, all servers together [20]
    uint64_t connect_timeout; // ms [10s]
    uint64_t timeout;         // of one reply or one write's progress [300s]
    uint64_t dot_timeout;     // of the reply to the dot [600s]
    uint64_t idle;            // an unused connection is kept as long [30s]
    uint64_t
        dead_time; // a server that failed is not tried again for so long while another works [60s]
    bool chunking; // use BDAT where it is offered [yes]
};

struct delivery_settings {   // global
    uint64_t relay_deadline; // [480s]
    uint64_t delay_warning;  // 0 = off
    bool soft_bounce;
    int on_next_hop_reject; // 0 bounce, 1 hold
};

extern const struct setting_row hop_rows[];
extern const size_t hop_row_count;
extern const struct setting_row delivery_rows[];
extern const size_t delivery_row_count;

int hop_check(const struct hop_settings *hop, struct err *err); // PERM with the setting's name

#endif
