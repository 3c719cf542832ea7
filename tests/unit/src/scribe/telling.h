// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/src/scribe/telling.h - what a worker would tell, for the tests of gather and clerk.
#ifndef POSTERN_TESTS_UNIT_SRC_TELLING_H
#define POSTERN_TESTS_UNIT_SRC_TELLING_H

#include <assert.h>

#include "base/ring.h"
#include "track/record.h"

// A message with one recipient, handed back with that queue id (NULL: in work).
static inline bool
tell_message(struct rings *rings, size_t row, const char *id, uint64_t step, const char *queue_id)
{
    struct record_rcpt rcpt = {.to = span_of("bob@example.com"),
                               .status = queue_id != NULL ? RCPT_SENT : RCPT_OPEN,
                               .queue_id = span_of(queue_id),
                               .at_ms = 1793678700000 + (int64_t)step}; // 2026-11-03
    struct record record = {.id = span_of(id),
                            .step = step,
                            .place = queue_id != NULL ? RECORD_DONE : RECORD_ACTIVE,
                            .arrived_ms = 1793678700000,
                            .told_ms = 1793678700000 + (int64_t)step,
                            .from = span_of("ann@example.org"),
                            .queue_id = span_of("4Zb1ym3kXYz9"),
                            .score = 0.5,
                            .rcpts = &rcpt,
                            .rcpt_count = 1};
    struct buf told;
    bool is_told;
    int written;

    buf_init(&told, RECORD_SIZE_MAX);
    (void)buf_add_char(&told, (char)RECORD_MESSAGE);
    written = record_write(&record, &told);
    assert(written == 0);
    (void)written;
    is_told = ring_put(rings, row, buf_span(&told));
    buf_clear(&told);
    return is_told;
}

#endif
