// SPDX-License-Identifier: BSD-2-Clause
#include "spool/ranges.h"

#include "tests/unit/harness.h"

static void
check_format(const char *name, const struct ranges *ranges, const char *expected)
{
    struct buf text;

    buf_init(&text, 1 << 20);
    ranges_format(ranges, &text);
    UNIT_CHECK_ROW(name, span_is(buf_span(&text), expected));
    buf_clear(&text);
}

static void
test_texts(void)
{
    static const struct {
        const char *text;
        size_t count; // of all
        size_t size;  // 0: not a set
    } rows[] = {
        {"0",                          1,        1   },
        {"0-41,57",                    58,       43  },
        {"0-41,57",                    57,       0   },
        {"62,64",                      65,       2   },
        {"63-64,127-128,200",          201,      5   },
        {"0-999",                      1000,     1000},
        {"",                           10,       0   },
        {"0",                          0,        0   },
        {"5-3",                        10,       0   },
        {"5-5",                        10,       0   },
        {"3,3",                        10,       0   },
        {"3,2",                        10,       0   },
        {"1-5,5-7",                    10,       0   },
        {"1-5,2-3",                    10,       0   },
        {",",                          10,       0   },
        {"1,",                         10,       0   },
        {",1",                         10,       0   },
        {"1,,2",                       10,       0   },
        {"-",                          10,       0   },
        {"-1",                         10,       0   },
        {"1-",                         10,       0   },
        {"1-2-3",                      10,       0   },
        {" 1",                         10,       0   },
        {"+1",                         10,       0   },
        {"1 ",                         10,       0   },
        {"a",                          10,       0   },
        {"0-18446744073709551615",     10,       0   },
        {"0-18446744073709551616",     10,       0   },
        {"18446744073709551615",       SIZE_MAX, 0   },
        {"99999999999999999999999999", 10,       0   },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct ranges_walk walk;
        struct ranges ranges;
        size_t walked = 0;

        UNIT_CHECK_ROW(rows[i].text, ranges_walk_init(&walk, span_of(rows[i].text),
                                                      rows[i].count) == rows[i].size);
        if (rows[i].count == SIZE_MAX)
            continue;
        ranges_init(&ranges, rows[i].count);
        UNIT_CHECK_ROW(rows[i].text,
                       ranges_parse(span_of(rows[i].text), &ranges) == (rows[i].size > 0 ? 0 : -1));
        UNIT_CHECK_ROW(rows[i].text, ranges_size(&ranges) == rows[i].size);
        check_format(rows[i].text, &ranges, rows[i].size > 0 ? rows[i].text : "");
        while (rows[i].size > 0 && ranges_walk_next(&walk)) {
            UNIT_CHECK_ROW(rows[i].text, ranges_has(&ranges, walk.number));
            walked++;
        }
        UNIT_CHECK_ROW(rows[i].text, walked == rows[i].size);
        ranges_clear(&ranges);
    }
}

// Every set of 10 numbers is what its text says.
static void
test_every_small_set(void)
{
    enum { COUNT = 10 };

    for (unsigned mask = 1; mask < 1u << COUNT; mask++) {
        struct ranges set, again;
        struct buf text;

        ranges_init(&set, COUNT);
        ranges_init(&again, COUNT);
        buf_init(&text, 1000);
        for (size_t i = 0; i < COUNT; i++) {
            if ((mask >> i & 1) != 0)
                ranges_add(&set, i);
        }
        ranges_format(&set, &text);
        CU_ASSERT_EQUAL(ranges_parse(buf_span(&text), &again), 0);
        for (size_t i = 0; i < COUNT + 1; i++)
            CU_ASSERT_EQUAL(ranges_has(&again, i), (mask >> i & 1) != 0);
        buf_clear(&text);
        ranges_clear(&set);
        ranges_clear(&again);
    }
}

static void
test_all_and_none(void)
{
    static const size_t counts[] = {0, 1, 63, 64, 65, 128, 1000};
    char expected[32];

    for (size_t i = 0; i < UNIT_COUNT(counts); i++) {
        struct ranges ranges;

        ranges_init(&ranges, counts[i]);
        CU_ASSERT_EQUAL(ranges_size(&ranges), 0);
        check_format("none", &ranges, "");
        ranges_add_all(&ranges);
        CU_ASSERT_EQUAL(ranges_size(&ranges), counts[i]);
        CU_ASSERT_FALSE(ranges_has(&ranges, counts[i]));
        snprintf(expected, sizeof(expected), counts[i] > 1 ? "0-%zu" : "0", counts[i] - 1);
        check_format("all", &ranges, counts[i] > 0 ? expected : "");
        ranges_clear(&ranges);
        ranges_clear(&ranges);
    }
}

// What was there before is gone, whether the text is good or not.
static void
test_parse_replaces(void)
{
    struct ranges ranges;

    ranges_init(&ranges, 8);
    ranges_add(&ranges, 7);
    CU_ASSERT_EQUAL(ranges_parse(span_of("1"), &ranges), 0);
    check_format("replaced", &ranges, "1");
    CU_ASSERT_EQUAL(ranges_parse(span_of("2,8"), &ranges), -1);
    check_format("emptied", &ranges, "");
    ranges_clear(&ranges);
}

static const struct unit_test tests[] = {
    {"texts",           test_texts          },
    {"every small set", test_every_small_set},
    {"all and none",    test_all_and_none   },
    {"parse replaces",  test_parse_replaces },
};

UNIT_MAIN("spool/ranges", tests)
