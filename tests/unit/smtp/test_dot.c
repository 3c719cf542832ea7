// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/dot.h"

#include "tests/unit/harness.h"

struct row {
    const char *name;
    enum dot_mode mode;
    struct span in;
    struct span out;
    uint64_t bare_lf, bare_cr;
    struct span rest; // of in, behind the end; data NULL: the end is not there
};

#define S(text) SPAN_LITERAL(text)
#define NO_END                                                                                     \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

static const struct row rows[] = {
    {"plain",            DOT_DATA,  S("a\r\nb\r\n.\r\n"),            S("a\r\nb\r\n"),            0, 0, S("")        },
    {"empty",            DOT_DATA,  S(".\r\n"),                      S(""),                      0, 0, S("")        },
    {"one empty line",   DOT_DATA,  S("\r\n.\r\n"),                  S("\r\n"),                  0, 0, S("")        },
    {"rest",             DOT_DATA,  S("a\r\n.\r\nQUIT\r\n"),         S("a\r\n"),                 0, 0, S("QUIT\r\n")},
    {"rest of an empty", DOT_DATA,  S(".\r\n.\r\n"),                 S(""),                      0, 0, S(".\r\n")   },
    {"stuffed first",    DOT_DATA,  S("..\r\n.\r\n"),                S(".\r\n"),                 0, 0, S("")        },
    {"stuffed",          DOT_DATA,  S("a\r\n..b\r\n.\r\n"),          S("a\r\n.b\r\n"),           0, 0, S("")        },
    {"only dots",        DOT_DATA,  S("....\r\n..\r\n.\r\n"),        S("...\r\n.\r\n"),          0, 0, S("")        },
    {"unstuffed dot",    DOT_DATA,  S(".a\r\n.\r\n"),                S("a\r\n"),                 0, 0, S("")        },
    {"dot inside",       DOT_DATA,  S("a.\r\nb.c\r\n.\r\n"),         S("a.\r\nb.c\r\n"),         0, 0, S("")        },
    {"no end",           DOT_DATA,  S("a\r\n.\r"),                   S("a\r\n"),                 0, 0, NO_END       },
    {"NUL and 8-bit",    DOT_DATA,  S("\0\xff\x80\r\n\0.\r\n.\r\n"), S("\0\xff\x80\r\n\0.\r\n"), 0, 0,
     S("")                                                                                                          },
 // What other servers have taken for an end (CVE-2023-51764 and its kin).
    {"LF.LF",            DOT_DATA,  S("a\n.\nb\r\n.\r\n"),           S("a\r\n.\r\nb\r\n"),       2, 0, S("")        },
    {"LF.CRLF",          DOT_DATA,  S("a\n.\r\nb\r\n.\r\n"),         S("a\r\n.\r\nb\r\n"),       1, 0, S("")        },
    {"CRLF.LF",          DOT_DATA,  S("a\r\n.\nb\r\n.\r\n"),         S("a\r\n\r\nb\r\n"),        1, 0, S("")        },
    {"CR.CR",            DOT_DATA,  S("a\r.\rb\r\n.\r\n"),           S("a . b\r\n"),             0, 2, S("")        },
    {"CR.CRLF",          DOT_DATA,  S("a\r.\r\nb\r\n.\r\n"),         S("a .\r\nb\r\n"),          0, 1, S("")        },
    {"CRLF.CR",          DOT_DATA,  S("a\r\n.\rb\r\n.\r\n"),         S("a\r\n b\r\n"),           0, 1, S("")        },
    {"CRLF.CRCRLF",      DOT_DATA,  S("a\r\n.\r\r\nb\r\n.\r\n"),     S("a\r\n \r\nb\r\n"),       0, 1, S("")        },
    {"CRLF.NUL",         DOT_DATA,  S("a\r\n.\0\r\nb\r\n.\r\n"),     S("a\r\n\0\r\nb\r\n"),      0, 0, S("")        },
    {"CRLF NUL.",        DOT_DATA,  S("a\r\n\0.\r\nb\r\n.\r\n"),     S("a\r\n\0.\r\nb\r\n"),     0, 0, S("")        },
    {"LF at the start",  DOT_DATA,  S("\n.\r\n.\r\n"),               S("\r\n.\r\n"),             1, 0, S("")        },
    {"CRCRLF",           DOT_DATA,  S("a\r\r\n.\r\n"),               S("a \r\n"),                0, 1, S("")        },
    {"CRCRCR",           DOT_DATA,  S("\r\r\rx\r\n.\r\n"),           S("   x\r\n"),              0, 3, S("")        },
    {"LFLF",             DOT_DATA,  S("a\n\nb\r\n.\r\n"),            S("a\r\n\r\nb\r\n"),        2, 0, S("")        },
    {"LFCR",             DOT_DATA,  S("a\n\rb\r\n.\r\n"),            S("a\r\n b\r\n"),           1, 1, S("")        },
    {"LFCRLF.CRLF",      DOT_DATA,  S("a\n\r\n.\r\n"),               S("a\r\n\r\n"),             1, 0, S("")        },
    {"dot dot LF",       DOT_DATA,  S("a\n..\r\n.\r\n"),             S("a\r\n..\r\n"),           1, 0, S("")        },
 // Chunks: no dots, and the end comes from outside.
    {"chunk",            DOT_CHUNK, S("a\r\n.\r\n..b\r\n"),          S("a\r\n.\r\n..b\r\n"),     0, 0, NO_END       },
    {"chunk, no end",    DOT_CHUNK, S("a\r\nb"),                     S("a\r\nb\r\n"),            0, 0, NO_END       },
    {"chunk, CR at end", DOT_CHUNK, S("a\r"),                        S("a \r\n"),                0, 1, NO_END       },
    {"chunk, LF at end", DOT_CHUNK, S("a\n"),                        S("a\r\n"),                 1, 0, NO_END       },
    {"chunk, empty",     DOT_CHUNK, S(""),                           S(""),                      0, 0, NO_END       },
    {"chunk, bare",      DOT_CHUNK, S("\n\r\n\r.\n"),                S("\r\n\r\n .\r\n"),        2, 1, NO_END       },
};

