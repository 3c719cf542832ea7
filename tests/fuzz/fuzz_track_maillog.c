// SPDX-License-Identifier: BSD-2-Clause
// What is read stands in the line, in Postfix's order, and no text behind the status changes it.
#include "tests/fuzz/fuzz.h"

#include "base/buf.h"
#include "track/maillog/maillog.h"

enum { NOW_MS = 1793678706 };

// Where it ends; spans that are missing end where the one before did.
static const char *
check_span(struct span span, const char *behind, struct span line)
{
    if (span.len == 0)
        return behind;
    FUZZ_CHECK(span.data >= behind && span.data + span.len <= line.data + line.len);
    for (size_t i = 0; i < span.len; i++)
        FUZZ_CHECK((unsigned char)span.data[i] >= ' ' && span.data[i] != 0x7f);
    return span.data + span.len;
}

static void
check_other_text(struct span line, const struct maillog_line *parsed)
{
    size_t head = (size_t)(parsed->text.data - line.data);
    struct maillog_line again;
    struct buf text;

    buf_init(&text, MAILLOG_LINE_MAX);
    FUZZ_CHECK(buf_add(&text, line.data, head) == 0);
    if (buf_add_text(&text, "x) Nov  3 04:05:06 mx postfix/smtp[1]: 4ABC123DEF: to=<a@b>, relay=x, "
                            "delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (ok)") == 0) {
        FUZZ_CHECK(maillog_parse(buf_span(&text), NOW_MS, &again) == MAILLOG_DELIVERY);
        FUZZ_CHECK(again.status == parsed->status && fuzz_equal(again.to, parsed->to) &&
                   fuzz_equal(again.queue_id, parsed->queue_id));
    }
    buf_clear(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span line = fuzz_span(data, size);
    struct maillog_line parsed;
    const char *at = line.data;

    if (maillog_parse(line, NOW_MS, &parsed) != MAILLOG_DELIVERY)
        return 0;
    FUZZ_CHECK(parsed.service.len > 0 && parsed.queue_id.len > 0);
    FUZZ_CHECK((parsed.to.len == 0) == (parsed.status == MAILLOG_EXPIRED));
    at = check_span(parsed.service, at, line);
    at = check_span(parsed.queue_id, at, line);
    at = check_span(parsed.to, at, line);
    at = check_span(parsed.orig_to, at, line);
    at = check_span(parsed.relay, at, line);
    at = check_span(parsed.dsn, at, line);
    (void)check_span(parsed.text, at, line);
    if (parsed.status != MAILLOG_EXPIRED)
        check_other_text(line, &parsed);
    return 0;
}
