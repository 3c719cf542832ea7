// SPDX-License-Identifier: BSD-2-Clause
#include "base/mem.h"
#include "smtp/transfer.h"
#include "smtp/verb.h"

enum { DIGITS_MAX = 18 };

// RFC 3030 2: "BDAT" SP chunk-size [SP "LAST"].
static int
read_size(struct span args, uint64_t *len_out)
{
    struct span size = span_cut(&args, ' ');

    return size.len <= DIGITS_MAX ? str_parse_u64(size, UINT64_MAX, len_out) : -1;
}

static int
read_last(struct span args, bool *is_last_out)
{
    span_cut(&args, ' ');
    args = span_trim(args);
    *is_last_out = span_is_nocase(args, "LAST");
    return args.len == 0 || *is_last_out ? 0 : -1;
}

// How many octets follow cannot be known, and they must not be taken for commands.
static void
give_up(struct smtp_session *session, struct span args, struct smtp_reply *reply)
{
    reply_set(reply, 501, "5.5.4", "Syntax: BDAT size [LAST]");
    session_log_reject(session, "BDAT", args, reply);
    session_close(session, reply);
    reply->code = 0;
}

// The octets come in any case (RFC 3030 2), so the refusal is said behind them. Where BDAT is not
// offered no client sends any.
void
cmd_bdat_refuse(struct smtp_session *session, struct span args, struct smtp_reply *reply)
{
    uint64_t len;

    if (reply->code == 502)
        return;
    if (read_size(args, &len) != 0) {
        give_up(session, args, reply);
        return;
    }
    if (len == 0)
        return;
    session->swallow_left = len;
    session->late_reply = mem_zalloc(sizeof(*session->late_reply));
    *session->late_reply = *reply;
    session_log_reject(session, "BDAT", args, reply);
    reply->code = 0;
}

static bool
is_too_large(const struct smtp_session *session, uint64_t len)
{
    uint64_t max_size = session->config->settings->max_size;
    uint64_t had = session->transfer->dot.out_len;

    return max_size > 0 && (had > max_size || len > max_size - had);
}

void
cmd_bdat(struct smtp_session *session, struct span args, struct smtp_reply *reply)
{
    struct transfer *transfer;
    uint64_t len;
    bool is_last;

    if (read_size(args, &len) != 0) {
        give_up(session, args, reply);
        return;
    }
    if (read_last(args, &is_last) != 0) {
        reply_set(reply, 501, "5.5.4", "Syntax: BDAT size [LAST]");
        cmd_bdat_refuse(session, args, reply);
        return;
    }
    if (session->transfer == NULL && transfer_begin(session, DOT_CHUNK, reply) != 0)
        transfer_fail(session, reply);
    reply->code = 0;
    transfer = session->transfer;
    transfer->chunk_len = transfer->chunk_left = len;
    transfer->is_last = is_last;
    session_set_state(session, SESSION_CHUNK);
    if (is_too_large(session, len)) {
        reply_set(reply, 552, "5.3.4", "Message size exceeds limit of %llu bytes",
                  (unsigned long long)session->config->settings->max_size);
        transfer_fail(session, reply);
        reply->code = 0;
    }
}
