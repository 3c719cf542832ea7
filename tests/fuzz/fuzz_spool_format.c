// SPDX-License-Identifier: BSD-2-Clause
// An envelope that is read is written again as it was read.
#include "tests/fuzz/fuzz.h"

#include "base/buf.h"
#include "spool/format.h"

static void
check_envelope(struct span text)
{
    struct smtp_envelope first, second;
    struct buf once, twice;
    struct err err;

    if (format_envelope_read(text, &first, &err) != 0)
        return;
    buf_init(&once, text.len * 4 + 4096);
    buf_init(&twice, text.len * 4 + 4096);
    FUZZ_CHECK(format_envelope_write(&first, &once) == 0);
    FUZZ_CHECK(format_envelope_read(buf_span(&once), &second, &err) == 0);
    FUZZ_CHECK(format_envelope_write(&second, &twice) == 0);
    FUZZ_CHECK(fuzz_equal(buf_span(&once), buf_span(&twice)));
    envelope_clear(&first);
    envelope_clear(&second);
    buf_clear(&once);
    buf_clear(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = fuzz_span(data, size);
    struct format_seal seal;

    if (format_head_read(text, &seal) == FORMAT_SEALED) {
        char head[FORMAT_HEAD_LEN];

        format_head_write(&seal, head);
        FUZZ_CHECK(memcmp(head, data, FORMAT_HEAD_LEN) == 0);
    }
    check_envelope(text);
    return 0;
}
