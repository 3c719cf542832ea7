// SPDX-License-Identifier: BSD-2-Clause
// A notice to a sender about what strangers said: a line each for his path and parameters, the
// recipient's, the next hop's reply, status and name; then the original's header. It is a message
// of text lines that ends its parts itself, and its envelope asks for no notice.
#include "tests/fuzz/fuzz.h"

#include "base/buf.h"
#include "base/mem.h"
#include "reinject/bounce.h"

enum { FIELDS = 7, LINE_MOST = 998 };

enum { FROM, FROM_PARAMS, PATH, PARAMS, REPLY, ENHANCED, RELAY };

static void
check_text(struct span text, bool is_wide)
{
    size_t line = 0;

    FUZZ_CHECK(fuzz_is_wire_clean(text) && text.len > 0 && text.data[text.len - 1] == '\n');
    for (size_t i = 0; i < text.len; i++) {
        FUZZ_CHECK(text.data[i] != '\0');
        FUZZ_CHECK(is_wide || (unsigned char)text.data[i] < 0x80);
        line = text.data[i] == '\n' ? 0 : line + 1;
        FUZZ_CHECK(line <= LINE_MOST + 1);
    }
}

static void
check(const struct bounce *bounce)
{
    struct smtp_envelope envelope;
    struct buf out;

    buf_init(&out, (size_t)4 << 20);
    bounce_write(bounce, &out);
    check_text(buf_span(&out), envelope_needs_smtputf8(bounce->original));
    bounce_envelope(bounce, "0", &envelope);
    FUZZ_CHECK(envelope.from[0] == '\0' && envelope.rcpt_count == 1);
    FUZZ_CHECK(!bounce_is_wanted(bounce->kind, envelope.from, envelope.rcpts[0].params));
    envelope_clear(&envelope);
    buf_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = fuzz_span(data, size);
    struct smtp_envelope original;
    struct bounce_rcpt rcpt;
    char *fields[FIELDS];
    struct bounce bounce = {
        .original = &original, .rcpts = &rcpt, .rcpt_count = 1, .hostname = "mx.example.com"};

    if (size == 0 || size > 16384)
        return 0;
    for (size_t i = 0; i < FIELDS; i++) {
        struct span line = span_cut(&rest, '\n');

        fields[i] = mem_strndup(line.data == NULL ? "" : line.data, line.len);
    }
    envelope_init(&original);
    strcpy(original.id, "4X2k9QzT7mB");
    original.from = fields[FROM];
    original.from_params = fields[FROM_PARAMS];
    original.listener = mem_strdup("front");
    original.next_hop = mem_strdup("reinject");
    original.hostname = mem_strdup("mx.example.com");
    envelope_add_rcpt(&original, span_of(fields[PATH]), span_of(fields[PARAMS]));
    rcpt = (struct bounce_rcpt){.path = fields[PATH],
                                .params = fields[PARAMS],
                                .code = data[0] & 4 ? 550 : 0,
                                .enhanced = fields[ENHANCED],
                                .reply = fields[REPLY],
                                .relay = fields[RELAY]};
    bounce.kind = (enum bounce_kind)(data[0] % 3);
    bounce.original_head = rest;
    if (original.from[0] != '\0') // which gets none
        check(&bounce);
    envelope_clear(&original);
    for (size_t i = PATH; i < FIELDS; i++)
        mem_free(&fields[i]);
    return 0;
}
