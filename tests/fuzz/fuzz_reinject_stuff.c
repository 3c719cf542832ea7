// SPDX-License-Identifier: BSD-2-Clause
// Whatever bytes leave through the emitter: a server sees one message, with what was to be sent.
#include "tests/fuzz/fuzz.h"

#include "base/buf.h"
#include "reinject/stuff.h"
#include "smtp/dot.h"

// Without a copy where that goes.
static void
feed_in_pieces(struct span in, struct buf *out)
{
    size_t step = in.len > 0 ? 1 + (unsigned char)in.data[0] : 1;
    struct stuff stuff;

    buf_reset(out);
    stuff_init(&stuff, STUFF_DATA);
    for (; in.len > 0; in = span_skip(in, step < in.len ? step : in.len)) {
        struct span piece = span_from(in.data, step < in.len ? step : in.len), plain;

        if (stuff_pass(&stuff, piece, &plain))
            FUZZ_CHECK(buf_add_span(out, plain) == 0);
        else
            stuff_feed(&stuff, piece, out);
    }
    stuff_end(&stuff, out);
}

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
    feed_in_pieces(in, &back);
    FUZZ_CHECK(fuzz_equal(buf_span(&back), buf_span(&wire)));
    buf_clear(&wire);
    buf_clear(&chunk);
    buf_clear(&back);
    return 0;
}
