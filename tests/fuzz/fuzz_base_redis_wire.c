// SPDX-License-Identifier: BSD-2-Clause
// Replies of a Redis server: the same in whatever pieces they come, and within their bounds.
#include "tests/fuzz/fuzz.h"

#include "base/buf.h"
#include "base/redis_wire.h"

static void
note(const struct redis_reply *reply, struct buf *out)
{
    buf_printf(out, "%d %lld %zu ", (int)reply->kind, (long long)reply->number, reply->text.len);
    buf_add_span(out, reply->text);
    FUZZ_CHECK(reply->kind == REDIS_LIST || reply->item_count == 0);
    for (size_t i = 0; i < reply->item_count; i++)
        note(&reply->items[i], out);
}

static bool
read_all(struct span input, size_t bite, struct buf *out)
{
    struct redis_wire *wire = redis_wire_new();
    enum redis_wire_result result = REDIS_WIRE_NEED_MORE;
    const struct redis_reply *reply;
    struct err err = {.kind = ERR_NONE};

    while (input.len > 0 && result != REDIS_WIRE_BAD) {
        size_t len = bite < input.len ? bite : input.len;

        redis_wire_feed(wire, span_from(input.data, len));
        input = span_skip(input, len);
        while ((result = redis_wire_next(wire, &reply, &err)) == REDIS_WIRE_REPLY)
            note(reply, out);
    }
    FUZZ_CHECK((result == REDIS_WIRE_BAD) == (err.kind == ERR_TEMP));
    redis_wire_free(&wire);
    return result == REDIS_WIRE_BAD;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = fuzz_span(data, size);
    struct buf whole, pieces;
    bool is_bad;

    buf_init(&whole, SIZE_MAX / 4);
    buf_init(&pieces, SIZE_MAX / 4);
    is_bad = read_all(input, size < REDIS_REPLY_MAX ? size : REDIS_REPLY_MAX, &whole);
    FUZZ_CHECK(read_all(input, 7, &pieces) == is_bad);
    FUZZ_CHECK(fuzz_equal(buf_span(&whole), buf_span(&pieces)));
    buf_clear(&whole);
    buf_clear(&pieces);
    return 0;
}
