// SPDX-License-Identifier: BSD-2-Clause
// spool/quarantine.h - what lies in quarantine/: kept for a time and up to a size, let go on
// demand.
//
// Blocks: pool jobs and the tool. A file there belongs to who holds its flock. Nothing is removed
// in silence: each removal is told.
#ifndef POSTERN_SPOOL_QUARANTINE_H
#define POSTERN_SPOOL_QUARANTINE_H

#include "spool/place.h"
#include "spool/ranges.h"
#include "spool/reader.h"
#include "spool/settings.h"

struct quarantine_removed {
    const char *id;
    uint64_t size;
    bool is_expired; // else: too much lay there
};

typedef void quarantine_told(void *arg, const struct quarantine_removed *removed);

// What lies there since longer than `keep`, and the oldest above `max_size`; since when it lies
// there is its time of change. One at a time on a machine: 1 where another process is at it. Empty
// days are removed. Ends early with -1 (TEMP); what was removed is gone. In quarantine_sweep.c.
int quarantine_sweep(struct place_root *root, const struct quarantine_settings *settings,
                     int64_t now_ms, quarantine_told *told, void *arg, struct err *err);

// Opens and locks the file of that id, wherever in quarantine/. -1: TEMP somebody has it (errno
// EWOULDBLOCK), PERM it is not there. *day_fd_out is the caller's, too.
int quarantine_open(struct place_root *root, const char *id, int *day_fd_out, struct err *err);

// The rule that put a recipient into quarantine; NULL: none.
const char *quarantine_rule(const struct spool_state *state, size_t rcpt);

struct quarantine_release {
    struct reader_message *message; // loaded from file_fd; kept up to date
    int file_fd;                    // locked, read and write
    const struct ranges *rcpts;     // whom to let go: caught by one rule
    bool again;                     // also those who were let go before
    const char *by;                 // who asked, for the journal
    int64_t now_ms;
    bool sync;
};

// Makes a child for these recipients in a bucket of an instance of the caller's (adopted when it is
// let go), durable, and notes it in the file: `release` before, `released` after. The child's id
// follows from parent, recipients and number of the release; its skip_rule is the rule that caught
// the parent. Who is retired is passed over; who was let go before, too, unless again.
// PERM: nobody is left, or a release that a crash cut short may have let one of them go (again
// decides).
int quarantine_release(const struct quarantine_release *release, int bucket_fd,
                       char child_id_out[ID_MAX + 1], struct err *err);

#endif
