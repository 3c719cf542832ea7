// SPDX-License-Identifier: BSD-2-Clause
// Cut in one piece or byte by byte, the lines and the faults are the same.
#include "tests/fuzz/fuzz.h"

#include "base/buf.h"
#include "smtp/command.h"

// Reads all that can be read of in as it grows to each of its lengths by `step`.
static void
read_all(struct span in, size_t step, struct buf *log)
{
    struct command_reader reader = {false};
    size_t begin = 0, end = 0;

    while (end < in.len) {
        end = in.len - end < step ? in.len : end + step;
        for (;;) {
            struct span line = {NULL, 0};
            size_t used = 0;
            enum command_result result =
                command_read(&reader, span_from(in.data + begin, end - begin), &line, &used);

            FUZZ_CHECK(used <= end - begin);
            begin += used;
            if (result == COMMAND_NEED_MORE)
                break;
            FUZZ_CHECK(used > 0);
            FUZZ_CHECK(buf_printf(log, "%d:", (int)result) == 0);
            if (result == COMMAND_LINE)
                FUZZ_CHECK(line.len <= COMMAND_MAX && buf_add_span(log, line) == 0);
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole, bytes;

    buf_init(&whole, size * 4 + 64);
    buf_init(&bytes, size * 4 + 64);
    read_all(fuzz_span(data, size), size + 1, &whole);
    read_all(fuzz_span(data, size), 1, &bytes);
    FUZZ_CHECK(fuzz_equal(buf_span(&whole), buf_span(&bytes)));
    buf_clear(&whole);
    buf_clear(&bytes);
    return 0;
}
