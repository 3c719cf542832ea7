// SPDX-License-Identifier: BSD-2-Clause
// Findings of a dissector that was taken over: bounded, and what is read can be written again.
#include "tests/fuzz/fuzz.h"

#include "base/frame.h"
#include "mime/findings.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct findings *findings, *again;
    struct buf out;
    struct err err;

    findings = findings_read(fuzz_span(data, size), &err);
    if (findings == NULL) {
        FUZZ_CHECK(err.kind == ERR_PERM);
        return 0;
    }
    FUZZ_CHECK(findings->arena.given <= FINDINGS_MEMORY_MAX);
    (void)findings_is_ambiguous(findings);
    (void)findings_is_encrypted(findings);
    (void)findings_header(findings, "Subject", 1);
    buf_init(&out, FRAME_PAYLOAD_MAX);
    FUZZ_CHECK(findings_write(findings, &out) == 0 && out.len <= size);
    again = findings_read(buf_span(&out), &err);
    FUZZ_CHECK(again != NULL && again->part_count == findings->part_count);
    findings_free(&again);
    buf_clear(&out);
    findings_free(&findings);
    return 0;
}
