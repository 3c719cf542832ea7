// SPDX-License-Identifier: BSD-2-Clause
// spool/reader.h - opens and verifies one spool file. Blocks: pool jobs, recovery, the tool.
//
// Verified means: first line, checksum over envelope and message, envelope lines, journal lines.
// Reads the message in blocks with pread, since another process may cut a file at any time.
#ifndef POSTERN_SPOOL_READER_H
#define POSTERN_SPOOL_READER_H

#include "spool/format.h"
#include "spool/state.h"

enum { READER_JOURNAL_MAX = 4 << 20 }; // what stands behind a message; beyond it is CORRUPT

enum reader_result {
    READER_OK,
    READER_UNSEALED, // never acknowledged: may be removed by its owner
    READER_NEWER,    // leave it alone
    READER_CORRUPT,  // to corrupt/, with an alarm
    READER_ERROR     // could not be read now (err TEMP)
};

const char *reader_result_name(enum reader_result result);

struct reader_message {
    struct smtp_envelope envelope;
    struct format_seal seal;
    struct digest_value digest; // of the message bytes
    struct spool_state state;
    uint64_t journal_end; // file offset behind the last good journal line
    uint64_t file_size;
    size_t bad_lines;   // journal lines that were not believed, in front of journal_end
    struct buf journal; // the good lines, as they stand (for show)
};

// fd stays the caller's. On READER_OK message_out is filled and must be cleared.
// Else message_out is empty (clearing it does no harm) and err says why, PERM but for ERROR.
enum reader_result reader_load(int fd, struct reader_message *message_out, struct err *err);
// Only first line and envelope, nothing verified but these: for listings.
enum reader_result reader_peek(int fd, struct smtp_envelope *envelope_out,
                               struct format_seal *seal_out, struct err *err);
// What the message's journal lines are sealed with.
uint64_t reader_journal_key(const struct reader_message *message);
void reader_message_clear(struct reader_message *message);

#endif
