// SPDX-License-Identifier: BSD-2-Clause
// A script of what writer, reader and somebody gone mad do to a row, three bytes a step.
#include "tests/fuzz/fuzz.h"

#include "base/ring.h"
#include "base/ring_layout.h"

struct play {
    struct rings *rings;
    struct ring_row *row;
    struct buf record;
    uint64_t at;
};

static void
overwrite(struct play *play, _Atomic uint64_t *position, unsigned value)
{
    // Near what is there, or anywhere.
    *position = value < 0x8000 ? *position + value - 0x4000
                               : (uint64_t)value * UINT64_C(0x9e3779b97f4a7c15);
    FUZZ_CHECK(ring_used(play->rings, 0) <= play->rings->size);
}

static void
step(struct play *play, unsigned verb, unsigned value)
{
    static const char bytes[1 << 16];
    size_t place = (size_t)play->row->done + value;

    switch (verb % 8) {
    case 0:
        ring_put(play->rings, 0, span_from(bytes, value));
        break;
    case 1:
        if (ring_next(play->rings, 0, &play->at, &play->record) == 1)
            FUZZ_CHECK(play->record.len > 0 && play->record.len < play->rings->size);
        break;
    case 2:
        ring_release(play->rings, 0, play->at);
        break;
    case 3: // another reader
        play->at = 0;
        break;
    case 4:
        overwrite(play, &play->row->tail, value);
        break;
    case 5:
        overwrite(play, &play->row->done, value);
        break;
    case 6:
        overwrite(play, &play->row->free, value);
        break;
    case 7:
        play->rings->data[place % play->rings->size] = (unsigned char)(verb >> 3);
        break;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play play = {.rings = rings_new(1, 0, NULL)};

    FUZZ_CHECK(play.rings != NULL);
    play.row = &play.rings->control->rows[0];
    buf_init(&play.record, RING_RECORD_MAX);
    for (; size >= 3 && size < 3000; data += 3, size -= 3)
        step(&play, data[0], (unsigned)data[1] << 8 | data[2]);
    // Whatever was done to it: once it is read to its end, it works again.
    while (ring_next(play.rings, 0, &play.at, &play.record) == 1)
        continue;
    ring_release(play.rings, 0, play.at);
    FUZZ_CHECK(ring_put(play.rings, 0, SPAN_LITERAL("after")));
    FUZZ_CHECK(ring_next(play.rings, 0, &play.at, &play.record) == 1);
    FUZZ_CHECK(span_is(buf_span(&play.record), "after"));
    buf_clear(&play.record);
    rings_free(&play.rings);
    return 0;
}
