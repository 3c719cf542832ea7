// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/archive.h"

#include <locale.h>

#include "base/mem.h"
#include "mime/reading/decode.h"
#include "tests/unit/harness.h"
#include "tests/unit/mime/archive_samples.h"
#include "tests/unit/mime/samples.h"

static struct magic *magic;

static const struct dissect_settings defaults = {
    .max_depth = 32, .max_members = 10000, .max_unpacked = 200 << 20, .max_ratio = 250};

// What was found, as text: "level name size" and "*" where it is encrypted, a line each.
struct found {
    struct buf text;
    size_t count;
    char head[32]; // of the last
};

static void
on_member(void *arg, const struct archive_member *member)
{
    struct found *found = arg;
    size_t len = member->head.len < 31 ? member->head.len : 31;

    found->count++;
    buf_printf(&found->text, "%u %.*s %llu%s\n", member->finding.level,
               (int)member->finding.name.len, member->finding.name.data,
               (unsigned long long)member->finding.size, member->finding.is_encrypted ? "*" : "");
    memset(found->head, 0, sizeof(found->head));
    if (len > 0)
        memcpy(found->head, member->head.data, len);
}

static enum archive_result
list(struct span content, const struct dissect_settings *limits, struct found *found,
     enum finding_limit *limit_out)
{
    struct archive_budget budget = {limits->max_members, limits->max_unpacked};
    const struct archive_job job = {magic, limits, &budget, on_member, found};

    *found = (struct found){.count = 0};
    buf_init(&found->text, 1 << 20);
    return archive_list(&job, content, magic_of(magic, content), limit_out);
}

static void
decode_sample(const char *text, struct buf *out)
{
    struct decode decode;

    buf_init(out, 1 << 20);
    decode_init(&decode, DECODE_BASE64);
    (void)decode_add(&decode, span_of(text), out);
    (void)decode_end(&decode, out);
}

static void
test_kinds(void)
{
    for (size_t i = 0; i < UNIT_COUNT(archive_samples); i++) {
        const struct archive_sample *sample = &archive_samples[i];
        enum finding_limit limit;
        struct found found;
        char expected[100];
        struct buf bytes;
        enum archive_result result;

        decode_sample(sample->base64, &bytes);
        result = list(buf_span(&bytes), &defaults, &found, &limit);
        snprintf(expected, sizeof(expected), "1 %s %d%s\n", sample->member,
                 sample->member[0] == '\0' && sample->is_encrypted ? 0 : 23,
                 sample->is_encrypted ? "*" : "");
        // An ISO image has its root folder too.
        if (strcmp(sample->kind, "iso.gz") == 0)
            buf_drop(&found.text, strlen("1 . 0\n"));
        UNIT_CHECK_ROW(sample->kind, strcmp(buf_text(&found.text), expected) == 0);
        if (strcmp(buf_text(&found.text), expected) != 0)
            fprintf(stderr, "  %d %s", result, buf_text(&found.text));
        UNIT_CHECK_ROW(sample->kind,
                       sample->is_encrypted || strcmp(found.head, "MZ hello from a member\n") == 0);
        UNIT_CHECK_ROW(sample->kind, sample->is_encrypted || result == ARCHIVE_READ);
        UNIT_CHECK_ROW(sample->kind, limit == LIMIT_NONE);
        buf_clear(&found.text);
        buf_clear(&bytes);
    }
}

// Cut off anywhere, or with a byte turned around: nothing crashes, nothing is called whole that
// lost its members.
static void
test_damage(void)
{
    for (size_t i = 0; i < UNIT_COUNT(archive_samples); i++) {
        enum finding_limit limit;
        struct found found;
        struct buf bytes;

        decode_sample(archive_samples[i].base64, &bytes);
        for (size_t n = 0; n < bytes.len; n += bytes.len / 40 + 1) {
            (void)list(span_from(bytes.data, n), &defaults, &found, &limit);
            buf_clear(&found.text);
            bytes.data[n] = (char)(bytes.data[n] ^ 0x55);
            (void)list(buf_span(&bytes), &defaults, &found, &limit);
            buf_clear(&found.text);
            bytes.data[n] = (char)(bytes.data[n] ^ 0x55);
            CU_ASSERT(limit == LIMIT_NONE || limit == LIMIT_UNPACKED || limit == LIMIT_RATIO);
        }
        buf_clear(&bytes);
    }
}

