// SPDX-License-Identifier: BSD-2-Clause
// However small the pieces are, together they are what decoding at once gives, and what stands in
// front of each is what came before.
#include "mime/reading/pieces.h"

#include "base/mem.h"
#include "tests/unit/harness.h"

static const size_t strides[] = {1, 2, 3, 4, 5, 7, 16, 64, PIECES_STRIDE};
static const size_t kepts[] = {0, 1, 2, 5, PIECES_KEPT};

static const struct {
    const char *name, *raw;
    enum decode_encoding encoding;
} rows[] = {
    {"empty",          "",                                         DECODE_BASE64          },
    {"as it stands",   "What stands for itself.\r\n",              DECODE_IDENTITY        },
    {"base64",         "V2hhdCBzdGFuZHMgZm9yIGl0c2VsZi4uLg==\r\n", DECODE_BASE64          },
    {"lines",          "V2hh\r\ndCBz\r\n\r\ndGFu\r\nZHM=\r\n",     DECODE_BASE64          },
    {"unpadded",       "V2hhdCBzdGFuZHMgZm9yIGl0c2VsZi",           DECODE_BASE64          },
    {"junk",           "V2!h\x80hd%CB**zdGFuZHM\r\n=",             DECODE_BASE64          },
    {"nothing but",    "!!!! \r\n\r\n****   \t\t !!!!",            DECODE_BASE64          },
    {"padding inside", "V2g=V2g=\r\nV2hh====V2hh",                 DECODE_BASE64          },
    {"letters of URL", "V2hh-_-_dCBz_-\r\n",                       DECODE_BASE64_URL      },
    {"printable",      "What =\r\nstands=20for =C3=BC=3D itself=", DECODE_QUOTED_PRINTABLE},
    {"bad escapes",    "=Z =4 =\r =C =  \t\r\n == =C3=BC=C",       DECODE_QUOTED_PRINTABLE},
};

static void
decode_whole(size_t row, struct decode *decode_out, struct buf *out)
{
    buf_init(out, 1000);
    decode_init(decode_out, rows[row].encoding);
    CU_ASSERT_EQUAL(decode_add(decode_out, span_of(rows[row].raw), out), 0);
    CU_ASSERT_EQUAL(decode_end(decode_out, out), 0);
}

// With what was decoded at once.
static bool
is_right(const struct pieces *pieces, struct span whole)
{
    const size_t behind = (size_t)pieces->len, before = behind - pieces->piece.len;
    const size_t kept = pieces->window.len - pieces->piece.len;
    const size_t least = pieces->keeps_all || before < pieces->kept ? before : pieces->kept;

    if (behind > whole.len || kept > before || kept < least)
        return false;
    whole.len = behind;
    return span_equal(pieces->window, span_skip(whole, before - kept)) &&
           span_equal(pieces->piece, span_skip(pieces->window, kept)) &&
           (pieces->is_over || pieces->piece.len > pieces->stride / 4);
}

static void
check_row(size_t row, size_t stride, size_t kept, bool keeps_all)
{
    struct pieces pieces;
    struct decode decode;
    struct buf whole;

    decode_whole(row, &decode, &whole);
    pieces_init(&pieces, span_of(rows[row].raw), rows[row].encoding, NULL);
    pieces.stride = stride;
    pieces.kept = kept;
    if (keeps_all)
        pieces_keep(&pieces);
    while (pieces_next(&pieces))
        UNIT_CHECK_ROW(rows[row].name, is_right(&pieces, buf_span(&whole)));
    UNIT_CHECK_ROW(rows[row].name, pieces.len == whole.len);
    UNIT_CHECK_ROW(rows[row].name, !keeps_all || span_equal(pieces.window, buf_span(&whole)));
    UNIT_CHECK_ROW(rows[row].name, pieces.decode.junk == decode.junk &&
                                       pieces.decode.inner_padding == decode.inner_padding &&
                                       pieces.decode.soft_blanks == decode.soft_blanks &&
                                       pieces.decode.is_unpadded == decode.is_unpadded);
    UNIT_CHECK_ROW(rows[row].name, span_equal(pieces_all(&pieces), buf_span(&whole)));
    UNIT_CHECK_ROW(rows[row].name, pieces.len == whole.len && pieces.decode.junk == decode.junk);
    pieces_clear(&pieces);
    buf_clear(&whole);
}

static void
test_sizes(void)
{
    for (size_t row = 0; row < UNIT_COUNT(rows); row++) {
        for (size_t i = 0; i < UNIT_COUNT(strides); i++) {
            for (size_t k = 0; k < UNIT_COUNT(kepts); k++) {
                check_row(row, strides[i], kepts[k], false);
                check_row(row, strides[i], kepts[k], true);
            }
        }
    }
}

// Kept from the middle on: the window grows from there.
static void
test_keep_late(void)
{
    struct pieces pieces;

    pieces_init(&pieces, span_of("QUJDREVGR0hJSktM"), DECODE_BASE64, NULL);
    pieces.stride = 4;
    pieces.kept = 2;
    CU_ASSERT(pieces_next(&pieces) && pieces_next(&pieces) && pieces_next(&pieces));
    CU_ASSERT(span_is(pieces.window, "EFGHI"));
    pieces_keep(&pieces);
    CU_ASSERT(pieces_next(&pieces) && span_is(pieces.window, "EFGHIJKL"));
    CU_ASSERT(!pieces_next(&pieces) && pieces.is_over);
    CU_ASSERT(span_is(pieces_all(&pieces), "ABCDEFGHIJKL"));
    pieces_clear(&pieces);
}

static void
test_memory(void)
{
    enum { LEN = 16 << 20 };

    char *raw = mem_zalloc(LEN);
    struct pieces pieces;
    size_t most = 0;

    memset(raw, 'A', LEN);
    pieces_init(&pieces, span_from(raw, LEN), DECODE_BASE64, NULL);
    while (pieces_next(&pieces))
        most = pieces.decoded.size > most ? pieces.decoded.size : most;
    CU_ASSERT_EQUAL(pieces.len, LEN / 4 * 3);
    CU_ASSERT(most > PIECES_KEPT && most <= PIECES_STRIDE + PIECES_KEPT * 2);
    pieces_clear(&pieces);
    mem_free(&raw);
}

static const struct unit_test tests[] = {
    {"sizes",     test_sizes    },
    {"keep late", test_keep_late},
    {"memory",    test_memory   },
};

UNIT_MAIN("mime/reading/pieces", tests)
