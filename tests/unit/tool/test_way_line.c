// SPDX-License-Identifier: BSD-2-Clause
#include "tool/way_line.h"

#include "tests/unit/tool/family.h"

static void
times_are_short(void)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {-5,        "0.000s"          },
        {0,         "0.000s"          },
        {7,         "0.007s"          },
        {99999,     "99.999s"         },
        {100000,    "1m40s"           },
        {3599999,   "59m59s"          },
        {3600000,   "1h00m"           },
        {86399999,  "23h59m"          },
        {86400000,  "1d00h"           },
        {190800000, "2d05h"           },
        {INT64_MAX, "106751991167d07h"},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char text[24];

        way_format_time(rows[i].ms, text);
        UNIT_CHECK_ROW(rows[i].text, strcmp(text, rows[i].text) == 0);
    }
}

static void
lines_are_aligned_and_indented(void)
{
    struct family_kit kit;
    struct way way = {.depth = 0};
    struct way_page page = {.tool = &kit.tool, .ways = &kit.ways, .way = &way, .begin_ms = 1000};

    family_make(&kit);
    (void)fputs("x\n", way_line_begin(&page, 1234, "received"));
    (void)fputs("y\n", way_line_begin(&page, 0, "from"));
    way.depth = 1;
    way_fact(&page, "subject", span_of("z"));
    way_fact(&page, "none", span_of(""));
    fflush(kit.tool.out);
    CU_ASSERT_STRING_EQUAL(kit.out, "  +0.234s  received     x\n"
                                    "           from         y\n"
                                    "               subject      z\n");
    family_clear(&kit);
}

static void
nothing_moves_the_cursor(void)
{
    struct family_kit kit;

    family_make(&kit);
    way_say(kit.tool.out, ", ", span_of("a\033[2J\nb"), ";");
    way_say(kit.tool.out, "never", span_of(""), "never");
    way_say_path(kit.tool.out, span_of("\x9b@x"));
    way_say_path(kit.tool.out, span_of(""));
    way_say_ms(kit.tool.out, 9949);
    way_say_ms(kit.tool.out, 12400);
    fflush(kit.tool.out);
    CU_ASSERT_STRING_EQUAL(kit.out, ", a\\x1B[2J\\x0Ab;<\\x9B@x><>9.9 ms12 ms");
    family_clear(&kit);
}

static const struct unit_test tests[] = {
    {"times are short",                times_are_short               },
    {"lines are aligned and indented", lines_are_aligned_and_indented},
    {"nothing moves the cursor",       nothing_moves_the_cursor      },
};

UNIT_MAIN("tool/way_line", tests)
