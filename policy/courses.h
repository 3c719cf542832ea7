// SPDX-License-Identifier: BSD-2-Clause
// policy/courses.h - the different courses that reading took for a message's recipients. Private to
// deciding. Pure.
//
// Owns: copies of the courses. What follows from a course is worked out once, however many
//       recipients share it; and there are never more than a journal can take.
#ifndef POSTERN_POLICY_COURSES_H
#define POSTERN_POLICY_COURSES_H

#include "policy/reading.h"

enum { COURSES_MAX = 1000 };

struct courses {
    struct reading_course *items; // in the order in which they were first met
    size_t count;
    size_t most;
    uint16_t *slots; // a hash table of indexes, plus one; 0: free
    size_t slot_count;
};

void courses_init(struct courses *courses, size_t most); // COURSES_MAX at any rate
void courses_clear(struct courses *courses);
// The index of an equal one, or of a copy that is added; SIZE_MAX: there are as many others.
size_t courses_add(struct courses *courses, const struct reading_course *course);

#endif
