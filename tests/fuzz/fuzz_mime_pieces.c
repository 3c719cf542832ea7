// SPDX-License-Identifier: BSD-2-Clause
// However an encoded text is cut into pieces, they are what decoding it at once gives, and what
// stands in front of each is what came before.
#include "tests/fuzz/fuzz.h"

#include "mime/reading/pieces.h"

static const enum decode_encoding encodings[] = {DECODE_IDENTITY, DECODE_BASE64, DECODE_BASE64_URL,
                                                 DECODE_QUOTED_PRINTABLE};

static void
check_piece(const struct pieces *pieces, struct span whole)
{
    size_t kept = pieces->window.len - pieces->piece.len;

    FUZZ_CHECK(pieces->len <= whole.len && pieces->window.len <= pieces->len);
    FUZZ_CHECK(kept >= pieces->kept || pieces->window.len == pieces->len);
    FUZZ_CHECK(pieces->piece.len > pieces->stride / 4 || pieces->is_over);
    whole.len = (size_t)pieces->len;
    FUZZ_CHECK(fuzz_equal(pieces->window, span_skip(whole, whole.len - pieces->window.len)));
}

static void
check(struct span in, enum decode_encoding encoding, size_t stride, size_t kept)
{
    struct decode decode;
    struct pieces pieces;
    struct buf whole;

    buf_init(&whole, in.len);
    decode_init(&decode, encoding);
    FUZZ_CHECK(decode_add(&decode, in, &whole) == 0 && decode_end(&decode, &whole) == 0);
    pieces_init(&pieces, in, encoding, NULL);
    pieces.stride = stride;
    pieces.kept = kept;
    while (pieces_next(&pieces))
        check_piece(&pieces, buf_span(&whole));
    FUZZ_CHECK(pieces.len == whole.len && pieces.decode.junk == decode.junk &&
               pieces.decode.inner_padding == decode.inner_padding &&
               pieces.decode.soft_blanks == decode.soft_blanks &&
               pieces.decode.is_unpadded == decode.is_unpadded);
    FUZZ_CHECK(fuzz_equal(pieces_all(&pieces), buf_span(&whole)));
    pieces_clear(&pieces);
    buf_clear(&whole);
}

// The first two bytes: how large pieces are, and what is kept of them.
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++)
        check(fuzz_span(data + 2, size - 2), encodings[i], (size_t)data[0] + 1, data[1]);
    return 0;
}
