// SPDX-License-Identifier: BSD-2-Clause
// All ways to read a text, or by the first bit a file's name: each once, and within the bound.
#include "tests/fuzz/fuzz.h"

#include "mime/reading/readings.h"

enum { MEMORY = 4 << 20, WORK = 1 << 20 };

static void
check(const struct readings *readings)
{
    FUZZ_CHECK(readings->count <= READINGS_MAX);
    for (size_t i = 0; i < readings->count; i++) {
        for (size_t j = i + 1; j < readings->count && j < i + 50; j++)
            FUZZ_CHECK(!fuzz_equal(readings->texts[i], readings->texts[j]));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct charsets *charsets;
    struct words_oddities oddities = {.gap = false};
    struct readings readings = {.count = 0};
    struct arena arena;
    struct readings_setup setup = {.arena = &arena, .oddities = &oddities, .work = WORK};

    if (size == 0 || size > 4096)
        return 0;
    if (charsets == NULL)
        charsets = charsets_new(NULL);
    FUZZ_CHECK(charsets != NULL);
    setup.charsets = charsets;
    arena_init(&arena, MEMORY);
    FUZZ_CHECK(readings_add(&readings, fuzz_span(data + 1, size - 1), &arena));
    readings_derive(&readings, data[0] & 1, &setup);
    check(&readings);
    readings_clear(&readings);
    arena_clear(&arena);
    return 0;
}