static bool passes; // what needs no copy is passed on

struct feeder {
    struct dot dot;
    struct buf out, all;
    enum dot_result result;
};

static void
feeder_init(struct feeder *feeder, enum dot_mode mode, size_t out_ceiling)
{
    dot_init(&feeder->dot, mode);
    buf_init(&feeder->out, out_ceiling);
    buf_init(&feeder->all, 1 << 24);
    feeder->result = DOT_NEED_MORE;
}

static size_t
pass(struct feeder *feeder, struct span piece)
{
    struct span clean = dot_pass(&feeder->dot, piece);

    CU_ASSERT(clean.len == 0 || clean.data == piece.data);
    CU_ASSERT(buf_add_span(&feeder->all, clean) == 0);
    return clean.len;
}

// Gives one piece, emptying out as often as it is full. Returns what of it was used.
static size_t
feed(struct feeder *feeder, struct span piece)
{
    size_t total = 0, used;

    do {
        if (passes)
            total += pass(feeder, span_skip(piece, total));
        feeder->result = dot_feed(&feeder->dot, span_skip(piece, total), &feeder->out, &used);
        total += used;
        CU_ASSERT(feeder->result != DOT_NEED_MORE || total == piece.len);
        CU_ASSERT(buf_add_span(&feeder->all, buf_span(&feeder->out)) == 0);
        buf_reset(&feeder->out);
    } while (feeder->result == DOT_FULL);
    return total;
}

static void
finish(struct feeder *feeder)
{
    if (feeder->dot.mode == DOT_CHUNK) {
        struct buf out;

        buf_init(&out, 3);
        dot_finish(&feeder->dot, &out);
        CU_ASSERT(buf_add_span(&feeder->all, buf_span(&out)) == 0);
        buf_clear(&out);
    }
}

static void
feeder_clear(struct feeder *feeder)
{
    buf_clear(&feeder->out);
    buf_clear(&feeder->all);
}

