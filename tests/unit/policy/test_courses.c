// SPDX-License-Identifier: BSD-2-Clause
#include "policy/courses.h"

#include "base/mem.h"
#include "tests/unit/harness.h"

struct course_row {
    enum reading_stop stop;
    size_t cause;
    bool stands_in;
    uint16_t fired[3];
    size_t fired_count;
    size_t index; // expected
};

static const struct course_row rows[] = {
    {READ_TO_END,      0, false, {0},       0, 0},
    {READ_TO_END,      0, false, {1, 2},    2, 1},
    {READ_TO_END,      0, false, {2, 1},    2, 2},
    {READ_TO_END,      0, false, {1, 2, 3}, 3, 3},
    {READ_VERDICT,     0, false, {1, 2},    2, 4},
    {READ_CANNOT_TELL, 0, false, {0},       0, 5},
    {READ_CANNOT_TELL, 1, false, {0},       0, 6},
    {READ_TO_END,      0, true,  {0},       0, 7},
    {READ_TO_END,      0, false, {1, 2},    2, 1},
    {READ_TO_END,      0, false, {0},       0, 0},
    {READ_CANNOT_TELL, 1, false, {0},       0, 6},
};

static void
test_rows(void)
{
    struct courses courses;

    courses_init(&courses, 8);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        uint16_t fired[3] = {rows[i].fired[0], rows[i].fired[1], rows[i].fired[2]};
        struct reading_course course = {.stop = rows[i].stop,
                                        .cause = rows[i].cause,
                                        .stands_in = rows[i].stands_in,
                                        .fired = fired,
                                        .fired_count = rows[i].fired_count};

        CU_ASSERT(courses_add(&courses, &course) == rows[i].index);
    }
    CU_ASSERT(courses.count == 8);
    CU_ASSERT(courses.items[3].fired_count == 3 && courses.items[3].fired[2] == 3);
    courses_clear(&courses);
}

static void
check_bound(size_t most, size_t bound)
{
    struct courses courses;
    uint16_t fired = 0;
    struct reading_course course = {.fired = &fired, .fired_count = 1};

    courses_init(&courses, most);
    for (; fired < bound; fired++)
        CU_ASSERT(courses_add(&courses, &course) == fired);
    CU_ASSERT(courses_add(&courses, &course) == SIZE_MAX);
    fired = (uint16_t)(bound / 2);
    CU_ASSERT(courses_add(&courses, &course) == fired);
    courses_clear(&courses);
}

static void
test_bound(void)
{
    check_bound(1, 1);
    check_bound(2, 2);
    check_bound(7, 7);
    check_bound(64, 64);
    check_bound(COURSES_MAX, COURSES_MAX);
    check_bound(SIZE_MAX, COURSES_MAX);
}

static const struct unit_test tests[] = {
    {"rows",  test_rows },
    {"bound", test_bound},
};

UNIT_MAIN("policy/courses", tests)
