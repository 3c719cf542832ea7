// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/ebb.h"

#include <sys/mman.h>

void
ebb_init(struct ebb *ebb, const void *begin, size_t len)
{
    *ebb = (struct ebb){.begin = (uintptr_t)begin, .low = (uintptr_t)begin};
    ebb->end = ebb->begin + len;
}

void
ebb_turn(struct ebb *ebb, const char *at)
{
    const uintptr_t place = (uintptr_t)at;
    size_t len = (size_t)2 * EBB_STRIDE; // a search may have gone a stride ahead

    if (place < ebb->begin || place >= ebb->end)
        return;
    if (len > ebb->end - ebb->low)
        len = ebb->end - ebb->low;
    (void)madvise((void *)ebb->low, len, MADV_DONTNEED);
    ebb->low = place - (place - ebb->begin) % EBB_STRIDE;
}

const char *
ebb_find_far(struct ebb *ebb, struct span text, char byte)
{
    while (text.len > 0) {
        size_t len = text.len < EBB_STRIDE ? text.len : EBB_STRIDE;
        const char *found;

        ebb_at(ebb, text.data);
        found = memchr(text.data, byte, len);
        if (found != NULL)
            return found;
        text = span_skip(text, len);
    }
    return NULL;
}
