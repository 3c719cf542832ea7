// SPDX-License-Identifier: BSD-2-Clause
#include "spool/journal.h"

#include "base/digest.h"
#include "tests/unit/harness.h"
#include "tests/unit/spool/sample.h"

enum { KEY = 4711 };

// What a reader believes of a text: the events, each with a blank behind it.
static void
read_events(struct span text, uint64_t key, struct journal_reader *reader, struct buf *events)
{
    struct journal_line line;

    buf_init(events, 1 << 20);
    journal_reader_init(reader, text, key);
    while (journal_next(reader, &line)) {
        buf_add_span(events, line.event);
        buf_add_char(events, ' ');
    }
}

static void
check_events(const char *name, struct span text, const char *expected)
{
    static struct journal_reader reader;
    struct buf events;

    read_events(text, KEY, &reader, &events);
    UNIT_CHECK_ROW(name, strcmp(buf_text(&events), expected) == 0);
    buf_clear(&events);
}

static void
test_line_as_it_stands(void)
{
    static struct journal_reader reader;
    struct journal_writer writer;
    struct journal_line line;
    struct buf out;
    char expected[200], sum[24];

    buf_init(&out, 1 << 20);
    journal_begin(&writer, &out, KEY, 7, 1700000000123, "deferred");
    journal_field(&writer, "r", span_of("0-41,57"));
    journal_field_number(&writer, "code", 451);
    journal_field_text(&writer, "reply", "4.3.0 a=b + c\n\xc3\xa4");
    journal_field_text(&writer, "relay", NULL);
    journal_field_text(&writer, "child", "");
    CU_ASSERT_EQUAL(journal_end(&writer), 0);
    snprintf(expected, sizeof(expected),
             "7 1700000000123 deferred r=0-41,57 code=451 "
             "reply=4.3.0+20a+3Db+20+2B+20c+0A+C3+A4 child=");
    snprintf(sum, sizeof(sum), " #%016llx\n",
             (unsigned long long)digest_sum64(span_of(expected), KEY));
    strcat(expected, sum);
    CU_ASSERT_STRING_EQUAL(buf_text(&out), expected);

    journal_reader_init(&reader, buf_span(&out), KEY);
    CU_ASSERT_TRUE_FATAL(journal_next(&reader, &line));
    CU_ASSERT_EQUAL(line.seq, 7);
    CU_ASSERT_EQUAL(line.time_ms, 1700000000123);
    CU_ASSERT(span_is(line.event, "deferred"));
    CU_ASSERT_EQUAL(line.field_count, 4);
    CU_ASSERT(span_is(line.text, expected));
    CU_ASSERT(span_is(journal_get(&line, "r"), "0-41,57"));
    CU_ASSERT_PTR_NULL(journal_get(&line, "relay").data);
    CU_ASSERT_PTR_NOT_NULL(journal_get(&line, "child").data);
    CU_ASSERT_EQUAL(journal_get(&line, "child").len, 0);
    CU_ASSERT_EQUAL(reader.good_end, out.len);
    CU_ASSERT_FALSE(journal_next(&reader, &line));
    CU_ASSERT_FALSE(journal_next(&reader, &line));
    buf_clear(&out);
}

static void
test_values_come_back(void)
{
    static struct journal_reader reader;
    struct journal_writer writer;
    struct journal_line line;
    struct buf out, raw;
    char every[256];

    for (size_t i = 0; i < sizeof(every); i++)
        every[i] = (char)i;
    buf_init(&out, 1 << 20);
    buf_init(&raw, 1 << 20);
    journal_begin(&writer, &out, KEY, 1, -5, "found");
    journal_field(&writer, "x", span_from(every, sizeof(every)));
    journal_field_number(&writer, "n", INT64_MIN);
    CU_ASSERT_EQUAL(journal_end(&writer), 0);
    journal_reader_init(&reader, buf_span(&out), KEY);
    CU_ASSERT_TRUE_FATAL(journal_next(&reader, &line));
    CU_ASSERT_EQUAL(line.time_ms, 0);
    CU_ASSERT_EQUAL(journal_get_raw(&line, "x", &raw), 0);
    CU_ASSERT_EQUAL_FATAL(raw.len, sizeof(every));
    CU_ASSERT_EQUAL(memcmp(raw.data, every, sizeof(every)), 0);
    CU_ASSERT(span_is(journal_get(&line, "n"), "-9223372036854775808"));
    CU_ASSERT_EQUAL(journal_get_raw(&line, "y", &raw), -1);
    buf_clear(&out);
    buf_clear(&raw);
}

