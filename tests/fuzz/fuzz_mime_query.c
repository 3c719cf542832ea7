// SPDX-License-Identifier: BSD-2-Clause
// Queries and setups: what is read is within its input, and can be written again.
#include "tests/fuzz/fuzz.h"

#include "base/frame.h"
#include "mime/query.h"

static void
try_setup(struct span input)
{
    struct dissect_setup setup;
    struct err err;

    if (query_setup_read(input, &setup, &err) != 0)
        return;
    FUZZ_CHECK(setup.pattern_count <= PATTERNS_MAX);
    for (size_t i = 0; i < setup.pattern_count; i++)
        FUZZ_CHECK(setup.patterns[i].text.len <= PATTERN_TEXT_MAX);
    query_setup_clear(&setup);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = fuzz_span(data, size);
    struct dissect_query query;
    struct buf out;
    struct err err;

    try_setup(input);
    if (query_read(input, &query, &err) != 0)
        return 0;
    FUZZ_CHECK(query.content.data == NULL || query.content.len == query.len);
    buf_init(&out, FRAME_PAYLOAD_MAX);
    FUZZ_CHECK(query_write(&query, &out) == 0 && out.len <= size);
    buf_clear(&out);
    query_clear(&query);
    return 0;
}
