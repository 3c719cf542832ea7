// SPDX-License-Identifier: BSD-2-Clause
#include "src/master/child.h"

#include "tests/unit/harness.h"

static void
test_table(void)
{
    struct child *list = NULL, *worker, *scribe;

    worker = child_add(&list, CHILD_WORKER, 1, 100);
    scribe = child_add(&list, CHILD_SCRIBE, 1, 101);
    (void)child_add(&list, CHILD_WORKER, 2, 102);
    CU_ASSERT(child_find(list, 101) == scribe);
    CU_ASSERT(child_find(list, 999) == NULL);
    CU_ASSERT(child_single(list, CHILD_SCRIBE, 1) == scribe);
    CU_ASSERT(child_single(list, CHILD_SCRIBE, 2) == NULL);
    CU_ASSERT(!child_all_ready(list, 1));
    worker->is_ready = true;
    CU_ASSERT(!child_all_ready(list, 1));
    scribe->is_ready = true;
    CU_ASSERT(child_all_ready(list, 1));
    CU_ASSERT(!child_all_ready(list, 2));
    CU_ASSERT(child_is_of(worker, 1) && !child_is_of(worker, 2));
    CU_ASSERT(child_is_older(worker, 2) && !child_is_older(worker, 1));
    child_remove(&list, scribe);
    CU_ASSERT(child_find(list, 101) == NULL && child_find(list, 100) == worker);
    while (list != NULL)
        child_remove(&list, list);
    CU_ASSERT_STRING_EQUAL(child_kind_name(CHILD_WORKER), "worker");
    CU_ASSERT_STRING_EQUAL(child_kind_name(CHILD_SCRIBE), "scribe");
}

static const struct unit_test tests[] = {
    {"who is who", test_table}
};

UNIT_MAIN("src/master/child", tests)
