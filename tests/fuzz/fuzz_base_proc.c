// SPDX-License-Identifier: BSD-2-Clause
#include "tests/fuzz/fuzz.h"

#include "base/proc.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct proc_units units = {.ticks = 100, .page_bytes = 4096, .boot_ms = 1};
    struct proc proc = {.pid = -1};

    if (size <= PROC_LINE_MAX && proc_parse(fuzz_span(data, size), &units, &proc) == 0)
        FUZZ_CHECK(proc.pid >= 0 && proc.parent >= 0 && proc.start_ms > 0);
    return 0;
}
