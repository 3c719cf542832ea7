// SPDX-License-Identifier: BSD-2-Clause
// spool/state.h - what a journal amounts to: each recipient's state, the decision, the history.
// Pure.
//
// One value for the daemon, recovery and the tool. An event that does not fit is counted in `odd`
// and changes nothing: unknown, malformed, told before (seq), behind `done`. Where it fits some of
// its recipients only, it changes those: a retired recipient is never opened again, and one that
// is not takes every line that retires it.
#ifndef POSTERN_SPOOL_STATE_H
#define POSTERN_SPOOL_STATE_H

#include "spool/journal.h"
#include "spool/ranges.h"
#include "spool/state_told.h"

enum {
    STATE_TEXT_MAX = 512,
    STATE_GROUPS_MAX = 16384,
    STATE_COPIES_MAX = 1000
}; // of a reply or reason that is kept

enum rcpt_status {
    RCPT_OPEN,     // nothing final yet
    RCPT_DEFERRED, // open too, with a next try
    RCPT_FAILED,   // a bounce is due
    RCPT_SENT,     // this and below: retired
    RCPT_BOUNCED,
    RCPT_MOVED,
    RCPT_DISCARDED
};

enum verdict {
    VERDICT_NONE,
    VERDICT_ACCEPT,
    VERDICT_QUARANTINE,
    VERDICT_REJECT,
    VERDICT_DISCARD,
    VERDICT_DEFER,
    VERDICT_HOLD,
    VERDICT_REDIRECT
};

struct rcpt_state {
    enum rcpt_status status;
    int group;           // index into groups, -1: not decided
    int64_t until_ms;    // DEFERRED: next try; 0
    int64_t at_ms;       // of the last line that changed it; 0: none did
    uint32_t tries;      // attempts that ended in deferred
    uint64_t failed_seq; // FAILED: the journal line that said so
    int code;            // of the last reply
    char *reply;         // last reply or reason, decoded, NULL
    const char *relay;   // that said so, and the queue id that it gave: into state.told, or NULL
    const char *queue_id;
    char *child;      // BOUNCED, MOVED
    const char *to;   // into its group's `to`; NULL: the envelope's
    uint64_t attempt; // under way if it is state.attempt
    bool delay_told, relayed_told;
    char *released;    // child that took it out of quarantine; it stays what it was here. NULL
    bool is_releasing; // a `release` of it was begun, and no `released` followed: it may be out
};

struct decided_group {
    enum verdict verdict;
    char *rule; // NULL: none
    char *reason;
    char *received; // our field's text, with line ends, or NULL: none
    char *from;     // NULL: the envelope's
    char **to;      // "<path> params", for each recipient of the group, or NULL: the envelope's
    size_t to_count;
    char **edits; // opaque to the spool
    size_t edit_count;
};

struct spool_state {
    size_t rcpt_count;
    struct rcpt_state *rcpts;
    struct decided_group *groups;
    size_t group_count;
    size_t old_groups; // the first ones: of looks before a rescan
    uint64_t next_seq;
    uint32_t odd;
    uint32_t crashes; // crashed lines since the last retry or unheld
    uint32_t looks;   // begun after an adoption, since then or the last decision
    // Attempts marked alone that found no end (the worker died), since then as well. An attempt
    // found none where a recipient of it is in the next attempt before it had an outcome; with
    // other recipients it runs beside. Then, and by retry and unheld, all that are open end.
    uint32_t alone_crashes;
    bool attempt_open;  // some recipient of an attempt has no outcome yet
    bool attempt_alone; // that is open
    uint64_t attempt;
    size_t under_way;     // recipients of open attempts
    size_t retired_count; // recipients
    bool found, done, held, quarantined;
    bool rescanned;   // since then no decision stands but those that the journal tells
    size_t releasing; // recipients of a `release` that no `released` followed
    uint32_t releases;
    bool unheld;   // the operator let it go since: a verdict `hold` has had its effect
    char **copied; // addresses that copies were made for
    size_t copied_count;
    char *held_reason; // or why it is in quarantine
    char *caught_rule; // which put it into quarantine; NULL
    struct state_told told;
};

// `retry` and `unheld` clear the deferrals (until_ms 0: now) and what was counted of crashes;
// `unheld` opens FAILED again, too: who lets go what was refused wants it to be tried. A verdict
// `hold` that comes after it counts again.
// `rescan` does both, and nobody open is decided any more. Whom a release took out of quarantine
// has moved to that child: he is not looked at, or sent to, a second time.
void state_init(struct spool_state *state, size_t rcpt_count);
void state_clear(struct spool_state *state);
void state_apply(struct spool_state *state, const struct journal_line *line);
void state_apply_all(struct spool_state *state, struct journal_reader *reader);

bool state_rcpt_is_retired(const struct rcpt_state *rcpt);
bool state_is_retired(const struct spool_state *state);     // all are: `done` may be written
int64_t state_next_try_ms(const struct spool_state *state); // earliest of the deferred; 0 = now
                                                            // (something is open or failed)
size_t state_open_count(const struct spool_state *state);   // not retired

const char *rcpt_status_name(enum rcpt_status status);
const char *verdict_name(enum verdict verdict);
enum verdict verdict_find(struct span name); // VERDICT_NONE if unknown

#endif
