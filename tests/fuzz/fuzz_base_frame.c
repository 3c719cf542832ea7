// SPDX-License-Identifier: BSD-2-Clause
// Frames from a process that may be anybody's: never past the input, never over the bound.
#include "tests/fuzz/fuzz.h"

#include "base/frame.h"

enum { PAYLOAD_MAX = 4096 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = fuzz_span(data, size);
    struct frame frame;
    size_t used = 0;

    if (frame_hello_read(in, "postern-1", &used) == FRAME_DONE)
        in = span_skip(in, used);
    while (frame_read(in, PAYLOAD_MAX, &frame, &used) == FRAME_DONE) {
        FUZZ_CHECK(used == FRAME_HEAD + frame.payload.len && used <= in.len);
        FUZZ_CHECK(frame.payload.len <= PAYLOAD_MAX);
        in = span_skip(in, used);
    }
    return 0;
}
