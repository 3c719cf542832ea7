// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/src/job/hearing.h - a ring, who tells into it, and what the scribe would hear.
#ifndef POSTERN_TESTS_UNIT_SRC_HEARING_H
#define POSTERN_TESTS_UNIT_SRC_HEARING_H

#include "src/job/teller.h"
#include "tests/unit/harness.h"

struct hearing {
    struct rings *rings;
    struct teller teller;
    uint64_t at;
    struct buf payload;
    struct arena arena; // of what was heard last
    struct record record;
    struct vitals vitals;
};

static inline void
hearing_init(struct hearing *heard)
{
    *heard = (struct hearing){.rings = rings_new(2, RING_SIZE_MIN, NULL)};
    CU_ASSERT_PTR_NOT_NULL_FATAL(heard->rings);
    teller_init(&heard->teller, heard->rings, 1);
    buf_init(&heard->payload, RING_RECORD_MAX);
    arena_init(&heard->arena, 64 << 20);
}

// Also behind the last test, where nothing may be asserted any more.
static inline void
hearing_clear(struct hearing *heard)
{
    if (ring_used(heard->rings, 0) != 0) // another worker's
        abort();
    teller_clear(&heard->teller);
    buf_clear(&heard->payload);
    arena_clear(&heard->arena);
    rings_free(&heard->rings);
}

// What comes next: into record or vitals, there until the next one. 0: nothing.
static inline int
hearing_next(struct hearing *heard)
{
    struct span rest;
    int kind, read;

    if (ring_next(heard->rings, 1, &heard->at, &heard->payload) != 1)
        return 0;
    arena_clear(&heard->arena);
    ring_release(heard->rings, 1, heard->at);
    rest = buf_span(&heard->payload);
    kind = (unsigned char)rest.data[0];
    rest = span_skip(rest, 1);
    read = kind == RECORD_MESSAGE ? record_read(rest, &heard->arena, &heard->record)
                                  : vitals_read(rest, &heard->arena, &heard->vitals);
    CU_ASSERT_FATAL(read == 0);
    return kind;
}

#endif
