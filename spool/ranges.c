// SPDX-License-Identifier: BSD-2-Clause
#include "spool/ranges.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

enum { WORD_BITS = 64 };

static size_t
word_count(const struct ranges *ranges)
{
    return ranges->count / WORD_BITS + (ranges->count % WORD_BITS > 0 ? 1 : 0);
}

void
ranges_init(struct ranges *ranges, size_t count)
{
    *ranges = (struct ranges){.count = count};
    ranges->bits = mem_zarray(word_count(ranges), sizeof(ranges->bits[0]));
}

void
ranges_clear(struct ranges *ranges)
{
    mem_free(&ranges->bits);
    ranges->count = 0;
}

void
ranges_add(struct ranges *ranges, size_t number)
{
    assert(number < ranges->count);
    ranges->bits[number / WORD_BITS] |= UINT64_C(1) << number % WORD_BITS;
}

void
ranges_add_all(struct ranges *ranges)
{
    for (size_t i = 0; i < ranges->count; i++)
        ranges_add(ranges, i);
}

bool
ranges_has(const struct ranges *ranges, size_t number)
{
    return number < ranges->count &&
           (ranges->bits[number / WORD_BITS] >> number % WORD_BITS & 1) != 0;
}

size_t
ranges_size(const struct ranges *ranges)
{
    size_t size = 0;

    for (size_t i = 0; i < word_count(ranges); i++)
        size += (size_t)__builtin_popcountll(ranges->bits[i]);
    return size;
}

void
ranges_format(const struct ranges *ranges, struct buf *out)
{
    const char *comma = "";
    size_t end;

    for (size_t i = 0; i < ranges->count; i = end + 1) {
        end = i;
        if (!ranges_has(ranges, i))
            continue;
        while (ranges_has(ranges, end + 1))
            end++;
        (void)buf_add_text(out, comma);
        (void)buf_add_number(out, i);
        if (end > i) {
            (void)buf_add_char(out, '-');
            (void)buf_add_number(out, end);
        }
        comma = ",";
    }
}

// The next item ("5" or "5-7") of what is left.
static bool
next_item(struct ranges_walk *walk)
{
    struct span item, number;
    uint64_t first, last;

    if (walk->left.data == NULL)
        return false;
    walk->is_bad = true;
    item = span_cut(&walk->left, ',');
    number = span_cut(&item, '-');
    if (walk->count == 0 || str_parse_u64(number, walk->count - 1, &first) != 0)
        return false;
    last = first;
    if (item.data != NULL && (str_parse_u64(item, walk->count - 1, &last) != 0 || last <= first))
        return false;
    if (walk->is_started && first <= walk->last)
        return false;
    walk->is_started = true;
    walk->is_bad = false;
    walk->number = (size_t)first;
    walk->last = (size_t)last;
    return true;
}

bool
ranges_walk_next(struct ranges_walk *walk)
{
    if (!walk->is_started || walk->number == walk->last)
        return next_item(walk);
    walk->number++;
    return true;
}

size_t
ranges_walk_init(struct ranges_walk *walk, struct span text, size_t count)
{
    struct ranges_walk ahead = {.left = text, .count = count};
    size_t size = 0;

    *walk = ahead;
    while (next_item(&ahead))
        size += ahead.last - ahead.number + 1;
    return ahead.is_bad ? 0 : size;
}

int
ranges_parse(struct span text, struct ranges *ranges)
{
    struct ranges_walk walk;

    memset(ranges->bits, 0, word_count(ranges) * sizeof(ranges->bits[0]));
    if (ranges_walk_init(&walk, text, ranges->count) == 0)
        return -1;
    while (ranges_walk_next(&walk))
        ranges_add(ranges, walk.number);
    return 0;
}
