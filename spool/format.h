// SPDX-License-Identifier: BSD-2-Clause
// spool/format.h - the first line and the envelope lines of a spool file. Pure.
//
// A file is: FORMAT_HEAD_LEN bytes "POSTERN 1 <offset> <len> <checksum>\n" (fixed width; all zero
// until sealed); the envelope as readable "key value" lines; an empty line; the message (offset,
// len), dots unstuffed; then the journal (spool/journal.h). `less` can read it. The checksum covers
// envelope and message, version, offset and len: damage at any byte is noticed.
#ifndef POSTERN_SPOOL_FORMAT_H
#define POSTERN_SPOOL_FORMAT_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "smtp/envelope.h"

// ENVELOPE_MAX bounds what is read into memory: nothing larger may be sealed.
enum { FORMAT_VERSION = 1, FORMAT_HEAD_LEN = 64, FORMAT_ENVELOPE_MAX = 16 << 20 };

struct format_seal {
    uint64_t offset;   // of the message, from the start of the file: head and envelope
    uint64_t len;      // of the message
    uint64_t checksum; // format_checksum
};

enum format_head {
    FORMAT_SEALED,
    FORMAT_UNSEALED, // intact line of a known version, all-zero seal: never acknowledged
    FORMAT_NEWER,    // a version we do not know: leave it alone
    FORMAT_BAD
};

const char *format_head_name(enum format_head head);

// seal NULL: unsealed.
void format_head_write(const struct format_seal *seal, char out[FORMAT_HEAD_LEN]);
// A seal that is returned is one that we could have written: offset + len fits an int64_t. With
// FORMAT_NEWER there may be one, too: then the version may be all that is damaged. Else it is zero.
enum format_head format_head_read(struct span head, struct format_seal *seal_out);

uint64_t format_checksum(struct digest_value envelope, struct digest_value message, uint64_t offset,
                         uint64_t len);

// Envelope lines with the empty line that ends them, appended. Values are xtext where they are not
// paths and parameters; a rcpt line is "rcpt <path> params"; what is NULL has no line. -1: more
// than FORMAT_ENVELOPE_MAX or out's ceiling, or what could not be read again (no valid id, no
// recipient, a control character or an open quote in a path); out is as before.
int format_envelope_write(const struct smtp_envelope *envelope, struct buf *out);
// Unknown keys are an error (another writer's); repeated ones, and missing ones that every envelope
// has, too. PERM; envelope_out is empty then.
int format_envelope_read(struct span text, struct smtp_envelope *envelope_out, struct err *err);

#endif
