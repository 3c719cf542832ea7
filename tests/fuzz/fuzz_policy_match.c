// SPDX-License-Identifier: BSD-2-Clause
// A range, a line end, a glob, a line end, and the text it is held against.
#include "tests/fuzz/fuzz.h"

#include "policy/match.h"

static void
check_range(struct span text, bool is_size)
{
    struct match_range range;
    struct err err = {.text = ""};

    if (match_range_parse(text, is_size, &range, &err) != 0) {
        FUZZ_CHECK(err.kind == ERR_PERM && err.text[0] != '\0');
        return;
    }
    FUZZ_CHECK(range.is_single || range.low < range.high);
    FUZZ_CHECK(range.is_single || !match_range_has(&range, range.high));
    FUZZ_CHECK(!(range.low > -1e300) || match_range_has(&range, range.low));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = fuzz_span(data, size);
    struct span range = span_cut(&rest, '\n');
    struct span glob = span_cut(&rest, '\n');

    check_range(range, false);
    check_range(range, true);
    (void)match_address(glob, rest);
    (void)match_file_name(glob, rest);
    (void)match_is_list_sender(rest);
    FUZZ_CHECK(match_file_name(SPAN_LITERAL("*"), rest));
    FUZZ_CHECK(match_address(SPAN_LITERAL("*"), rest));
    return 0;
}
