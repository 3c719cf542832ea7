// SPDX-License-Identifier: BSD-2-Clause
#include "base/digest.h"

#include "tests/unit/harness.h"

// Spool files live longer than a library: one that computes otherwise would find them all damaged.
static void
test_known(void)
{
    static const struct {
        const char *name;
        struct span input;
        const char *expected;
    } rows[] = {
        {"empty", {"", 0},    "99aa06d3014798d86001c324468d497f"},
        {"null",  {NULL, 0},  "99aa06d3014798d86001c324468d497f"},
        {"abc",   {"abc", 3}, "06b05ab6733a618578af5f94892f3950"},
    };

    char text[DIGEST_TEXT_LEN + 1];

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        digest_format(digest_of(rows[i].input), text);

        UNIT_CHECK_ROW(rows[i].name, strcmp(text, rows[i].expected) == 0);
    }
}

static void
fill(char *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        data[i] = (char)(i * 7 + i / 251);
}

static void
test_split(void)
{
    char data[700];
    struct digest *digest = digest_new();
    struct digest_value whole;

    fill(data, sizeof(data));
    whole = digest_of(span_from(data, sizeof(data)));
    for (size_t at = 0; at <= sizeof(data); at++) {
        digest_reset(digest);
        digest_add(digest, data, at);
        digest_get(digest);
        digest_add(digest, data + at, sizeof(data) - at);
        CU_ASSERT(digest_equal(digest_get(digest), whole));
    }
    digest_reset(digest);
    for (size_t i = 0; i < sizeof(data); i++)
        digest_add(digest, data + i, 1);
    CU_ASSERT(digest_equal(digest_get(digest), whole));
    digest_add(digest, NULL, 0);
    CU_ASSERT(digest_equal(digest_get(digest), whole));
    digest_free(&digest);
    CU_ASSERT_PTR_NULL(digest);
    digest_free(&digest);
}

static void
test_one_bit(void)
{
    char data[100];
    struct digest_value before;
    uint64_t sum;

    fill(data, sizeof(data));
    before = digest_of(span_from(data, sizeof(data)));
    sum = digest_sum64(span_from(data, sizeof(data)), 1);
    for (size_t i = 0; i < sizeof(data) * 8; i++) {
        data[i / 8] = (char)(data[i / 8] ^ (1 << i % 8));
        CU_ASSERT(!digest_equal(digest_of(span_from(data, sizeof(data))), before));
        CU_ASSERT(digest_sum64(span_from(data, sizeof(data)), 1) != sum);
        data[i / 8] = (char)(data[i / 8] ^ (1 << i % 8));
    }
    CU_ASSERT(digest_equal(digest_of(span_from(data, sizeof(data))), before));
}

static void
test_sum64(void)
{
    CU_ASSERT_EQUAL(digest_sum64(span_of(NULL), 0), UINT64_C(0x2d06800538d394c2));
    CU_ASSERT_EQUAL(digest_sum64(span_of("abc"), 0), UINT64_C(0x78af5f94892f3950));
    CU_ASSERT(digest_sum64(span_of("abc"), 1) != digest_sum64(span_of("abc"), 2));
}

static void
test_format_and_equal(void)
{
    struct digest_value a = {.high = 0x0123456789abcdef, .low = 0xfedcba9876543210};
    char text[DIGEST_TEXT_LEN + 1];

    digest_format(a, text);
    CU_ASSERT_STRING_EQUAL(text, "0123456789abcdeffedcba9876543210");
    CU_ASSERT(digest_equal(a, a));
    CU_ASSERT(!digest_equal(a, (struct digest_value){.high = a.high, .low = a.low + 1}));
    CU_ASSERT(!digest_equal(a, (struct digest_value){.high = a.high + 1, .low = a.low}));
}

static void
check_sha256(struct sha256 *sha256, struct span text, const char *expected)
{
    uint8_t value[SHA256_LEN];
    char hex[SHA256_TEXT_LEN + 1];

    for (size_t split = 0; split <= text.len; split++) {
        sha256_reset(sha256);
        sha256_add(sha256, text.data, split);
        sha256_add(sha256, text.data + split, text.len - split);
        sha256_get(sha256, value);
        sha256_format(value, hex);
        CU_ASSERT_STRING_EQUAL(hex, expected);
    }
}

// FIPS 180-2, appendix B, and nothing at all.
static void
test_sha256(void)
{
    struct sha256 *sha256 = sha256_new();

    check_sha256(sha256, SPAN_LITERAL(""),
                 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_sha256(sha256, SPAN_LITERAL("abc"),
                 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_sha256(sha256, SPAN_LITERAL("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
                 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    sha256_free(&sha256);
    CU_ASSERT_PTR_NULL(sha256);
    sha256_free(&sha256);
}

static const struct unit_test tests[] = {
    {"known values",     test_known           },
    {"split everywhere", test_split           },
    {"one bit",          test_one_bit         },
    {"sum64",            test_sum64           },
    {"format and equal", test_format_and_equal},
    {"SHA-256",          test_sha256          },
};

UNIT_MAIN("base/digest", tests)
