// SPDX-License-Identifier: BSD-2-Clause
#include "base/str.h"

#include "tests/unit/harness.h"

static void
test_spans(void)
{
    struct span none = span_of(NULL);

    CU_ASSERT(none.data == NULL && none.len == 0);
    CU_ASSERT(span_is(none, "") && span_is_nocase(none, "") && span_starts_nocase(none, ""));
    CU_ASSERT(!span_is(none, "a") && !span_starts_nocase(none, "a"));
    CU_ASSERT(span_is(span_of("abc"), "abc"));
    CU_ASSERT(span_is(span_from("abc", 2), "ab"));
    CU_ASSERT(span_is(SPAN_LITERAL("abc"), "abc"));
    CU_ASSERT(span_is(span_skip(span_of("abc"), 1), "bc"));
    CU_ASSERT(span_is(span_skip(span_of("abc"), 3), ""));
    CU_ASSERT(span_is(span_skip(span_of("abc"), SIZE_MAX), ""));
    CU_ASSERT(span_skip(none, 5).len == 0 && span_skip(none, 0).data == NULL);
}

static void
test_compare(void)
{
    static const struct {
        const char *name;
        struct span span;
        const char *text;
        bool is, is_nocase, starts;
    } rows[] = {
        {"same",            {"MAIL", 4},    "MAIL", true,  true,  true },
        {"other case",      {"mAiL", 4},    "MAIL", false, true,  true },
        {"longer span",     {"MAILS", 5},   "mail", false, false, true },
        {"shorter span",    {"MAI", 3},     "MAIL", false, false, false},
        {"NUL in the span", {"MAIL\0x", 6}, "MAIL", false, false, true },
        {"NUL instead",     {"MAI\0", 4},   "MAIL", false, false, false},
        {"NUL at the end",  {"MAIL\0", 5},  "MAIL", false, false, true },
        {"empty text",      {"MAIL", 4},    "",     false, false, true },
        {"@ is no `",       {"@", 1},       "`",    false, false, false},
        {"[ is no {",       {"[", 1},       "{",    false, false, false},
        {"beyond ASCII",    {"\xc4", 1},    "\xe4", false, false, false},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_CHECK_ROW(rows[i].name, span_is(rows[i].span, rows[i].text) == rows[i].is);
        UNIT_CHECK_ROW(rows[i].name,
                       span_is_nocase(rows[i].span, rows[i].text) == rows[i].is_nocase);
        UNIT_CHECK_ROW(rows[i].name,
                       span_starts_nocase(rows[i].span, rows[i].text) == rows[i].starts);
    }
}

static void
test_equal(void)
{
    static const struct {
        const char *name;
        struct span a, b;
        bool is;
    } rows[] = {
        {"same",           {"a\0b", 3}, {"a\0b", 3}, true },
        {"behind a NUL",   {"a\0b", 3}, {"a\0c", 3}, false},
        {"other case",     {"a", 1},    {"A", 1},    false},
        {"longer",         {"ab", 2},   {"a", 1},    false},
        {"nothing, twice", {NULL, 0},   {"a", 0},    true },
        {"nothing, once",  {NULL, 0},   {"a", 1},    false},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_CHECK_ROW(rows[i].name, span_equal(rows[i].a, rows[i].b) == rows[i].is);
        UNIT_CHECK_ROW(rows[i].name, span_equal(rows[i].b, rows[i].a) == rows[i].is);
    }
}

