// SPDX-License-Identifier: BSD-2-Clause
#include "filters/clamd_wire.h"

#include "base/mem.h"
#include "tests/unit/harness.h"

struct row {
    const char *name;
    struct span reply; // all of it
    enum clamd_wire_result expected;
    enum result_kind kind;
    const char *text; // the virus, the reason, or a part of the error
};

// With the NUL at its end.
#define REPLY(text)                                                                                \
    {                                                                                              \
        (text), sizeof(text)                                                                       \
    }
// Without.
#define PART(text) SPAN_LITERAL(text)

// One row a place: aligned as an array it would fill pages.
// clang-format off
static const struct row rows[] = {
    {"clean stream", REPLY("stream: OK"), CLAMD_ANSWER, RESULT_CLEAN, NULL},
    {"clean descriptor", REPLY("fd[12]: OK"), CLAMD_ANSWER, RESULT_CLEAN, NULL},
    {"found", REPLY("stream: Eicar-Test-Signature FOUND"), CLAMD_ANSWER, RESULT_HIT,
     "Eicar-Test-Signature"},
    {"found by descriptor", REPLY("fd[7]: Eicar.UNOFFICIAL FOUND"), CLAMD_ANSWER, RESULT_HIT,
     "Eicar.UNOFFICIAL"},
    {"a name with blanks and colons", REPLY("stream: a: OK b FOUND"), CLAMD_ANSWER, RESULT_HIT,
     "a: OK b"},
    {"a name that says OK", REPLY("stream: OK FOUND"), CLAMD_ANSWER, RESULT_HIT, "OK"},
    {"a name with controls", REPLY("stream: a\r\x1b[b\xff FOUND"), CLAMD_ANSWER, RESULT_HIT,
     "a [b?"},
    {"phishing is a virus", REPLY("stream: Heuristics.Phishing.Email.SpoofedDomain FOUND"),
     CLAMD_ANSWER, RESULT_HIT, "Heuristics.Phishing.Email.SpoofedDomain"},
    {"a limit", REPLY("fd[9]: Heuristics.Limits.Exceeded.MaxFileSize FOUND"), CLAMD_ANSWER,
     RESULT_UNSCANNABLE, "Heuristics.Limits.Exceeded.MaxFileSize"},
    {"encrypted", REPLY("stream: Heuristics.Encrypted.Zip FOUND"), CLAMD_ANSWER, RESULT_UNSCANNABLE,
     "Heuristics.Encrypted.Zip"},
    {"too large", REPLY("INSTREAM size limit exceeded. ERROR"), CLAMD_ANSWER, RESULT_UNSCANNABLE,
     "larger than clamd's StreamMaxLength"},
    {"an error", REPLY("stream: Can't allocate memory ERROR"), CLAMD_BAD, RESULT_PENDING,
     "Can't allocate memory"},
    {"no descriptor", REPLY("No file descriptor received. ERROR"), CLAMD_BAD, RESULT_PENDING,
     "No file descriptor received."},
    {"an error that says OK", REPLY("stream: OK ERROR"), CLAMD_BAD, RESULT_PENDING, "stream: OK"},
    {"unknown command", REPLY("UNKNOWN COMMAND"), CLAMD_BAD, RESULT_PENDING, "UNKNOWN COMMAND"},
    {"gave up reading", PART("COMMAND READ TIMED OUT\n"), CLAMD_BAD, RESULT_PENDING,
     "broke off: COMMAND READ TIMED OUT"},
    {"nothing", PART(""), CLAMD_BAD, RESULT_PENDING, "said nothing"},
    {"an empty reply", REPLY(""), CLAMD_BAD, RESULT_PENDING, "clamd said: "},
    {"half a reply", PART("stream: OK"), CLAMD_BAD, RESULT_PENDING, "broke off: stream: OK"},
    {"a line of its own", PART("stream: OK\n"), CLAMD_BAD, RESULT_PENDING, "broke off"},
    {"LF in front of NUL", REPLY("stream: OK\nstream: X FOUND"), CLAMD_BAD, RESULT_PENDING,
     "broke off"},
    {"OK alone", REPLY("OK"), CLAMD_BAD, RESULT_PENDING, "clamd said: OK"},
    {"OK without its end", REPLY("stream: O"), CLAMD_BAD, RESULT_PENDING, "stream: O"},
    {"OK and more", REPLY("stream: OK "), CLAMD_BAD, RESULT_PENDING, "stream: OK "},
    {"more and OK", REPLY("stream: x: OK"), CLAMD_BAD, RESULT_PENDING, "stream: x: OK"},
    {"OK in lower case", REPLY("stream: ok"), CLAMD_BAD, RESULT_PENDING, "stream: ok"},
    {"of something else", REPLY("/etc/passwd: OK"), CLAMD_BAD, RESULT_PENDING, "/etc/passwd"},
    {"found, no name", REPLY("stream:  FOUND"), CLAMD_BAD, RESULT_PENDING, "stream:  FOUND"},
    {"found, nothing else", REPLY("FOUND"), CLAMD_BAD, RESULT_PENDING, "FOUND"},
    {"a descriptor that is none", REPLY("fd[x]: OK"), CLAMD_BAD, RESULT_PENDING, "fd[x]: OK"},
    {"a descriptor without end", REPLY("fd[12"), CLAMD_BAD, RESULT_PENDING, "fd[12"},
    {"of a session", REPLY("1: stream: OK"), CLAMD_BAD, RESULT_PENDING, "1: stream"},
};

