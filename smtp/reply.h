// SPDX-License-Identifier: BSD-2-Clause
// smtp/reply.h - one reply of ours: code, enhanced code, text; as it goes over the wire. Pure.
#ifndef POSTERN_SMTP_REPLY_H
#define POSTERN_SMTP_REPLY_H

#include "base/buf.h"

struct smtp_reply {
    int code;          // 200..599
    char enhanced[12]; // "2.1.0"; "" where the protocol has none (greeting, EHLO, 354)
    char text[400];    // printable ASCII or UTF-8, one line
};

// Formats text, and makes it printable: control characters become '?', what is too long is cut.
// enhanced NULL: none. If its class is not the code's, it is replaced by "X.0.0" of the code's
// class.
void reply_set(struct smtp_reply *reply, int code, const char *enhanced, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// Appends "250 2.1.0 Ok\r\n"; at most 512 octets.
void reply_write(const struct smtp_reply *reply, struct buf *out);

#endif
