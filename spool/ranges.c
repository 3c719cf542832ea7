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
        buf_printf(out, end > i ? "%s%zu-%zu" : "%s%zu", comma, i, end);
        comma = ",";
    }
}

int
ranges_next(struct span *text, size_t count, size_t *first_out, size_t *last_io)
{
    bool is_start = *last_io == SIZE_MAX;
    uint64_t first, last;
    struct span item, number;

    if (text->data == NULL && !is_start)
        return 0;
    item = span_cut(text, ',');
    number = span_cut(&item, '-');
    if (count == 0 || str_parse_u64(number, count - 1, &first) != 0)
        return -1;
    last = first;
    if (item.data != NULL && (str_parse_u64(item, count - 1, &last) != 0 || last <= first))
        return -1;
    if (!is_start && first <= *last_io)
        return -1;
    *first_out = (size_t)first;
    *last_io = (size_t)last;
    return 1;
}

int
ranges_parse(struct span text, struct ranges *ranges)
{
    size_t first, last = SIZE_MAX;
    size_t bytes = word_count(ranges) * sizeof(ranges->bits[0]);
    int result;

    memset(ranges->bits, 0, bytes);
    while ((result = ranges_next(&text, ranges->count, &first, &last)) > 0) {
        for (size_t i = first; i <= last; i++)
            ranges_add(ranges, i);
    }
    if (result < 0)
        memset(ranges->bits, 0, bytes);
    return result;
}
