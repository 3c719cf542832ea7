// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger_match.h"

#include <stdlib.h>
#include <string.h>

#include "track/status.h"

struct candidate { // a recipient who went out
    struct span queue_id, address;
    size_t number;
};

enum level { SAME_QUEUE_ID, SAME_ADDRESS, SAME_LOCAL_CASE };

struct candidates {
    struct candidate *items; // sorted as compare does
    size_t count;
    size_t *finals; // of each recipient
};

struct range {
    size_t first, end;
};

// An address letter by letter, without the quotes of its local part: a client may write them where
// none are needed, and Postfix logs those only that are.
struct letters {
    struct span rest;
    bool is_quoted;
};

static struct letters
letters_of(struct span address)
{
    bool is_quoted = address.len > 0 && address.data[0] == '"';

    return (struct letters){span_skip(address, is_quoted ? 1 : 0), is_quoted};
}

// -1: there is none any more.
static int
next_letter(struct letters *letters, bool is_nocase)
{
    struct span *rest = &letters->rest;
    int letter;

    if (letters->is_quoted && rest->len > 0 && rest->data[0] == '"') {
        letters->is_quoted = false;
        *rest = span_skip(*rest, 1);
    }
    if (letters->is_quoted && rest->len > 1 && rest->data[0] == '\\')
        *rest = span_skip(*rest, 1);
    if (rest->len == 0)
        return -1;
    letter = (unsigned char)rest->data[0];
    *rest = span_skip(*rest, 1);
    return is_nocase && letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter;
}

static int
compare_addresses(struct span a, struct span b, bool is_nocase)
{
    struct letters left = letters_of(a), right = letters_of(b);
    int letter, other;

    do {
        letter = next_letter(&left, is_nocase);
        other = next_letter(&right, is_nocase);
    } while (letter == other && letter >= 0);
    return letter - other;
}

static int
compare_spans(struct span a, struct span b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.data, b.data, len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static struct span
local_part(struct span address)
{
    const char *at = address.len > 0 ? memrchr(address.data, '@', address.len) : NULL;

    return at == NULL ? address : span_from(address.data, (size_t)(at - address.data));
}

static int
compare(const struct candidate *a, const struct candidate *b, enum level level)
{
    int order = compare_spans(a->queue_id, b->queue_id);

    if (order == 0 && level >= SAME_ADDRESS)
        order = compare_addresses(a->address, b->address, true);
    if (order == 0 && level >= SAME_LOCAL_CASE)
        order = compare_addresses(local_part(a->address), local_part(b->address), false);
    return order;
}

static int
compare_all(const void *a, const void *b)
{
    return compare(a, b, SAME_LOCAL_CASE);
}

static bool
list_candidates(const struct record *record, struct arena *arena, struct candidates *out)
{
    out->items = arena_array(arena, record->rcpt_count, sizeof(out->items[0]));
    out->finals = arena_array(arena, record->rcpt_count, sizeof(out->finals[0]));
    out->count = 0;
    if (out->items == NULL || out->finals == NULL)
        return false;
    for (size_t i = 0; i < record->rcpt_count; i++) {
        const struct record_rcpt *rcpt = &record->rcpts[i];

        if (rcpt->queue_id.len > 0)
            out->items[out->count++] = (struct candidate){
                rcpt->queue_id, rcpt->redirected.len > 0 ? rcpt->redirected : rcpt->to, i};
    }
    qsort(out->items, out->count, sizeof(out->items[0]), compare_all);
    return true;
}

// The first that is not below the key; with is_above, the first that is above.
static size_t
bound(const struct candidates *all, const struct candidate *key, enum level level, bool is_above)
{
    size_t low = 0, high = all->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(&all->items[middle], key, level);

        if (order < 0 || (is_above && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct range
find_range(const struct candidates *all, struct span queue_id, struct span address,
           enum level level)
{
    struct candidate key = {queue_id, address, 0};

    return (struct range){bound(all, &key, level, false), bound(all, &key, level, true)};
}

static struct range
find(const struct candidates *all, const struct ledger_delivery *delivery)
{
    static const enum level levels[] = {SAME_LOCAL_CASE, SAME_ADDRESS};
    const struct span addresses[] = {delivery->original, delivery->to};
    struct range range = find_range(all, delivery->queue_id, span_from(NULL, 0), SAME_QUEUE_ID);

    if (delivery->to.len == 0 || range.end - range.first <= 1)
        return range;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        for (size_t k = 0; k < sizeof(levels) / sizeof(levels[0]) && addresses[i].len > 0; k++) {
            range = find_range(all, delivery->queue_id, addresses[i], levels[k]);
            if (range.first < range.end)
                return range;
        }
    }
    return (struct range){0, 0};
}

static void
add_final(struct record *record, const struct candidate *candidate,
          const struct ledger_delivery *delivery)
{
    struct record_rcpt *rcpt = &record->rcpts[candidate->number];
    struct record_final *final = &rcpt->finals[rcpt->final_count++];

    *final = delivery->final;
    if (compare_addresses(delivery->to, candidate->address, true) != 0)
        final->to = delivery->to;
}

// Postfix gave up: whoever was deferred, or never spoken of, will not get it.
static void
expire(struct record_rcpt *rcpt, const struct record_final *final)
{
    if (rcpt->final_count == 0)
        rcpt->finals[rcpt->final_count++] = *final;
    for (size_t i = 0; i < rcpt->final_count; i++) {
        if (rcpt->finals[i].status != STATUS_DEFERRED)
            continue;
        rcpt->finals[i].status = final->status;
        rcpt->finals[i].at_ms = final->at_ms;
        rcpt->finals[i].reply = final->reply;
    }
}

static bool
make_room(struct record *record, const struct candidates *all, struct arena *arena)
{
    for (size_t i = 0; i < all->count; i++) {
        struct record_rcpt *rcpt = &record->rcpts[all->items[i].number];
        size_t count = all->finals[all->items[i].number];

        rcpt->finals = count == 0 ? NULL : arena_array(arena, count, sizeof(rcpt->finals[0]));
        if (count > 0 && rcpt->finals == NULL)
            return false;
    }
    return true;
}

// Expiries come last: they are about what the others left open.
static void
give(struct record *record, const struct candidates *all, const struct ledger_delivery *delivery,
     bool is_expiry)
{
    struct range range = {0, 0};

    if ((delivery->to.len == 0) == is_expiry)
        range = find(all, delivery);
    for (size_t i = range.first; i < range.end; i++) {
        if (is_expiry)
            expire(&record->rcpts[all->items[i].number], &delivery->final);
        else
            add_final(record, &all->items[i], delivery);
    }
}

int
ledger_match(struct record *record, const struct ledger_delivery *deliveries, size_t count,
             struct arena *arena)
{
    struct candidates all;

    if (count == 0)
        return 0;
    if (!list_candidates(record, arena, &all))
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct range range = find(&all, &deliveries[i]);

        for (size_t k = range.first; k < range.end; k++)
            all.finals[all.items[k].number]++;
    }
    if (!make_room(record, &all, arena))
        return -1;
    for (size_t i = 0; i < count; i++)
        give(record, &all, &deliveries[i], false);
    for (size_t i = 0; i < count; i++)
        give(record, &all, &deliveries[i], true);
    return 0;
}
