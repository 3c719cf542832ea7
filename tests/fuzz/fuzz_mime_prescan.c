// SPDX-License-Identifier: BSD-2-Clause
// Whatever the bytes are: fields stand in their order inside the header, and no limit is passed
// without a word.
#include "tests/fuzz/fuzz.h"

#include "mime/reading/prescan.h"

static const struct dissect_settings limits = {.max_depth = 3,
                                               .max_parts = 10,
                                               .max_header = 400,
                                               .max_field = 200,
                                               .max_fields = 8,
                                               .max_parameters = 6};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct prescan prescan;
    size_t at = 0;

    prescan_run(fuzz_span(data, size), &limits, NULL, &prescan);
    FUZZ_CHECK(prescan.header_len <= size && prescan.blocks > 0);
    FUZZ_CHECK(prescan.field_count <= limits.max_fields);
    FUZZ_CHECK((prescan.limit == LIMIT_NONE) == (prescan.limit_text[0] == '\0'));
    FUZZ_CHECK(prescan.limit != LIMIT_NONE || prescan.blocks <= limits.max_parts);
    for (size_t i = 0; i < prescan.field_count; i++) {
        const struct prescan_field *field = &prescan.fields[i];

        FUZZ_CHECK(field->begin >= at && field->name_len > 0);
        FUZZ_CHECK(field->begin + field->name_len < field->value && field->value <= field->end);
        FUZZ_CHECK(data[field->value - 1] == ':');
        at = field->end;
    }
    FUZZ_CHECK(at <= prescan.header_len);
    prescan_clear(&prescan);
    return 0;
}
