// SPDX-License-Identifier: BSD-2-Clause
#include "base/pack.h"

#include <assert.h>
#include <string.h>

enum { NUMBER_MAX = 10 }; // bytes of 64 bits, 7 in each

void
pack_begin(struct pack *pack, struct buf *out)
{
    *pack = (struct pack){.out = out, .start = out->len};
}

void
pack_bytes(struct pack *pack, const void *data, size_t len)
{
    if (!pack->has_failed && buf_add(pack->out, data, len) != 0)
        pack->has_failed = true;
}

void
pack_number(struct pack *pack, uint64_t value)
{
    unsigned char bytes[NUMBER_MAX];
    size_t len = 0;

    do {
        bytes[len] = (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
        len++;
    } while (value > 0);
    pack_bytes(pack, bytes, len);
}

void
pack_span(struct pack *pack, struct span span)
{
    pack_number(pack, span.len);
    pack_bytes(pack, span.data, span.len);
}

int
pack_end(struct pack *pack)
{
    if (!pack->has_failed)
        return 0;
    buf_cut(pack->out, pack->start);
    return -1;
}

static void
fail(struct unpack *unpack)
{
    unpack->has_failed = true;
    unpack->rest = span_from(NULL, 0);
}

uint64_t
unpack_number(struct unpack *unpack, uint64_t max)
{
    uint64_t value = 0;

    for (size_t i = 0; i < NUMBER_MAX && i < unpack->rest.len; i++) {
        uint64_t byte = (unsigned char)unpack->rest.data[i];

        if (i == NUMBER_MAX - 1 && byte > 1)
            break; // the 65th bit
        value |= (byte & 0x7f) << (7 * i);
        if ((byte & 0x80) != 0)
            continue;
        if (value > max)
            break;
        unpack->rest = span_skip(unpack->rest, i + 1);
        return value;
    }
    fail(unpack);
    return 0;
}

bool
unpack_flag(struct unpack *unpack)
{
    return unpack_number(unpack, 1) == 1;
}

static struct span
take(struct unpack *unpack, size_t len)
{
    struct span taken;

    if (len > unpack->rest.len) {
        fail(unpack);
        return span_from(NULL, 0);
    }
    taken = span_from(unpack->rest.data, len);
    unpack->rest = span_skip(unpack->rest, len);
    return taken;
}

void
unpack_bytes(struct unpack *unpack, void *out, size_t len)
{
    struct span taken = take(unpack, len);

    memset(out, 0, len);
    if (taken.len > 0)
        memcpy(out, taken.data, taken.len);
}

struct span
unpack_span(struct unpack *unpack)
{
    return take(unpack, (size_t)unpack_number(unpack, SIZE_MAX));
}

size_t
unpack_count(struct unpack *unpack, size_t size_each)
{
    uint64_t count = unpack_number(unpack, SIZE_MAX);

    assert(size_each > 0);
    if (count > unpack->rest.len / size_each) {
        fail(unpack);
        return 0;
    }
    return (size_t)count;
}

int
unpack_end(const struct unpack *unpack)
{
    return unpack->has_failed || unpack->rest.len > 0 ? -1 : 0;
}
