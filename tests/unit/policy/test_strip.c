// SPDX-License-Identifier: BSD-2-Clause
#include "policy/strip.h"

#include "tests/unit/policy/story.h"

struct place_row {
    const char *title;

    struct {
        const char *name; // NULL: none, "": ends
        int parent;
        uint64_t begin, end; // 0, 0: not located
        enum finding_reading reading;
    } parts[4];

    const char *member;   // of the last part
    const char *expected; // edits, or the error's beginning
};

static const struct place_row rows[] = {
    {"one",                   {{"a.exe", 0, 200, 300, READING_FIRST}},               NULL,      "200+100"        },
    {"another name",          {{"a.txt", 0, 200, 300, READING_FIRST}},               NULL,      ""               },
    {"two",
     {{"a.exe", 0, 200, 300, READING_FIRST}, {"b.exe", 0, 400, 500, READING_FIRST}},
     NULL,                                                                                      "200+100 400+100"},
    {"backwards",
     {{"b.exe", 0, 400, 500, READING_FIRST}, {"a.exe", 0, 200, 300, READING_FIRST}},
     NULL,                                                                                      "200+100 400+100"},
    {"archive",               {{"a.zip", 0, 200, 300, READING_FIRST}},               "x/b.exe", "200+100"        },
    {"decoded message",
     {{NULL, 0, 200, 300, READING_FIRST}, {"a.exe", 1, 0, 0, READING_FIRST}},
     NULL,                                                                                      "200+100"        },
    {"deep",
     {{NULL, 0, 200, 300, READING_FIRST},
      {NULL, 1, 0, 0, READING_FIRST},
      {"a.zip", 2, 0, 0, READING_FIRST}},
     "b.exe",                                                                                   "200+100"        },
    {"in a located one",
     {{NULL, 0, 200, 400, READING_FIRST}, {"a.exe", 1, 250, 300, READING_FIRST}},
     NULL,                                                                                      "250+50"         },
    {"both",
     {{"x.exe", 0, 200, 400, READING_FIRST}, {"a.exe", 1, 250, 300, READING_FIRST}},
     NULL,                                                                                      "200+200"        },
    {"inner first",
     {{"a.exe", 0, 250, 300, READING_FIRST}, {"x.exe", 0, 200, 400, READING_OTHER}},
     NULL,                                                                                      "200+200"        },
    {"readings that overlap",
     {{"a.exe", 0, 200, 300, READING_FIRST},
      {"b.exe", 0, 250, 350, READING_OTHER},
      {"c.exe", 0, 340, 360, READING_OTHER}},
     NULL,                                                                                      "200+160"        },
    {"touching",
     {{"a.exe", 0, 200, 300, READING_FIRST}, {"b.exe", 0, 300, 350, READING_FIRST}},
     NULL,                                                                                      "200+150"        },
    {"in the header",         {{"a.exe", 0, 99, 300, READING_FIRST}},                NULL,      "an attachment"  },
    {"beyond the end",        {{"a.exe", 0, 200, 1001, READING_FIRST}},              NULL,      "an attachment"  },
    {"empty",                 {{"a.exe", 0, 200, 200, READING_FIRST}},               NULL,      "an attachment"  },
    {"the message's own",     {{"a.exe", 0, 0, 0, READING_FIRST}},                   NULL,      "an attachment"  },
    {"without parent",        {{"a.exe", -1, 0, 0, READING_FIRST}},                  NULL,      "an attachment"  },
};

static void
add_parts(struct kit *kit, const struct place_row *row)
{
    for (size_t i = 0;
         i < 4 && (row->parts[i].name != NULL || row->parts[i].end > 0 || row->parts[i].parent > 0);
         i++) {
        struct finding_part *part =
            kit_part(kit, row->parts[i].name, row->parts[i].begin, row->parts[i].end);

        part->parent = row->parts[i].parent;
        part->is_located = row->parts[i].end > 0;
        part->reading = row->parts[i].reading;
    }
    if (row->member != NULL)
        kit_member(kit, (uint32_t)kit->findings->part_count - 1, row->member);
}

