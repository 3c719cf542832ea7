// SPDX-License-Identifier: BSD-2-Clause
// filters/settings.h - filter "NAME" { ... }: one scanner, its servers, and what its silence means.
#ifndef POSTERN_FILTERS_SETTINGS_H
#define POSTERN_FILTERS_SETTINGS_H

#include "base/setting.h"

enum filter_type_index { FILTER_UNSET, FILTER_CLAMD, FILTER_RSPAMD };

enum filter_on_error {
    FILTER_ERROR_DEFER,
    FILTER_ERROR_ACCEPT,
    FILTER_ERROR_QUARANTINE,
    FILTER_ERROR_RULES
};

enum filter_on_unscannable {
    FILTER_UNSCANNABLE_QUARANTINE,
    FILTER_UNSCANNABLE_HOLD,
    FILTER_UNSCANNABLE_ACCEPT
};

enum filter_parts { FILTER_PARTS_ODD, FILTER_PARTS_ALWAYS, FILTER_PARTS_NEVER };

struct filter_settings {
    char *name;                       // the title; [0-9A-Za-z_.-], at most 64
    int type;                         // enum filter_type_index; must be set
    struct setting_list servers;      // struct addr: asked in turn
    struct setting_list weights;      // uint64_t as text, one a server [all 1]
    struct setting_list backup;       // struct addr: asked while no server is alive
    uint64_t connect_timeout;         // ms [1s]
    uint64_t timeout;                 // ms, of the whole filter, tries and all [20s]
    uint64_t max_size;                // bytes; a larger message is not scanned: unscannable [25M]
    int parts;                        // enum filter_parts: clamd is shown decoded parts, too [odd]
    uint64_t connections;             // questions under way, of the whole daemon [50]
    int on_error;                     // enum filter_on_error [defer]
    int on_unscannable;               // enum filter_on_unscannable [quarantine]
    uint64_t retries;                 // further tries after a server's trouble [2]
    uint64_t retry_delay;             // ms in front of the first of them; doubles [100ms]
    uint64_t max_errors;              // within error_time: the server is dead [10]
    uint64_t error_time;              // ms [10s]
    uint64_t dead_time;               // ms [300s]
    uint64_t probe_interval;          // ms between health probes of a dead server; 0: none [10s]
    struct setting_list skip_clients; // struct net
    struct setting_list skip_recipients; // globs: skipped where all recipients match
};

enum { FILTERS_MAX = 32 };

extern const struct setting_row filter_rows[];
extern const size_t filter_row_count;

// Defaults with the name; setting_clear with the rows frees it, and name besides.
void filter_settings_init(struct filter_settings *settings, const char *name);
void filter_settings_clear(struct filter_settings *settings);
// What rows cannot tell: type and a server are there, one weight a server, ... PERM with the name
// of the setting.
int filter_settings_check(const struct filter_settings *settings, struct err *err);

#endif
