// SPDX-License-Identifier: BSD-2-Clause
// track/record.h - all that is known of one message at a moment: what a worker tells, the ledger
// keeps, Redis gets and `postern trace` prints. Plain data and its codec, pure.
//
// A record is a snapshot, not a change: one that came twice, or did not come before a later one,
// does no harm. (id, step) orders them: step grows with each line of the message's journal, and
// from place to place (record_step).
// Owns:  nothing: spans point into the encoded bytes or into whoever filled it in; the lists lie in
//        an arena.
#ifndef POSTERN_TRACK_RECORD_H
#define POSTERN_TRACK_RECORD_H

#include "base/arena.h"
#include "base/buf.h"
#include "filters/result.h"
#include "smtp/envelope.h"
#include "spool/state.h"

enum record_place { // where its file is
    RECORD_ACTIVE,  // being worked on
    RECORD_WAITING, // for its next try
    RECORD_HOLD,
    RECORD_QUARANTINE,
    RECORD_DONE, // gone: all recipients are retired
    RECORD_LEFT, // gone: never acknowledged; the client has it and will come again
    RECORD_PLACE_COUNT
};

// A message may come to rest somewhere else without a further line of its journal.
static inline uint64_t
record_step(uint64_t next_seq, enum record_place place)
{
    return next_seq * RECORD_PLACE_COUNT + (uint64_t)place;
}

const char *record_place_name(enum record_place place);
enum record_place record_place_find(struct span name); // RECORD_PLACE_COUNT: none of them

enum record_stage {
    STAGE_RECEIVE,
    STAGE_SEAL,
    STAGE_DISSECT,
    STAGE_FILTERS,
    STAGE_SEND,
    STAGE_COUNT
};

const char *record_stage_name(enum record_stage stage); // "receive", ...

struct record_final { // what Postfix's log says of a recipient that was handed back
    uint8_t status;   // enum track_status; STATUS_COUNT: nothing yet
    int64_t at_ms;
    struct span to; // whom Postfix delivered to, where it differs (aliases)
    struct span relay, dsn, reply;
};

struct record_rcpt {
    struct span to;         // path as it came
    struct span redirected; // path it goes to instead; empty: none
    enum rcpt_status status;
    int64_t at_ms;    // of its last event; 0: none
    int64_t until_ms; // deferred: next try
    uint32_t tries;
    uint32_t group;                     // index into groups; group_count: undecided
    uint16_t code;                      // of the last reply
    struct span reply, relay, queue_id; // queue_id: out
    struct span child;                  // who has taken it over (bounce, quarantine, hold, release)
    struct record_final *finals;        // an alias has several; of the ledger only
    size_t final_count;
};

struct record_group { // recipients with one decision
    enum verdict verdict;
    struct span rule, reason;
    uint32_t edits;
};

struct record_result { // of one filter
    struct span filter;
    enum result_kind kind;
    bool is_virus, has_score;
    double score, required_score;
    struct span names; // parted by ", "; at most RECORD_NAMES_MAX bytes
    struct span action, server, reason;
    enum result_wish wish;
    uint64_t took_us;
};

struct record {
    struct span id, parent; // parent: of a child
    struct span kind;       // of a child: "bounce", "copy", "quarantine", ...; else empty
    uint64_t step;
    enum record_place place;
    struct span place_reason; // why it is held or in quarantine
    int64_t arrived_ms, told_ms;
    enum smtp_protocol protocol;
    enum smtp_handoff handoff;
    struct span listener, next_hop;
    struct span queue_id;                  // in: of the Postfix that handed it to us
    struct span client_name, client, helo; // the origin's, by XFORWARD, else the peer's
    struct span from, message_id, subject; // message_id with its angle brackets, as it stands
    uint64_t size;
    double score;                   // the highest of all filters; NAN: none
    uint64_t stage_us[STAGE_COUNT]; // in all; what is not known is 0
    bool is_looked; // results and the stages dissect and filters are new in this record
    bool is_sent;   // the stage send is
    struct record_rcpt *rcpts;
    size_t rcpt_count;
    struct record_group *groups;
    size_t group_count;
    struct record_result *results;
    size_t result_count;
};

enum { RECORD_NAMES_MAX = 1000, RECORD_TEXT_MAX = 600, RECORD_SIZE_MAX = 3 << 20 };

#define RECORD_TIME_MAX ((int64_t)253402300799999) // the end of the year 9999, in ms

// In the ring a payload begins with one of these, as one byte; the codecs neither write nor read
// it.
enum record_kind { RECORD_MESSAGE = 1, RECORD_VITALS = 2 };

// Appends. -1: larger than RECORD_SIZE_MAX or out's ceiling; out is as before. Finals are not
// written; a time below 0 becomes 0.
int record_write(const struct record *record, struct buf *out);
// Spans point into payload, lists into the arena. -1: not a record (numbers above INT64_MAX, codes
// above 999, times after the year 9999, an infinite score among them): nothing of it is believed.
// Texts may hold any bytes.
int record_read(struct span payload, struct arena *arena, struct record *record_out);

#endif