static void
check_row(const struct place_row *row)
{
    struct reading_course course;
    struct reading reading;
    struct edit_list edits = {NULL, 0};
    struct err err = {.text = ""};
    struct buf text;
    struct kit kit;

    kit_init(&kit, "a: strip=*.exe");
    add_parts(&kit, row);
    buf_init(&text, 1024);
    reading_init(&reading, &kit.question, false);
    reading_course(&reading, 0, &course);
    if (strip_parts(&reading, &course, &edits, &err) != 0)
        buf_add(&text, err.text, strlen(row->expected));
    for (size_t i = 0; i < edits.count; i++)
        buf_printf(&text, "%s%d+%d", i > 0 ? " " : "", (int)edits.items[i].offset,
                   (int)edits.items[i].len);
    UNIT_CHECK_ROW(row->title, strcmp(buf_text(&text), row->expected) == 0);
    edit_list_clear(&edits);
    reading_clear(&reading);
    buf_clear(&text);
    kit_clear(&kit);
}

static void
test_places(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        check_row(&rows[i]);
}

#define HEAD                                                                                       \
    "Content-Type: text/plain; charset=utf-8\r\n"                                                  \
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"

struct format_row {
    const char *name, *host, *reason;
    bool with_header;
    const char *expected;
};

static const struct format_row format_rows[] = {
    {"a.exe",                                                         "mx",             "no programs", true,
     HEAD "The attachment \"a.exe\" was removed by mx. Reason: no programs.\r\n"                                                                                          },
    {"a.exe",                                                         "mx",             "x",           false, "The attachment \"a.exe\" was removed by mx. Reason: x.\r\n"},
    {"\xc3\xbc=\"\r\n.exe",                                           "mx",             "x",           false,
     "The attachment \"=C3=BC=3D\\x22\\x0D\\x0A.exe\" was removed by mx. Reason: x.\r\n"                                                                                  },
    {"a-name-that-is-long-enough-to-need-a-soft-break-somewhere.exe", "mx.example.com", "x",           false,
     "The attachment \"a-name-that-is-long-enough-to-need-a-soft-break-somewher=\r\n"
     "e.exe\" was removed by mx.example.com. Reason: x.\r\n"                                                                                                              },
};

static void
test_format(void)
{
    for (size_t i = 0; i < UNIT_COUNT(format_rows); i++) {
        const struct format_row *row = &format_rows[i];
        struct buf text;

        buf_init(&text, 8192);
        strip_format(span_of(row->name), row->host, row->reason, row->with_header, &text);
        UNIT_CHECK_ROW(row->name, strcmp(buf_text(&text), row->expected) == 0);
        if (strcmp(buf_text(&text), row->expected) != 0)
            fprintf(stderr, "%s\n", buf_text(&text));
        buf_clear(&text);
    }
}

// The first rule that wants it gone gives the reason; its name where it has none.
static void
test_reason(void)
{
    struct decision decision;
    struct kit kit;

    kit_init(&kit, "first: strip=*.exe\nsecond: strip=*.exe|*.txt; reason=because");
    kit_part(&kit, "a.exe", 200, 300);
    kit_part(&kit, "b.txt", 400, 500)->reading = READING_INLINE;
    decide(&kit.question, &decision);
    CU_ASSERT_FATAL(decision.group_count == 1 && decision.groups[0].edits.count == 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(decision.groups[0].edits.items[0].value, "Reason: first."));
    CU_ASSERT_PTR_NOT_NULL(strstr(decision.groups[0].edits.items[0].value, "Content-Type:"));
    CU_ASSERT_PTR_NOT_NULL(strstr(decision.groups[0].edits.items[1].value, "Reason: because."));
    CU_ASSERT_PTR_NULL(strstr(decision.groups[0].edits.items[1].value, "Content-Type:"));
    decision_clear(&decision);
    kit_clear(&kit);
}

static const struct unit_test tests[] = {
    {"places", test_places},
    {"format", test_format},
    {"reason", test_reason},
};

UNIT_MAIN("policy/strip", tests)
