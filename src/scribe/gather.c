// SPDX-License-Identifier: BSD-2-Clause
#include "src/scribe/gather.h"

#include <assert.h>
#include <string.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/mem.h"

enum {
    TABLE_SIZE = 2 * GATHER_MAX,
    MEMORY_MAX = 64 << 20,  // of what it becomes when it is read
    MEMORY_FULL = 16 << 20, // behind it there is room for any message
    AROUND = 64,            // what the smallest is counted as more, so that a turn has an end
};

struct gather {
    struct rings *rings;
    struct figures *figures;
    struct arena arena;
    struct record records[GATHER_MAX];
    const struct record *chosen[GATHER_MAX];
    size_t count, bytes;
    size_t first;               // row of the next turn
    size_t nonsense;            // of this turn
    uint16_t table[TABLE_SIZE]; // index + 1 of a record, by its id
    uint64_t *positions;        // of each row, behind what is gathered
};

// A place in the table for that id: empty, or with the record of it that was read before.
static uint16_t *
find_place(struct gather *gather, struct span id)
{
    size_t at = (size_t)digest_sum64(id, 0) % TABLE_SIZE;

    while (gather->table[at] != 0 && !span_equal(gather->records[gather->table[at] - 1].id, id))
        at = (at + 1) % TABLE_SIZE;
    return &gather->table[at];
}

static void
take_message(struct gather *gather, struct span payload)
{
    struct record record;
    uint16_t *place;

    if (record_read(arena_copy(&gather->arena, payload), &gather->arena, &record) != 0) {
        gather->nonsense++;
        return;
    }
    figures_add_record(gather->figures, &record);
    place = find_place(gather, record.id);
    if (*place == 0) {
        *place = (uint16_t)++gather->count;
        gather->records[*place - 1] = record;
    } else if (record.step >= gather->records[*place - 1].step) {
        gather->records[*place - 1] = record;
    }
}

static void
take_vitals(struct gather *gather, size_t row, struct span payload, uint64_t now_ms)
{
    struct vitals vitals;
    struct arena arena;

    arena_init(&arena, GATHER_BYTES_MAX);
    if (vitals_read(payload, &arena, &vitals) == 0)
        figures_add_vitals(gather->figures, row, &vitals, now_ms);
    arena_clear(&arena);
}

static void
take(struct gather *gather, size_t row, struct span told, uint64_t now_ms)
{
    gather->bytes += AROUND + told.len;
    if (told.len > 0 && told.data[0] == RECORD_MESSAGE)
        take_message(gather, span_skip(told, 1));
    else if (told.len > 0 && told.data[0] == RECORD_VITALS)
        take_vitals(gather, row, span_skip(told, 1), now_ms);
}

bool
gather_is_full(const struct gather *gather)
{
    return gather->count == GATHER_MAX || gather->bytes >= GATHER_BYTES_MAX ||
           gather->arena.given >= MEMORY_FULL;
}

// A row that makes no sense waits for the next turn: who goes on spoiling it must not keep us.
static void
read_row(struct gather *gather, size_t row, struct buf *told, uint64_t now_ms)
{
    int result = 1;

    while (result > 0 && !gather_is_full(gather)) {
        result = ring_next(gather->rings, row, &gather->positions[row], told);
        if (result > 0)
            take(gather, row, buf_span(told), now_ms);
    }
    if (result < 0)
        log_error("scribe", "what worker %zu told makes no sense: dropped", row);
}

// Each row is the first in its turn: who tells more than we can read keeps nobody else waiting for
// ever.
void
gather_read(struct gather *gather, uint64_t now_ms)
{
    size_t rows = rings_rows(gather->rings);
    struct buf told;

    assert(rows > 0);
    gather->nonsense = 0;
    buf_init(&told, RING_RECORD_MAX);
    for (size_t i = 0; i < rows; i++)
        read_row(gather, (gather->first + i) % rows, &told, now_ms);
    buf_clear(&told);
    gather->first = (gather->first + 1) % rows;
    if (gather->nonsense > 0)
        log_error("scribe", "workers told what cannot be understood, %zu times: left out",
                  gather->nonsense);
}

size_t
gather_get(const struct gather *gather, const struct record *const **records_out)
{
    *records_out = gather->chosen;
    return gather->count;
}

void
gather_release(struct gather *gather)
{
    for (size_t row = 0; row < rings_rows(gather->rings); row++) {
        if (gather->positions[row] > 0)
            ring_release(gather->rings, row, gather->positions[row]);
    }
    arena_clear(&gather->arena);
    memset(gather->table, 0, sizeof gather->table);
    gather->count = gather->bytes = 0;
}

bool
gather_is_all_read(const struct gather *gather)
{
    for (size_t row = 0; row < rings_rows(gather->rings); row++) {
        if (ring_used(gather->rings, row) > 0)
            return false;
    }
    return gather->count == 0;
}

uint64_t
gather_dropped(const struct gather *gather)
{
    uint64_t dropped = 0;

    for (size_t row = 0; row < rings_rows(gather->rings); row++)
        dropped += ring_dropped(gather->rings, row);
    return dropped;
}

struct gather *
gather_new(struct rings *rings, struct figures *figures)
{
    struct gather *gather = mem_zalloc(sizeof *gather);

    gather->rings = rings;
    gather->figures = figures;
    gather->positions = mem_zarray(rings_rows(rings), sizeof *gather->positions);
    for (size_t i = 0; i < GATHER_MAX; i++)
        gather->chosen[i] = &gather->records[i];
    arena_init(&gather->arena, MEMORY_MAX);
    return gather;
}

void
gather_free(struct gather **gather)
{
    if (*gather == NULL)
        return;
    arena_clear(&(*gather)->arena);
    mem_free(&(*gather)->positions);
    mem_free(gather);
}
