// SPDX-License-Identifier: BSD-2-Clause
// Any bytes come back from xtext; what is called valid can be decoded.
#include "tests/fuzz/fuzz.h"

#include "base/buf.h"
#include "smtp/xtext.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span raw = fuzz_span(data, size);
    struct buf text, back;

    buf_init(&text, size * 3 + 1);
    buf_init(&back, size * 3 + 1);
    FUZZ_CHECK(xtext_encode(&text, raw) == 0 && xtext_is_valid(buf_span(&text)));
    FUZZ_CHECK(xtext_decode(&back, buf_span(&text)) == 0);
    FUZZ_CHECK(fuzz_equal(buf_span(&back), raw));
    buf_cut(&back, 0);
    FUZZ_CHECK((xtext_decode(&back, raw) == 0) == xtext_is_valid(raw));
    buf_clear(&text);
    buf_clear(&back);
    return 0;
}
