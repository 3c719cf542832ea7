// SPDX-License-Identifier: BSD-2-Clause
#include "tool/print.h"

#include "tests/unit/harness.h"

static const struct {
    const char *name, *text, *expected;
} escapes[] = {
    {"plain",     "a b",       "a b"       },
    {"escape",    "a\033[2Jb", "a\\x1B[2Jb"},
    {"line feed", "a\nb",      "a\\x0Ab"   },
    {"UTF-8",     "\303\244",  "\303\244"  },
    {"C1",        "\302\233",  "\\xC2\\x9B"},
    {"no UTF-8",  "\377",      "\\xFF"     },
    {"backslash", "\\",        "\\\\"      },
    {"nothing",   "",          ""          },
};

static char *
escape(struct span text)
{
    char *out = NULL;
    size_t len;
    FILE *stream = open_memstream(&out, &len);

    print_escaped(stream, text);
    fclose(stream);
    return out;
}

static void
text_is_escaped(void)
{
    for (size_t i = 0; i < UNIT_COUNT(escapes); i++) {
        char *got = escape(span_of(escapes[i].text));

        UNIT_CHECK_ROW(escapes[i].name, strcasecmp(got, escapes[i].expected) == 0);
        free(got);
    }
}

// A character on the border of two pieces stays one, and nothing is lost.
static void
long_text_is_whole(void)
{
    for (size_t shift = 0; shift < 4; shift++) {
        struct buf text, expected;
        char *got;

        buf_init(&text, 1 << 20);
        buf_init(&expected, 1 << 20);
        for (size_t i = 0; i < shift; i++)
            buf_add_char(&text, 'x');
        for (size_t i = 0; i < 3000; i++)
            buf_add_text(&text, "\342\202\254");
        buf_add_span(&expected, buf_span(&text));
        buf_add_char(&text, '\n');
        buf_add_text(&expected, "\\x0a");
        got = escape(buf_span(&text));
        CU_ASSERT(strcasecmp(got, buf_text(&expected)) == 0);
        free(got);
        buf_clear(&text);
        buf_clear(&expected);
    }
}

static const struct {
    int64_t ms;
    const char *expected;
} waits[] = {
    {-5,        "now"},
    {0,         "now"},
    {1,         "1s" },
    {59000,     "59s"},
    {60000,     "1m" },
    {7199000,   "1h" },
    {86400000,  "1d" },
    {432000000, "5d" },
};

static void
waits_are_short(void)
{
    for (size_t i = 0; i < UNIT_COUNT(waits); i++) {
        char text[32];

        print_wait(text, waits[i].ms);
        UNIT_CHECK_ROW(waits[i].expected, strcmp(text, waits[i].expected) == 0);
    }
}

static void
time_is_local(void)
{
    char *out = NULL;
    size_t len;
    FILE *stream;

    setenv("TZ", "UTC", 1);
    stream = open_memstream(&out, &len);
    print_time(stream, 1700000000123);
    fclose(stream);
    CU_ASSERT_STRING_EQUAL(out, "2023-11-14 22:13:20");
    free(out);
}

static void
errors_cannot_forge_lines(void)
{
    char *text = NULL;
    size_t len;
    struct tool tool = {.errors = open_memstream(&text, &len)};

    print_error(&tool, "%s", "a\npostern: b");
    fclose(tool.errors);
    CU_ASSERT(strcasecmp(text, "postern: a\\x0apostern: b\n") == 0);
    free(text);
}

static void
worse_is_told(void)
{
    CU_ASSERT(print_worse(TOOL_DONE, TOOL_DONE) == TOOL_DONE);
    CU_ASSERT(print_worse(TOOL_DONE, TOOL_NOTHING) == TOOL_NOTHING);
    CU_ASSERT(print_worse(TOOL_UNREACHABLE, TOOL_NOTHING) == TOOL_UNREACHABLE);
    CU_ASSERT(print_worse(TOOL_FORBIDDEN, TOOL_UNREACHABLE) == TOOL_FORBIDDEN);
    CU_ASSERT(print_worse(TOOL_FORBIDDEN, TOOL_IO) == TOOL_IO);
}

static const struct unit_test tests[] = {
    {"text is escaped",           text_is_escaped          },
    {"long text is whole",        long_text_is_whole       },
    {"waits are short",           waits_are_short          },
    {"time is local",             time_is_local            },
    {"errors cannot forge lines", errors_cannot_forge_lines},
    {"worse is told",             worse_is_told            },
};

UNIT_MAIN("tool/print", tests)
