// SPDX-License-Identifier: BSD-2-Clause
// An encoded text in any bites is the same bytes, and no more of them than went in (uuencode: than
// its lines promise).
#include "tests/fuzz/fuzz.h"

#include "mime/reading/decode.h"

static void
feed(struct span in, size_t step, struct decode *decode, struct buf *out)
{
    for (size_t at = 0; at < in.len; at += step) {
        size_t len = in.len - at < step ? in.len - at : step;

        FUZZ_CHECK(decode_add(decode, span_from(in.data + at, len), out) == 0);
    }
    FUZZ_CHECK(decode_end(decode, out) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = fuzz_span(data, size), name = {NULL, 0};
    ptrdiff_t at = decode_find_inline(in, NULL, &name);

    FUZZ_CHECK(at == -1 || ((size_t)at < size && name.len > 0 && name.data > in.data + at));
    decode_encoding_find(in, NULL);
    for (int encoding = DECODE_IDENTITY; encoding <= DECODE_BASE64_URL; encoding++) {
        size_t ceiling = encoding == DECODE_UUENCODE ? size * 64 : size;
        struct decode one, other;
        struct buf whole, bytes;

        decode_init(&one, (enum decode_encoding)encoding);
        decode_init(&other, (enum decode_encoding)encoding);
        buf_init(&whole, ceiling);
        buf_init(&bytes, ceiling);
        feed(in, size + 1, &one, &whole);
        feed(in, 1, &other, &bytes);
        FUZZ_CHECK(fuzz_equal(buf_span(&whole), buf_span(&bytes)));
        FUZZ_CHECK(one.junk == other.junk && one.inner_padding == other.inner_padding &&
                   one.is_unpadded == other.is_unpadded);
        buf_clear(&whole);
        buf_clear(&bytes);
    }
    return 0;
}