static void
test_contains(void)
{
    static const struct {
        const char *name;
        struct span span, part;
        bool is;
    } rows[] = {
        {"all of it",             {"a\0b", 3},   {"a\0b", 3}, true },
        {"at its end",            {"xxa\0b", 5}, {"a\0b", 3}, true },
        {"behind half of it",     {"aab", 3},    {"ab", 2},   true },
        {"cut off",               {"xab", 2},    {"ab", 2},   false},
        {"longer than it",        {"a", 1},      {"ab", 2},   false},
        {"begun again and again", {"aaaa", 4},   {"aab", 3},  false},
        {"nothing",               {"a", 1},      {NULL, 0},   true },
        {"in nothing",            {NULL, 0},     {"a", 1},    false},
        {"nothing in nothing",    {NULL, 0},     {NULL, 0},   true },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        UNIT_CHECK_ROW(rows[i].name, span_contains(rows[i].span, rows[i].part) == rows[i].is);
}

static void
test_trim(void)
{
    static const char *const rows[][2] = {
        {"",          ""     },
        {" \t ",      ""     },
        {"a",         "a"    },
        {" \ta b\t ", "a b"  },
        {"a ",        "a"    },
        {"\ra\n",     "\ra\n"},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        UNIT_CHECK_ROW(rows[i][0], span_is(span_trim(span_of(rows[i][0])), rows[i][1]));
    CU_ASSERT_EQUAL(span_trim(span_of(NULL)).len, 0);
}

static void
test_cut(void)
{
    struct span rest = SPAN_LITERAL("a,,bc,");

    CU_ASSERT(span_is(span_cut(&rest, ','), "a") && span_is(rest, ",bc,"));
    CU_ASSERT(span_is(span_cut(&rest, ','), "") && span_is(rest, "bc,"));
    CU_ASSERT(span_is(span_cut(&rest, ','), "bc") && rest.len == 0 && rest.data != NULL);
    CU_ASSERT(span_is(span_cut(&rest, ','), "") && rest.len == 0 && rest.data == NULL);
    CU_ASSERT(span_is(span_cut(&rest, ','), "") && rest.data == NULL);
    rest = span_from("a\0b", 3);
    CU_ASSERT(span_is(span_cut(&rest, '\0'), "a") && span_is(rest, "b"));
}

struct number_row {
    const char *name;
    struct span input;
    int result;
    uint64_t expected;
};

static void
check_numbers(const struct number_row *rows, size_t count,
              int (*parse)(struct span span, uint64_t *value_out))
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 4711;

        UNIT_CHECK_ROW(rows[i].name, parse(rows[i].input, &value) == rows[i].result);
        UNIT_CHECK_ROW(rows[i].name, value == (rows[i].result == 0 ? rows[i].expected : 4711));
    }
}

static int
parse_any_u64(struct span span, uint64_t *value_out)
{
    return str_parse_u64(span, UINT64_MAX, value_out);
}

static void
test_u64(void)
{
    static const struct number_row rows[] = {
        {"zero",           {"0", 1},                      0,  0         },
        {"leading zeros",  {"007", 3},                    0,  7         },
        {"largest",        {"18446744073709551615", 20},  0,  UINT64_MAX},
        {"one too many",   {"18446744073709551616", 20},  -1, 0         },
        {"ten times",      {"184467440737095516150", 21}, -1, 0         },
        {"far too many",   {"99999999999999999999", 20},  -1, 0         },
        {"empty",          {"", 0},                       -1, 0         },
        {"null",           {NULL, 0},                     -1, 0         },
        {"plus",           {"+1", 2},                     -1, 0         },
        {"minus",          {"-1", 2},                     -1, 0         },
        {"blank before",   {" 1", 2},                     -1, 0         },
        {"blank behind",   {"1 ", 2},                     -1, 0         },
        {"NUL behind",     {"1\0", 2},                    -1, 0         },
        {"hexadecimal",    {"0x10", 4},                   -1, 0         },
        {"fraction",       {"1.5", 3},                    -1, 0         },
        {"part of a span", {"123", 2},                    0,  12        },
        {"other digits",   {"\xd9\xa1", 2},               -1, 0         },
    };
    uint64_t value = 1;

    check_numbers(rows, UNIT_COUNT(rows), parse_any_u64);
    CU_ASSERT(str_parse_u64(span_of("65535"), 65535, &value) == 0 && value == 65535);
    CU_ASSERT(str_parse_u64(span_of("65536"), 65535, &value) == -1 && value == 65535);
    CU_ASSERT(str_parse_u64(span_of("0"), 0, &value) == 0 && value == 0);
}

