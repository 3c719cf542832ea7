// SPDX-License-Identifier: BSD-2-Clause
#include "tool/show.h"

#include "mime/findings.h"
#include "tests/unit/harness.h"
#include "tests/unit/tool/line.h"

static struct line line;

static char *
shown(const struct journal_line *read)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    show_found(out, read);
    fclose(out);
    return text;
}

static struct span names[3];
static struct finding_part parts[4];
static struct finding_member members[2];
static struct finding_mark marks[2];

static void
fill(void)
{
    names[0] = SPAN_LITERAL("a \"b\\.exe");
    names[1] = SPAN_LITERAL("c\x1b[31m");
    names[2] = SPAN_LITERAL("");
    parts[0].parent = -1;
    parts[0].type = SPAN_LITERAL("multipart/mixed");
    parts[0].decoded_len = 900;
    parts[1].parent = 0;
    parts[1].type = SPAN_LITERAL("multipart/alternative");
    parts[1].decoded_len = 200;
    parts[2].parent = 1;
    parts[2].type = parts[2].sniffed = SPAN_LITERAL("text/plain");
    parts[2].decoded_len = 20;
    parts[3].parent = 0;
    parts[3].type = SPAN_LITERAL("image/png");
    parts[3].sniffed = SPAN_LITERAL("application/x-dosexec");
    parts[3].decoded_len = 600;
    parts[3].names = names;
    parts[3].name_count = UNIT_COUNT(names);
    members[0].name = SPAN_LITERAL("x.zip");
    members[0].sniffed = SPAN_LITERAL("application/zip");
    members[0].size = 50;
    members[1].name = SPAN_LITERAL("evil one.js");
    members[1].size = 7;
    members[0].part = members[1].part = 3;
    members[0].level = 1;
    members[1].level = 2;
    marks[0].defect = DEFECT_BAD_NAME;
    marks[0].part = 3;
    marks[0].count = 1;
    marks[1].defect = DEFECT_LONG_LINE;
    marks[1].part = 2;
    marks[1].count = 12;
}

static const struct journal_line *
found(enum finding_limit limit)
{
    struct finding_header headers[9] = {{.name = SPAN_LITERAL("Subject")}};
    struct findings findings = {.len = 1234,
                                .limit = limit,
                                .limit_text = SPAN_LITERAL("depth 40, at most 32"),
                                .headers = headers,
                                .header_count = UNIT_COUNT(headers),
                                .parts = parts,
                                .part_count = UNIT_COUNT(parts),
                                .members = members,
                                .member_count = UNIT_COUNT(members),
                                .link_count = 4,
                                .marks = marks,
                                .mark_count = UNIT_COUNT(marks)};

    fill();
    line_begin(&line, "found");
    findings_note(&findings, &line.writer);
    return line_end(&line);
}

static void
test_text(void)
{
    char *text = shown(found(LIMIT_DEPTH));
    static const char expected[] =
        ", 9 header fields, 4 parts, 2 members of archives, 4 links, 0 hits of patterns\n"
        "unscannable  depth: depth 40, at most 32\n"
        "defect       bad_name in part 3\n"
        "defect       long_line in part 2, 12 times\n"
        "part 0       multipart/mixed, 900 bytes\n"
        "part 1         multipart/alternative, 200 bytes\n"
        "part 2           text/plain is text/plain, 20 bytes\n"
        "part 3         image/png is application/x-dosexec, 600 bytes "
        "\"a \"b\\\\.exe\" \"c\\x1B[31m\" \"\"\n"
        "in part 3      application/zip, 50 bytes \"x.zip\"\n"
        "in part 3        -, 7 bytes \"evil one.js\"\n";

    CU_ASSERT_EQUAL(strncmp(text, "found        1234 bytes, 9 header", 31), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, expected));
    if (strstr(text, expected) == NULL)
        fprintf(stderr, "%s", text);
    free(text);
    line_clear(&line);
    text = shown(found(LIMIT_NONE));
    CU_ASSERT_PTR_NULL(strstr(text, "unscannable"));
    free(text);
    line_clear(&line);
}

