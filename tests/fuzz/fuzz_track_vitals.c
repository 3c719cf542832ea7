// SPDX-License-Identifier: BSD-2-Clause
// Vitals of a worker that was taken over: bounded, and what is read can be written again.
#include "tests/fuzz/fuzz.h"

#include "track/vitals.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vitals vitals, again;
    struct arena arena;
    struct buf out;

    arena_init(&arena, 1 << 20);
    buf_init(&out, size + 16);
    if (vitals_read(fuzz_span(data, size), &arena, &vitals) != 0) {
        FUZZ_CHECK(vitals.server_count == 0 && vitals.pid == 0);
    } else {
        FUZZ_CHECK(vitals.server_count <= VITALS_SERVERS_MAX && vitals.pid >= 0);
        FUZZ_CHECK(vitals_write(&vitals, &out) == 0 && out.len <= size);
        FUZZ_CHECK(vitals_read(buf_span(&out), &arena, &again) == 0);
        FUZZ_CHECK(again.server_count == vitals.server_count && again.jobs == vitals.jobs);
        for (size_t i = 0; i < again.server_count; i++)
            FUZZ_CHECK(fuzz_equal(again.servers[i].address, vitals.servers[i].address));
    }
    buf_clear(&out);
    arena_clear(&arena);
    return 0;
}
