// SPDX-License-Identifier: BSD-2-Clause
// Parameters either pass, or come with a reply that can be sent.
#include "tests/fuzz/fuzz.h"

#include "base/buf.h"
#include "smtp/param.h"

static void
check_reply(const struct smtp_reply *reply)
{
    struct buf wire;

    FUZZ_CHECK(reply->code >= 500 && reply->code <= 599);
    buf_init(&wire, 512);
    reply_write(reply, &wire);
    FUZZ_CHECK(fuzz_is_wire_clean(buf_span(&wire)));
    buf_clear(&wire);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtp_reply reply;
    struct param_mail mail;
    struct span text;

    if (size == 0)
        return 0;
    text = fuzz_span(data + 1, size - 1);
    if (param_check_mail(text, data[0], &mail, &reply) != 0)
        check_reply(&reply);
    if (param_check_rcpt(text, data[0], &reply) != 0)
        check_reply(&reply);
    return 0;
}
