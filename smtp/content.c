// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/content.h"

#include "base/mem.h"

enum { BLOCK_MAX = 65536, BLOCK_SPARE = 64 };

int
content_begin(struct smtp_session *session, enum dot_mode mode, struct smtp_reply *reply_out)
{
    const struct smtp_session_config *config = session->config;
    struct content *content = mem_zalloc(sizeof(*content));

    dot_init(&content->dot, mode);
    trace_guard_init(&content->guard);
    session->content = content;
    loop_timer_start(session->life, config->settings->max_session);
    if (config->handler->on_data(config->handler_arg, &session->transaction, reply_out) == 0)
        return 0;
    session->has_transaction = false;
    return -1;
}

void
content_free(struct smtp_session *session)
{
    mem_free(&session->content);
    session->is_held = false;
}

void
content_fail(struct smtp_session *session, const struct smtp_reply *reply)
{
    struct content *content = session->content;

    if (content->has_failed)
        return;
    content->has_failed = true;
    content->failure = *reply;
    session_abort_transaction(session, false);
}

// Refuses what has come so far, if it must be.
static void
check(struct smtp_session *session)
{
    const struct smtp_settings *settings = session->config->settings;
    const struct dot *dot = &session->content->dot;
    struct smtp_reply reply;

    session->transaction.bare_newlines = dot->bare_lf + dot->bare_cr;
    if (settings->bare_newlines == SMTP_NEWLINES_REJECT && dot->bare_lf + dot->bare_cr > 0) {
        reply_set(&reply, 550, "5.5.2", "Bare <CR> or <LF> received");
        content_fail(session, &reply);
    } else if (settings->max_size > 0 && dot->out_len > settings->max_size) {
        reply_set(&reply, 552, "5.3.4", "Message size exceeds limit of %llu bytes",
                  (unsigned long long)settings->max_size);
        content_fail(session, &reply);
    }
}

static void
hand_on(struct smtp_session *session, struct span block)
{
    const struct smtp_session_config *config = session->config;

    check(session);
    if (session->content->has_failed || block.len == 0)
        return;
    trace_guard_feed(&session->content->guard, block);
    session->is_held =
        config->handler->on_content(config->handler_arg, &session->transaction, block) == SMTP_WAIT;
    if (session->is_held && session->state != SESSION_CLOSED)
        conn_pause(session->conn);
}

static struct span
next_input(const struct smtp_session *session)
{
    const struct content *content = session->content;
    struct span in = conn_input(session->conn);

    if (content->dot.mode == DOT_CHUNK && in.len > content->chunk_left)
        in.len = (size_t)content->chunk_left;
    return in;
}

// The block is as large as its input, as far as that goes, and lives for this call only: a
// connection that waits keeps none.
static void
take_block(struct smtp_session *session)
{
    struct content *content = session->content;
    struct span in = next_input(session);
    struct buf block;
    size_t used;

    buf_init(&block, in.len < BLOCK_MAX - BLOCK_SPARE ? in.len + BLOCK_SPARE : BLOCK_MAX);
    (void)buf_space(&block, block.ceiling);
    content->is_whole = dot_feed(&content->dot, in, &block, &used) == DOT_DONE;
    content->chunk_left -= content->dot.mode == DOT_CHUNK ? used : 0;
    conn_consume(session->conn, used);
    hand_on(session, buf_span(&block));
    buf_clear(&block);
}

static void
end_content(struct smtp_session *session)
{
    const struct smtp_session_config *config = session->config;
    struct content *content = session->content;

    if (content->has_failed) {
        session_log_reject(session, content->dot.mode == DOT_CHUNK ? "BDAT" : "DATA", span_of(NULL),
                           &content->failure);
        session_reply_all(session, &content->failure, 1);
        session_reset(session);
        return;
    }
    session->transaction.is_loop = trace_guard_is_loop(&content->guard);
    session_set_state(session, SESSION_WAITING);
    conn_set_timeout(session->conn, 0); // the handler has its own deadlines
    config->handler->on_end(config->handler_arg, &session->transaction);
}

// A chunk is all there.
static void
end_chunk(struct smtp_session *session)
{
    struct content *content = session->content;
    struct smtp_reply reply;
    struct buf block;

    if (content->is_last) {
        buf_init(&block, BLOCK_SPARE);
        dot_finish(&content->dot, &block);
        content->is_whole = true;
        hand_on(session, buf_span(&block));
        buf_clear(&block);
        return;
    }
    session_set_state(session, SESSION_BDAT);
    if (content->has_failed)
        reply = content->failure;
    else
        reply_set(&reply, 250, "2.0.0", "%llu octets received",
                  (unsigned long long)content->chunk_len);
    session_reply(session, &reply);
}

bool
content_read(struct smtp_session *session)
{
    struct content *content = session->content;
    bool is_chunk_end = content->dot.mode == DOT_CHUNK && content->chunk_left == 0;

    if (session->is_held)
        return false;
    if (content->is_whole)
        end_content(session);
    else if (is_chunk_end)
        end_chunk(session);
    else if (conn_input(session->conn).len > 0)
        take_block(session);
    else
        return false;
    return true;
}
