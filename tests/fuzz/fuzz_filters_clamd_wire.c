// SPDX-License-Identifier: BSD-2-Clause
// clamd's replies: clean is only what says so in whole, and no part of a reply is an answer.
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "filters/clamd_wire.h"

static void
check_result(struct span reply, const struct result *result)
{
    FUZZ_CHECK(result->kind == RESULT_CLEAN || result->kind == RESULT_HIT ||
               result->kind == RESULT_UNSCANNABLE);
    if (result->kind == RESULT_CLEAN)
        FUZZ_CHECK(reply.len > 5 && memcmp(reply.data + reply.len - 5, ": OK", 5) == 0);
    FUZZ_CHECK((result->kind == RESULT_HIT) == (result->name_count == 1));
    FUZZ_CHECK((result->kind == RESULT_UNSCANNABLE) == (result->reason != NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span reply = fuzz_span(data, size);
    struct result result;
    struct err err = {.kind = ERR_NONE};
    enum clamd_wire_result got;

    result_init(&result);
    got = clamd_wire_read(reply, true, &result, &err);
    FUZZ_CHECK(got != CLAMD_NEED_MORE);
    FUZZ_CHECK((got == CLAMD_BAD) == (err.kind == ERR_TEMP));
    if (got == CLAMD_ANSWER) {
        struct result other;

        check_result(reply, &result);
        result_init(&other);
        FUZZ_CHECK(clamd_wire_read(span_from(reply.data, size - 1), false, &other, &err) ==
                   CLAMD_NEED_MORE);
        result_clear(&other);
    }
    result_clear(&result);
    return 0;
}
