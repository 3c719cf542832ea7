// SPDX-License-Identifier: BSD-2-Clause
#include "mime/findings.h"

#include "base/mem.h"
#include "spool/journal.h"
#include "tests/unit/harness.h"
#include "tests/unit/mime/findings_sample.h"

enum { KEY = 42, NOTE_MAX = 17 << 10 };

static struct buf journal;
static struct journal_reader reader;

// The line that findings_note makes; its fields point into reader.
static struct journal_line
note(const struct findings *findings)
{
    struct journal_writer writer;
    struct journal_line line = {0};

    buf_init(&journal, 1 << 20);
    journal_begin(&writer, &journal, KEY, 1, 1000, "found");
    findings_note(findings, &writer);
    CU_ASSERT_EQUAL_FATAL(journal_end(&writer), 0);
    CU_ASSERT_TRUE(journal.len < NOTE_MAX);
    journal_reader_init(&reader, buf_span(&journal), KEY);
    CU_ASSERT_TRUE_FATAL(journal_next(&reader, &line));
    return line;
}

static void
check_nth(const struct journal_line *line, const char *key, size_t n, const char *expected)
{
    for (size_t i = 0; i < line->field_count; i++) {
        char *text;

        if (!span_is(line->fields[i].key, key) || n-- > 0)
            continue;
        text = journal_decode(line->fields[i].value, 2000);
        CU_ASSERT_PTR_NOT_NULL_FATAL(text);
        if (strcmp(text, expected) != 0)
            fprintf(stderr, "%s: %s\n", key, text);
        CU_ASSERT_STRING_EQUAL(text, expected);
        mem_free(&text);
        return;
    }
    CU_FAIL("no such field");
}

static void
test_sample(void)
{
    struct findings sample = findings_sample();
    struct journal_line line = note(&sample);

    check_nth(&line, "len", 0, "1000");
    check_nth(&line, "parts", 0, "3");
    check_nth(&line, "members", 0, "2");
    check_nth(&line, "links", 0, "2");
    check_nth(&line, "hits", 0, "2");
    check_nth(&line, "subject", 0, "\xc3\xa4");
    CU_ASSERT_PTR_NULL(journal_get(&line, "message_id").data);
    check_nth(&line, "limit", 0, "ratio 300\\x20times\\x20its\\x20own\\x20size");
    check_nth(&line, "defect", 0, "nul 0 3");
    check_nth(&line, "defect", 1, "hidden_content 2 4294967295");
    check_nth(&line, "part", 0, "0 -1 0 multipart/mixed -");
    check_nth(&line, "part", 1,
              "1 0 600 application/pdf application/x-dosexec a.exe b\\x00c.pdf ../x\\x20y");
    check_nth(&line, "part", 2, "2 1 0 - -");
    check_nth(&line, "member", 0, "1 1 9 application/zip inner.zip");
    check_nth(&line, "member", 1, "1 2 18446744073709551615 - evil.js");
    buf_clear(&journal);
}

static void
test_nothing(void)
{
    struct findings *findings = findings_new();
    struct journal_line line = note(findings);

    CU_ASSERT_PTR_NULL(journal_get(&line, "limit").data);
    CU_ASSERT_PTR_NULL(journal_get(&line, "part").data);
    CU_ASSERT_PTR_NULL(journal_get(&line, "message_id").data);
    CU_ASSERT_PTR_NULL(journal_get(&line, "subject").data);
    check_nth(&line, "parts", 0, "0");
    buf_clear(&journal);
    findings_free(&findings);
}