// clang-format on

static bool
says(const struct row *row, const struct result *result, const struct err *err)
{
    if (row->expected == CLAMD_BAD)
        return err->kind == ERR_TEMP && strstr(err->text, row->text) != NULL;
    if (row->kind == RESULT_HIT)
        return result->is_virus && result->name_count == 1 &&
               strcmp(result->names[0], row->text) == 0;
    if (row->kind == RESULT_UNSCANNABLE)
        return result->name_count == 0 && strcmp(result->reason, row->text) == 0;
    return result->name_count == 0 && !result->is_virus;
}

// A copy of its own size, so that a byte read too many is seen.
static enum clamd_wire_result
read_copy(struct span reply, bool is_end, struct result *result, struct err *err)
{
    char *copy = mem_strndup(reply.len > 0 ? reply.data : "", reply.len);
    char *exact = reply.len > 0 ? mem_regrow(copy, reply.len, 1) : copy;
    enum clamd_wire_result got;

    result_init(result);
    got = clamd_wire_read(span_from(exact, reply.len), is_end, result, err);
    mem_free(&exact);
    return got;
}

static void
test_whole(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const struct row *row = &rows[i];
        struct result result;
        struct err err = {.kind = ERR_NONE};

        UNIT_CHECK_ROW(row->name, read_copy(row->reply, true, &result, &err) == row->expected);
        UNIT_CHECK_ROW(row->name, result.kind == row->kind);
        UNIT_CHECK_ROW(row->name, says(row, &result, &err));
        result_clear(&result);
    }
}

// As it grows there is no answer before its last byte; ended before that, there is none at all.
static void
test_each_length(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const struct row *row = &rows[i];
        size_t end = 0;

        while (end < row->reply.len && row->reply.data[end] != '\0' && row->reply.data[end] != '\n')
            end++;
        for (size_t len = 0; len <= end && len < row->reply.len; len++) {
            struct span part = span_from(row->reply.data, len);
            struct result result;
            struct err err;

            UNIT_CHECK_ROW(row->name, read_copy(part, false, &result, &err) == CLAMD_NEED_MORE);
            UNIT_CHECK_ROW(row->name, read_copy(part, true, &result, &err) == CLAMD_BAD);
            UNIT_CHECK_ROW(row->name, result.kind == RESULT_PENDING);
        }
    }
}

// What is said behind a reply is no reply, and takes the first one's worth away.
static void
test_more_behind(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const struct row *row = &rows[i];
        char text[256];
        struct result result;
        struct err err;

        memcpy(text, row->reply.len > 0 ? row->reply.data : "", row->reply.len);
        memcpy(text + row->reply.len, "x", 2);
        UNIT_CHECK_ROW(row->name, read_copy(span_from(text, row->reply.len + 2), true, &result,
                                            &err) == CLAMD_BAD);
        result_clear(&result);
    }
}

