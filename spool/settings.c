// SPDX-License-Identifier: BSD-2-Clause
#include "spool/settings.h"

#include <stddef.h>

#define MIN_DELAY UINT64_C(10)
#define SECOND UINT64_C(1000)
#define DAY (86400 * SECOND)
#define TERA (UINT64_C(1) << 40)

#define AT(member) offsetof(struct spool_settings, member)

// clang-format off
const struct setting_row spool_rows[] = {
    {.name = "path",
     .type = SETTING_TEXT,
     .offset = AT(path),
     .min = 1,
     .max = 1024,
     .initial = "/var/spool/postern",
     .help = "Directory of the spool; made where it is missing, readable for nobody else."},
    {.name = "min_free",
     .type = SETTING_SIZE,
     .offset = AT(min_free),
     .min = 0,
     .max = 1024 * TERA,
     .initial = "256M",
     .help = "Free space that must be left on the spool's file system; below it mail gets a 452."},
    {.name = "min_inodes",
     .type = SETTING_NUMBER,
     .offset = AT(min_inodes),
     .min = 0,
     .max = UINT64_C(1) << 40,
     .initial = "1000",
     .help = "Free inodes that must be left there; below it mail gets a 452."},
    {.name = "max_messages",
     .type = SETTING_NUMBER,
     .offset = AT(max_messages),
     .min = 1,
     .max = 100000000,
     .initial = "200000",
     .help = "Messages in work or waiting at most; beyond it mail gets a 452."},
    {.name = "lifetime",
     .type = SETTING_TIME,
     .offset = AT(lifetime),
     .min = SECOND,
     .max = 365 * DAY,
     .initial = "5d",
     .help = "How long a message is tried before it is returned to its sender."},
    {.name = "retry",
     .type = SETTING_TIMES,
     .offset = AT(retry),
     .min = 1,
     .max = 32,
     .initial = "30s, 2m, 5m, 15m, 1h",
     .help = "Delays after the first, second, ... try that failed; the last one repeats."},
    {.name = "sync",
     .type = SETTING_BOOL,
     .offset = AT(sync),
     .initial = "yes",
     .help = "Wait for the disk before mail is acknowledged; no only where it may be lost."},
    {.name = "remember",
     .type = SETTING_TIME,
     .offset = AT(remember),
     .min = 0,
     .max = DAY,
     .initial = "1h",
     .help = "How long a client that sends a message again is told what became of it; 0: never."},
    {.name = "remember_max",
     .type = SETTING_NUMBER,
     .offset = AT(remember_max),
     .min = 8,
     .max = 100000000,
     .initial = "65536",
     .help = "Recipients that are remembered so, 256 bytes each in the spool; of one message some "
             "3000, or a sixteenth of all where that is more; the oldest goes first. Whoever is "
             "not remembered may get a message twice. With another number all are forgotten."},
};
// clang-format on

const size_t spool_row_count = sizeof(spool_rows) / sizeof(spool_rows[0]);

int
spool_settings_check(const struct spool_settings *settings, struct err *err)
{
    const uint64_t *delays = settings->retry.items;

    if (settings->path[0] != '/')
        return err_set(err, ERR_PERM, "path: expected an absolute path, not \"%s\"",
                       settings->path);
    for (size_t i = 0; i < settings->retry.count; i++) {
        if (delays[i] < MIN_DELAY || delays[i] > 365 * DAY)
            return err_set(err, ERR_PERM, "retry: expected delays from 10ms to 365d");
    }
    return 0;
}

#define QUARANTINE(member) offsetof(struct quarantine_settings, member)

const struct setting_row quarantine_rows[] = {
    {
     .name = "keep",
     .type = SETTING_TIME,
     .offset = QUARANTINE(keep),
     .min = 60000,
     .initial = "30d",
     .help = "How long a message lies in quarantine before it is removed.",
     },
    {
     .name = "max_size",
     .type = SETTING_SIZE,
     .offset = QUARANTINE(max_size),
     .min = UINT64_C(1) << 20,
     .initial = "10G",
     .help = "What may lie there in all; above it the oldest is removed.",
     },
};

const size_t quarantine_row_count = sizeof(quarantine_rows) / sizeof(quarantine_rows[0]);
