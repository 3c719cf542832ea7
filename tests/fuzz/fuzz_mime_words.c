// SPDX-License-Identifier: BSD-2-Clause
// A header value has its bounds whatever it is: decoded it is UTF-8, and each reading is there
// once.
#include "tests/fuzz/fuzz.h"

#include "mime/reading/words.h"

enum { MAX = 20, MEMORY = 1 << 20 };

static void
check_parameter(const struct words_parameter *parameter)
{
    FUZZ_CHECK(parameter->name.len > 0 && parameter->value.data != NULL);
    for (size_t i = 0; i < parameter->other_count; i++) {
        FUZZ_CHECK(parameter->others[i].len > 0);
        FUZZ_CHECK(!fuzz_equal(parameter->others[i], parameter->value));
        words_is_bad_name(parameter->others[i]);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct charsets *charsets;
    struct words_oddities oddities = {.gap = false};
    struct span raw = fuzz_span(data, size);
    struct words_value value;
    struct arena arena;
    struct buf out;

    if (charsets == NULL)
        charsets = charsets_new(NULL);
    FUZZ_CHECK(charsets != NULL);
    buf_init(&out, size * 8 + 8);
    FUZZ_CHECK(words_decode(charsets, raw, &out, &oddities) == 0);
    FUZZ_CHECK(str_is_utf8(buf_span(&out)));
    buf_clear(&out);

    arena_init(&arena, MEMORY);
    words_parse(charsets, raw, MAX, &arena, &value, &oddities);
    FUZZ_CHECK(value.count <= MAX);
    for (size_t i = 0; i < value.count; i++)
        check_parameter(&value.parameters[i]);
    arena_clear(&arena);
    return 0;
}
