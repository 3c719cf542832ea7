// SPDX-License-Identifier: BSD-2-Clause
// What a client calls itself, a line each: greeting, address, our name. Our Received field stays
// one field, and is known as ours again.
#include "tests/fuzz/fuzz.h"

#include "base/buf.h"
#include "base/mem.h"
#include "smtp/trace.h"

enum { FIELDS = 3, OUT_MAX = 4096 };

static void
check(struct span field)
{
    struct trace_guard guard;
    size_t lines = 0;

    FUZZ_CHECK(fuzz_is_wire_clean(field) && field.len > 0 && field.data[field.len - 1] == '\n');
    for (size_t i = 0; i < field.len; i++) {
        FUZZ_CHECK((unsigned char)field.data[i] < 0x7f && field.data[i] != '\0');
        if (field.data[i] != '\n')
            continue;
        lines++;
        FUZZ_CHECK(i + 1 == field.len || field.data[i + 1] == '\t');
    }
    FUZZ_CHECK(lines == FIELDS);
    trace_guard_init(&guard);
    trace_guard_feed(&guard, field);
    FUZZ_CHECK(guard.received == 1 && guard.ours == 1);
    // As part of a message, byte by byte, among the message's own.
    for (size_t i = 0; i < field.len; i++)
        trace_guard_feed(&guard, span_from(field.data + i, 1));
    FUZZ_CHECK(guard.received == 2 && guard.ours == 2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = fuzz_span(data, size);
    struct smtp_envelope envelope;
    char *fields[FIELDS];
    struct buf out;

    if (size == 0)
        return 0;
    for (size_t i = 0; i < FIELDS; i++) {
        struct span line = span_cut(&rest, '\n');

        fields[i] = mem_strndup(line.data == NULL ? "" : line.data, line.len);
    }
    envelope_init(&envelope);
    strcpy(envelope.id, "4X2k9QzT7mB");
    envelope.helo = fields[0];
    envelope.client = fields[1];
    envelope.hostname = fields[2];
    envelope.esmtp = data[0] & 1;
    envelope.tls = data[0] & 2;
    buf_init(&out, OUT_MAX);
    trace_format(&envelope, &out);
    check(buf_span(&out));
    buf_clear(&out);
    envelope_clear(&envelope);
    return 0;
}
