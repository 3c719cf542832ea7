// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/session.h"

#include <assert.h>

#include "base/log.h"
#include "base/mem.h"
#include "smtp/dispatch.h"
#include "smtp/session_private.h"
#include "smtp/transfer.h"

enum {
    LINGER_MS = 5000,       // for the last reply to get out
    OUTPUT_MAX = 65536,     // unread replies; a client that reads none is not served on
    ENDING_GRACE_MS = 3000, // for the command that will be answered 421
    HEARD_MS = 3000,        // who waits for an answer no more hangs up
};

const char *
session_state_name(enum session_state state)
{
    static const char *const names[] = {
        [SESSION_FRESH] = "fresh", [SESSION_GREETED] = "greeted", [SESSION_MAIL] = "mail",
        [SESSION_RCPT] = "rcpt",   [SESSION_DATA] = "data",       [SESSION_BDAT] = "bdat",
        [SESSION_CHUNK] = "chunk", [SESSION_WAITING] = "waiting", [SESSION_CLOSED] = "closed",
    };

    return names[state];
}

static void
settle_heard(struct smtp_session *session, bool is_heard)
{
    smtp_heard *heard = session->heard;

    session->heard = NULL;
    loop_timer_free(&session->heard_timer);
    if (heard != NULL)
        heard(session->heard_arg, is_heard);
}

void
session_set_state(struct smtp_session *session, enum session_state state)
{
    assert(session->state != SESSION_CLOSED);
    if (state == SESSION_MAIL) // pipelined behind the answer, but another message
        settle_heard(session, true);
    if (log_is_wanted(LOG_DEBUG_))
        log_debug("smtp", "client=%s: %s -> %s", session->envelope.client,
                  session_state_name(session->state), session_state_name(state));
    session->state = state;
}

void
session_reply(struct smtp_session *session, const struct smtp_reply *reply)
{
    struct buf line;

    if (session->state == SESSION_CLOSED)
        return;
    session_count_reject(session->config, reply);
    buf_init(&line, 512);
    reply_write(reply, &line);
    conn_write(session->conn, line.data, line.len);
    buf_clear(&line);
}

void
session_reply_all(struct smtp_session *session, const struct smtp_reply *replies, size_t count)
{
    bool is_lmtp = session->envelope.protocol == SMTP_PROTOCOL_LMTP;
    size_t wanted = is_lmtp ? session->envelope.rcpt_count : 1;

    assert(count == 1 || count == wanted);
    for (size_t i = 0; i < wanted; i++)
        session_reply(session, &replies[count == 1 ? 0 : i]);
}

unsigned
session_offers(const struct smtp_session *session)
{
    const struct smtp_session_config *config = session->config;
    unsigned next_hop = SMTP_OFFER_8BITMIME | SMTP_OFFER_SMTPUTF8 | SMTP_OFFER_DSN;
    unsigned offers = config->handler->offers(config->handler_arg) & next_hop;

    if (config->listener->chunking)
        offers |= SMTP_OFFER_CHUNKING;
    if (config->tls != NULL && !session->envelope.tls)
        offers |= SMTP_OFFER_STARTTLS;
    return offers;
}

void
session_abort_transaction(struct smtp_session *session, bool is_gone)
{
    const struct smtp_session_config *config = session->config;

    if (!session->has_transaction)
        return;
    session->has_transaction = false;
    config->handler->on_abort(config->handler_arg, &session->transaction, is_gone);
}

static uint64_t
life_left(const struct smtp_session *session)
{
    uint64_t now = loop_now_ms(session->loop);

    return session->expires_ms > now ? session->expires_ms - now : 0;
}

// A session that is to end waits a moment for the next command, which gets the 421: said at once,
// it would be read behind the answer to a message.
static bool
is_ending(const struct smtp_session *session)
{
    return session->is_draining || life_left(session) == 0;
}

static void
watch(struct smtp_session *session)
{
    uint64_t timeout = session->config->listener->timeout;
    uint64_t left = life_left(session);

    if (is_ending(session) && timeout > ENDING_GRACE_MS)
        timeout = ENDING_GRACE_MS;
    conn_set_timeout(session->conn, timeout);
    loop_timer_start(session->life, left > ENDING_GRACE_MS ? left : ENDING_GRACE_MS);
}

