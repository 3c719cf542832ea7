// SPDX-License-Identifier: BSD-2-Clause
#include "spool/agenda.h"

#include "tests/unit/harness.h"

enum { MANY = 5000 };

static void
add(struct agenda *agenda, const char *id, const char *name, int64_t due_ms)
{
    agenda_add(agenda, agenda_entry_new(id, name, agenda), due_ms);
}

static void
take_first(struct agenda *agenda, const char *id)
{
    struct agenda_entry *entry = agenda_find(agenda, agenda_entry_id(agenda_first(agenda)));

    UNIT_CHECK_ROW(id, strcmp(agenda_entry_id(agenda_first(agenda)), id) == 0);
    agenda_remove(agenda, entry);
    agenda_entry_free(&entry);
    CU_ASSERT_PTR_NULL(entry);
}

static void
test_order(void)
{
    struct agenda agenda;

    agenda_init(&agenda);
    CU_ASSERT_PTR_NULL(agenda_first(&agenda));
    CU_ASSERT_PTR_NULL(agenda_find(&agenda, "x"));
    add(&agenda, "c", NULL, 30);
    add(&agenda, "b.0", NULL, 20); // a child and its parent at the same time
    add(&agenda, "b", NULL, 20);
    add(&agenda, "a", NULL, 40);
    add(&agenda, "z", NULL, -5);
    take_first(&agenda, "z");
    take_first(&agenda, "b");
    take_first(&agenda, "b.0");
    take_first(&agenda, "c");
    take_first(&agenda, "a");
    CU_ASSERT_PTR_NULL(agenda_first(&agenda));
    agenda_clear(&agenda);
}

static void
test_names(void)
{
    struct agenda agenda;
    const struct agenda_entry *entry;

    agenda_init(&agenda);
    add(&agenda, "4X2k9QzT7mB", "slot-0003", 1);
    add(&agenda, "4X2k9QzT7mC", NULL, 2);
    entry = agenda_find(&agenda, "4X2k9QzT7mB");
    CU_ASSERT_PTR_NOT_NULL_FATAL(entry);
    CU_ASSERT_STRING_EQUAL(agenda_entry_id(entry), "4X2k9QzT7mB");
    CU_ASSERT_STRING_EQUAL(agenda_entry_name(entry), "slot-0003");
    CU_ASSERT_PTR_EQUAL(entry->where, &agenda);
    entry = agenda_find(&agenda, "4X2k9QzT7mC");
    CU_ASSERT_PTR_NOT_NULL_FATAL(entry);
    CU_ASSERT_STRING_EQUAL(agenda_entry_name(entry), "4X2k9QzT7mC");
    CU_ASSERT_PTR_NULL(agenda_find(&agenda, "slot-0003"));
    agenda_clear(&agenda);
}

static void
test_twice(void)
{
    struct agenda agenda;

    agenda_init(&agenda);
    add(&agenda, "a", NULL, 1);
    add(&agenda, "a", NULL, 1);
    take_first(&agenda, "a");
    CU_ASSERT_PTR_NOT_NULL(agenda_find(&agenda, "a"));
    take_first(&agenda, "a");
    CU_ASSERT_PTR_NULL(agenda_find(&agenda, "a"));
    agenda_clear(&agenda);
}

// Any order in, any ones out of the middle, hastened in between: what is left comes in order.
static void
test_many(void)
{
    struct agenda agenda;
    char id[16];
    int64_t last = INT64_MIN;
    size_t left = 0;
    unsigned seed = 7;

    agenda_init(&agenda);
    for (int i = 0; i < MANY; i++) {
        snprintf(id, sizeof id, "id%d", i);
        add(&agenda, id, NULL, rand_r(&seed) % 1000);
    }
    for (int i = 0; i < MANY; i += 3) {
        struct agenda_entry *entry;

        snprintf(id, sizeof id, "id%d", i);
        entry = agenda_find(&agenda, id);
        CU_ASSERT_PTR_NOT_NULL_FATAL(entry);
        agenda_remove(&agenda, entry);
        agenda_entry_free(&entry);
        CU_ASSERT_PTR_NULL(agenda_find(&agenda, id));
    }
    agenda_hasten(&agenda, 500);
    while (agenda_first(&agenda) != NULL) {
        struct agenda_entry *entry = agenda.heap[0];

        CU_ASSERT(entry->due_ms >= last && entry->due_ms <= 500);
        last = entry->due_ms;
        agenda_remove(&agenda, entry);
        agenda_entry_free(&entry);
        left++;
    }
    CU_ASSERT_EQUAL(left, MANY - (MANY + 2) / 3);
    agenda_clear(&agenda);
}

// The longest id in a slot, with what malloc adds, and its share of heap and table, which double.
static void
test_size(void)
{
    static const char id[] = "4X2k9QzT7mB.0123456789.01234567890123456";
    size_t bytes = sizeof(struct agenda_entry) + sizeof id + sizeof "slot-0000" + 24;

    bytes += 2 * 2 * sizeof(struct agenda_entry *);
    CU_ASSERT(bytes <= 200);
}

static const struct unit_test tests[] = {
    {"in order",          test_order},
    {"ids and names",     test_names},
    {"one id twice",      test_twice},
    {"many, in disorder", test_many },
    {"size of an entry",  test_size },
};

UNIT_MAIN("spool/agenda", tests)
