// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/frequent.h"

#include "tests/unit/harness.h"

enum { TOP = 3 };

static void
add(struct frequent *frequent, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        frequent_add(frequent, span_of(text));
}

static void
test_order(void)
{
    struct frequent *frequent = frequent_new();
    struct frequent_text texts[5];

    CU_ASSERT_EQUAL(frequent_list(frequent, TOP, texts), 0);
    add(frequent, "rare", 1);
    add(frequent, "b", 5);
    add(frequent, "most", 9);
    add(frequent, "", 2);
    CU_ASSERT_EQUAL(frequent_list(frequent, TOP, texts), 3);
    CU_ASSERT_TRUE(span_is(texts[0].text, "most") && texts[0].count == 9);
    CU_ASSERT_TRUE(span_is(texts[1].text, "b") && texts[1].count == 5);
    CU_ASSERT_TRUE(span_is(texts[2].text, "") && texts[2].count == 2);
    add(frequent, "ab", 5);
    add(frequent, "a", 5);
    CU_ASSERT_EQUAL(frequent_list(frequent, 5, texts), 5);
    CU_ASSERT_TRUE(span_is(texts[1].text, "a"));
    CU_ASSERT_TRUE(span_is(texts[2].text, "ab"));
    CU_ASSERT_TRUE(span_is(texts[3].text, "b"));
    CU_ASSERT_EQUAL(frequent_list(frequent, 0, texts), 0);
    frequent_free(&frequent);
    CU_ASSERT_PTR_NULL(frequent);
    frequent_free(&frequent);
}

static void
test_bytes(void)
{
    struct frequent *frequent = frequent_new();
    struct frequent_text texts[4];
    char large[FREQUENT_TEXT_MAX + 2];

    memset(large, 'x', sizeof(large));
    frequent_add(frequent, span_from(large, FREQUENT_TEXT_MAX + 1));
    frequent_add(frequent, span_from(large, FREQUENT_TEXT_MAX + 2));
    frequent_add(frequent, span_from(large, FREQUENT_TEXT_MAX));
    frequent_add(frequent, span_from("a\0b", 3));
    frequent_add(frequent, span_from("a\0c", 3));
    CU_ASSERT_EQUAL(frequent_list(frequent, 4, texts), 3);
    CU_ASSERT_EQUAL(texts[0].count, 3);
    CU_ASSERT_EQUAL(texts[0].text.len, FREQUENT_TEXT_MAX);
    CU_ASSERT_EQUAL(memcmp(texts[1].text.data, "a\0b", 3), 0);
    frequent_free(&frequent);
}

// A flood of texts that come once each: what is frequent is not washed away.
static void
test_flood(void)
{
    struct frequent *frequent = frequent_new();
    struct frequent_text texts[TOP];
    char text[32];

    for (size_t i = 0; i < 3 * (size_t)FREQUENT_MAX; i++) {
        snprintf(text, sizeof(text), "once%zu", i);
        add(frequent, text, 1);
        if (i % 100 == 0)
            add(frequent, "often", 1);
        if (i % 50 == 0)
            add(frequent, "most", 1);
    }
    CU_ASSERT_EQUAL_FATAL(frequent_list(frequent, TOP, texts), TOP);
    CU_ASSERT_TRUE(span_is(texts[0].text, "most"));
    CU_ASSERT_EQUAL(texts[0].count, 3 * FREQUENT_MAX / 50);
    CU_ASSERT_TRUE(span_is(texts[1].text, "often"));
    CU_ASSERT_EQUAL(texts[1].count, 3 * FREQUENT_MAX / 100);
    frequent_free(&frequent);
}

// Where all come equally often, all are forgotten: memory is bounded all the same.
static void
test_flood_of_equals(void)
{
    struct frequent *frequent = frequent_new();
    struct frequent_text texts[TOP];
    char text[32];

    for (size_t i = 0; i < FREQUENT_MAX + 1; i++) {
        snprintf(text, sizeof(text), "once%zu", i);
        add(frequent, text, 1);
    }
    CU_ASSERT_EQUAL(frequent_list(frequent, TOP, texts), 1);
    CU_ASSERT_TRUE(span_is(texts[0].text, text));
    frequent_free(&frequent);
}

static const struct unit_test tests[] = {
    {"order",             test_order          },
    {"any bytes",         test_bytes          },
    {"a flood",           test_flood          },
    {"a flood of equals", test_flood_of_equals},
};

UNIT_MAIN("track/ledger/frequent", tests)
