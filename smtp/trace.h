// SPDX-License-Identifier: BSD-2-Clause
// smtp/trace.h - our Received field, and the guard against mail that goes round. Pure.
#ifndef POSTERN_SMTP_TRACE_H
#define POSTERN_SMTP_TRACE_H

#include "base/buf.h"
#include "smtp/envelope.h"

// "Received: from HELO (localhost [127.0.0.1])\r\n\tby HOST (Postern) with ESMTP id
// ID;\r\n\tDATE\r\n" (RFC 5321 4.4, RFC 3848 and 6531 for "with": SMTP, ESMTP, ESMTPS, LMTP, LMTPS,
// UTF8SMTP, UTF8LMTP...). HELO and client come from the session; nothing in them can break out of
// the field.
void trace_format(const struct smtp_envelope *envelope, struct buf *out);

void trace_format_date(int64_t realtime_ms, char out[48]); // RFC 5322 date-time, local time zone

// Counts in the header only, however the bytes arrive. Feed it what dot_feed gave.
struct trace_guard {
    unsigned received; // Received fields
    unsigned ours;     // those that say "(Postern)" behind "by", whatever the host
    int state, match;  // private, as all that follows
    bool is_line_start;
    unsigned char word_len;
    char word[16];
};

void trace_guard_init(struct trace_guard *guard);
void trace_guard_feed(struct trace_guard *guard, struct span content);

enum { TRACE_MAX_RECEIVED = 50, TRACE_MAX_OURS = 3 };

bool trace_guard_is_loop(const struct trace_guard *guard); // more than one of the two

#endif
