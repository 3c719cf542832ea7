// SPDX-License-Identifier: BSD-2-Clause
// track/ledger/ledger.h - the ledger, one SQLite file: a row a message, a recipient, a filter's
// result, a final delivery. With ledger_read.h the door to SQLite.
//
// One writer (the scribe, in a thread of its own: every call may block), any number of readers
// beside it (WAL). A committed batch survives loss of power.
// Order:   begin, any number of puts, commit; after an error the batch is void and may be given
//          again: all puts are idempotent.
// Changes: each put that changes a message gives it the next number; Redis follows them by number.
// Fails:   TEMP: busy, full disk, I/O: nothing is lost, try again. What is damaged is set aside at
//          open (also where a later call says PERM: close, then open): renamed with its -wal and
//          -shm to *.damaged-<time>, a new one is begun, *note tells.
#ifndef POSTERN_TRACK_LEDGER_H
#define POSTERN_TRACK_LEDGER_H

#include "base/err.h"
#include "track/maillog/maillog.h"
#include "track/record.h"

struct ledger;

enum { LEDGER_SCHEMA = 1, LEDGER_BUSY_MS = 2000, LEDGER_NOTE_MAX = 400 };

// Creates the file (mode 0640) and its folder where they are missing, migrates older schemas. A
// newer one than LEDGER_SCHEMA: PERM, untouched. note_out: LEDGER_NOTE_MAX + 1 bytes; "" or what a
// human should know (set aside, migrated).
struct ledger *ledger_open(const char *path, char *note_out, struct err *err);
void ledger_close(struct ledger **ledger);

int ledger_begin(struct ledger *ledger, struct err *err);
int ledger_commit(struct ledger *ledger, struct err *err);
void ledger_abort(struct ledger *ledger);

// A record whose step is not above the one that is known changes nothing. A later one replaces all
// of the message but its deliveries, and times of stages that it does not know or has shorter.
int ledger_put_record(struct ledger *ledger, const struct record *record, struct err *err);
// What Postfix's log says. *known_out: a message of ours went out with that queue id, in the 40
// days before the line, or has come in with it just now (and then the line tells nothing). A later
// line of one (queue id, recipient) replaces the former, but nothing replaces sent, bounced or
// expired: what comes seconds after that is of another message
// with the same short queue id, as is whoever is named for the first time when all are final.
int ledger_put_delivery(struct ledger *ledger, const struct maillog_line *line, bool *known_out,
                        struct err *err);
// Small things kept across restarts ("follow", "redis"); value at most 1,000 bytes.
int ledger_put_mark(struct ledger *ledger, const char *name, struct span value, struct err *err);
int ledger_get_mark(struct ledger *ledger, const char *name, struct buf *value_out,
                    struct err *err);

// Messages that arrived before it go, with all that hangs on them, max of them at a call (oldest
// first); *left_out: there may be more. Likewise the oldest while the file holds above max_bytes.
// The file does not shrink: its room is used again. A child goes by its own arrival.
struct ledger_expiry {
    int64_t before_ms;
    uint64_t max_bytes; // 0: no bound
    size_t max_rows;
};

int ledger_expire(struct ledger *ledger, const struct ledger_expiry *expiry, bool *left_out,
                  struct err *err);

uint64_t ledger_last_change(const struct ledger *ledger);
// Up to max messages whose last change is above `after`, in order of change, changed at or after
// since_ms; lists and texts in the arena, fewer where it is full. *last_out: up to here all are
// told or too old; it is `after` only where there are no more. Too old ones may take several calls,
// each with a count of 0; what does not fit into an empty arena is passed over.
int ledger_read_changes(struct ledger *ledger, uint64_t after, int64_t since_ms, size_t max,
                        struct arena *arena, struct record *records_out, size_t *count_out,
                        uint64_t *last_out, struct err *err);

#endif