static void
test_time(void)
{
    static const struct number_row rows[] = {
        {"bare",           {"30", 2},                      0,  30000                         },
        {"zero",           {"0", 1},                       0,  0                             },
        {"ms",             {"120ms", 5},                   0,  120                           },
        {"s",              {"30s", 3},                     0,  30000                         },
        {"m",              {"10m", 3},                     0,  600000                        },
        {"h",              {"2h", 2},                      0,  7200000                       },
        {"d",              {"5d", 2},                      0,  432000000                     },
        {"largest",        {"18446744073709551615ms", 22}, 0,  UINT64_MAX                    },
        {"largest s",      {"18446744073709551s", 18},     0,  UINT64_C(18446744073709551000)},
        {"overflow of s",  {"18446744073709552s", 18},     -1, 0                             },
        {"overflow, bare", {"18446744073709552", 17},      -1, 0                             },
        {"overflow of d",  {"213503982335d", 13},          -1, 0                             },
        {"no number",      {"s", 1},                       -1, 0                             },
        {"empty",          {"", 0},                        -1, 0                             },
        {"null",           {NULL, 0},                      -1, 0                             },
        {"unknown",        {"3w", 2},                      -1, 0                             },
        {"upper case",     {"3S", 2},                      -1, 0                             },
        {"two",            {"1h30m", 5},                   -1, 0                             },
        {"blank",          {"3 s", 3},                     -1, 0                             },
        {"minus",          {"-3s", 3},                     -1, 0                             },
        {"NUL",            {"3s\0", 3},                    -1, 0                             },
    };

    check_numbers(rows, UNIT_COUNT(rows), str_parse_time);
}

static void
test_size(void)
{
    static const struct number_row rows[] = {
        {"bare",          {"512", 3},                   0,  512                        },
        {"zero",          {"0", 1},                     0,  0                          },
        {"K",             {"64K", 3},                   0,  65536                      },
        {"M",             {"10M", 3},                   0,  10485760                   },
        {"G",             {"1G", 2},                    0,  1073741824                 },
        {"largest",       {"18446744073709551615", 20}, 0,  UINT64_MAX                 },
        {"largest G",     {"17179869183G", 12},         0,  UINT64_C(17179869183) << 30},
        {"overflow of G", {"17179869184G", 12},         -1, 0                          },
        {"lower case",    {"64k", 3},                   -1, 0                          },
        {"unknown",       {"12Q", 3},                   -1, 0                          },
        {"two letters",   {"12KB", 4},                  -1, 0                          },
        {"no number",     {"K", 1},                     -1, 0                          },
        {"empty",         {"", 0},                      -1, 0                          },
        {"fraction",      {"1.5M", 4},                  -1, 0                          },
    };

    check_numbers(rows, UNIT_COUNT(rows), str_parse_size);
}

static void
test_format(void)
{
    static const struct {
        uint64_t value;
        const char *time, *size;
    } rows[] = {
        {0,          "0s",                     "0"                   },
        {1,          "1ms",                    "1"                   },
        {250,        "250ms",                  "250"                 },
        {1000,       "1s",                     "1000"                },
        {1024,       "1024ms",                 "1K"                  },
        {1500,       "1500ms",                 "1500"                },
        {90000,      "90s",                    "90000"               },
        {60000,      "1m",                     "60000"               },
        {7200000,    "2h",                     "7200000"             },
        {432000000,  "5d",                     "421875K"             },
        {104857600,  "104857600ms",            "100M"                },
        {3221225472, "3221225472ms",           "3G"                  },
        {UINT64_MAX, "18446744073709551615ms", "18446744073709551615"},
    };

    char text[32];
    uint64_t back;

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        str_format_time(rows[i].value, text);
        UNIT_CHECK_ROW(rows[i].time, strcmp(text, rows[i].time) == 0);
        UNIT_CHECK_ROW(rows[i].time,
                       str_parse_time(span_of(text), &back) == 0 && back == rows[i].value);
        str_format_size(rows[i].value, text);
        UNIT_CHECK_ROW(rows[i].size, strcmp(text, rows[i].size) == 0);
        UNIT_CHECK_ROW(rows[i].size,
                       str_parse_size(span_of(text), &back) == 0 && back == rows[i].value);
    }
}