// How the message is known to others, whatever its sender makes of it.
static void
test_names(void)
{
    static const struct {
        const char *name;
        struct span id, subject;
        const char *expected_id, *expected_subject;
    } rows[] = {
        {"plain",           SPAN_LITERAL(" <a@b>"),          SPAN_LITERAL("hi"),         "<a@b>",     "hi"     },
        {"folded, blanks",  SPAN_LITERAL("\r\n\t <a@b>\t "), SPAN_LITERAL(" hi there "), "<a@b>",
         "hi there"                                                                                            },
        {"empty",           SPAN_LITERAL(""),                SPAN_LITERAL("  "),         "",          ""       },
        {"not well formed", SPAN_LITERAL(" a b\r\n c"),      SPAN_LITERAL("x=y +z"),     "a b\r\n c",
         "x=y +z"                                                                                              },
        {"a line feed",     SPAN_LITERAL("\n"),              SPAN_LITERAL("\n\x1b[1m"),  "",          "\x1b[1m"},
        {"a NUL",           SPAN_LITERAL("\0a"),             SPAN_LITERAL("a\0b"),       "",          "a"      },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct finding_header headers[] = {
            {.name = SPAN_LITERAL("MESSAGE-ID"), .raw = rows[i].id                      },
            {.name = SPAN_LITERAL("subject"),    .decoded = rows[i].subject             },
            {.name = SPAN_LITERAL("Message-Id"), .raw = SPAN_LITERAL("<second@example>")},
        };
        struct findings sample = {.headers = headers, .header_count = UNIT_COUNT(headers)};
        struct journal_line line = note(&sample);

        check_nth(&line, "message_id", 0, rows[i].expected_id);
        check_nth(&line, "subject", 0, rows[i].expected_subject);
        buf_clear(&journal);
    }
}

static void
test_long_names(void)
{
    static char text[2000];
    struct finding_header headers[] = {
        {.name = SPAN_LITERAL("Message-ID"), .raw = span_from(text,     sizeof text)},
        {.name = SPAN_LITERAL("Subject"),    .decoded = span_from(text, sizeof text)},
    };
    struct findings sample = {.headers = headers, .header_count = UNIT_COUNT(headers)};
    struct journal_line line;
    char *id, *subject;

    for (size_t i = 0; i < sizeof text; i++) // of three bytes each: neither bound is a multiple
        text[i] = "\xe2\x82\xac"[i % 3];
    line = note(&sample);
    id = journal_get_text(&line, "message_id", 2000);
    subject = journal_get_text(&line, "subject", 2000);
    CU_ASSERT_PTR_NOT_NULL_FATAL(id);
    CU_ASSERT_PTR_NOT_NULL_FATAL(subject);
    CU_ASSERT_EQUAL(strlen(id), 498);
    CU_ASSERT_EQUAL(strlen(subject), 198);
    mem_free(&id);
    mem_free(&subject);
    buf_clear(&journal);
}

// However much there is, and whatever bytes: the line is bounded, and begins with what matters.
static void
test_much(void)
{
    enum { MANY = 3000, LONG = 5000 };
    struct finding_part *parts = mem_zarray(MANY, sizeof *parts);
    struct finding_member *members = mem_zarray(MANY, sizeof *members);
    struct finding_mark *marks = mem_zarray(MANY, sizeof *marks);
    struct findings sample = findings_sample();
    char *text = mem_zalloc(LONG);
    struct span name = span_from(text, LONG);
    struct journal_line line;

    memset(text, 0x01, LONG);
    for (size_t i = 0; i < MANY; i++) {
        parts[i] = (struct finding_part){
            .parent = -1, .type = name, .sniffed = name, .names = &name, .name_count = 1};
        members[i] = (struct finding_member){.name = name, .sniffed = name};
    }
    sample.parts = parts;
    sample.members = members;
    sample.marks = marks;
    sample.limit_text = name;
    sample.part_count = sample.member_count = MANY;
    sample.mark_count = 1;
    line = note(&sample);
    check_nth(&line, "parts", 0, "3000");
    CU_ASSERT_PTR_NOT_NULL(journal_get(&line, "part").data);
    buf_clear(&journal);
    sample.mark_count = MANY;
    line = note(&sample);
    CU_ASSERT_PTR_NOT_NULL(journal_get(&line, "defect").data);
    buf_clear(&journal);
    mem_free(&parts);
    mem_free(&members);
    mem_free(&marks);
    mem_free(&text);
}

static const struct unit_test tests[] = {
    {"sample",     test_sample    },
    {"nothing",    test_nothing   },
    {"much",       test_much      },
    {"names",      test_names     },
    {"long names", test_long_names},
};

UNIT_MAIN("mime/findings_note", tests)
