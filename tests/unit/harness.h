// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/harness.h - what every unit test shares: a main from a list of tests, rows, bites.
//
// A test program lists its tests and ends with UNIT_MAIN("room/file", tests). It fails if a test
// fails, if CUnit fails, or if nothing was asserted.
#ifndef POSTERN_TESTS_UNIT_HARNESS_H
#define POSTERN_TESTS_UNIT_HARNESS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>

struct unit_test {
    const char *name;
    void (*run)(void);
};

// For rows: tells which row failed.
#define UNIT_CHECK_ROW(row_name, condition)                                                        \
    do {                                                                                           \
        int unit_ok_ = (condition) ? 1 : 0;                                                        \
        if (!unit_ok_)                                                                             \
            fprintf(stderr, "row \"%s\": %s\n", (row_name), #condition);                           \
        CU_ASSERT(unit_ok_);                                                                       \
    } while (0)

#define UNIT_COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline int
unit_run(const char *suite_name, const struct unit_test *tests, size_t count)
{
    CU_pSuite suite;
    unsigned failures, asserts;

    if (CU_initialize_registry() != CUE_SUCCESS)
        return 2;
    suite = CU_add_suite(suite_name, NULL, NULL);
    if (suite == NULL)
        return 2;
    for (size_t i = 0; i < count; i++) {
        if (CU_add_test(suite, tests[i].name, tests[i].run) == NULL)
            return 2;
    }
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    failures = CU_get_number_of_failures();
    asserts = CU_get_number_of_asserts();
    CU_cleanup_registry();
    if (asserts == 0)
        fprintf(stderr, "%s asserts nothing\n", suite_name);
    return failures == 0 && asserts > 0 ? 0 : 1;
}

#define UNIT_MAIN(suite_name, tests)                                                               \
    int main(void)                                                                                 \
    {                                                                                              \
        return unit_run((suite_name), (tests), UNIT_COUNT(tests));                                 \
    }

#endif
