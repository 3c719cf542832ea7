// SPDX-License-Identifier: BSD-2-Clause
// filters/rspamd_wire.h - rspamd's HTTP protocol: request headers and what a reply means. Pure.
#ifndef POSTERN_FILTERS_RSPAMD_WIRE_H
#define POSTERN_FILTERS_RSPAMD_WIRE_H

#include "base/err.h"
#include "filters/result.h"
#include "smtp/envelope.h"

// A reply names each host and address in the message (10,240 by default, some 2.5 MB).
enum { RSPAMD_REPLY_MAX = 8 << 20 };

struct rspamd_headers {
    char **items; // NULL-terminated
    size_t count;
};

// IP, Helo, Hostname, From, Rcpt (each), User, Queue-Id, MTA-Tag. Values that HTTP cannot carry are
// left out or percent-encoded as rspamd reads them; none can add a header.
void rspamd_wire_headers(const struct smtp_envelope *envelope, struct rspamd_headers *headers_out);
void rspamd_wire_headers_clear(struct rspamd_headers *headers);

// 0: result is clean (no action) or hit. -1: a failure, never "no action": another status than 200,
// no JSON, no action, no symbols, is_skipped. Edits: milter headers to add and remove, subject.
int rspamd_wire_read(int status, struct span body, struct result *result, struct err *err);

#endif
