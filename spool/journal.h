// SPDX-License-Identifier: BSD-2-Clause
// spool/journal.h - the lines that tell what happened to a message, one an event. Pure.
//
// "<seq> <ms since 1970> <event> key=value ... #<checksum>\n", values xtext; the checksum is seeded
// with the message's id, so that what a slot held before is never believed. Bad lines are skipped.
//
// Events and their keys (r = recipients as ranges of numbers, see spool/ranges.h):
//   found      reserved for what dissectors report          crashed   n=            a dissector
//   died on it decided    g= verdict= rule= r= reason= from= to=(repeated, path and params)
//   edit=(repeated) received=
//              final for each group g: from, to only where they differ from the envelope
//   attempt    g= r= hop= alone=1    written before the first byte goes to the next hop
//   sent       r= hop= relay= code= reply= qid= body=same|edited digest=
//   deferred   r= until=(ms since 1970) code= reply= relay=
//   failed     r= code= reply= relay=                        5xx, or expired: a bounce is due
//   bounced    r= child=      moved  r= child=               another file has taken them over
//   discarded  r= reason=     no bounce is wanted or may be made
//   delayed    r= child=      relayed  r= child=             a delay or relayed notice was made
//   held       reason=        unheld     retry               the operator's
//   done       all recipients are retired; the file may be removed
#ifndef POSTERN_SPOOL_JOURNAL_H
#define POSTERN_SPOOL_JOURNAL_H

#include "base/buf.h"

enum { JOURNAL_FIELDS_MAX = 1100, JOURNAL_LINE_MAX = 1 << 20 };

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
};

// Writing: begin, any number of fields, end. The line is appended to out.
struct journal_writer {
    struct buf *out;
    size_t start;
    const char *id;
};

void journal_begin(struct journal_writer *writer, struct buf *out, const char *id, uint64_t seq,
                   int64_t time_ms, const char *event);
void journal_field(struct journal_writer *writer, const char *key, struct span raw);
void journal_field_text(struct journal_writer *writer, const char *key,
                        const char *raw); // NULL: left out
void journal_field_number(struct journal_writer *writer, const char *key, int64_t value);
void journal_end(struct journal_writer *writer);

// Reading: the next good line of *rest; false when there is none. *end_out (may be NULL) is set to
// the number of bytes of the whole journal up to and with the last good line so far.
struct journal_reader {
    struct span whole;
    size_t offset;
    size_t good_end; // behind the last good line
    size_t bad_lines;
    const char *id;
    struct journal_field fields[JOURNAL_FIELDS_MAX];
};

void journal_reader_init(struct journal_reader *reader, struct span journal, const char *id);
bool journal_next(struct journal_reader *reader, struct journal_line *line_out);

struct span journal_get(const struct journal_line *line,
                        const char *key); // xtext; {NULL, 0} if absent
// Decoded into out (appended). -1: absent or not xtext.
int journal_get_raw(const struct journal_line *line, const char *key, struct buf *out);

#endif