struct zip_row {
    const char *name, *front, *behind;
    const char *local, *central;
    const char *expected;
};

static const struct zip_row zips[] = {
    {"plain",       "",                      "",        "a.exe",       "a.exe",       "1 a.exe 68\n"           },
    {"junk behind", "",                      "junk",    "a.exe",       "a.exe",       "1 a.exe 68\n"           },
    {"text first",  "This is only a text ",  "",        "a.exe",       "a.exe",       "1 a.exe 68\n"           },
    {"HTML first",  "<html><body>hi</body>", "</html>", "a.exe",       "a.exe",       "1 a.exe 68\n"           },
    {"picture",     "\x89PNG\r\n\x1a\n",     "",        "a.exe",       "a.exe",       "1 a.exe 68\n"           },
    {"two names",   "",                      "",        "a.exe",       "a.txt",       "1 a.exe 68\n1 a.txt 0\n"},
    {"path",        "",                      "",        "../../a.exe", "../../a.exe", "1 ../../a.exe 68\n"     },
};

static void
test_zips(void)
{
    for (size_t i = 0; i < UNIT_COUNT(zips); i++) {
        const struct sample_member member = {zips[i].local, zips[i].central, sample_eicar()};
        enum finding_limit limit;
        struct found found;
        struct buf zip, bytes;
        enum archive_result result;

        buf_init(&zip, 10000);
        buf_init(&bytes, 10000);
        sample_zip(&zip, &member, 1);
        buf_add_text(&bytes, zips[i].front);
        buf_add_span(&bytes, buf_span(&zip));
        buf_add_text(&bytes, zips[i].behind);
        result = list(buf_span(&bytes), &defaults, &found, &limit);
        UNIT_CHECK_ROW(zips[i].name, result == ARCHIVE_READ || result == ARCHIVE_DAMAGED);
        UNIT_CHECK_ROW(zips[i].name, strcmp(buf_text(&found.text), zips[i].expected) == 0);
        if (strcmp(buf_text(&found.text), zips[i].expected) != 0)
            fprintf(stderr, "  %s", buf_text(&found.text));
        UNIT_CHECK_ROW(zips[i].name, strcmp(zips[i].local, zips[i].central) != 0 ||
                                         memcmp(found.head, sample_eicar().data, 31) == 0);
        buf_clear(&found.text);
        buf_clear(&zip);
        buf_clear(&bytes);
    }
}

struct depth_row {
    unsigned levels;
    uint64_t max_depth;
    enum archive_result result;
    enum finding_limit limit;
    size_t members;
};

static const struct depth_row depths[] = {
    {1,  1,  ARCHIVE_READ,  LIMIT_NONE,  1 },
    {2,  1,  ARCHIVE_LIMIT, LIMIT_DEPTH, 1 },
    {2,  2,  ARCHIVE_READ,  LIMIT_NONE,  2 },
    {20, 32, ARCHIVE_READ,  LIMIT_NONE,  20},
    {32, 32, ARCHIVE_READ,  LIMIT_NONE,  32},
    {33, 32, ARCHIVE_LIMIT, LIMIT_DEPTH, 32},
};

static void
test_depth(void)
{
    for (size_t i = 0; i < UNIT_COUNT(depths); i++) {
        struct dissect_settings limits = defaults;
        enum finding_limit limit;
        struct found found;
        char name[16];
        struct buf zip;

        limits.max_depth = depths[i].max_depth;
        snprintf(name, sizeof(name), "%u levels", depths[i].levels);
        buf_init(&zip, 1 << 20);
        sample_nested_zip(&zip, "a.exe", sample_eicar(), depths[i].levels);
        UNIT_CHECK_ROW(name, list(buf_span(&zip), &limits, &found, &limit) == depths[i].result);
        UNIT_CHECK_ROW(name, limit == depths[i].limit && found.count == depths[i].members);
        buf_clear(&found.text);
        buf_clear(&zip);
    }
}

