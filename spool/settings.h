// SPDX-License-Identifier: BSD-2-Clause
// spool/settings.h - spool { ... }
#ifndef POSTERN_SPOOL_SETTINGS_H
#define POSTERN_SPOOL_SETTINGS_H

#include "base/setting.h"

struct spool_settings {
    char *path;            // ["/var/spool/postern"]
    uint64_t min_free;     // bytes [256M]
    uint64_t min_inodes;   // [1000]
    uint64_t max_messages; // in active/, of all workers [200000]
    uint64_t lifetime;     // ms [5d]
    struct setting_list
        retry;             // uint64_t ms: delay after the first, second, ... try; the last repeats
    bool sync;             // no: nothing is fsynced (tests, throw-away machines)
    uint64_t remember;     // ms; 0: no outcome is remembered [1h]
    uint64_t remember_max; // recipients [65536]
};

struct quarantine_settings { // quarantine { ... }
    uint64_t keep;           // ms [30d]
    uint64_t max_size;       // bytes; above it the oldest goes, with an alarm [10G]
};

extern const struct setting_row quarantine_rows[];
extern const size_t quarantine_row_count;
extern const struct setting_row spool_rows[];
extern const size_t spool_row_count;

// What rows cannot tell: the path is absolute, no delay is so short that it is a busy loop. PERM
// with the setting's name.
int spool_settings_check(const struct spool_settings *settings, struct err *err);

#endif