static bool
is_clean_reply(struct span reply)
{
    size_t at = 3;

    if (span_is(reply, "stream: OK"))
        return true;
    if (reply.len < 3 || memcmp(reply.data, "fd[", 3) != 0)
        return false;
    while (at < reply.len && reply.data[at] >= '0' && reply.data[at] <= '9')
        at++;
    return span_is(span_skip(reply, at), "]: OK");
}

// Each byte becomes each other one: clean is what says so, and nothing else.
static void
test_each_byte(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const struct row *row = &rows[i];
        size_t len = row->reply.len;
        char text[256];
        unsigned wrong = 0;

        for (size_t at = 0; at < len; at++) {
            memcpy(text, row->reply.data, len);
            for (unsigned byte = 0; byte < 256; byte++) {
                struct result result;
                struct err err;
                bool is_clean;

                text[at] = (char)byte;
                is_clean = read_copy(span_from(text, len), true, &result, &err) == CLAMD_ANSWER &&
                           result.kind == RESULT_CLEAN;
                wrong += is_clean != (memchr(text, 0, len) == text + len - 1 &&
                                      is_clean_reply(span_from(text, len - 1)));
                result_clear(&result);
            }
        }
        UNIT_CHECK_ROW(row->name, wrong == 0);
    }
}

static void
test_bound(void)
{
    char text[CLAMD_REPLY_MAX + 1];
    struct result result;
    struct err err;

    memset(text, 'x', sizeof(text));
    memcpy(text, "stream: ", 8);
    CU_ASSERT_EQUAL(read_copy(span_from(text, CLAMD_REPLY_MAX - 1), false, &result, &err),
                    CLAMD_NEED_MORE);
    CU_ASSERT_EQUAL(read_copy(span_from(text, CLAMD_REPLY_MAX), false, &result, &err), CLAMD_BAD);
    memcpy(text + CLAMD_REPLY_MAX - 7, " FOUND", 7);
    CU_ASSERT_EQUAL(read_copy(span_from(text, CLAMD_REPLY_MAX), false, &result, &err),
                    CLAMD_ANSWER);
    CU_ASSERT_EQUAL_FATAL(result.name_count, 1);
    CU_ASSERT_EQUAL(strlen(result.names[0]), RESULT_NAME_MAX);
    result_clear(&result);
    memset(text, 'x', sizeof(text));
    text[CLAMD_REPLY_MAX] = '\0';
    CU_ASSERT_EQUAL(read_copy(span_from(text, sizeof(text)), true, &result, &err), CLAMD_BAD);
}

static void
test_chunk_head(void)
{
    static const struct {
        uint32_t len;
        const char *expected;
    } heads[] = {
        {0,          "\0\0\0\0"        },
        {1,          "\0\0\0\1"        },
        {0x01020304, "\1\2\3\4"        },
        {65536,      "\0\1\0\0"        },
        {UINT32_MAX, "\xff\xff\xff\xff"},
    };

    for (size_t i = 0; i < UNIT_COUNT(heads); i++) {
        char head[4];

        clamd_wire_chunk_head(heads[i].len, head);
        CU_ASSERT_EQUAL(memcmp(head, heads[i].expected, 4), 0);
    }
}

static void
test_pong(void)
{
    static const struct {
        struct span reply;
        bool is_pong;
    } replies[] = {
        {REPLY("PONG"),    true },
        {PART("PONG"),     false},
        {PART("PONG\n"),   false},
        {REPLY("PONGO"),   false},
        {REPLY("pong"),    false},
        {PART("PONG\0\0"), false},
        {PART(""),         false},
        {REPLY("ERROR"),   false},
    };

    for (size_t i = 0; i < UNIT_COUNT(replies); i++)
        CU_ASSERT_EQUAL(clamd_wire_is_pong(replies[i].reply), replies[i].is_pong);
}

static const struct unit_test tests[] = {
    {"whole",       test_whole      },
    {"each length", test_each_length},
    {"more behind", test_more_behind},
    {"each byte",   test_each_byte  },
    {"bound",       test_bound      },
    {"chunk head",  test_chunk_head },
    {"pong",        test_pong       },
};

UNIT_MAIN("filters/clamd_wire", tests)