static void
test_texts_are_cut(void)
{
    static const struct {
        const char *value; // xtext
        size_t max;
        const char *expected;
    } rows[] = {
        {"abc",          10, "abc"      },
        {"abc",          3,  "abc"      },
        {"abc",          2,  "ab"       },
        {"abc",          0,  ""         },
        {"",             5,  ""         },
        {"a+C3+A4b",     4,
         "a\xc3\xa4"
         "b"                            },
        {"a+C3+A4b",     3,  "a\xc3\xa4"},
        {"a+C3+A4b",     2,  "a"        },
        {"+F0+9F+98+80", 3,  ""         },
        {"+80+80",       1,  ""         },
        {"+ZZ",          9,  NULL       },
        {"a+",           9,  NULL       },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char *text = journal_decode(span_of(rows[i].value), rows[i].max);

        UNIT_CHECK_ROW(rows[i].value, (text == NULL) == (rows[i].expected == NULL));
        if (text != NULL)
            UNIT_CHECK_ROW(rows[i].value, strcmp(text, rows[i].expected) == 0);
        mem_free(&text);
    }
    CU_ASSERT_PTR_NULL(journal_decode((struct span){NULL, 0}, 9));
}

// Content with a checksum as a writer would make it, though no writer makes such content.
static void
add_sealed(struct buf *out, struct span content)
{
    buf_add_span(out, content);
    buf_printf(out, " #%016llx\n", (unsigned long long)digest_sum64(content, KEY));
}

static void
test_shapes(void)
{
    static const struct {
        const char *content;
        bool is_good;
    } rows[] = {
        {"1 2 sent",                   true },
        {"1 2 sent r=0",               true },
        {"1 2 sent r=",                true },
        {"1 2 sent r==",               true },
        {"0 0 a_b a_b=1 a_b=1",        true },
        {"9223372036854775807 0 sent", true },
        {"9223372036854775808 0 sent", false},
        {"1 9223372036854775808 sent", false},
        {"-1 2 sent",                  false},
        {"1 -2 sent",                  false},
        {"1 2",                        false},
        {"1 2 ",                       false},
        {"1 2 Sent",                   false},
        {"1 2 sent ",                  false},
        {"1 2 sent  r=0",              false},
        {" 1 2 sent",                  false},
        {"1  2 sent",                  false},
        {"1 2 sent r",                 false},
        {"1 2 sent =0",                false},
        {"1 2 sent R=0",               false},
        {"1 2 sent r=0 ",              false},
        {"",                           false},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct span content = span_of(rows[i].content);
        struct span event;
        struct buf out;
        char expected[80];

        buf_init(&out, 1 << 20);
        add_sealed(&out, content);
        span_cut(&content, ' ');
        span_cut(&content, ' ');
        event = span_cut(&content, ' ');
        snprintf(expected, sizeof(expected), "%.*s ", (int)event.len, event.data);
        check_events(rows[i].content, buf_span(&out), rows[i].is_good ? expected : "");
        buf_clear(&out);
    }
}

static void
make_journal(struct buf *out)
{
    buf_init(out, 1 << 20);
    sample_note(out, KEY, 1, "attempt g=0 r=0-1 hop=reinject");
    sample_note(out, KEY, 2, "sent r=0 code=250 reply=ok");
    sample_note(out, KEY, 3, "deferred r=1 until=5 code=451");
}