static void
test_bounds(void)
{
    const struct sample_member members[] = {
        {"a", "a", sample_eicar()},
        {"b", "b", sample_eicar()},
        {"c", "c", sample_eicar()}
    };
    struct dissect_settings limits = defaults;
    enum finding_limit limit;
    struct found found;
    struct buf zip;

    buf_init(&zip, 10000);
    sample_zip(&zip, members, 3);
    limits.max_members = 3;
    CU_ASSERT(list(buf_span(&zip), &limits, &found, &limit) == ARCHIVE_READ && found.count == 3);
    buf_clear(&found.text);
    limits.max_members = 2;
    CU_ASSERT(list(buf_span(&zip), &limits, &found, &limit) == ARCHIVE_LIMIT);
    CU_ASSERT(limit == LIMIT_MEMBERS && found.count == 2);
    buf_clear(&found.text);
    limits = defaults;
    limits.max_unpacked = 68 * 3;
    CU_ASSERT(list(buf_span(&zip), &limits, &found, &limit) == ARCHIVE_READ);
    buf_clear(&found.text);
    limits.max_unpacked--;
    CU_ASSERT(list(buf_span(&zip), &limits, &found, &limit) == ARCHIVE_LIMIT);
    CU_ASSERT(limit == LIMIT_UNPACKED && found.count == 3); // the third is named, at least
    buf_clear(&found.text);
    buf_clear(&zip);
}

// 5 MB of zeros: far more than a 250th.
static void
test_ratio(void)
{
    static const char zeros[] = "QlpoOTFBWSZTWa7N3JMAKChEAMAAAAQACCAAMMwFKaYJAmxCQJ4u5IpwoSFdm7km";
    struct dissect_settings limits = defaults;
    enum finding_limit limit;
    struct found found;
    struct buf bytes;

    decode_sample(zeros, &bytes);
    CU_ASSERT(list(buf_span(&bytes), &limits, &found, &limit) == ARCHIVE_LIMIT);
    CU_ASSERT(limit == LIMIT_RATIO);
    buf_clear(&found.text);
    limits.max_ratio = 1000000;
    CU_ASSERT(list(buf_span(&bytes), &limits, &found, &limit) == ARCHIVE_READ);
    CU_ASSERT(limit == LIMIT_NONE && strcmp(buf_text(&found.text), "1  5242880\n") == 0);
    buf_clear(&found.text);
    limits.max_unpacked = 1 << 20;
    CU_ASSERT(list(buf_span(&bytes), &limits, &found, &limit) == ARCHIVE_LIMIT);
    CU_ASSERT(limit == LIMIT_UNPACKED);
    buf_clear(&found.text);
    buf_clear(&bytes);
}

static void
test_none(void)
{
    static const struct span rows[] = {
        {NULL,                                 0 },
        {"a",                                  1 },
        {"Just a text.\r\n",                   14},
        {"<html><body>x</body></html>",        27},
        {"%PDF-1.4\n1 0 obj\n",                17},
        {"\1\2\3\4\5\6\7\x88\x99\xaa\xbb\xcc", 12}
    };
    enum finding_limit limit;
    struct found found;

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        CU_ASSERT(list(rows[i], &defaults, &found, &limit) == ARCHIVE_NONE);
        CU_ASSERT(found.count == 0 && limit == LIMIT_NONE);
        buf_clear(&found.text);
    }
}

// What we know by its looks but cannot open says so: nobody may call it empty.
static void
test_unknown(void)
{
    static const struct span rows[] = {
        {"\x78\x9f\x3e\x22\x01\x00\x01\x06\x90\x08\x00\x04\x00",             13}, // TNEF
        {"\x60\xea\x29\x00\x1e\x06\x01\x00\x10\x00\x02\x00\x00\x00\x00\x00", 16}, // ARJ
    };
    enum finding_limit limit;
    struct found found;

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        CU_ASSERT(list(rows[i], &defaults, &found, &limit) == ARCHIVE_UNKNOWN);
        buf_clear(&found.text);
    }
}

static const struct unit_test tests[] = {
    {"kinds",   test_kinds  },
    {"damage",  test_damage },
    {"zips",    test_zips   },
    {"depth",   test_depth  },
    {"bounds",  test_bounds },
    {"ratio",   test_ratio  },
    {"none",    test_none   },
    {"unknown", test_unknown},
};

int
main(void)
{
    struct err err;
    int result;

    setlocale(LC_CTYPE, "C.UTF-8"); // as the nursery does
    magic = magic_new(&err);
    if (magic == NULL)
        return 2;
    result = unit_run("mime/reading/archive", tests, UNIT_COUNT(tests));
    magic_free(&magic);
    return result;
}
