// SPDX-License-Identifier: BSD-2-Clause
#include "base/id.h"

#include "tests/unit/harness.h"

#define NOW INT64_C(1760000000000)

static void
test_known(void)
{
    static const struct {
        const char *name;
        uint16_t tag;
        int64_t now;
        const char *expected;
    } rows[] = {
        {"the beginning",     0,    INT64_C(1577836800000), "00000000001"},
        {"before it",         0,    0,                      "00000000001"},
        {"before 1970",       0,    INT64_MIN,              "00000000001"},
        {"1 ms, maker 0",     0,    INT64_C(1577836800001), "0000000ZCG8"},
        {"today, maker 1023", 1023, NOW,                    "1osh3JmQVEG"},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct id_maker maker;
        char id[ID_LEN + 1];

        id_maker_init(&maker, rows[i].tag);
        id_next(&maker, rows[i].now, id);
        UNIT_CHECK_ROW(rows[i].name, strcmp(id, rows[i].expected) == 0);
        UNIT_CHECK_ROW(rows[i].name, id_is_valid(span_of(id)));
    }
}

// However the clock goes: ids of one maker ascend, as text too.
static void
test_ascending(void)
{
    static const int64_t clocks[] = {NOW,       NOW,       NOW + 1, NOW,       NOW - 1, NOW + 500,
                                     INT64_MAX, INT64_MIN, 0,       INT64_MAX, NOW};
    char last[ID_LEN + 1] = "";
    char id[ID_LEN + 1];
    struct id_maker maker;

    id_maker_init(&maker, 5);
    for (size_t i = 0; i < UNIT_COUNT(clocks); i++) {
        for (int j = 0; j < 20000; j++) {
            id_next(&maker, clocks[i], id);
            if (strcmp(last, id) >= 0 || strlen(id) != ID_LEN)
                CU_FAIL("an id that does not ascend");
            memcpy(last, id, sizeof(id));
        }
        UNIT_CHECK_ROW(id, id_is_valid(span_of(id)));
    }
}

static void
test_borrow(void)
{
    struct id_maker maker;
    char id[ID_LEN + 1];

    id_maker_init(&maker, 5);
    for (int i = 0; i < 8192; i++)
        id_next(&maker, NOW, id);
    CU_ASSERT_EQUAL(id_time_ms(id), NOW);
    id_next(&maker, NOW, id);
    CU_ASSERT_EQUAL(id_time_ms(id), NOW + 1);
    id_next(&maker, NOW + 2, id);
    CU_ASSERT_EQUAL(id_time_ms(id), NOW + 2);
    id_next(&maker, NOW - 100, id);
    CU_ASSERT_EQUAL(id_time_ms(id), NOW + 2);
}

// 41 bits of milliseconds end in 2089; a clock beyond must not run into the other bits.
static void
test_far_clock(void)
{
    static const int64_t last = INT64_C(1577836800000) + (INT64_C(1) << 41);
    static const int64_t clocks[] = {last - 1, last, last + 1, 2 * last, INT64_MAX};

    for (size_t i = 0; i < UNIT_COUNT(clocks); i++) {
        struct id_maker maker;
        char id[ID_LEN + 1];

        id_maker_init(&maker, 1023);
        id_next(&maker, clocks[i], id);
        UNIT_CHECK_ROW(id, id_is_valid(span_of(id)));
        UNIT_CHECK_ROW(id, id_time_ms(id) < last && id_time_ms(id) > NOW);
    }
}

static void
test_makers(void)
{
    char ids[1024][ID_LEN + 1];

    for (uint16_t tag = 0; tag < 1024; tag++) {
        struct id_maker maker;

        id_maker_init(&maker, tag);
        id_next(&maker, NOW, ids[tag]);
        CU_ASSERT(tag == 0 || strcmp(ids[tag - 1], ids[tag]) < 0);
        CU_ASSERT_EQUAL(id_time_ms(ids[tag]), NOW);
    }
}