static void
check(const struct row *row, const struct feeder *feeder, size_t used)
{
    const struct dot *dot = &feeder->dot;

    UNIT_CHECK_ROW(row->name, span_equal(buf_span(&feeder->all), row->out));
    UNIT_CHECK_ROW(row->name, dot->bare_lf == row->bare_lf && dot->bare_cr == row->bare_cr);
    UNIT_CHECK_ROW(row->name, dot->out_len == row->out.len);
    UNIT_CHECK_ROW(row->name, (feeder->result == DOT_DONE) == (row->rest.data != NULL));
    UNIT_CHECK_ROW(row->name, used == row->in.len - row->rest.len);
}

static void
test_whole(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct feeder feeder;
        size_t used;

        feeder_init(&feeder, rows[i].mode, 1000);
        used = feed(&feeder, rows[i].in);
        finish(&feeder);
        check(&rows[i], &feeder, used);
        feeder_clear(&feeder);
    }
}

// Byte by byte, with as little room as is allowed, in memory of just that size.
static void
test_byte_by_byte(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct feeder feeder;
        size_t used = 0;

        feeder_init(&feeder, rows[i].mode, 2);
        while (used < rows[i].in.len && feeder.result != DOT_DONE) {
            char *byte = malloc(1);

            *byte = rows[i].in.data[used];
            used += feed(&feeder, span_from(byte, 1));
            free(byte);
        }
        finish(&feeder);
        check(&rows[i], &feeder, used);
        feeder_clear(&feeder);
    }
}

static void
check_split(const struct row *row, size_t at, size_t out_ceiling)
{
    struct feeder feeder;
    size_t used;

    feeder_init(&feeder, row->mode, out_ceiling);
    used = feed(&feeder, span_from(row->in.data, at));
    if (feeder.result != DOT_DONE)
        used += feed(&feeder, span_skip(row->in, at));
    finish(&feeder);
    check(row, &feeder, used);
    feeder_clear(&feeder);
}

static void
test_each_split(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        for (size_t at = 0; at <= rows[i].in.len; at++) {
            for (size_t ceiling = 2; ceiling < 8; ceiling++)
                check_split(&rows[i], at, ceiling);
        }
    }
}

// The same by a rule of its own, over the whole text at once.
static size_t
reference(const char *in, size_t len, bool has_dots, struct buf *out)
{
    bool is_start = true; // behind a real CRLF

    for (size_t i = 0; i < len; i++) {
        if (has_dots && is_start && len - i >= 3 && memcmp(in + i, ".\r\n", 3) == 0)
            return i + 3;
        if (has_dots && is_start && in[i] == '.') {
            is_start = false;
            continue;
        }
        is_start = false;
        if (in[i] == '\r' && i + 1 < len && in[i + 1] == '\n') {
            buf_add(out, "\r\n", 2);
            is_start = true;
            i++;
        } else if (in[i] == '\n') {
            buf_add(out, "\r\n", 2);
        } else {
            buf_add_char(out, in[i] == '\r' ? ' ' : in[i]);
        }
    }
    return len;
}

static uint32_t
next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static void
check_random(uint32_t seed)
{
    static const char end[] = {'x', '\r', '\n', '.', '\r', '\n'};
    static const char letters[] = "\r\n.\r\n.ab";
    uint32_t state = seed;
    enum dot_mode mode = seed % 4 == 0 ? DOT_CHUNK : DOT_DATA;
    char in[64];
    size_t len = 1 + next_random(&state) % (sizeof(in) - 8);
    struct feeder feeder;
    struct buf expected;
    size_t used = 0, whole;

    for (size_t i = 0; i < len; i++)
        in[i] = letters[next_random(&state) % (sizeof(letters) - 1)];
    memcpy(in + len, end, sizeof(end));
    len += sizeof(end);
    buf_init(&expected, 200);
    whole = reference(in, len, mode == DOT_DATA, &expected);
    feeder_init(&feeder, mode, 2 + next_random(&state) % 9);
    while (used < len && feeder.result != DOT_DONE) {
        size_t piece = 1 + next_random(&state) % 7;

        used += feed(&feeder, span_from(in + used, piece < len - used ? piece : len - used));
    }
    CU_ASSERT(used == whole);
    CU_ASSERT(span_equal(buf_span(&feeder.all), buf_span(&expected)));
    feeder_clear(&feeder);
    buf_clear(&expected);
}

