// SPDX-License-Identifier: BSD-2-Clause
// spool/state_told.h - what a journal tells for people only: nothing that is done follows from it.
// Pure; for state.c and state_apply.c, read by whoever tells where a message is.
//
// Owns:   its texts. Those of recipients are shared: a line's relay is kept once for all of them.
// Bounds: a result is cut to STATE_RESULT_MAX bytes, names go first; edits and replies are left
// out.
#ifndef POSTERN_SPOOL_STATE_TOLD_H
#define POSTERN_SPOOL_STATE_TOLD_H

#include "spool/journal.h"

enum {
    STATE_RESULTS_MAX = 100, // filters
    STATE_RESULT_MAX = 3000,
    STATE_FACT_MAX = 600 // of message_id, subject, relay, queue_id
};

struct state_told {
    char **texts; // relays and queue ids
    size_t text_count;
    char **results; // of the latest look, a filter each: fields for journal_read_fields
    size_t result_count;
    char *message_id, *subject; // NULL: not known
};

void state_told_clear(struct state_told *told);
void state_told_forget(struct state_told *told); // rescan: findings and results
void state_told_found(struct state_told *told, const struct journal_line *line);
// false: it names no filter, or is one too many.
bool state_told_result(struct state_told *told, const struct journal_line *line);
// The line's field, kept as long as told is; NULL: it has none.
const char *state_told_keep(struct state_told *told, const struct journal_line *line,
                            const char *key);

#endif