static void
test_valid(void)
{
    static const struct {
        struct span text;
        bool expected;
    } rows[] = {
        {SPAN_LITERAL("00000000000"),                               true },
        {SPAN_LITERAL("LygHa16AHYF"),                               true }, // 2^64 - 1
        {SPAN_LITERAL("LygHa16AHYG"),                               false},
        {SPAN_LITERAL("zzzzzzzzzzz"),                               false},
        {SPAN_LITERAL("1osh3JmQVEG.1"),                             true },
        {SPAN_LITERAL("1osh3JmQVEG.1z.0"),                          true },
        {SPAN_LITERAL("1osh3JmQVEG.0123456789abcdefghijklmnopqr"),  true },
        {SPAN_LITERAL("1osh3JmQVEG.0123456789abcdefghijklmnopqrs"), false},
        {SPAN_LITERAL("1osh3JmQVEG."),                              false},
        {SPAN_LITERAL("1osh3JmQVEG..1"),                            false},
        {SPAN_LITERAL("1osh3JmQVEG.1."),                            false},
        {SPAN_LITERAL("1osh3JmQVEG.A"),                             false},
        {SPAN_LITERAL("1osh3JmQVEG1"),                              false},
        {SPAN_LITERAL("1osh3JmQVEGx.1"),                            false},
        {SPAN_LITERAL("1osh3JmQVE"),                                false},
        {SPAN_LITERAL("1osh3JmQVE."),                               false},
        {SPAN_LITERAL("1osh3JmQVE\0"),                              false},
        {SPAN_LITERAL("1osh3JmQVEG\0"),                             false},
        {SPAN_LITERAL("1osh3JmQVEG.\0"),                            false},
        {SPAN_LITERAL("../../../etc"),                              false},
        {SPAN_LITERAL("1osh3JmQVEG/1"),                             false},
        {SPAN_LITERAL("1osh3JmQVEG.1/"),                            false},
        {SPAN_LITERAL("1osh3JmQV G"),                               false},
        {SPAN_LITERAL("1osh3JmQV\xc3\xbc"),                         false},
        {SPAN_LITERAL(""),                                          false},
        {{NULL, 0},                                                 false},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        UNIT_CHECK_ROW(rows[i].text.data != NULL ? rows[i].text.data : "null",
                       id_is_valid(rows[i].text) == rows[i].expected);
}

static void
test_child(void)
{
    static const struct {
        const char *parent;
        uint32_t number;
        const char *expected; // NULL: -1
    } rows[] = {
        {"1osh3JmQVEG",                             0,          "1osh3JmQVEG.0"                           },
        {"1osh3JmQVEG",                             35,         "1osh3JmQVEG.z"                           },
        {"1osh3JmQVEG",                             36,         "1osh3JmQVEG.10"                          },
        {"1osh3JmQVEG",                             UINT32_MAX, "1osh3JmQVEG.1z141z3"                     },
        {"1osh3JmQVEG.1",                           2,          "1osh3JmQVEG.1.2"                         },
        {"1osh3JmQVEG.0123456789abcdefghijklmnop",  2,          "1osh3JmQVEG.0123456789abcdefghijklmnop.2"},
        {"1osh3JmQVEG.0123456789abcdefghijklmnop",  36,         NULL                                      },
        {"1osh3JmQVEG.0123456789abcdefghijklmnopq", 2,          NULL                                      },
        {"1osh3JmQVEG.",                            2,          NULL                                      },
        {"../etc",                                  2,          NULL                                      },
        {"",                                        2,          NULL                                      },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char id[ID_MAX + 1] = "";

        UNIT_CHECK_ROW(rows[i].parent, id_child(rows[i].parent, rows[i].number, id) ==
                                           (rows[i].expected != NULL ? 0 : -1));
        UNIT_CHECK_ROW(rows[i].parent,
                       strcmp(id, rows[i].expected != NULL ? rows[i].expected : "") == 0);
        UNIT_CHECK_ROW(rows[i].parent, id_is_valid(span_of(id)) == (rows[i].expected != NULL));
    }
}

static void
test_time(void)
{
    CU_ASSERT_EQUAL(id_time_ms("1osh3JmQVEG"), NOW);
    CU_ASSERT_EQUAL(id_time_ms("1osh3JmQVEG.z.1"), NOW);
    CU_ASSERT_EQUAL(id_time_ms("00000000000"), INT64_C(1577836800000));
    CU_ASSERT_EQUAL(id_time_ms("zzzzzzzzzzz"), 0);
    CU_ASSERT_EQUAL(id_time_ms(""), 0);
    CU_ASSERT_EQUAL(id_time_ms("nonsense"), 0);
}

static const struct unit_test tests[] = {
    {"known ids",                test_known    },
    {"ascending with any clock", test_ascending},
    {"borrow",                   test_borrow   },
    {"far clock",                test_far_clock},
    {"makers",                   test_makers   },
    {"valid",                    test_valid    },
    {"child",                    test_child    },
    {"time",                     test_time     },
};

UNIT_MAIN("base/id", tests)
