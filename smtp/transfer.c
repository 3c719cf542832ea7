// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/transfer.h"

#include "base/mem.h"

enum { BLOCK_MAX = 65536, BLOCK_SPARE = 64 };

int
transfer_begin(struct smtp_session *session, enum dot_mode mode, struct smtp_reply *reply_out)
{
    const struct smtp_session_config *config = session->config;
    struct transfer *transfer = mem_zalloc(sizeof(*transfer));

    dot_init(&transfer->dot, mode);
    trace_guard_init(&transfer->guard);
    session->transfer = transfer;
    loop_timer_start(session->life, config->settings->max_session);
    if (config->handler->on_data(config->handler_arg, &session->transaction, reply_out) == 0)
        return 0;
    session->has_transaction = false;
    return -1;
}

void
transfer_free(struct smtp_session *session)
{
    mem_free(&session->transfer);
    session->is_held = false;
}

void
transfer_fail(struct smtp_session *session, const struct smtp_reply *reply)
{
    struct transfer *transfer = session->transfer;

    if (transfer->has_failed)
        return;
    transfer->has_failed = true;
    transfer->failure = *reply;
    session_abort_transaction(session, false);
}

// Refuses what has come so far, if it must be.
static void
check(struct smtp_session *session)
{
    const struct smtp_settings *settings = session->config->settings;
    const struct dot *dot = &session->transfer->dot;
    struct smtp_reply reply;

    session->transaction.bare_newlines = dot->bare_lf + dot->bare_cr;
    if (settings->bare_newlines == SMTP_NEWLINES_REJECT && dot->bare_lf + dot->bare_cr > 0) {
        reply_set(&reply, 550, "5.5.2", "Bare <CR> or <LF> received");
        transfer_fail(session, &reply);
    } else if (settings->max_size > 0 && dot->out_len > settings->max_size) {
        reply_set(&reply, 552, "5.3.4", "Message size exceeds limit of %llu bytes",
                  (unsigned long long)settings->max_size);
        transfer_fail(session, &reply);
    }
}

static void
hand_on(struct smtp_session *session, struct span block)
{
    const struct smtp_session_config *config = session->config;

    check(session);
    if (session->transfer->has_failed || block.len == 0)
        return;
    trace_guard_feed(&session->transfer->guard, block);
    session->is_held =
        config->handler->on_content(config->handler_arg, &session->transaction, block) == SMTP_WAIT;
    if (session->is_held && session->state != SESSION_CLOSED)
        conn_pause(session->conn);
}

static struct span
next_input(const struct smtp_session *session)
{
    const struct transfer *transfer = session->transfer;
    struct span in = conn_input(session->conn);

    if (transfer->dot.mode == DOT_CHUNK && in.len > transfer->chunk_left)
        in.len = (size_t)transfer->chunk_left;
    return in;
}

// What has to be mended goes into a block. It is as large as its input, as far as that goes, and
// lives for this call only: a connection that waits keeps none.
static void
mend_block(struct smtp_session *session, struct span in)
{
    struct transfer *transfer = session->transfer;
    struct buf block;
    size_t used;

    buf_init(&block, in.len < BLOCK_MAX - BLOCK_SPARE ? in.len + BLOCK_SPARE : BLOCK_MAX);
    (void)buf_space(&block, block.ceiling);
    transfer->is_whole = dot_feed(&transfer->dot, in, &block, &used) == DOT_DONE;
    transfer->chunk_left -= transfer->dot.mode == DOT_CHUNK ? used : 0;
    conn_consume(session->conn, used);
    hand_on(session, buf_span(&block));
    buf_clear(&block);
}

// Most content is as it should be, and goes on from where it was read.
static void
take_block(struct smtp_session *session)
{
    struct transfer *transfer = session->transfer;
    struct span in = next_input(session);
    struct span clean = dot_pass(&transfer->dot, in);

    if (clean.len == 0) {
        mend_block(session, in);
        return;
    }
    transfer->chunk_left -= transfer->dot.mode == DOT_CHUNK ? clean.len : 0;
    hand_on(session, clean);
    if (session->state != SESSION_CLOSED)
        conn_consume(session->conn, clean.len);
}

static void
end_content(struct smtp_session *session)
{
    const struct smtp_session_config *config = session->config;
    struct transfer *transfer = session->transfer;

    if (transfer->has_failed) {
        session_log_reject(session, transfer->dot.mode == DOT_CHUNK ? "BDAT" : "DATA",
                           span_of(NULL), &transfer->failure);
        session_reply_all(session, &transfer->failure, 1);
        session_reset(session);
        return;
    }
    session->transaction.is_loop = trace_guard_is_loop(&transfer->guard);
    session_set_state(session, SESSION_WAITING);
    conn_set_timeout(session->conn, 0); // the handler has its own deadlines
    config->handler->on_end(config->handler_arg, &session->transaction);
}

// A chunk is all there.
static void
end_chunk(struct smtp_session *session)
{
    struct transfer *transfer = session->transfer;
    struct smtp_reply reply;
    struct buf block;

    if (transfer->is_last) {
        buf_init(&block, BLOCK_SPARE);
        dot_finish(&transfer->dot, &block);
        transfer->is_whole = true;
        hand_on(session, buf_span(&block));
        buf_clear(&block);
        return;
    }
    session_set_state(session, SESSION_BDAT);
    if (transfer->has_failed)
        reply = transfer->failure;
    else
        reply_set(&reply, 250, "2.0.0", "%llu octets received",
                  (unsigned long long)transfer->chunk_len);
    session_reply(session, &reply);
}

bool
transfer_read(struct smtp_session *session)
{
    struct transfer *transfer = session->transfer;
    bool is_chunk_end = transfer->dot.mode == DOT_CHUNK && transfer->chunk_left == 0;

    if (session->is_held)
        return false;
    if (transfer->is_whole)
        end_content(session);
    else if (is_chunk_end)
        end_chunk(session);
    else if (conn_input(session->conn).len > 0)
        take_block(session);
    else
        return false;
    return true;
}
