// SPDX-License-Identifier: BSD-2-Clause
// spool/journal.h - the lines that tell what happened to a message, one an event. Pure.
//
// "<seq> <ms since 1970> <event> key=value ... #<checksum>\n", values xtext. Bad lines are skipped.
// Each checksum is seeded with the message's key, which comes of its id and its seal: what a slot
// held before is never believed, not even lines that somebody put into an earlier message on
// purpose, with an id that he guessed.
//
// Events and their keys (r = recipients as ranges of numbers, see spool/ranges.h):
//   found      what a dissector reported, in brief (mime/findings)
//   result     filter= result= ...   what a filter said (filters/result)
//   crashed    n=            a dissector died on it
//   looking                  after an adoption: a worker may have died on looking before
//   decided    g= verdict= rule= r= reason= from= to=(repeated, path and params)
//              edit=(repeated) received=
//              final for each group g: from, to only where they differ from the envelope
//   attempt    g= r= hop= alone=1    written before the first byte goes to the next hop
//   sent       r= hop= relay= code= reply= qid= body=same|edited digest=
//   deferred   r= until=(ms since 1970) code= reply= relay=
//   failed     r= code= reply= relay=                        5xx, or expired: a bounce is due
//   bounced    r= child=      moved  r= child=               another file has taken them over
//   discarded  r= reason=     no bounce is wanted or may be made
//   delayed    r= child=      relayed  r= child=             a delay or relayed notice was made
//   copied     to= rule=     a copy was made for an address that is no recipient
//   held       reason=        unheld     retry               the operator's
//   rescan     open recipients are undecided again; findings and results are forgotten
//   quarantined  rule= reason=          it lies in quarantine/ from now on, until it expires
//   release    r= child=     a release is being made; released r= child= by=   it was made
//   done       all recipients are retired; the file may be removed
#ifndef POSTERN_SPOOL_JOURNAL_H
#define POSTERN_SPOOL_JOURNAL_H

#include "base/buf.h"

enum { JOURNAL_FIELDS_MAX = 1100, JOURNAL_LINE_MAX = 1 << 20 };

// checksum: the seal's. Whoever cannot know all of envelope and message cannot know the key.
uint64_t journal_key(const char *id, uint64_t checksum);

struct journal_field {
    struct span key;
    struct span value; // still xtext
};

struct journal_line {
    uint64_t seq;
    int64_t time_ms;
    struct span event;
    struct journal_field *fields; // into a caller's array
    size_t field_count;
    struct span text; // the line as it stands, with its line feed
};

// Writing: begin, any number of fields, end. The line is appended to out.
struct journal_writer {
    struct buf *out;
    size_t start;
    uint64_t key;
    size_t field_count;
    bool failed;
};

// event and keys are of a-z and "_". A time before 1970 becomes 1970.
void journal_begin(struct journal_writer *writer, struct buf *out, uint64_t key, uint64_t seq,
                   int64_t time_ms, const char *event);
void journal_field(struct journal_writer *writer, const char *key, struct span raw);
void journal_field_text(struct journal_writer *writer, const char *key,
                        const char *raw); // NULL: left out
void journal_field_number(struct journal_writer *writer, const char *key, int64_t value);
// -1: more than a bound above or out's ceiling allows; out is as it was at begin.
int journal_end(struct journal_writer *writer);

// Reading: the next good line; false when there is none. Empty lines are none and not bad.
struct journal_reader {
    struct span whole;
    size_t offset;
    size_t good_end;  // behind the last good line
    size_t bad_lines; // in front of good_end
    size_t bad_since; // behind it: may be anything that a slot held before
    uint64_t key;
    struct journal_field fields[JOURNAL_FIELDS_MAX]; // of the line that was read last
};

void journal_reader_init(struct journal_reader *reader, struct span journal, uint64_t key);
bool journal_next(struct journal_reader *reader, struct journal_line *line_out);

// "key=value key=value", as a line has them, into line->fields, which has room for max. -1: not
// fields, or more than max.
int journal_read_fields(struct span text, size_t max, struct journal_line *line);

struct span journal_get(const struct journal_line *line,
                        const char *key); // xtext; {NULL, 0} if absent
// Decoded into out (appended). -1: absent or not xtext.
int journal_get_raw(const struct journal_line *line, const char *key, struct buf *out);
// A copy of its own, decoded, cut to max bytes between two characters; NULL: absent or not xtext.
char *journal_get_text(const struct journal_line *line, const char *key, size_t max);
char *journal_decode(struct span value, size_t max); // the same of a field's value

#endif