// No other byte anywhere, and no end, lets a line be believed that was not written.
static void
test_every_byte(void)
{
    static const char *const expected[] = {"sent deferred ", "attempt deferred ", "attempt sent "};
    static const unsigned char flips[] = {0x01, 0x20, 0x80, 0xff};
    struct buf journal;

    make_journal(&journal);
    check_events("whole", buf_span(&journal), "attempt sent deferred ");
    for (size_t i = 0, line = 0; i < journal.len; i++) {
        bool is_end = journal.data[i] == '\n';

        for (size_t j = 0; j < UNIT_COUNT(flips); j++) {
            journal.data[i] = (char)(journal.data[i] ^ flips[j]);
            // A lost end spoils the next line, too.
            if (is_end && line < 2)
                check_events("end", buf_span(&journal), line == 0 ? "deferred " : "attempt ");
            else
                check_events("byte", buf_span(&journal), expected[line]);
            journal.data[i] = (char)(journal.data[i] ^ flips[j]);
        }
        line += is_end ? 1 : 0;
    }
    buf_clear(&journal);
}

static void
test_every_length(void)
{
    static const char *const expected[] = {"", "attempt ", "attempt sent ",
                                           "attempt sent deferred "};
    static struct journal_reader reader;
    struct buf journal, events;
    size_t lines = 0, good_end = 0;

    make_journal(&journal);
    for (size_t len = 0; len <= journal.len; len++) {
        if (len > 0 && journal.data[len - 1] == '\n') {
            lines++;
            good_end = len;
        }
        read_events(span_from(journal.data, len), KEY, &reader, &events);
        CU_ASSERT_STRING_EQUAL(buf_text(&events), expected[lines]);
        CU_ASSERT_EQUAL(reader.good_end, good_end);
        CU_ASSERT_EQUAL(reader.bad_lines, 0);
        buf_clear(&events);
    }
    buf_clear(&journal);
}

// After a torn line an append begins with a line feed, and reading goes on behind it.
static void
test_going_on_after_a_torn_line(void)
{
    static struct journal_reader reader;
    struct buf journal, events;

    make_journal(&journal);
    buf_cut(&journal, journal.len - 9);
    buf_add_text(&journal, "\n");
    sample_note(&journal, KEY, 4, "held reason=x");
    buf_add_text(&journal, "\n\n");
    sample_note(&journal, KEY, 5, "unheld");
    buf_add_text(&journal, "rubbish\nrubbish");
    read_events(buf_span(&journal), KEY, &reader, &events);
    CU_ASSERT_STRING_EQUAL(buf_text(&events), "attempt sent held unheld ");
    CU_ASSERT_EQUAL(reader.bad_lines, 1);
    CU_ASSERT_EQUAL(reader.bad_since, 1);
    CU_ASSERT_EQUAL(reader.good_end, journal.len - strlen("rubbish\nrubbish"));
    buf_clear(&events);
    buf_clear(&journal);
}

// A slot's former lines: another id, or the same id (somebody guessed it) under another seal.
static void
test_other_messages_lines(void)
{
    uint64_t key = journal_key(sample_id, 1);
    static struct journal_reader reader;
    struct buf journal, events;

    CU_ASSERT_NOT_EQUAL(key, journal_key("4X2k9QzT7mC", 1));
    CU_ASSERT_NOT_EQUAL(key, journal_key(sample_id, 2));
    CU_ASSERT_EQUAL(key, journal_key(sample_id, 1));
    buf_init(&journal, 1 << 20);
    sample_note(&journal, key, 1, "attempt r=0");
    sample_note(&journal, journal_key("4X2k9QzT7mC", 1), 2, "sent r=0");
    sample_note(&journal, journal_key(sample_id, 2), 2, "sent r=0");
    sample_note(&journal, journal_key(sample_id, 0), 3, "done");
    read_events(buf_span(&journal), key, &reader, &events);
    CU_ASSERT_STRING_EQUAL(buf_text(&events), "attempt ");
    CU_ASSERT_EQUAL(reader.bad_lines, 0);
    buf_clear(&events);
    buf_clear(&journal);
}

