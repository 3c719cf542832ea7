// SPDX-License-Identifier: BSD-2-Clause
#include "policy/courses.h"

#include <string.h>

#include "base/digest.h"
#include "base/mem.h"

// A power of two well above what there can be: a free one is always near.
static size_t
slots_for(size_t most)
{
    size_t slots = 4;

    while (slots <= 2 * most)
        slots *= 2;
    return slots;
}

void
courses_init(struct courses *courses, size_t most)
{
    *courses = (struct courses){.most = most < COURSES_MAX ? most : COURSES_MAX};
    courses->slot_count = slots_for(courses->most);
    courses->slots = mem_zarray(courses->slot_count, sizeof(courses->slots[0]));
}

void
courses_clear(struct courses *courses)
{
    for (size_t i = 0; i < courses->count; i++)
        mem_free(&courses->items[i].fired);
    mem_free(&courses->items);
    mem_free(&courses->slots);
    courses->count = 0;
}

static size_t
fired_size(const struct reading_course *course)
{
    return course->fired_count * sizeof(course->fired[0]);
}

static uint64_t
hash_of(const struct reading_course *course)
{
    uint64_t seed = (uint64_t)course->stop << 32 | course->cause << 1 | course->stands_in;

    return digest_sum64(span_from((const char *)course->fired, fired_size(course)), seed);
}

static bool
is_equal(const struct reading_course *a, const struct reading_course *b)
{
    return a->stop == b->stop && a->cause == b->cause && a->stands_in == b->stands_in &&
           a->fired_count == b->fired_count &&
           (a->fired_count == 0 || memcmp(a->fired, b->fired, fired_size(a)) == 0);
}

static struct reading_course
copy_of(const struct reading_course *course)
{
    struct reading_course copy = *course;

    copy.fired = mem_zarray(course->fired_count, sizeof(copy.fired[0]));
    if (course->fired_count > 0)
        memcpy(copy.fired, course->fired, fired_size(course));
    copy.dry = NULL;
    copy.dry_count = 0;
    return copy;
}

size_t
courses_add(struct courses *courses, const struct reading_course *course)
{
    size_t slot = (size_t)hash_of(course) % courses->slot_count;

    while (courses->slots[slot] != 0) {
        size_t index = courses->slots[slot] - (size_t)1;

        if (is_equal(&courses->items[index], course))
            return index;
        slot = (slot + 1) % courses->slot_count;
    }
    if (courses->count == courses->most)
        return SIZE_MAX;
    courses->items = mem_regrow(courses->items, courses->count + 1, sizeof(courses->items[0]));
    courses->items[courses->count] = copy_of(course);
    courses->slots[slot] = (uint16_t)(courses->count + 1);
    return courses->count++;
}
