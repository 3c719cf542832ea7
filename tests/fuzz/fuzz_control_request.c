// SPDX-License-Identifier: BSD-2-Clause
// What either end of the control socket reads: what is taken can be written and read again.
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "control/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_request(struct span line)
{
    struct request request, again;
    struct buf out;
    struct err err;

    if (request_read(line, &request, &err) != 0)
        return;
    buf_init(&out, (size_t)1 << 20);
    assert(request_write(&request, &out) == 0);
    assert(request_read(buf_span(&out), &again, &err) == 0);
    assert(again.command == request.command && again.all == request.all);
    assert(again.id_count == request.id_count);
    request_clear(&again);
    request_clear(&request);
    buf_clear(&out);
}

static void
read_response(struct span line)
{
    struct response response, again;
    struct buf out;
    struct err err;

    if (response_read(line, &response, &err) != 0)
        return;
    buf_init(&out, RESPONSE_LINE_MAX);
    assert(response_write(&response, &out) == 0);
    assert(response_read(buf_span(&out), &again, &err) == 0);
    assert(again.item_count == response.item_count);
    assert(again.fact_count == response.fact_count);
    response_merge(&again, &response);
    assert(again.item_count <= REQUEST_IDS_MAX);
    response_clear(&again);
    response_clear(&response);
    buf_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span line = span_from((const char *)data, size);

    read_request(line);
    read_response(line);
    return 0;
}