static void
check_bound(size_t fields, size_t value_len, size_t ceiling, bool fits)
{
    struct journal_writer writer;
    struct buf out;
    char *value = mem_zalloc(value_len + 1);
    size_t before;

    memset(value, 'x', value_len);
    buf_init(&out, ceiling);
    sample_note(&out, KEY, 1, "found");
    before = out.len;
    journal_begin(&writer, &out, KEY, 2, 0, "decided");
    for (size_t i = 0; i < fields; i++)
        journal_field(&writer, "to", span_from(value, value_len));
    CU_ASSERT_EQUAL(journal_end(&writer), fits ? 0 : -1);
    if (!fits)
        CU_ASSERT_EQUAL(out.len, before);
    check_events("bound", buf_span(&out), fits ? "found decided " : "found ");
    buf_clear(&out);
    mem_free(&value);
}

// What does not fit leaves no half of a line behind.
static void
test_bounds(void)
{
    check_bound(JOURNAL_FIELDS_MAX, 1, 8 << 20, true);
    check_bound(JOURNAL_FIELDS_MAX + 1, 1, 8 << 20, false);
    check_bound(1, JOURNAL_LINE_MAX - 100, 8 << 20, true);
    check_bound(1, JOURNAL_LINE_MAX - 10, 8 << 20, false);
    check_bound(1, JOURNAL_LINE_MAX + 1, 8 << 20, false);
    check_bound(1000, 10000, 8 << 20, false);
    check_bound(3, 20, 120, false);
    check_bound(1, 20, 120, true);
}

// A line longer than any of ours, and zeros that were reserved, are passed over.
static void
test_reserved_room(void)
{
    struct buf journal;
    char *room = mem_zalloc(2 * JOURNAL_LINE_MAX);

    buf_init(&journal, 8 << 20);
    sample_note(&journal, KEY, 1, "found");
    buf_add(&journal, room, 2 * JOURNAL_LINE_MAX);
    check_events("zeros", buf_span(&journal), "found ");
    buf_add_text(&journal, "\n");
    sample_note(&journal, KEY, 2, "retry");
    check_events("behind zeros", buf_span(&journal), "found retry ");
    check_events("nothing", (struct span){NULL, 0}, "");
    buf_clear(&journal);
    mem_free(&room);
}

// What was kept of a line without its frame.
static void
test_fields(void)
{
    static const struct {
        const char *name, *text;
        size_t max;
        int answer;
        size_t count;
    } rows[] = {
        {"one",          "a=b",         3, 0,  1},
        {"three",        "a=b c= d==",  3, 0,  3},
        {"one too many", "a=b c=d e=f", 2, -1, 2},
        {"no value",     "a=b c",       3, -1, 1},
        {"no key",       "=b",          3, -1, 0},
        {"not a key",    "A=b",         3, -1, 0},
        {"empty",        "",            3, -1, 0},
        {"a blank more", "a=b ",        3, -1, 1},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct journal_field fields[3];
        struct journal_line line = {.fields = fields};

        UNIT_CHECK_ROW(rows[i].name, journal_read_fields(span_of(rows[i].text), rows[i].max,
                                                         &line) == rows[i].answer);
        UNIT_CHECK_ROW(rows[i].name, line.field_count == rows[i].count);
        UNIT_CHECK_ROW(rows[i].name,
                       line.field_count == 0 || span_is(journal_get(&line, "a"), "b"));
    }
}

static const struct unit_test tests[] = {
    {"a line as it stands",        test_line_as_it_stands         },
    {"values come back",           test_values_come_back          },
    {"texts are cut",              test_texts_are_cut             },
    {"shapes",                     test_shapes                    },
    {"every byte",                 test_every_byte                },
    {"every length",               test_every_length              },
    {"going on after a torn line", test_going_on_after_a_torn_line},
    {"other messages' lines",      test_other_messages_lines      },
    {"bounds",                     test_bounds                    },
    {"reserved room",              test_reserved_room             },
    {"fields",                     test_fields                    },
};

UNIT_MAIN("spool/journal", tests)