// Alone, and at each place behind ASCII, where more than a byte at a time comes in.
static bool
is_utf8_anywhere(struct span span)
{
    bool first = str_is_utf8(span);
    char data[80];

    for (size_t at = 0; at < 40; at++) {
        memset(data, 'a', sizeof(data));
        if (span.len > 0)
            memcpy(data + at, span.data, span.len);
        CU_ASSERT(str_is_utf8(span_from(data, at + span.len)) == first);
        CU_ASSERT(str_is_utf8(span_from(data, at + span.len + 33)) == first);
    }
    return first;
}

static void
test_utf8(void)
{
    static const struct {
        const char *name;
        struct span input;
        bool is_valid;
        size_t first_len;
    } rows[] = {
        {"empty",             {"", 0},                 true,  0},
        {"null",              {NULL, 0},               true,  0},
        {"ASCII",             {"hello", 5},            true,  1},
        {"NUL",               {"\0", 1},               true,  1},
        {"U+0080",            {"\xc2\x80", 2},         true,  2},
        {"U+07FF",            {"\xdf\xbf", 2},         true,  2},
        {"U+0800",            {"\xe0\xa0\x80", 3},     true,  3},
        {"U+D7FF",            {"\xed\x9f\xbf", 3},     true,  3},
        {"U+E000",            {"\xee\x80\x80", 3},     true,  3},
        {"U+FFFF",            {"\xef\xbf\xbf", 3},     true,  3},
        {"U+10000",           {"\xf0\x90\x80\x80", 4}, true,  4},
        {"U+10FFFF",          {"\xf4\x8f\xbf\xbf", 4}, true,  4},
        {"above U+10FFFF",    {"\xf4\x90\x80\x80", 4}, false, 0},
        {"F5",                {"\xf5\x80\x80\x80", 4}, false, 0},
        {"FE",                {"\xfe", 1},             false, 0},
        {"FF",                {"\xff", 1},             false, 0},
        {"overlong slash",    {"\xc0\xaf", 2},         false, 0},
        {"overlong in C1",    {"\xc1\xbf", 2},         false, 0},
        {"overlong, three",   {"\xe0\x9f\xbf", 3},     false, 0},
        {"overlong, four",    {"\xf0\x8f\xbf\xbf", 4}, false, 0},
        {"surrogate D800",    {"\xed\xa0\x80", 3},     false, 0},
        {"surrogate DFFF",    {"\xed\xbf\xbf", 3},     false, 0},
        {"lone continuation", {"\x80", 1},             false, 0},
        {"cut after 1 of 2",  {"\xc3", 1},             false, 0},
        {"cut after 2 of 3",  {"\xe2\x82", 2},         false, 0},
        {"cut after 3 of 4",  {"\xf0\x9f\x98", 3},     false, 0},
        {"ASCII inside",      {"\xe2\x28\xa1", 3},     false, 0},
        {"bad third byte",    {"\xe2\x82\x28", 3},     false, 0},
        {"bad fourth byte",   {"\xf0\x9f\x98\x28", 4}, false, 0},
        {"Latin-1",           {"caf\xe9", 4},          false, 1},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_CHECK_ROW(rows[i].name, is_utf8_anywhere(rows[i].input) == rows[i].is_valid);
        UNIT_CHECK_ROW(rows[i].name, str_utf8_len(rows[i].input) == rows[i].first_len);
    }
}

static void
test_hex_digits(void)
{
    const char *digits = "0123456789abcdef", *upper = "0123456789ABCDEF";

    for (int i = 0; i < 16; i++)
        CU_ASSERT(str_hex_digit(digits[i]) == i && str_hex_digit(upper[i]) == i);
    CU_ASSERT(str_hex_digit('g') == -1 && str_hex_digit('/') == -1 && str_hex_digit('\0') == -1);
}

static const struct unit_test tests[] = {
    {"hex digits", test_hex_digits},
    {"spans",      test_spans     },
    {"compare",    test_compare   },
    {"equal",      test_equal     },
    {"contains",   test_contains  },
    {"trim",       test_trim      },
    {"cut",        test_cut       },
    {"numbers",    test_u64       },
    {"times",      test_time      },
    {"sizes",      test_size      },
    {"format",     test_format    },
    {"UTF-8",      test_utf8      },
};

UNIT_MAIN("base/str", tests)
