// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/tool/family.h"

static void
children_follow_their_parents(void)
{
    static const struct {
        const char *id;
        int parent;
        unsigned depth;
    } rows[] = {
        {FAMILY_ROOT,     WAY_NOBODY, 0},
        {FAMILY_CHILD,    0,          1},
        {FAMILY_RELEASED, 1,          2},
        {FAMILY_BOUNCE,   0,          1},
    };
    struct family_kit kit;

    family_make(&kit);
    ways_order(&kit.ways);
    CU_ASSERT_FATAL(kit.ways.count == UNIT_COUNT(rows));
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_CHECK_ROW(rows[i].id, span_is(kit.ways.items[i].record.id, rows[i].id));
        UNIT_CHECK_ROW(rows[i].id, kit.ways.items[i].parent == rows[i].parent);
        UNIT_CHECK_ROW(rows[i].id, kit.ways.items[i].depth == rows[i].depth);
        UNIT_CHECK_ROW(rows[i].id, kit.ways.items[i].in_ledger);
    }
    family_clear(&kit);
}

static void
the_oldest_is_first(void)
{
    static const struct {
        const char *id;
        int64_t arrived_ms;
    } rows[] = {
        {"4X2k9QzT7mC", 3},
        {"4X2k9QzT7mB", 1},
        {"4X2k9QzT7mD", 2},
        {"4X2k9QzT7mA", 3},
    };
    struct ways ways;

    ways_init(&ways);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct record record = {.id = span_of(rows[i].id), .arrived_ms = rows[i].arrived_ms};

        (void)ways_add(&ways, &record);
    }
    ways_order(&ways);
    CU_ASSERT(span_is(ways.items[0].record.id, "4X2k9QzT7mB"));
    CU_ASSERT(span_is(ways.items[1].record.id, "4X2k9QzT7mD"));
    CU_ASSERT(span_is(ways.items[2].record.id, "4X2k9QzT7mA"));
    CU_ASSERT(span_is(ways.items[3].record.id, "4X2k9QzT7mC"));
    ways_clear(&ways);
}

// A damaged ledger: parents in a circle, one's own parent, a parent that is not there.
static void
nobody_is_lost_in_a_circle(void)
{
    static const char *const parents[][2] = {
        {"A", "C"},
        {"B", "A"},
        {"C", "B"},
        {"D", "D"},
        {"E", "Z"},
        {"F", "" },
    };
    struct record_rcpt rcpts[UNIT_COUNT(parents)];
    struct ways ways;
    unsigned roots = 0;

    ways_init(&ways);
    for (size_t i = 0; i < UNIT_COUNT(parents); i++) {
        struct record record = {.id = span_of(parents[i][0]),
                                .parent = span_of(parents[i][1]),
                                .rcpts = &rcpts[i],
                                .rcpt_count = 1};

        rcpts[i] = (struct record_rcpt){
            .to = span_of("x"), .status = RCPT_MOVED, .child = span_of(parents[i][1])};
        (void)ways_add(&ways, &record);
    }
    // Whoever follows recipients from child to child ends, too.
    for (size_t i = 0; i < ways.count; i++)
        CU_ASSERT(way_status(&ways, &ways.items[i]) == STATUS_REINJECTED);
    ways_order(&ways);
    CU_ASSERT(ways.count == UNIT_COUNT(parents));
    for (size_t i = 0; i < ways.count; i++)
        roots += ways.items[i].depth == 0 ? 1 : 0;
    CU_ASSERT(roots == 4); // A, D, E, F
    ways_clear(&ways);
}

static void
there_is_a_bound(void)
{
    struct record record = {.id = span_of("A")};
    struct ways ways;

    ways_init(&ways);
    for (int i = 0; i < WAYS_MAX; i++)
        CU_ASSERT(ways_add(&ways, &record) != NULL);
    CU_ASSERT(ways_add(&ways, &record) == NULL);
    ways_order(&ways);
    CU_ASSERT(ways.count == WAYS_MAX);
    ways_clear(&ways);
}

static void
recipients_are_followed_into_children(void)
{
    static const enum track_status expected[] = {STATUS_SENT, STATUS_SENT, STATUS_BOUNCED,
                                                 STATUS_REINJECTED, STATUS_BOUNCED};
    struct family_kit kit;
    struct way *root, *child;

    family_make(&kit);
    root = ways_find(&kit.ways, span_of(FAMILY_ROOT));
    for (size_t i = 0; i < UNIT_COUNT(expected); i++)
        CU_ASSERT(way_rcpt_status(&kit.ways, root, &kit.rcpts[i]) == expected[i]);
    CU_ASSERT(way_status(&kit.ways, root) == STATUS_REINJECTED);
    // Not released: what is in quarantine is the end.
    child = ways_find(&kit.ways, span_of(FAMILY_CHILD));
    kit.child_rcpts[0].child = span_of("");
    CU_ASSERT(way_status(&kit.ways, child) == STATUS_QUARANTINED);
    CU_ASSERT(way_status(&kit.ways, root) == STATUS_PARTIAL);
    // A child that is not known, or has not got him: his verdict says.
    kit.child_rcpts[0].to = span_of("other@example.com");
    CU_ASSERT(way_rcpt_status(&kit.ways, root, &kit.rcpts[3]) == STATUS_QUARANTINED);
    child->record.id = span_of("unknown");
    CU_ASSERT(way_rcpt_status(&kit.ways, root, &kit.rcpts[3]) == STATUS_QUARANTINED);
    CU_ASSERT(ways_find(&kit.ways, span_of(FAMILY_CHILD)) == NULL);
    family_clear(&kit);
}

static void
the_last_event_is_the_end(void)
{
    struct family_kit kit;

    family_make(&kit);
    CU_ASSERT(way_end_ms(ways_find(&kit.ways, span_of(FAMILY_ROOT))) == FAMILY_AT + 300);
    kit.finals[2].at_ms = 0;
    kit.rcpts[3].at_ms = FAMILY_AT + 900;
    CU_ASSERT(way_end_ms(ways_find(&kit.ways, span_of(FAMILY_ROOT))) == FAMILY_AT + 900);
    CU_ASSERT(way_end_ms(ways_find(&kit.ways, span_of(FAMILY_CHILD))) == FAMILY_AT);
    family_clear(&kit);
}

static const struct unit_test tests[] = {
    {"children follow their parents",         children_follow_their_parents        },
    {"the oldest is first",                   the_oldest_is_first                  },
    {"nobody is lost in a circle",            nobody_is_lost_in_a_circle           },
    {"there is a bound",                      there_is_a_bound                     },
    {"recipients are followed into children", recipients_are_followed_into_children},
    {"the last event is the end",             the_last_event_is_the_end            },
};

UNIT_MAIN("tool/way_family", tests)
