// SPDX-License-Identifier: BSD-2-Clause
// smtp/transfer.h - the content of one transaction: wire -> dot -> guard -> handler. Private.
//
// What is refused on the way (too large, a bare newline where those are rejected) is aborted at
// once, swallowed to its end, and answered there. Memory: one block while bytes are handed on.
#ifndef POSTERN_SMTP_TRANSFER_H
#define POSTERN_SMTP_TRANSFER_H

#include "smtp/dot.h"
#include "smtp/session_private.h"
#include "smtp/trace.h"

struct transfer {
    struct dot dot;
    struct trace_guard guard;
    uint64_t chunk_len, chunk_left; // BDAT
    bool is_last;                   // no chunk comes after this one
    bool is_whole;                  // the end was read
    bool has_failed;                // the handler is out of it
    struct smtp_reply failure;
};

// Asks the handler (on_data) and makes session->transfer. -1: refused with *reply_out, the
// transaction is over for the handler.
int transfer_begin(struct smtp_session *session, enum dot_mode mode, struct smtp_reply *reply_out);
void transfer_fail(struct smtp_session *session,
                   const struct smtp_reply *reply); // the first counts
void transfer_free(struct smtp_session *session);

// Takes what input there is. False: nothing more can be done now (no input, or the handler waits).
bool transfer_read(struct smtp_session *session);

#endif
