// SPDX-License-Identifier: BSD-2-Clause
// filters/clamd_wire.h - clamd's protocol: commands and what replies mean. Pure.
#ifndef POSTERN_FILTERS_CLAMD_WIRE_H
#define POSTERN_FILTERS_CLAMD_WIRE_H

#include "base/err.h"
#include "filters/result.h"

enum { CLAMD_REPLY_MAX = 4096 };

enum clamd_wire_result {
    CLAMD_NEED_MORE,
    CLAMD_ANSWER, // result is filled: clean, hit or unscannable
    CLAMD_BAD     // an ERROR of clamd's, or no reply of its: err tells
};

// reply: all that came so far; is_end: nothing more will. A reply ends in NUL, or in LF where clamd
// gave up reading. Only a whole "...: OK" is clean. Heuristics.Limits.Exceeded* and *.Encrypted*
// names are unscannable, all other names are viruses.
enum clamd_wire_result clamd_wire_read(struct span reply, bool is_end, struct result *result,
                                       struct err *err);
void clamd_wire_chunk_head(uint32_t len, char out[4]);
bool clamd_wire_is_pong(struct span reply); // whole

#endif
