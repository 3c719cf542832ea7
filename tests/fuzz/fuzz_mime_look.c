// SPDX-License-Identifier: BSD-2-Clause
// Whatever the message is: parents come before their parts, places lie inside it, and what is found
// reads back as it was told.
#include "tests/fuzz/fuzz.h"

#include "mime/reading/look.h"

static const struct dissect_setup setup = {
    .limits = {.memory = UINT64_C(512) << 20,
               .max_depth = 6,
               .max_parts = 40,
               .max_members = 40,
               .max_unpacked = 1 << 20,
               .max_ratio = 250,
               .max_header = 8000,
               .max_field = 4000,
               .max_fields = 100,
               .max_parameters = 30}
};

static void
check_parts(const struct findings *findings)
{
    FUZZ_CHECK(findings->part_count > 0);
    for (size_t i = 0; i < findings->part_count; i++) {
        const struct finding_part *part = &findings->parts[i];

        FUZZ_CHECK(part->parent < (int32_t)i && (part->parent < 0) == (i == 0));
        FUZZ_CHECK(part->depth <= setup.limits.max_depth);
        FUZZ_CHECK(part->head_begin <= part->body_begin && part->body_begin <= part->body_end);
        FUZZ_CHECK(part->body_end <= findings->len);
    }
    for (size_t i = 0; i < findings->mark_count; i++)
        FUZZ_CHECK(findings->marks[i].part < findings->part_count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct look *look;
    const struct dissect_query query = {.content = fuzz_span(data, size), .len = size};
    struct findings *findings, *back;
    struct err err = {.kind = ERR_NONE};
    struct buf out;

    if (look == NULL)
        look = look_new(&setup, &err);
    FUZZ_CHECK(look != NULL);
    findings = look_at(look, &query, -1, &err);
    FUZZ_CHECK(findings != NULL);
    check_parts(findings);
    buf_init(&out, 16 << 20);
    if (findings_write(findings, &out) == 0) {
        back = findings_read(buf_span(&out), &err);
        FUZZ_CHECK(back != NULL);
        findings_free(&back);
    }
    buf_clear(&out);
    findings_free(&findings);
    return 0;
}
