// SPDX-License-Identifier: BSD-2-Clause
// control/settings.h - the whole configuration: file in, checked settings out.
//
// The rows of each room make the grammar. An unknown name, a wrong type, a value out of bounds, a
// file that is missing or not a plain file: PERM with file, line, setting and what was expected.
// One parse at a time (libconfuse has globals). include("conf.d/*.conf") is relative to the
// including file.
#ifndef POSTERN_CONTROL_SETTINGS_H
#define POSTERN_CONTROL_SETTINGS_H

#include "base/log.h"
#include "filters/settings.h"
#include "mime/settings.h"
#include "policy/rule.h"
#include "reinject/settings.h"
#include "smtp/settings.h"
#include "spool/settings.h"
#include "track/settings.h"

struct control_settings { // control { ... }
    struct addr socket;   // unix: only ["unix:/run/postern/control.sock"]
    uint64_t mode;        // [0660]
    char *group;
};

struct daemon_settings { // global
    char *user;          // ["postern"] ignored when not started by root
    uint64_t workers;    // [0 = one a core]; settings_load replaces 0: at least 1
    uint64_t dissectors; // of all workers together at most [0 = four a worker]; replaced, too
};

struct settings {
    char *file; // where it came from, absolute
    struct daemon_settings daemon;
    struct smtp_settings smtp;
    struct delivery_settings delivery;
    struct smtp_listener_settings *listeners;
    size_t listener_count;
    struct hop_settings *hops;
    size_t hop_count;
    struct dissect_settings dissect;
    struct filter_settings *filters; // in the order of the file
    size_t filter_count;
    struct policy_settings policy;
    struct rule_settings *rule_texts; // as they are written
    size_t rule_count;
    struct rules rules; // the same, compiled
    struct spool_settings spool;
    struct quarantine_settings quarantine;
    struct track_settings track;
    struct redis_settings redis;
    struct http_settings *https;
    size_t http_count;
    struct control_settings control;
    struct log_settings log;
};

enum { SETTINGS_LISTENERS_MAX = 64, SETTINGS_HOPS_MAX = 64, SETTINGS_WORKERS_MAX = 64 };

// Never NULL where 0. Host names in addresses are resolved (blocks). Without any listen or next_hop
// in the file: inet:127.0.0.1:10024 (smtp); inet:127.0.0.1:10025. A listener's or next hop's name
// is never empty (its title, as it is written), the host's name and workers are filled in.
int settings_load(const char *file, struct settings **settings_out, struct err *err);
void settings_free(struct settings **settings);

const struct hop_settings *settings_find_hop(const struct settings *settings,
                                             const char *name); // "" = the first

enum settings_print { SETTINGS_ALL, SETTINGS_DEFAULTS, SETTINGS_CHANGED };

// Configuration syntax; with json (see tool) one object. What is printed can be read again.
int settings_print(const struct settings *settings, enum settings_print which, bool as_json,
                   struct buf *out);

#endif
