// SPDX-License-Identifier: BSD-2-Clause
#include "spool/format.h"

#include "tests/unit/harness.h"

static const struct format_seal seal = {.offset = 321, .len = 5123, .checksum = 0x0123456789abcdef};
static const char sealed[] = "POSTERN 1 000000000000321 00000000000000005123 0123456789abcdef\n";
static const char unsealed[] = "POSTERN 1 000000000000000 00000000000000000000 0000000000000000\n";

static bool
is_zero(const struct format_seal *some)
{
    return some->offset == 0 && some->len == 0 && some->checksum == 0;
}

static void
test_write(void)
{
    char head[FORMAT_HEAD_LEN];
    struct format_seal read;

    CU_ASSERT_EQUAL_FATAL(sizeof(sealed) - 1, FORMAT_HEAD_LEN);
    format_head_write(&seal, head);
    CU_ASSERT_EQUAL(memcmp(head, sealed, FORMAT_HEAD_LEN), 0);
    CU_ASSERT_EQUAL(format_head_read(span_from(head, sizeof(head)), &read), FORMAT_SEALED);
    CU_ASSERT_EQUAL(read.offset, seal.offset);
    CU_ASSERT_EQUAL(read.len, seal.len);
    CU_ASSERT_EQUAL(read.checksum, seal.checksum);
    format_head_write(NULL, head);
    CU_ASSERT_EQUAL(memcmp(head, unsealed, FORMAT_HEAD_LEN), 0);
}

static void
test_heads(void)
{
    static const struct {
        const char *head;
        enum format_head expected;
        bool has_seal;
    } rows[] = {
        {"POSTERN 1 000000000000321 00000000000000005123 0123456789abcdef\n",  FORMAT_SEALED,   true },
        {"POSTERN 1 000000000000065 00000000000000000000 0000000000000000\n",  FORMAT_SEALED,   true },
        {"POSTERN 1 000000000000000 00000000000000000000 0000000000000000\n",  FORMAT_UNSEALED,
         false                                                                                       },
        {"POSTERN 1 000000000000064 00000000000000000000 0000000000000000\n",  FORMAT_BAD,      false},
        {"POSTERN 1 000000000000000 00000000000000000001 0000000000000000\n",  FORMAT_BAD,      false},
        {"POSTERN 1 000000000000000 00000000000000000000 0000000000000001\n",  FORMAT_BAD,      false},
        {"POSTERN 1 000000016777280 00000000000000000000 0000000000000000\n",  FORMAT_SEALED,   true },
        {"POSTERN 1 000000016777281 00000000000000000000 0000000000000000\n",  FORMAT_BAD,      false},
        {"POSTERN 1 000000000000321 09223372036854775486 0123456789abcdef\n",  FORMAT_SEALED,   true },
        {"POSTERN 1 000000000000321 09223372036854775487 0123456789abcdef\n",  FORMAT_BAD,      false},
        {"POSTERN 1 000000000000321 99999999999999999999 0123456789abcdef\n",  FORMAT_BAD,      false},
        {"POSTERN 1 000000000000321 00000000000000005123 0123456789ABCDEF\n",  FORMAT_BAD,      false},
        {"POSTERN 1 000000000000321 00000000000000005123 0123456789abcdeg\n",  FORMAT_BAD,      false},
        {"POSTERN 1 00000000000032  00000000000000005123 0123456789abcdef\n",  FORMAT_BAD,      false},
        {"POSTERN 1 000000000000321 00000000000000005123 0123456789abcdef ",   FORMAT_BAD,      false},
        {"POSTERN 2 000000000000321 00000000000000005123 0123456789abcdef\n",  FORMAT_NEWER,    true },
        {"POSTERN 2 000000000000000 00000000000000000000 0000000000000000\n",  FORMAT_NEWER,    false},
        {"POSTERN 3 something that we do not know, of at least 64 characters", FORMAT_NEWER,    false},
        {"POSTERN 12 000000000000321 00000000000000005123 123456789abcdef\n",  FORMAT_NEWER,    false},
        {"POSTERN 0 000000000000321 00000000000000005123 0123456789abcdef\n",  FORMAT_BAD,      false},
        {"POSTERN 01 00000000000321 00000000000000005123 0123456789abcdef\n",  FORMAT_BAD,      false},
        {"POSTERN  1 00000000000321 00000000000000005123 0123456789abcdef\n",  FORMAT_BAD,      false},
        {"POSTERN x 000000000000321 00000000000000005123 0123456789abcdef\n",  FORMAT_BAD,      false},
        {"POSTERN 10000 00000000321 00000000000000005123 0123456789abcdef\n",  FORMAT_BAD,      false},
        {"postern 1 000000000000321 00000000000000005123 0123456789abcdef\n",  FORMAT_BAD,      false},
        {"POSTERN 1",                                                          FORMAT_BAD,      false},
        {"",                                                                   FORMAT_BAD,      false},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct format_seal read;

        UNIT_CHECK_ROW(rows[i].head,
                       format_head_read(span_of(rows[i].head), &read) == rows[i].expected);
        UNIT_CHECK_ROW(rows[i].head, is_zero(&read) != rows[i].has_seal);
    }
}

