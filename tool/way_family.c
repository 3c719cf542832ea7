// SPDX-License-Identifier: BSD-2-Clause
#include "tool/way.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { ARENA_MAX = 1 << 30 };

void
ways_init(struct ways *ways)
{
    *ways = (struct ways){.items = mem_zarray(WAYS_MAX, sizeof *ways->items)};
    arena_init(&ways->arena, ARENA_MAX);
}

void
ways_clear(struct ways *ways)
{
    mem_free(&ways->items);
    arena_clear(&ways->arena);
    ways->count = 0;
}

struct way *
ways_add(struct ways *ways, const struct record *record)
{
    struct way *way;

    if (ways->count == WAYS_MAX)
        return NULL;
    way = &ways->items[ways->count++];
    *way = (struct way){.record = *record, .parent = WAY_NOBODY};
    return way;
}

struct way *
ways_find(const struct ways *ways, struct span id)
{
    for (size_t i = 0; i < ways->count; i++) {
        if (span_equal(ways->items[i].record.id, id))
            return &ways->items[i];
    }
    return NULL;
}

// --- order ---

// Ids ascend with time and survive a clock that jumps.
static int
compare_age(const void *a, const void *b)
{
    const struct record *one = &((const struct way *)a)->record;
    const struct record *other = &((const struct way *)b)->record;
    size_t len = one->id.len < other->id.len ? one->id.len : other->id.len;
    int order;

    if (one->arrived_ms != other->arrived_ms)
        return one->arrived_ms < other->arrived_ms ? -1 : 1;
    order = memcmp(one->id.data, other->id.data, len);
    return order != 0 ? order : (one->id.len > other->id.len) - (one->id.len < other->id.len);
}

struct placing {
    const struct way *from; // sorted by age
    size_t count;
    bool *placed;
    struct ways *ways;
};

// Placed when it is reached: a circle, which nothing of ours makes, ends where it began.
static void
place(struct placing *placing, size_t index, int parent, unsigned depth)
{
    struct ways *ways = placing->ways;
    int self = (int)ways->count++;

    placing->placed[index] = true;
    ways->items[self] = placing->from[index];
    ways->items[self].parent = parent;
    ways->items[self].depth = depth;
    for (size_t i = 0; i < placing->count; i++) {
        const struct record *child = &placing->from[i].record;

        if (!placing->placed[i] && child->parent.len > 0 &&
            span_equal(child->parent, placing->from[index].record.id))
            place(placing, i, self, depth + 1);
    }
}

static bool
has_parent(const struct placing *placing, size_t index)
{
    struct span parent = placing->from[index].record.parent;

    for (size_t i = 0; i < placing->count && parent.len > 0; i++) {
        if (i != index && span_equal(placing->from[i].record.id, parent))
            return true;
    }
    return false;
}

void
ways_order(struct ways *ways)
{
    struct way *from = mem_zarray(WAYS_MAX, sizeof *from);
    bool *placed = mem_zarray(WAYS_MAX, sizeof *placed);
    struct placing placing = {.from = from, .count = ways->count, .placed = placed, .ways = ways};

    memcpy(from, ways->items, ways->count * sizeof *from);
    qsort(from, ways->count, sizeof *from, compare_age);
    ways->count = 0;
    for (size_t i = 0; i < placing.count; i++) {
        if (!placed[i] && !has_parent(&placing, i))
            place(&placing, i, WAY_NOBODY, 0);
    }
    for (size_t i = 0; i < placing.count; i++) {
        if (!placed[i])
            place(&placing, i, WAY_NOBODY, 0);
    }
    mem_free(&from);
    mem_free(&placed);
}

// --- what became of it ---

static const struct record_rcpt *
find_rcpt(const struct record *record, struct span to)
{
    for (size_t i = 0; i < record->rcpt_count; i++) {
        if (span_equal(record->rcpts[i].to, to))
            return &record->rcpts[i];
    }
    return NULL;
}

// Whoever has taken him over: quarantine, hold, release. A bounce is for somebody else.
static const struct way *
find_taker(const struct ways *ways, const struct record_rcpt *rcpt, enum track_status status)
{
    if (rcpt->child.len == 0 || status == STATUS_BOUNCED)
        return NULL;
    return ways_find(ways, rcpt->child);
}

enum track_status
way_rcpt_status(const struct ways *ways, const struct way *way, const struct record_rcpt *rcpt)
{
    enum track_status status = status_of_rcpt(&way->record, rcpt);

    for (size_t i = 0; i < ways->count; i++) {
        way = find_taker(ways, rcpt, status);
        rcpt = way == NULL ? NULL : find_rcpt(&way->record, rcpt->to);
        if (rcpt == NULL)
            break;
        status = status_of_rcpt(&way->record, rcpt);
    }
    return status;
}

enum track_status
way_status(const struct ways *ways, const struct way *way)
{
    enum track_status all = STATUS_COUNT;

    for (size_t i = 0; i < way->record.rcpt_count; i++)
        all = status_join(all, way_rcpt_status(ways, way, &way->record.rcpts[i]));
    return all == STATUS_COUNT ? status_of_message(&way->record) : all;
}

int64_t
way_end_ms(const struct way *way)
{
    int64_t end = way->record.arrived_ms;

    for (size_t i = 0; i < way->record.rcpt_count; i++) {
        const struct record_rcpt *rcpt = &way->record.rcpts[i];

        end = rcpt->at_ms > end ? rcpt->at_ms : end;
        for (size_t k = 0; k < rcpt->final_count; k++)
            end = rcpt->finals[k].at_ms > end ? rcpt->finals[k].at_ms : end;
    }
    return end;
}
