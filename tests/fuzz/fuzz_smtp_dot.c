// SPDX-License-Identifier: BSD-2-Clause
// Content in any bites is the same content, and never holds a bare CR or LF.
#include "tests/fuzz/fuzz.h"

#include "base/buf.h"
#include "smtp/dot.h"

// Returns how much of in was used.
static size_t
feed(struct span in, size_t step, size_t ceiling, bool passes, struct buf *out)
{
    struct buf some;
    struct dot dot;
    size_t at = 0;
    enum dot_result result = DOT_NEED_MORE;

    dot_init(&dot, DOT_DATA);
    buf_init(&some, ceiling);
    while (at < in.len && result != DOT_DONE) {
        size_t len = in.len - at < step ? in.len - at : step, used;
        struct span clean = {NULL, 0};

        if (passes)
            clean = dot_pass(&dot, span_from(in.data + at, len));
        FUZZ_CHECK(buf_add_span(out, clean) == 0);
        at += clean.len;
        len -= clean.len;
        result = dot_feed(&dot, span_from(in.data + at, len), &some, &used);
        FUZZ_CHECK(used <= len && (result != DOT_NEED_MORE || used == len));
        at += used;
        FUZZ_CHECK(buf_add_span(out, buf_span(&some)) == 0);
        buf_cut(&some, 0);
    }
    FUZZ_CHECK(dot.out_len == out->len);
    buf_clear(&some);
    return at;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = fuzz_span(data, size);
    struct buf whole, bytes;
    size_t used;

    buf_init(&whole, size * 2 + 8);
    buf_init(&bytes, size * 2 + 8);
    used = feed(in, size + 1, size * 2 + 8, false, &whole);
    FUZZ_CHECK(feed(in, 1, 2, false, &bytes) == used);
    FUZZ_CHECK(fuzz_equal(buf_span(&whole), buf_span(&bytes)));
    FUZZ_CHECK(fuzz_is_wire_clean(buf_span(&whole)));
    buf_reset(&bytes);
    FUZZ_CHECK(feed(in, 100, 70, true, &bytes) == used);
    FUZZ_CHECK(fuzz_equal(buf_span(&whole), buf_span(&bytes)));
    buf_clear(&whole);
    buf_clear(&bytes);
    return 0;
}
