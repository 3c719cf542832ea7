// SPDX-License-Identifier: BSD-2-Clause
// spool/amend.h - one more line in the journal of a message that lies on disk. For pool jobs and
// the tool.
//
// Blocks. The file is loaded and locked by the caller. What stands behind its last good line is cut
// off; the line begins with a line feed, which ends one that a power cut left in half.
#ifndef POSTERN_SPOOL_AMEND_H
#define POSTERN_SPOOL_AMEND_H

#include "spool/reader.h"

struct amend {
    int fd; // read and write
    struct reader_message *message;
    struct buf text;
    struct journal_writer writer; // for the line's fields
};

void amend_begin(struct amend *amend, int fd, struct reader_message *message, int64_t now_ms,
                 const char *event);
// Writes it; durable if sync. The message is then as it would be loaded now, but for its text.
// PERM: no such line can be written, or the journal would be too long.
int amend_end(struct amend *amend, bool sync, struct err *err);

#endif
