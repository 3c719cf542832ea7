// SPDX-License-Identifier: BSD-2-Clause
// track/maillog/pending.h - lines of Postfix's log that nobody has claimed yet. Pure.
//
// Postfix may log a delivery before the worker has told us of the queue id, and most lines on a
// machine are not of our mail at all: each waits PENDING_MS to be claimed, and goes then. Bounded
// in bytes; the oldest make room.
#ifndef POSTERN_TRACK_PENDING_H
#define POSTERN_TRACK_PENDING_H

#include "track/maillog/maillog.h"

enum { PENDING_MS = 60000, PENDING_BYTES_MAX = 8 << 20 };

// A line is asked about at once, then after pauses that double, and a last time when it goes.
enum { PENDING_PAUSE_MS = 250, PENDING_TRIES_MAX = 9 };

struct pending;

struct pending *pending_new(void);
void pending_free(struct pending **pending);
// Copies it. place: the log's, in front of this line (follow_place).
void pending_add(struct pending *pending, const struct maillog_line *line, struct span place,
                 uint64_t now_ms);
// Calls each for those whose turn it is, in order of arrival; those for which it returns true are
// removed.
typedef bool pending_claim(void *arg, const struct maillog_line *line);
void pending_each(struct pending *pending, uint64_t now_ms, pending_claim *claim, void *arg);
bool pending_is_due(const struct pending *pending, uint64_t now_ms); // is it anybody's turn?
// Those that have waited PENDING_MS go; pending_each comes before it.
void pending_expire(struct pending *pending, uint64_t now_ms);
size_t pending_count(const struct pending *pending);
// In front of the oldest that waits: where to begin again after a restart. Empty where none waits.
struct span pending_place(const struct pending *pending);

#endif