// A damaged first line is never another seal than the file's, and never an unsealed one, which
// would be thrown away.
static void
test_every_byte(void)
{
    for (size_t i = 0; i < FORMAT_HEAD_LEN; i++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char head[FORMAT_HEAD_LEN];
            struct format_seal read;
            enum format_head result;

            memcpy(head, sealed, sizeof(head));
            if ((char)byte == head[i])
                continue;
            head[i] = (char)byte;
            result = format_head_read(span_from(head, sizeof(head)), &read);
            CU_ASSERT_NOT_EQUAL(result, FORMAT_UNSEALED);
            CU_ASSERT(result != FORMAT_SEALED || read.offset != seal.offset ||
                      read.len != seal.len || read.checksum != seal.checksum);
            CU_ASSERT((result == FORMAT_NEWER) == (i == 8 && byte >= '2' && byte <= '9'));
            memcpy(head, unsealed, sizeof(head));
            if ((char)byte == head[i])
                continue;
            head[i] = (char)byte;
            result = format_head_read(span_from(head, sizeof(head)), &read);
            CU_ASSERT_NOT_EQUAL(result, FORMAT_UNSEALED);
        }
    }
}

static void
test_every_length(void)
{
    struct format_seal read;

    for (size_t len = 0; len < FORMAT_HEAD_LEN; len++) {
        CU_ASSERT_EQUAL(format_head_read(span_from(sealed, len), &read), FORMAT_BAD);
        CU_ASSERT_EQUAL(format_head_read(span_from(unsealed, len), &read), FORMAT_BAD);
    }
}

// Each bit of what it covers counts.
static void
test_checksum(void)
{
    uint64_t values[6] = {1, 2, 3, 4, 5, 6};
    uint64_t sum = format_checksum((struct digest_value){1, 2}, (struct digest_value){3, 4}, 5, 6);

    for (size_t i = 0; i < UNIT_COUNT(values); i++) {
        for (int bit = 0; bit < 64; bit++) {
            values[i] ^= UINT64_C(1) << bit;
            CU_ASSERT_NOT_EQUAL(format_checksum((struct digest_value){values[0], values[1]},
                                                (struct digest_value){values[2], values[3]},
                                                values[4], values[5]),
                                sum);
            values[i] ^= UINT64_C(1) << bit;
        }
    }
    // It lies in files: another one would make all of them corrupt.
    CU_ASSERT_EQUAL(sum, UINT64_C(0x82a87bac0227bdca));
}

static void
test_names(void)
{
    CU_ASSERT_STRING_EQUAL(format_head_name(FORMAT_SEALED), "sealed");
    CU_ASSERT_STRING_EQUAL(format_head_name(FORMAT_BAD), "bad");
}

static const struct unit_test tests[] = {
    {"write",        test_write       },
    {"heads",        test_heads       },
    {"every byte",   test_every_byte  },
    {"every length", test_every_length},
    {"checksum",     test_checksum    },
    {"names",        test_names       },
};

UNIT_MAIN("spool/format", tests)
