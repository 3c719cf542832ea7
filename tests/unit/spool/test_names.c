// SPDX-License-Identifier: BSD-2-Clause
#include "spool/names.h"

#include "tests/unit/harness.h"

static void
test_empty(void)
{
    struct names names = {0};

    CU_ASSERT_PTR_NULL(names_peek(&names));
    CU_ASSERT_PTR_NULL(names_take(&names));
    names_clear(&names);
}

static void
test_order(void)
{
    struct names names = {0};
    char name[16];

    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "%d", i);
        names_add(&names, name);
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "%d", i);
        CU_ASSERT_STRING_EQUAL(names_peek(&names), name);
        CU_ASSERT_STRING_EQUAL(names_take(&names), name);
    }
    CU_ASSERT_PTR_NULL(names_take(&names));
    names_add(&names, "again");
    CU_ASSERT_STRING_EQUAL(names_take(&names), "again");
    names_clear(&names);
    CU_ASSERT_PTR_NULL(names_peek(&names));
}

static const struct unit_test tests[] = {
    {"empty",    test_empty},
    {"in order", test_order},
};

UNIT_MAIN("spool/names", tests)