static void
test_object(void)
{
    struct json *json = show_found_object(found(LIMIT_DEPTH));
    const struct json *item;

    CU_ASSERT_STRING_EQUAL(json_get_text(json, "limit"), "depth");
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "unscannable"), "depth 40, at most 32");
    CU_ASSERT_EQUAL(json_get_count(json, "parts"), 4);
    CU_ASSERT_EQUAL(json_get_count(json, "members"), 2);
    CU_ASSERT_EQUAL(json_get_count(json, "defects"), 2);
    CU_ASSERT_EQUAL(json_get_number(json_get_item(json, "parts", 0), "parent", 7), -1);
    item = json_get_item(json, "parts", 3);
    CU_ASSERT_EQUAL(json_get_number(item, "parent", 7), 0);
    CU_ASSERT_EQUAL(json_get_number(item, "size", 7), 600);
    CU_ASSERT_STRING_EQUAL(json_get_text(item, "type"), "image/png");
    CU_ASSERT_STRING_EQUAL(json_get_text(item, "sniffed"), "application/x-dosexec");
    CU_ASSERT_EQUAL(json_get_count(item, "names"), 3);
    CU_ASSERT_STRING_EQUAL(json_get_item_text(item, "names", 0), "a \"b\\.exe");
    CU_ASSERT_STRING_EQUAL(json_get_item_text(item, "names", 1), "c\x1b[31m");
    item = json_get_item(json, "members", 1);
    CU_ASSERT_STRING_EQUAL(json_get_text(item, "name"), "evil one.js");
    CU_ASSERT_EQUAL(json_get_number(item, "level", 7), 2);
    item = json_get_item(json, "defects", 1);
    CU_ASSERT_STRING_EQUAL(json_get_text(item, "name"), "long_line");
    CU_ASSERT_EQUAL(json_get_number(item, "count", 7), 12);
    json_free(&json);
    line_clear(&line);
}

// Of another release, or by another hand: it is shown as far as it goes.
static void
test_nonsense(void)
{
    static const char *const values[] = {"",
                                         " ",
                                         "-",
                                         "x",
                                         "0 0",
                                         "99999999999999999999 1 2",
                                         "4095 4095 1 a b c",
                                         "4096 -1 1 a b c",
                                         "1 4095 1 a",
                                         "5 5 5 \\x \\xZZ \\ \\x1",
                                         "0 18446744073709551615 0 a \x1b[31m"};
    static const char *const keys[] = {"part", "member", "defect", "limit", "future"};

    for (size_t i = 0; i < UNIT_COUNT(values); i++) {
        struct json *json;
        char *text;

        line_begin(&line, "found");
        for (size_t k = 0; k < UNIT_COUNT(keys); k++)
            journal_field_text(&line.writer, keys[k], values[i]);
        (void)line_end(&line);
        text = shown(&line.line);
        UNIT_CHECK_ROW(values[i], strchr(text, '\x1b') == NULL);
        UNIT_CHECK_ROW(values[i], strncmp(text, "found ", 6) == 0);
        json = show_found_object(&line.line);
        UNIT_CHECK_ROW(values[i], json_get_count(json, "parts") == 1);
        json_free(&json);
        free(text);
        line_clear(&line);
    }
}

// However deep, a line stays a line.
static void
test_depth(void)
{
    char *text, item[80];

    line_begin(&line, "found");
    for (int i = 0; i < 1000; i++) {
        snprintf(item, sizeof item, "%d %d 1 a -", i, i - 1);
        journal_field_text(&line.writer, "part", item);
    }
    text = shown(line_end(&line));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "part 999     "));
    CU_ASSERT(strlen(text) < 1000 * 100);
    free(text);
    line_clear(&line);
}

static const struct unit_test tests[] = {
    {"text",     test_text    },
    {"object",   test_object  },
    {"nonsense", test_nonsense},
    {"depth",    test_depth   },
};

UNIT_MAIN("tool/show_found", tests)
