// SPDX-License-Identifier: BSD-2-Clause
#include "mime/findings.h"

#include "base/frame.h"
#include "base/mem.h"
#include "base/pack.h"
#include "tests/unit/harness.h"
#include "tests/unit/mime/findings_sample.h"

// Everything that was read, looked at: what lies outside of its memory, a sanitizer tells.
static uint64_t
touch(struct span span)
{
    uint64_t sum = span.len;

    for (size_t i = 0; i < span.len; i++)
        sum += (unsigned char)span.data[i];
    return sum;
}

static uint64_t
touch_all(const struct findings *findings)
{
    uint64_t sum = touch(findings->limit_text);

    CU_ASSERT(findings->limit < LIMIT_COUNT);
    for (size_t i = 0; i < findings->header_count; i++)
        sum += touch(findings->headers[i].name) + touch(findings->headers[i].raw) +
               touch(findings->headers[i].decoded);
    for (size_t i = 0; i < findings->part_count; i++) {
        const struct finding_part *part = &findings->parts[i];

        CU_ASSERT(part->parent >= -1 && part->parent < (int32_t)i);
        CU_ASSERT(part->body_begin <= part->body_end && part->body_end <= findings->len);
        sum += touch(part->type) + touch(part->sniffed) + touch(part->charset) +
               touch(part->encoding) + touch(part->disposition);
        for (size_t k = 0; k < part->name_count; k++)
            sum += touch(part->names[k]);
    }
    for (size_t i = 0; i < findings->member_count; i++) {
        CU_ASSERT(findings->members[i].part < findings->part_count);
        sum += touch(findings->members[i].name) + touch(findings->members[i].sniffed);
    }
    for (size_t i = 0; i < findings->link_count; i++)
        sum += touch(findings->links[i]);
    for (size_t i = 0; i < findings->mark_count; i++)
        CU_ASSERT(findings->marks[i].defect < DEFECT_COUNT);
    for (size_t i = 0; i < findings->hit_count; i++)
        sum += findings->hits[i].pattern;
    return sum;
}

// A block of its own, so that reading past the end is seen.
static struct findings *
read_copy(struct span payload, struct err *err)
{
    char *copy = mem_strndup(payload.data, payload.len);
    char *exact = mem_zalloc(payload.len);
    struct findings *findings;

    memcpy(exact, copy, payload.len);
    findings = findings_read(span_from(exact, payload.len), err);
    // Nothing points into what was read.
    memset(exact, 0xaa, payload.len);
    mem_free(&exact);
    mem_free(&copy);
    return findings;
}

static void
write_sample(struct buf *out)
{
    struct findings sample = findings_sample();

    sample.parts_len = 123456789;
    buf_init(out, FRAME_PAYLOAD_MAX);
    CU_ASSERT_EQUAL_FATAL(findings_write(&sample, out), 0);
}

