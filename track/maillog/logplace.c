// SPDX-License-Identifier: BSD-2-Clause
#include "track/maillog/logplace.h"

#include <inttypes.h>

#define VERSION "1"

void
logplace_format(const struct logplace *place, struct buf *out)
{
    char head[DIGEST_TEXT_LEN + 1];

    digest_format(place->head, head);
    (void)buf_printf(out, VERSION " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %s %" PRIu64,
                     place->device, place->inode, place->written_ns, place->head_len, head,
                     place->offset);
}

static int
parse_hex64(struct span text, uint64_t *value_out)
{
    *value_out = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = str_hex_digit(text.data[i]);

        if (digit < 0)
            return -1;
        *value_out = *value_out << 4 | (uint64_t)digit;
    }
    return 0;
}

static int
parse_digest(struct span text, struct digest_value *value_out)
{
    if (text.len != DIGEST_TEXT_LEN)
        return -1;
    if (parse_hex64(span_from(text.data, DIGEST_TEXT_LEN / 2), &value_out->high) != 0)
        return -1;
    return parse_hex64(span_skip(text, DIGEST_TEXT_LEN / 2), &value_out->low);
}

int
logplace_parse(struct span text, struct logplace *place_out)
{
    *place_out = (struct logplace){0};
    if (!span_is(span_cut(&text, ' '), VERSION))
        return -1;
    if (str_parse_u64(span_cut(&text, ' '), UINT64_MAX, &place_out->device) != 0 ||
        str_parse_u64(span_cut(&text, ' '), UINT64_MAX, &place_out->inode) != 0 ||
        str_parse_u64(span_cut(&text, ' '), UINT64_MAX, &place_out->written_ns) != 0 ||
        str_parse_u64(span_cut(&text, ' '), LOGPLACE_HEAD_MAX, &place_out->head_len) != 0 ||
        parse_digest(span_cut(&text, ' '), &place_out->head) != 0 ||
        str_parse_u64(text, INT64_MAX, &place_out->offset) != 0)
        return -1;
    return 0;
}
