// SPDX-License-Identifier: BSD-2-Clause
// track/ledger/ledger_read.h - the ledger for readers: the tool. Nothing is written, nobody is kept
// from writing.
#ifndef POSTERN_TRACK_LEDGER_READ_H
#define POSTERN_TRACK_LEDGER_READ_H

#include "base/err.h"
#include "track/record.h"
#include "track/status.h"

struct ledger_reader;

enum { LEDGER_FOUND_MAX = 1000 };

// PERM: there is none (err says so), not ours, newer, or damaged; TEMP: busy.
struct ledger_reader *ledger_reader_open(const char *path, struct err *err);
void ledger_reader_close(struct ledger_reader **reader);

// Messages by our id, either queue id, or Message-ID (with or without angle brackets), and their
// whole families (parents, children), oldest first, at most LEDGER_FOUND_MAX. 0 with count 0: none.
int ledger_find(struct ledger_reader *reader, const char *any_id, struct arena *arena,
                struct record **records_out, size_t *count_out, struct err *err);

struct ledger_stats { // of messages that arrived in [since, until); children are not counted
    uint64_t messages, recipients, bytes;
    uint64_t by_class[CLASS_VIRUS + 1];
    uint64_t rcpts_by_status[STATUS_COUNT];
    uint64_t rcpts_by_verdict[VERDICT_REDIRECT + 1];
    uint64_t stage_us[STAGE_COUNT], stage_messages[STAGE_COUNT]; // sums, and of how many

    struct ledger_top { // the most frequent, at most LEDGER_TOP_MAX of each
        struct span text;
        uint64_t count;
    } * viruses, *rules, *senders, *recipients_top;

    size_t virus_count, rule_count, sender_count, recipient_count;
    int64_t first_ms, last_ms; // arrivals
};

enum { LEDGER_TOP_MAX = 10 };

int ledger_stats_read(struct ledger_reader *reader, int64_t since_ms, int64_t until_ms,
                      struct arena *arena, struct ledger_stats *stats_out, struct err *err);

#endif
