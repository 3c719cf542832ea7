// SPDX-License-Identifier: BSD-2-Clause
#include "spool/ids.h"

#include "tests/unit/harness.h"

enum { MANY = 3000 };

static struct ids ids;

static void
test_set(void)
{
    struct ids_member a = {0}, b = {0};
    int owner;

    CU_ASSERT_PTR_NULL(ids_find(&ids, "a"));
    ids_add(&ids, &a, "a", &owner);
    ids_add(&ids, &b, "b", NULL);
    CU_ASSERT_PTR_EQUAL(ids_find(&ids, "a"), &a);
    CU_ASSERT_PTR_EQUAL(ids_find(&ids, "a")->owner, &owner);
    CU_ASSERT_PTR_EQUAL(ids_find(&ids, "b"), &b);
    ids_remove(&ids, &a);
    ids_remove(&ids, &a); // not in: nothing
    CU_ASSERT_PTR_NULL(ids_find(&ids, "a"));
    ids_remove(&ids, &b);
    CU_ASSERT_EQUAL(ids.count, 0);
}

static void
test_twice(void)
{
    struct ids_member first = {0}, second = {0};

    ids_add(&ids, &first, "a", NULL);
    ids_add(&ids, &second, "a", NULL);
    ids_remove(&ids, &first);
    CU_ASSERT_PTR_EQUAL(ids_find(&ids, "a"), &second);
    ids_remove(&ids, &second);
    CU_ASSERT_PTR_NULL(ids_find(&ids, "a"));
}

static void
test_many(void)
{
    static struct ids_member members[MANY];
    static char names[MANY][12];

    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "id%d", i);
        ids_add(&ids, &members[i], names[i], NULL);
    }
    for (int i = 0; i < MANY; i += 2)
        ids_remove(&ids, &members[i]);
    for (int i = 0; i < MANY; i++)
        CU_ASSERT_EQUAL(ids_find(&ids, names[i]) != NULL, i % 2 == 1);
    CU_ASSERT_EQUAL(ids.count, MANY / 2);
}

static const struct unit_test tests[] = {
    {"in and out",   test_set  },
    {"one id twice", test_twice},
    {"many",         test_many },
};

UNIT_MAIN("spool/ids", tests)
