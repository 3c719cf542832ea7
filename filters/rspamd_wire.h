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

// IP, Helo, Hostname, Queue-Id, MTA-Tag, User (MAIL's AUTH), From, Rcpt (each): of the client where
// XFORWARD told of it, else of the session. What HTTP cannot carry is left out, and so are the
// recipients behind 60 KB, since rspamd hangs up at 80; no value can add a header.
void rspamd_wire_headers(const struct smtp_envelope *envelope, struct rspamd_headers *headers_out);
void rspamd_wire_headers_clear(struct rspamd_headers *headers);

// 0: result is clean (no action, greylist) or hit. -1: a failure, never "no action": another status
// than 200, no JSON, no action, no score, no symbols, is_skipped (but for GTUBE, which skips the
// rest and rejects). Edits: milter headers to remove and add, signatures, X-Spam, Subject.
int rspamd_wire_read(int status, struct span body, struct result *result, struct err *err);

#endif
