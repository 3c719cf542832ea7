// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/decode.h - transfer encodings read as the most lenient reader would: for looking.
// Pure.
//
// Streaming, never fails: what does not fit the rules is counted and read on. base64: skips what is
// not in the alphabet, treats "=" as the end of a group and goes on behind it, gives the last bytes
// without padding. Quoted-printable: lower case, soft breaks with trailing blanks, bad escapes as
// they stand. (RFC 2045 6.7, 6.8)
#ifndef POSTERN_MIME_DECODE_H
#define POSTERN_MIME_DECODE_H

#include "base/buf.h"
#include "mime/reading/ebb.h"

enum decode_encoding {
    DECODE_IDENTITY, // 7bit, 8bit, binary, and unknown
    DECODE_BASE64,
    DECODE_QUOTED_PRINTABLE,
    DECODE_UUENCODE,  // begin ... end; what stands around is skipped
    DECODE_BASE64_URL // with "-" and "_" as letters, too (RFC 4648 5); to others they are junk
};

// "base64", " BASE64 (comment)", "\"base64\"", "base64;": as the boldest reader takes it.
// known_out (may be NULL): false where the name is none of RFC 2045's and no uuencode, or stands
// there in a way that other readers would not know it.
enum decode_encoding decode_encoding_find(struct span value, bool *known_out);

struct decode {
    enum decode_encoding encoding;
    uint32_t bits;
    unsigned bit_count, state;
    size_t line_len;
    char held[80]; // of an unfinished line or escape
    size_t held_len;
    // What was odd, counted.
    uint64_t junk;          // bytes that do not belong there
    uint64_t inner_padding; // "=" with more behind it
    uint64_t soft_blanks;   // soft breaks with blanks in them: allowed, and not known to all
    bool is_unpadded;       // it ended in the middle of a group
};

void decode_init(struct decode *decode, enum decode_encoding encoding);
// Appends; -1: out's ceiling was reached, and as much as fits was added.
int decode_add(struct decode *decode, struct span in, struct buf *out);
int decode_end(struct decode *decode, struct buf *out); // what was left over

// A "begin 644 name" (or "=ybegin") line in text: its offset, else -1; *name_out is its file name.
// ebb may be NULL.
ptrdiff_t decode_find_inline(struct span text, struct ebb *ebb, struct span *name_out);

#endif
