// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/ebb.h - memory of a large mapped message, given back behind those who read it.
//
// Readers tell where they are as they go. A page that was given back is there again, the same, when
// it is touched: no finding depends on any of this, only how much of a message is in memory. Bytes
// that are not mapped may be told of, too: nothing happens. NULL in place of an ebb: nothing does.
#ifndef POSTERN_MIME_EBB_H
#define POSTERN_MIME_EBB_H

#include <stdint.h>
#include <string.h>

#include "base/str.h"

enum { EBB_STRIDE = 1 << 20 };

struct ebb {
    uintptr_t begin, end; // a private mapping of a file, by pages, that nobody writes to
    uintptr_t low;        // of the stride that is read; what lies behind it may have been, too
};

void ebb_init(struct ebb *ebb, const void *begin, size_t len);
void ebb_turn(struct ebb *ebb, const char *at); // to another stride

// Bytes from at on are read next.
static inline void
ebb_at(struct ebb *ebb, const char *at)
{
    if (ebb != NULL && (uintptr_t)at - ebb->low >= EBB_STRIDE)
        ebb_turn(ebb, at);
}

const char *ebb_find_far(struct ebb *ebb, struct span text, char byte);

// The first such byte; NULL: there is none.
static inline const char *
ebb_find(struct ebb *ebb, struct span text, char byte)
{
    if (ebb != NULL)
        return ebb_find_far(ebb, text, byte);
    return text.len == 0 ? NULL : memchr(text.data, byte, text.len);
}

#endif