void
session_reset(struct smtp_session *session)
{
    session_abort_transaction(session, false);
    if (session->state == SESSION_CLOSED)
        return;
    transfer_free(session);
    envelope_reset_transaction(&session->envelope);
    session->envelope_size = 0;
    session->transaction = (struct smtp_transaction){.session = session};
    if (session->state != SESSION_FRESH)
        session_set_state(session, SESSION_GREETED);
    watch(session);
}

// The order matters: the connection goes first, so that nothing is said any more.
static void
end(struct smtp_session *session)
{
    session_set_state(session, SESSION_CLOSED);
    settle_heard(session, false);
    session_abort_transaction(session, true);
    transfer_free(session);
    mem_free(&session->late_reply);
    loop_timer_free(&session->life);
    loop_undefer(session->loop, &session->turn);
    envelope_clear(&session->envelope);
    session->config->on_closed(session->config->closed_arg, session);
    loop_free_later(session->loop, session);
}

void
session_close(struct smtp_session *session, const struct smtp_reply *reply)
{
    if (session->state == SESSION_CLOSED)
        return;
    if (reply != NULL)
        session_reply(session, reply);
    conn_close(&session->conn, LINGER_MS);
    end(session);
}

void
session_abort(struct smtp_session *session)
{
    if (session->state == SESSION_CLOSED)
        return;
    conn_abort(&session->conn);
    end(session);
}

static void
close_with(struct smtp_session *session, const char *enhanced, const char *text)
{
    struct smtp_reply reply;

    reply_set(&reply, 421, enhanced, "%s %s", session->envelope.hostname, text);
    session_close(session, &reply);
}

static void
say_farewell(struct smtp_session *session)
{
    settle_heard(session, true); // the answer has been on its way to one who is there
    if (session->is_draining)
        close_with(session, "4.3.2", "Service is shutting down");
    else
        close_with(session, "4.4.2", "Session has lasted too long");
}

static bool
is_between(const struct smtp_session *session)
{
    return session->state == SESSION_FRESH || session->state == SESSION_GREETED;
}

static void
swallow(struct smtp_session *session)
{
    size_t len = conn_input(session->conn).len;

    if (len > session->swallow_left)
        len = (size_t)session->swallow_left;
    conn_consume(session->conn, len);
    session->swallow_left -= len;
    if (session->swallow_left > 0)
        return;
    session_reply(session, session->late_reply);
    mem_free(&session->late_reply);
}

static bool
has_input(const struct smtp_session *session)
{
    return conn_input(session->conn).len > 0;
}

// One piece of input. False: nothing more can be done now.
static bool
advance(struct smtp_session *session)
{
    if (session->state == SESSION_WAITING || conn_unsent(session->conn) > OUTPUT_MAX)
        return false;
    if (session->state == SESSION_DATA || session->state == SESSION_CHUNK)
        return transfer_read(session);
    if (session->late_reply != NULL) {
        swallow(session);
        return session->late_reply == NULL;
    }
    if (!has_input(session))
        return false;
    if (is_between(session) && is_ending(session)) {
        say_farewell(session);
        return false;
    }
    return dispatch_next(session);
}

static void
go_on(void *arg)
{
    struct smtp_session *session = arg;

    while (session->state != SESSION_CLOSED && advance(session)) {
    }
}

static void
on_input(void *arg)
{
    settle_heard(arg, true);
    go_on(arg);
}

// A client that goes while its message is being dealt with was told nothing: the message is still
// its own, and it will send it again. Half-closed connections are taken for closed ones, since the
// two cannot be told apart without writing.
static void
on_end(void *arg, enum conn_end how, const struct err *err)
{
    struct smtp_session *session = arg;

    if (log_is_wanted(LOG_DEBUG_))
        log_debug("smtp", "client=%s: %s in state %s: %s", session->envelope.client,
                  conn_end_name(how), session_state_name(session->state), err->text);
    settle_heard(session, how != CONN_ERROR); // an unread reply makes a close a reset
    if (how == CONN_TIMEOUT && is_ending(session))
        say_farewell(session);
    else if (how == CONN_TIMEOUT)
        close_with(session, "4.4.2", "Timeout");
    else
        session_close(session, NULL);
}

