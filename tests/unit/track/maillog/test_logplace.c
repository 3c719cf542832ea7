// SPDX-License-Identifier: BSD-2-Clause
#include "track/maillog/logplace.h"

#include "tests/unit/harness.h"

#define ZEROS "00000000000000000000000000000000"

static struct logplace
sample(void)
{
    return (struct logplace){.device = 2049,
                             .inode = UINT64_MAX,
                             .written_ns = UINT64_C(1793678706123456789),
                             .head_len = LOGPLACE_HEAD_MAX,
                             .head = digest_of(SPAN_LITERAL("Nov  3 04:05:06 mx")),
                             .offset = INT64_MAX};
}

static bool
is_equal(const struct logplace *a, const struct logplace *b)
{
    return a->device == b->device && a->inode == b->inode && a->written_ns == b->written_ns &&
           a->head_len == b->head_len && digest_equal(a->head, b->head) && a->offset == b->offset;
}

static void
comes_back_as_it_went(void)
{
    struct logplace rows[] = {{0}, sample(), {.offset = 1}}, again;

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct buf text;

        buf_init(&text, 300);
        logplace_format(&rows[i], &text);
        CU_ASSERT(logplace_parse(buf_span(&text), &again) == 0);
        CU_ASSERT(is_equal(&rows[i], &again));
        buf_clear(&text);
    }
}

static void
half_of_it_is_none(void)
{
    struct logplace place = sample(), again;
    struct buf text;
    size_t digits = 0;

    buf_init(&text, 300);
    logplace_format(&place, &text);
    while (text.data[text.len - 1 - digits] != ' ')
        digits++;
    for (size_t len = 0; len < text.len; len++) {
        char *copy = malloc(len + 1);

        memcpy(copy, text.data, len);
        // The last number may lose digits; then it is another one.
        CU_ASSERT((logplace_parse(span_from(copy, len), &again) == 0) == (len > text.len - digits));
        free(copy);
    }
    buf_clear(&text);
}

static void
all_else_is_none(void)
{
    static const char *const rows[] = {
        "",
        "0",
        "1",
        "2 0 0 0 0 " ZEROS " 0",
        "1 0 0 0 0 " ZEROS,
        "1 0 0 0 0 " ZEROS " ",
        "1 0 0 0 0 " ZEROS " 0 ",
        "1 0 0 0 0 " ZEROS " 0 0",
        "1  0 0 0 " ZEROS " 0",
        "1 0 0 0 0 " ZEROS "0 0",
        "1 0 0 0 0 g" ZEROS " 0",
        "1 0 0 0 0 0000000000000000000000000000000g 0",
        "1 0 0 0 0 000000000000000g0000000000000000 0",
        "1 0 0 0 1025 " ZEROS " 0",
        "1 -1 0 0 0 " ZEROS " 0",
        "1 0 0 0 0 " ZEROS " 9223372036854775808",
        "1 18446744073709551616 0 0 0 " ZEROS " 0",
        "1 0 x 0 0 " ZEROS " 0",
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct logplace place;

        UNIT_CHECK_ROW(rows[i], logplace_parse(span_of(rows[i]), &place) != 0);
    }
}

static const struct unit_test tests[] = {
    {"comes back as it went", comes_back_as_it_went},
    {"half of it is none",    half_of_it_is_none   },
    {"all else is none",      all_else_is_none     },
};

UNIT_MAIN("track/maillog/logplace", tests)