static void
test_round_trip(void)
{
    struct findings sample = findings_sample();
    struct findings *got;
    struct err err = {0};
    struct buf first, second;

    write_sample(&first);
    got = read_copy(buf_span(&first), &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(got);
    CU_ASSERT_EQUAL(got->len, 1000);
    CU_ASSERT_EQUAL(got->limit, LIMIT_RATIO);
    CU_ASSERT_TRUE(span_equal(got->limit_text, sample.limit_text));
    CU_ASSERT_EQUAL(got->header_len, 60);
    CU_ASSERT_TRUE(got->is_odd && got->has_more_parts);
    CU_ASSERT_EQUAL(got->parts_len, 123456789);
    CU_ASSERT_TRUE(span_equal(got->headers[0].decoded, sample_headers[0].decoded));
    CU_ASSERT_EQUAL(got->headers[2].offset, 37);
    CU_ASSERT_EQUAL(got->parts[0].parent, -1);
    CU_ASSERT_EQUAL(got->parts[1].name_count, 4);
    CU_ASSERT_TRUE(span_equal(got->parts[1].names[1], sample_names[1]));
    CU_ASSERT_EQUAL(memcmp(got->parts[1].sha256, sample_parts[1].sha256, SHA256_LEN), 0);
    CU_ASSERT_EQUAL(got->parts[1].body_end, 900);
    CU_ASSERT_TRUE(got->parts[1].is_encrypted);
    CU_ASSERT_EQUAL(got->parts[2].kind, FINDING_MESSAGE);
    CU_ASSERT_FALSE(got->parts[2].is_located);
    CU_ASSERT_EQUAL(got->members[1].size, UINT64_MAX);
    CU_ASSERT_EQUAL(got->marks[1].count, UINT32_MAX);
    CU_ASSERT_EQUAL(got->hits[0].rcpt, FINDING_ALL_RCPTS);
    // What was not compared above: written again, it is the same.
    buf_init(&second, FRAME_PAYLOAD_MAX);
    CU_ASSERT_EQUAL(findings_write(got, &second), 0);
    CU_ASSERT_TRUE(span_equal(buf_span(&first), buf_span(&second)));
    buf_clear(&first);
    buf_clear(&second);
    findings_free(&got);
}

static void
test_truncated(void)
{
    struct buf payload;
    struct err err;

    write_sample(&payload);
    for (size_t len = 0; len < payload.len; len++) {
        err = (struct err){0};
        CU_ASSERT_PTR_NULL(read_copy(span_from(payload.data, len), &err));
        CU_ASSERT_EQUAL(err.kind, ERR_PERM);
    }
    CU_ASSERT_EQUAL(buf_add_char(&payload, 0), 0);
    CU_ASSERT_PTR_NULL(read_copy(buf_span(&payload), &err));
    buf_clear(&payload);
}

static void
test_every_byte_changed(void)
{
    uint64_t sum = 0;
    unsigned accepted = 0;
    struct buf payload;

    write_sample(&payload);
    for (size_t i = 0; i < payload.len; i++) {
        char right = payload.data[i];

        for (unsigned byte = 0; byte < 256; byte++) {
            struct err err = {0};
            struct findings *findings;

            payload.data[i] = (char)byte;
            findings = read_copy(buf_span(&payload), &err);
            CU_ASSERT_EQUAL(findings == NULL, err.kind == ERR_PERM);
            if (findings != NULL) {
                sum += touch_all(findings);
                accepted++;
            }
            findings_free(&findings);
        }
        payload.data[i] = right;
    }
    CU_ASSERT(accepted > payload.len && sum > 0); // bytes of texts may be anything
    buf_clear(&payload);
}

// Counts that promise more than is there, or more than memory allows, take none.
static void
test_promises(void)
{
    enum { HEADERS, PARTS, MEMBERS, LINKS, MARKS, HITS, LISTS };

    for (unsigned list = 0; list < LISTS; list++) {
        char *zeros = mem_zalloc(FRAME_PAYLOAD_MAX);
        struct err err = {0};
        struct buf payload;
        struct pack pack;

        buf_init(&payload, FRAME_PAYLOAD_MAX);
        pack_begin(&pack, &payload);
        pack_number(&pack, 0);
        pack_number(&pack, 0);
        pack_number(&pack, 0);
        pack_number(&pack, 0);
        for (unsigned i = 0; i < list; i++)
            pack_number(&pack, 0);
        pack_number(&pack, (FRAME_PAYLOAD_MAX - 100) / 13);
        pack_bytes(&pack, zeros, FRAME_PAYLOAD_MAX - payload.len);
        CU_ASSERT_EQUAL(pack_end(&pack), 0);
        CU_ASSERT_PTR_NULL(findings_read(buf_span(&payload), &err));
        CU_ASSERT_EQUAL(err.kind, ERR_PERM);
        buf_clear(&payload);
        mem_free(&zeros);
    }
}

static void
test_bad_values(void)
{
    static const char *const names[] = {
        "parent behind",       "mark beyond the parts", "the divider",   "body before head",
        "body behind the end", "header behind the end", "too many links"};
    struct span *links = mem_zarray(FINDINGS_LINKS_MAX + 1, sizeof *links);

    for (size_t i = 0; i < UNIT_COUNT(names); i++) {
        struct findings sample = findings_sample();
        struct finding_part parts[3];
        struct finding_mark mark = sample_marks[0];
        struct finding_header header = sample_headers[0];
        struct err err = {0};
        struct buf payload;

        memcpy(parts, sample_parts, sizeof parts);
        sample.parts = parts;
        parts[1].parent = i == 0 ? 1 : 0;
        mark.part = i == 1 ? 3 : 0;
        mark.defect = i == 2 ? DEFECT_AMBIGUOUS : DEFECT_NUL;
        parts[1].head_begin = i == 3 ? 101 : 70;
        parts[1].body_end = i == 4 ? 1001 : 900;
        header.len = i == 5 ? 1001 : 10;
        sample.marks = &mark;
        sample.mark_count = 1;
        sample.headers = &header;
        sample.header_count = 1;
        sample.links = links;
        sample.link_count = i == 6 ? FINDINGS_LINKS_MAX + 1 : FINDINGS_LINKS_MAX;
        buf_init(&payload, FRAME_PAYLOAD_MAX);
        CU_ASSERT_EQUAL(findings_write(&sample, &payload), 0);
        UNIT_CHECK_ROW(names[i], findings_read(buf_span(&payload), &err) == NULL);
        UNIT_CHECK_ROW(names[i], err.kind == ERR_PERM);
        buf_clear(&payload);
    }
    mem_free(&links);
}

// A worker looks for parts, members and hits for each rule: it believes in no more than there can
// be.
static void
test_lists(void)
{
    static const struct {
        const char *name;
        size_t headers, parts, members;
        struct finding_hit hits[2];
        size_t limit_text;
        bool is_good;
    } rows[] = {
        {"all there may be",
         FINDINGS_HEADERS_MAX,                         FINDINGS_PARTS_MAX,
         FINDINGS_MEMBERS_MAX,                                                                           {{3, 4}, {3, 5}},
         1000,                                                                                                                   true },
        {"headers",          FINDINGS_HEADERS_MAX + 1, 1,                      0,                        {{3, 4}, {3, 5}}, 0,    false},
        {"parts",            0,                        FINDINGS_PARTS_MAX + 1, 0,                        {{3, 4}, {3, 5}}, 0,    false},
        {"members",          0,                        1,                      FINDINGS_MEMBERS_MAX + 1, {{3, 4}, {3, 5}}, 0,    false},
        {"members in none",  0,                        0,                      1,                        {{3, 4}, {3, 5}}, 0,    false},
        {"hit twice",        0,                        1,                      0,                        {{3, 4}, {3, 4}}, 0,    false},
        {"recipients back",  0,                        1,                      0,                        {{3, 5}, {3, 4}}, 0,    false},
        {"patterns back",    0,                        1,                      0,                        {{4, 0}, {3, 1}}, 0,    false},
        {"why",              0,                        1,                      0,                        {{3, 4}, {3, 5}}, 1001, false},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char *text = mem_zalloc(FINDINGS_LIMIT_TEXT_MAX + 1);
        struct finding_hit hits[2] = {rows[i].hits[0], rows[i].hits[1]};
        struct findings sample = {
            .hits = hits,
            .hit_count = 2,
            .header_count = rows[i].headers,
            .part_count = rows[i].parts,
            .member_count = rows[i].members,
            .limit_text = {text, rows[i].limit_text}
        };
        struct findings *got;
        struct err err = {0};
        struct buf payload;

        sample.headers = mem_zarray(rows[i].headers + 1, sizeof *sample.headers);
        sample.parts = mem_zarray(rows[i].parts + 1, sizeof *sample.parts);
        for (size_t k = 0; k < rows[i].parts; k++)
            sample.parts[k].parent = -1;
        sample.members = mem_zarray(rows[i].members + 1, sizeof *sample.members);
        buf_init(&payload, FRAME_PAYLOAD_MAX);
        CU_ASSERT_EQUAL(findings_write(&sample, &payload), 0);
        got = findings_read(buf_span(&payload), &err);
        UNIT_CHECK_ROW(rows[i].name, (got != NULL) == rows[i].is_good);
        findings_free(&got);
        buf_clear(&payload);
        mem_free(&sample.headers);
        mem_free(&sample.parts);
        mem_free(&sample.members);
        mem_free(&text);
    }
}

static void
test_does_not_fit(void)
{
    struct findings sample = findings_sample();
    char *much = mem_zalloc(FRAME_PAYLOAD_MAX);
    struct buf out;

    buf_init(&out, 2 * FRAME_PAYLOAD_MAX);
    CU_ASSERT_EQUAL(buf_add_text(&out, "before"), 0);
    sample.limit_text = span_from(much, FRAME_PAYLOAD_MAX);
    CU_ASSERT_EQUAL(findings_write(&sample, &out), -1);
    CU_ASSERT_EQUAL(out.len, 6);
    buf_clear(&out);
    buf_init(&out, 100);
    sample = findings_sample();
    CU_ASSERT_EQUAL(findings_write(&sample, &out), -1);
    CU_ASSERT_EQUAL(out.len, 0);
    buf_clear(&out);
    mem_free(&much);
}

static const struct unit_test tests[] = {
    {"round trip",         test_round_trip        },
    {"truncated",          test_truncated         },
    {"every byte changed", test_every_byte_changed},
    {"promises",           test_promises          },
    {"bad values",         test_bad_values        },
    {"lists",              test_lists             },
    {"does not fit",       test_does_not_fit      },
};

UNIT_MAIN("mime/findings_codec", tests)
