// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/readings.h"

#include "base/mem.h"
#include "tests/unit/harness.h"

enum { MEMORY = 1 << 20, WORK = 100000 };

struct stand {
    struct arena arena;
    struct words_oddities oddities;
    struct readings_setup setup;
    struct readings readings;
};

static void
begin(struct stand *stand, size_t memory, size_t work)
{
    memset(stand, 0, sizeof(*stand));
    arena_init(&stand->arena, memory);
    stand->setup =
        (struct readings_setup){charsets_new(NULL), &stand->arena, &stand->oddities, work};
    CU_ASSERT_PTR_NOT_NULL_FATAL(stand->setup.charsets);
}

static void
end(struct stand *stand)
{
    readings_clear(&stand->readings);
    charsets_free(&stand->setup.charsets);
    arena_clear(&stand->arena);
}

static void
test_add(void)
{
    struct stand stand;

    begin(&stand, MEMORY, WORK);
    CU_ASSERT_TRUE(readings_add(&stand.readings, span_of(""), &stand.arena));
    CU_ASSERT_TRUE(readings_add(&stand.readings, span_of("a"), &stand.arena));
    CU_ASSERT_FALSE(readings_add(&stand.readings, span_of("a"), &stand.arena));
    CU_ASSERT_FALSE(readings_add(&stand.readings, span_of(""), &stand.arena));
    CU_ASSERT_TRUE(readings_add(&stand.readings, span_of("A"), &stand.arena));
    CU_ASSERT_EQUAL(stand.readings.count, 3);
    CU_ASSERT_FALSE(stand.readings.is_over);
    end(&stand);
}

static void
test_bounds(void)
{
    struct stand stand;
    char text[16];

    begin(&stand, MEMORY, WORK);
    for (size_t i = 0; i <= READINGS_MAX; i++) {
        CU_ASSERT_EQUAL(stand.readings.is_over, false);
        snprintf(text, sizeof(text), "%zu", i);
        readings_add(&stand.readings, span_of(text), &stand.arena);
    }
    CU_ASSERT_TRUE(stand.readings.is_over);
    CU_ASSERT_EQUAL(stand.readings.count, READINGS_MAX);
    end(&stand);

    begin(&stand, 1, WORK);
    CU_ASSERT_FALSE(readings_add(&stand.readings, span_of("a"), &stand.arena));
    CU_ASSERT_TRUE(stand.readings.is_over);
    end(&stand);

    begin(&stand, MEMORY, 20);
    readings_add(&stand.readings, span_of("a%2e. "), &stand.arena);
    readings_derive(&stand.readings, true, &stand.setup);
    CU_ASSERT_TRUE(stand.readings.is_over);
    end(&stand);
}

static const struct {
    const char *text;
    bool is_name;
    const char *readings; // between bars
} rows[] = {
    {"a.txt",              true,  "|a.txt|"                      },
    {"a%2etxt",            true,  "|a%2etxt|a.txt|"              },
    {"50% off",            true,  "|50% off|"                    },
    {"100%zz",             true,  "|100%zz|"                     },
    {"\xfc",               true,  "|\xfc|\xc3\xbc|"              },
    {" a ",                false, "| a |a|"                      },
    {"a.",                 false, "|a.|"                         },
    {"x/a",                false, "|x/a|"                        },
    {"a. ",                true,  "|a. |a.|a|"                   },
    {"x/a:b",              true,  "|x/a:b|a:b|a|x/a|"            },
    {"'a'",                true,  "|'a'|a|"                      },
    {"'a",                 true,  "|'a|"                         },
    {"'a'",                false, "|'a'|"                        },
    {"x/",                 true,  "|x/|x|"                       },
    {"/",                  true,  "|/|"                          },
    {"x\\. /",             true,  "|x\\. /|x|"                   },
    {"<a>",                true,  "|<a>|a|"                      },
    {"<a",                 true,  "|<a|"                         },
    {"a\xe2\x80\x83",      true,  "|a\xe2\x80\x83|a |a|"         },
    {"\xef\xb9\x92",       true,  "|\xef\xb9\x92|.|"             },
    {"\xef\xbd\x81",       true,  "|\xef\xbd\x81|a|"             },
    {"\xe2\x80\xa4",       true,  "|\xe2\x80\xa4|.|"             },
    {"a\x01",              true,  "|a\x01|a|"                    },
    {"\xc2\x85",           true,  "|\xc2\x85|"                   },
    {"=?utf-8?Q?a=2Eb_?=", true,  "|=?utf-8?Q?a=2Eb_?=|a.b |a.b|"},
};

static void
test_derive(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct stand stand;
        struct buf out;

        begin(&stand, MEMORY, WORK);
        readings_add(&stand.readings, span_of(rows[i].text), &stand.arena);
        readings_derive(&stand.readings, rows[i].is_name, &stand.setup);
        UNIT_CHECK_ROW(rows[i].text, !stand.readings.is_over);
        buf_init(&out, 1000);
        buf_add_char(&out, '|');
        for (size_t n = 0; n < stand.readings.count; n++) {
            buf_add_span(&out, stand.readings.texts[n]);
            buf_add_char(&out, '|');
        }
        UNIT_CHECK_ROW(rows[i].text, span_is(buf_span(&out), rows[i].readings));
        buf_clear(&out);
        end(&stand);
    }
}

static const struct unit_test tests[] = {
    {"add",    test_add   },
    {"bounds", test_bounds},
    {"derive", test_derive},
};

UNIT_MAIN("mime/reading/readings", tests)