static void
on_life_over(void *arg)
{
    struct smtp_session *session = arg;
    uint64_t now = loop_now_ms(session->loop);
    uint64_t most = session->expires_ms + session->config->settings->max_session;
    bool is_preparing = session->state == SESSION_MAIL || session->state == SESSION_RCPT;

    if (session->state == SESSION_WAITING) // it ends behind the answer
        return;
    if (is_preparing && now < most)
        loop_timer_start(session->life, most - now);
    else
        say_farewell(session);
}

static void
fill_envelope(struct smtp_session *session)
{
    const struct smtp_session_config *config = session->config;
    struct smtp_envelope *envelope = &session->envelope;
    char text[ADDR_TEXT_MAX];

    envelope_init(envelope);
    envelope->protocol = (enum smtp_protocol)config->listener->protocol;
    envelope->handoff = config->handoff;
    envelope->next_hop = mem_strdup(config->next_hop);
    envelope->hostname = mem_strdup(config->settings->hostname);
    addr_format_host(conn_peer(session->conn), text);
    envelope->client = mem_strdup(text);
    if (config->listener->name[0] == '\0')
        addr_format(&config->listener->addr, text);
    envelope->listener =
        mem_strdup(config->listener->name[0] != '\0' ? config->listener->name : text);
}

struct smtp_session *
session_new(struct loop *loop, int fd_take, const struct smtp_session_config *config,
            bool xforward_allowed)
{
    static const struct conn_callbacks callbacks = {
        .on_input = on_input, .on_drained = go_on, .on_end = on_end};
    struct smtp_session *session = mem_zalloc(sizeof(*session));
    struct smtp_reply greeting;

    session->loop = loop;
    session->config = config;
    session->xforward_allowed = xforward_allowed;
    session->transaction.session = session;
    session->turn = (struct loop_deferred){.run = go_on, .arg = session};
    session->life = loop_timer_new(loop, on_life_over, session);
    session->expires_ms = loop_now_ms(loop) + config->settings->max_session;
    loop_timer_start(session->life, config->settings->max_session);
    session->conn = conn_new(loop, fd_take, &callbacks, session);
    conn_set_timeout(session->conn, config->listener->timeout);
    fill_envelope(session);
    reply_set(&greeting, 220, NULL, "%s %s Postern", config->settings->hostname,
              config->listener->protocol == SMTP_PROTOCOL_LMTP ? "LMTP" : "ESMTP");
    session_reply(session, &greeting);
    return session;
}

void
session_finish(struct smtp_session *session, const struct smtp_reply *replies, size_t count)
{
    assert(session->state == SESSION_WAITING && session->has_transaction);
    session->has_transaction = false;
    session->errors = 0;
    session_reply_all(session, replies, count);
    session_reset(session);
    // Not at the end of the turn, behind all that is done about the message now: its client waits.
    if (!has_input(session))
        (void)conn_flush(session->conn);
    loop_defer(session->loop, &session->turn);
}

static void
on_stays(void *arg)
{
    settle_heard(arg, true);
}

void
session_watch(struct smtp_session *session, smtp_heard *heard, void *arg)
{
    assert(session->state != SESSION_CLOSED && session->heard == NULL);
    session->heard = heard;
    session->heard_arg = arg;
    session->heard_timer = loop_timer_new(session->loop, on_stays, session);
    loop_timer_start(session->heard_timer, HEARD_MS);
}

void
session_resume(struct smtp_session *session)
{
    if (!session->is_held)
        return;
    session->is_held = false;
    conn_resume(session->conn);
    loop_defer(session->loop, &session->turn);
}

void
session_drain(struct smtp_session *session)
{
    session->is_draining = true;
    if (is_between(session) && session->late_reply == NULL)
        say_farewell(session);
}
