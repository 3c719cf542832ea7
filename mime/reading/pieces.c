// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/pieces.h"

#include <assert.h>

void
pieces_init(struct pieces *pieces, struct span raw, enum decode_encoding encoding, struct ebb *ebb)
{
    assert(encoding != DECODE_UUENCODE);
    *pieces = (struct pieces){.is_over = raw.len == 0,
                              .raw = raw,
                              .rest = raw,
                              .ebb = ebb,
                              .stride = PIECES_STRIDE,
                              .kept = PIECES_KEPT};
    decode_init(&pieces->decode, encoding);
    buf_init(&pieces->decoded, raw.len + sizeof(pieces->decode.held));
}

void
pieces_clear(struct pieces *pieces)
{
    buf_clear(&pieces->decoded);
}

static struct span
take_stride(struct pieces *pieces)
{
    struct span stride = pieces->rest;

    if (stride.len > pieces->stride)
        stride.len = pieces->stride;
    pieces->rest = span_skip(pieces->rest, stride.len);
    pieces->is_over = pieces->rest.len == 0;
    ebb_at(pieces->ebb, stride.data);
    return stride;
}

// As it stands: nothing is copied.
static void
next_raw(struct pieces *pieces)
{
    const struct span stride = take_stride(pieces);
    size_t kept = (size_t)(stride.data - pieces->raw.data);

    if (kept > pieces->kept && !pieces->keeps_all)
        kept = pieces->kept;
    pieces->piece = stride;
    pieces->window = span_from(stride.data - kept, kept + stride.len);
}

// About as much as that many bytes become.
static size_t
decoded_len(const struct pieces *pieces, size_t len)
{
    return pieces->decode.encoding == DECODE_BASE64 ? len / 4 * 3 + 3 : len;
}

static void
next_decoded(struct pieces *pieces)
{
    struct buf *out = &pieces->decoded;
    size_t kept, room = pieces->rest.len;
    int result = 0;

    if (!pieces->keeps_all && room > pieces->stride)
        room = pieces->stride;
    if (!pieces->keeps_all && out->len > pieces->kept)
        buf_drop(out, out->len - pieces->kept);
    kept = out->len;
    (void)buf_space(out, decoded_len(pieces, room)); // for speed alone
    while (result == 0 && !pieces->is_over && out->len - kept <= pieces->stride / 4) {
        result = decode_add(&pieces->decode, take_stride(pieces), out);
        if (result == 0 && pieces->is_over)
            result = decode_end(&pieces->decode, out);
    }
    assert(result == 0); // the ceiling is as high as all of it
    pieces->window = buf_span(out);
    pieces->piece = span_skip(pieces->window, kept);
}

bool
pieces_next(struct pieces *pieces)
{
    if (pieces->is_over)
        return false;
    if (pieces->decode.encoding == DECODE_IDENTITY)
        next_raw(pieces);
    else
        next_decoded(pieces);
    pieces->len += pieces->piece.len;
    return true;
}

void
pieces_keep(struct pieces *pieces)
{
    pieces->keeps_all = true;
}

struct span
pieces_all(struct pieces *pieces)
{
    if (pieces->decode.encoding == DECODE_IDENTITY)
        return pieces->raw;
    if (pieces->is_over && pieces->window.len == pieces->len)
        return pieces->window;
    buf_reset(&pieces->decoded);
    decode_init(&pieces->decode, pieces->decode.encoding);
    pieces->rest = pieces->raw;
    pieces->is_over = pieces->raw.len == 0;
    pieces->len = 0;
    pieces_keep(pieces);
    while (pieces_next(pieces))
        continue;
    return pieces->window;
}
