// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/command.h"

#include "base/buf.h"
#include "tests/unit/harness.h"

struct row {
    const char *name;
    struct span in;
    const char *expected; // one letter a result, a line's text behind it: "L(NOOP)B(x)T"
    size_t left;          // bytes that wait for more
};

#define S(text) SPAN_LITERAL(text)

static const struct row rows[] = {
    {"one",             S("NOOP\r\n"),            "L(NOOP)",          0 },
    {"empty line",      S("\r\n"),                "L()",              0 },
    {"batch",           S("MAIL\r\nRCPT\r\nDA"),  "L(MAIL)L(RCPT)",   2 },
    {"no end",          S("NOOP\r"),              "",                 5 },
    {"nothing",         S(""),                    "",                 0 },
    {"tab and blanks",  S("NOOP \t x \r\n"),      "L(NOOP \t x )",    0 },
    {"8-bit",           S("N\xc3\xbc\xff\r\n"),   "L(N\xc3\xbc\xff)", 0 },
    {"bare LF",         S("NOOP\nRSET\r\nQ\r\n"), "BL(Q)",            0 },
    {"bare LF waits",   S("NOOP\nRSET\n"),        "",                 10},
    {"LF at the start", S("\nNOOP\r\n"),          "B",                0 },
    {"bare CR",         S("NOOP\rx\r\n"),         "B",                0 },
    {"CRCRLF",          S("NOOP\r\r\n"),          "B",                0 },
    {"NUL",             S("NOOP\0\r\nQ\r\n"),     "BL(Q)",            0 },
    {"escape",          S("NO\x1bOP\r\n"),        "B",                0 },
    {"DEL",             S("NO\x7fOP\r\n"),        "B",                0 },
};

static char
letter_of(enum command_result result)
{
    static const char letters[] = {[COMMAND_NEED_MORE] = '-',
                                   [COMMAND_LINE] = 'L',
                                   [COMMAND_TOO_LONG] = 'T',
                                   [COMMAND_BAD_BYTE] = 'B'};

    return letters[result];
}

// Reads what there is; *log tells what it was, *in keeps what was not used.
static void
read_all(struct command_reader *reader, struct buf *in, struct buf *log)
{
    for (;;) {
        struct span line;
        size_t used;
        enum command_result result = command_read(reader, buf_span(in), &line, &used);

        if (result != COMMAND_NEED_MORE)
            buf_add_char(log, letter_of(result));
        if (result == COMMAND_LINE)
            buf_printf(log, "(%.*s)", (int)line.len, line.data);
        buf_drop(in, used);
        if (result == COMMAND_NEED_MORE)
            return;
    }
}

static void
check_pieces(const struct row *row, size_t first, size_t step)
{
    struct command_reader reader = {.skipping = false};
    struct buf in, log;

    buf_init(&in, 100000);
    buf_init(&log, 1000);
    for (size_t at = 0, len = first; at < row->in.len; at += len, len = step) {
        if (len > row->in.len - at)
            len = row->in.len - at;
        buf_add(&in, row->in.data + at, len);
        read_all(&reader, &in, &log);
    }
    UNIT_CHECK_ROW(row->name, span_is(buf_span(&log), row->expected));
    UNIT_CHECK_ROW(row->name, in.len == row->left);
    buf_clear(&in);
    buf_clear(&log);
}

static void
test_rows(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        check_pieces(&rows[i], rows[i].in.len, 1);
        check_pieces(&rows[i], 1, 1);
        for (size_t at = 1; at < rows[i].in.len; at++)
            check_pieces(&rows[i], at, rows[i].in.len);
    }
}

struct long_row {
    size_t len; // of the line with its CRLF
    const char *expected;
};

static const struct long_row long_rows[] = {
    {COMMAND_MAX - 1,          "L"},
    {COMMAND_MAX,              "L"},
    {COMMAND_MAX + 1,          "T"},
    {COMMAND_MAX + 2,          "T"},
    {(size_t)COMMAND_MAX * 20, "T"},
};

static char *
long_line(size_t len)
{
    static const char tail[] = {'\r', '\n', 'N', 'O', 'O', 'P', '\r', '\n'};
    char *text = malloc(len + 6);

    memset(text, 'x', len);
    memcpy(text + len - 2, tail, sizeof(tail));
    return text;
}

// A long line is never kept, and what stands behind it in the line is never a command.
static void
check_long(const struct long_row *row, size_t step)
{
    struct command_reader reader = {.skipping = false};
    char *text = long_line(row->len);
    size_t kept_max = 0;
    char got[8];
    size_t count = 0;
    struct buf in;

    buf_init(&in, 100000);
    for (size_t at = 0; at < row->len + 6;) {
        size_t len = step < row->len + 6 - at ? step : row->len + 6 - at;
        struct span line;
        size_t used;
        enum command_result result;

        buf_add(&in, text + at, len);
        at += len;
        while ((result = command_read(&reader, buf_span(&in), &line, &used)) != COMMAND_NEED_MORE) {
            CU_ASSERT_FATAL(count < sizeof(got) - 1);
            got[count++] = letter_of(result);
            buf_drop(&in, used);
        }
        buf_drop(&in, used);
        kept_max = in.len > kept_max ? in.len : kept_max;
    }
    got[count] = '\0';
    CU_ASSERT(got[0] == row->expected[0] && strcmp(got + 1, "L") == 0);
    CU_ASSERT(kept_max < COMMAND_MAX);
    buf_clear(&in);
    free(text);
}

static void
test_long_lines(void)
{
    for (size_t i = 0; i < UNIT_COUNT(long_rows); i++) {
        check_long(&long_rows[i], 1);
        check_long(&long_rows[i], 7);
        check_long(&long_rows[i], 4096);
        check_long(&long_rows[i], 90000);
    }
}

static const struct unit_test tests[] = {
    {"rows",       test_rows      },
    {"long lines", test_long_lines},
};

UNIT_MAIN("smtp/command", tests)
