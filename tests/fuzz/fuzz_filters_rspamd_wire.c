// SPDX-License-Identifier: BSD-2-Clause
// rspamd's replies: whatever they say, what is kept is bounded, and clean is what has symbols.
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "filters/rspamd_wire.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result result;
    struct err err = {.kind = ERR_NONE};
    int failed;

    result_init(&result);
    failed = rspamd_wire_read(200, fuzz_span(data, size), &result, &err);
    if (failed != 0) {
        FUZZ_CHECK(err.kind == ERR_TEMP && result.kind == RESULT_PENDING);
        return 0;
    }
    FUZZ_CHECK(result.kind == RESULT_CLEAN || result.kind == RESULT_HIT);
    FUZZ_CHECK(result.kind == RESULT_HIT || result.name_count > 0);
    FUZZ_CHECK(result.has_score && result.action != NULL && !result.is_virus);
    FUZZ_CHECK(result.name_count <= RESULT_NAMES_MAX && result.edits.count <= 500);
    result_clear(&result);
    return 0;
}
