// SPDX-License-Identifier: BSD-2-Clause
// What the control socket takes is written again as it was understood.
#include "tests/fuzz/fuzz.h"

#include "control/request.h"

static void
check_request(struct span line)
{
    struct request request, again;
    struct buf text;
    struct err err;

    if (request_read(line, &request, &err) != 0)
        return;
    buf_init(&text, REQUEST_LINE_MAX + 1);
    FUZZ_CHECK(request_write(&request, &text) == 0);
    FUZZ_CHECK(request_read(buf_span(&text), &again, &err) == 0);
    FUZZ_CHECK(again.command == request.command && again.id_count == request.id_count);
    request_clear(&request);
    request_clear(&again);
    buf_clear(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct response response;
    struct err err;

    check_request(fuzz_span(data, size));
    if (response_read(fuzz_span(data, size), &response, &err) == 0)
        response_clear(&response);
    return 0;
}