static void
test_random(void)
{
    for (uint32_t seed = 1; seed < 20000; seed++)
        check_random(seed);
}

static void
test_line_lengths(void)
{
    static const char end[] = {'\r', '\n', '.', '\r', '\n'};
    static const size_t lengths[] = {998, 4095, 4096, 65535, 65536, 1 << 20};

    for (size_t i = 0; i < UNIT_COUNT(lengths); i++) {
        size_t len = lengths[i];
        char *in = malloc(len + 5);
        struct feeder feeder;

        memset(in, 'x', len);
        memcpy(in + len, end, sizeof(end));
        feeder_init(&feeder, DOT_DATA, 65536);
        CU_ASSERT_EQUAL(feed(&feeder, span_from(in, len + 5)), len + 5);
        CU_ASSERT(feeder.result == DOT_DONE);
        CU_ASSERT(span_equal(buf_span(&feeder.all), span_from(in, len + 2)));
        feeder_clear(&feeder);
        free(in);
    }
}

// A text full of one mark and without the other must not be searched again and again.
static void
test_no_quadratic_search(void)
{
    static const char marks[] = "\r\n.";

    enum { LEN = 1 << 22 };

    for (size_t i = 0; i < 3; i++) {
        char *in = malloc(LEN);
        struct feeder feeder;

        memset(in, marks[i], LEN);
        feeder_init(&feeder, DOT_DATA, 65536);
        CU_ASSERT_EQUAL(feed(&feeder, span_from(in, LEN)), LEN);
        feeder_clear(&feeder);
        free(in);
    }
}

static void
test_after_the_end(void)
{
    struct feeder feeder;

    feeder_init(&feeder, DOT_DATA, 100);
    CU_ASSERT_EQUAL(feed(&feeder, S(".\r\n")), 3);
    CU_ASSERT_EQUAL(feed(&feeder, S("RSET\r\n")), 0);
    CU_ASSERT(feeder.result == DOT_DONE);
    CU_ASSERT_EQUAL(feeder.all.len, 0);
    feeder_clear(&feeder);
}

// One byte more or less at each place, within strides and at their seams: as byte by byte.
static void
test_strides(void)
{
    enum { LEN = 200 };

    static const char odd[] = {'\r', '\n', '.', 'x'};
    char in[LEN];

    for (size_t at = 0; at < LEN * sizeof odd; at++) {
        struct feeder whole, bytes;

        for (size_t i = 0; i < LEN; i++)
            in[i] = i % 37 == 35 ? '\r' : i % 37 == 36 ? '\n' : i % 37 == 0 && i > 150 ? '.' : 'x';
        in[at / sizeof odd] = odd[at % sizeof odd];
        feeder_init(&whole, DOT_DATA, 2 * LEN);
        feeder_init(&bytes, DOT_DATA, 2 * LEN);
        CU_ASSERT_EQUAL(feed(&whole, span_from(in, LEN)), LEN);
        for (size_t i = 0; i < LEN; i++)
            CU_ASSERT_EQUAL(feed(&bytes, span_from(in + i, 1)), 1);
        CU_ASSERT(span_equal(buf_span(&whole.all), buf_span(&bytes.all)));
        CU_ASSERT_EQUAL(whole.dot.bare_cr + whole.dot.bare_lf,
                        bytes.dot.bare_cr + bytes.dot.bare_lf);
        CU_ASSERT_EQUAL(whole.dot.out_len, whole.all.len);
        feeder_clear(&whole);
        feeder_clear(&bytes);
    }
}

static void
test_passing(void)
{
    passes = true;
    test_whole();
    test_byte_by_byte();
    test_each_split();
    test_random();
    test_line_lengths();
    test_no_quadratic_search();
    test_after_the_end();
    test_strides();
    passes = false;
}

static const struct unit_test tests[] = {
    {"whole",               test_whole              },
    {"byte by byte",        test_byte_by_byte       },
    {"each split",          test_each_split         },
    {"random",              test_random             },
    {"line lengths",        test_line_lengths       },
    {"no quadratic search", test_no_quadratic_search},
    {"after the end",       test_after_the_end      },
    {"strides",             test_strides            },
    {"without a copy",      test_passing            },
};

UNIT_MAIN("smtp/dot", tests)
