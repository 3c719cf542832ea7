// SPDX-License-Identifier: BSD-2-Clause
// Whatever bytes leave through the emitter: a server sees one message, with what was to be sent.
#include "tests/fuzz/fuzz.h"

#include "base/buf.h"
#include "reinject/stuff.h"
#include "smtp/dot.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = fuzz_span(data, size);
    struct buf wire, chunk, back;
    struct stuff stuff;
    struct dot dot;
    size_t used;

    buf_init(&wire, size * 2 + 8);
    buf_init(&chunk, size * 2 + 8);
    buf_init(&back, size * 2 + 8);
    stuff_init(&stuff, STUFF_DATA);
    for (size_t i = 0; i < size; i++)
        stuff_feed(&stuff, span_from(in.data + i, 1), &wire);
    stuff_end(&stuff, &wire);
    FUZZ_CHECK(fuzz_is_wire_clean(buf_span(&wire)));

    // What BDAT would carry is what DATA carries.
    stuff_init(&stuff, STUFF_CHUNK);
    stuff_feed(&stuff, in, &chunk);
    stuff_end(&stuff, &chunk);
    dot_init(&dot, DOT_DATA);
    FUZZ_CHECK(dot_feed(&dot, buf_span(&wire), &back, &used) == DOT_DONE && used == wire.len);
    FUZZ_CHECK(dot.bare_lf == 0 && dot.bare_cr == 0);
    FUZZ_CHECK(fuzz_equal(buf_span(&back), buf_span(&chunk)));
    buf_clear(&wire);
    buf_clear(&chunk);
    buf_clear(&back);
    return 0;
}
