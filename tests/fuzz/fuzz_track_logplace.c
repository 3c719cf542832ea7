// SPDX-License-Identifier: BSD-2-Clause
// What passes as a place passes again as it is written.
#include "tests/fuzz/fuzz.h"

#include "base/buf.h"
#include "track/maillog/logplace.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct logplace place, again;
    struct buf text;

    if (logplace_parse(fuzz_span(data, size), &place) != 0)
        return 0;
    FUZZ_CHECK(place.head_len <= LOGPLACE_HEAD_MAX && place.offset <= INT64_MAX);
    buf_init(&text, 300);
    logplace_format(&place, &text);
    FUZZ_CHECK(logplace_parse(buf_span(&text), &again) == 0);
    FUZZ_CHECK(again.device == place.device && again.inode == place.inode &&
               again.written_ns == place.written_ns && again.head_len == place.head_len &&
               digest_equal(again.head, place.head) && again.offset == place.offset);
    buf_clear(&text);
    return 0;
}
