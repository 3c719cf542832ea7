// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/client.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "reinject/client_state.h"

// HURRY_MS: a connection unused for longer may have died unseen. Its next message lets the body
// wait for a first reply: without one, nothing can have been delivered and it is safe to try anew.
enum { HURRY_MS = 1000 };

static void
end_transaction(struct client *client, bool needs_reset)
{
    struct delivery *delivery = client->transaction.delivery;

    client->is_forward_refused |= client->transaction.is_forward_refused;
    transaction_clear(&client->transaction);
    client->is_used = true;
    client->idle_since_ms = loop_now_ms(client->loop);
    // More replies than questions: the next ones could not be told from these.
    if (conn_input(client->conn).len > 0) {
        log_warning("send", "%s said more than it was asked: dropped", client->relay);
        client_close_conn(client);
    } else if (needs_reset) {
        client_say(client, "RSET", NULL);
        client->is_resetting = true;
    }
    client->config.handler->on_done(client->config.arg, client, delivery, false);
}

static void
lose_distrusted(struct client *client, const struct answer *answer)
{
    struct answer why;
    char text[ANSWER_TEXT_MAX];

    if (answer->code / 100 == 4 || answer->code / 100 == 5) {
        client_lose_by_answer(client, answer);
        return;
    }
    (void)snprintf(text, sizeof(text), "%s answered %s with %d %.200s", client->relay,
                   step_find(client->transaction.state)->name, answer->code, answer->text);
    answer_set(&why, text);
    client_lose_transaction(client, &why, false);
}

static void
read_reply(struct client *client, const struct answer *answer)
{
    if (client->state != STEP_IDLE) {
        client_read_greeting(client, answer);
        return;
    }
    if (client->is_resetting && answer->code / 100 == 2) {
        client->is_resetting = false;
        if (client_is_busy(client) && client->transaction.is_held)
            transaction_release(&client->transaction);
        return;
    }
    if (client->is_resetting || !client_is_busy(client)) {
        struct err err;

        err_set(&err, ERR_TEMP, "%s answered %d %s where nothing was asked", client->relay,
                answer->code, answer->text);
        client_lose(client, &err, true);
        return;
    }
    switch (transaction_read(&client->transaction, answer)) {
    case TRANSACTION_GOES_ON:
        break;
    case TRANSACTION_OVER:
        end_transaction(client, false);
        break;
    case TRANSACTION_RESET:
        end_transaction(client, true);
        break;
    case TRANSACTION_DISTRUST:
        lose_distrusted(client, answer);
        break;
    }
}

static void
on_line(void *arg, struct span line)
{
    struct client *client = arg;

    // The first line of the reply names the server.
    if (client->state == STEP_EHLO && client->lines++ > 0)
        caps_add_line(&client->caps, line);
}

// A server that collects small replies (Nagle's algorithm; Postfix's smtpd does) keeps the next one
// back until the one before is acknowledged. Where nothing that we send carries that, the kernel
// alone lets it wait for 40 ms.
static void
acknowledge(const struct client *client, bool was_dot_out)
{
    const struct transaction *transaction = &client->transaction;
    bool has_sent = transaction->is_sending || transaction->is_dot_out != was_dot_out ||
                    conn_unsent(client->conn) > 0;
    int on = 1;

    if (client_is_busy(client) && !has_sent && !addr_is_unix(&client->addr))
        (void)setsockopt(conn_fd(client->conn), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

static void
on_input(void *arg)
{
    struct client *client = arg;
    enum answer_result result = ANSWER_DONE;
    struct answer answer;
    struct span input;
    size_t used;
    bool was_dot_out = client->transaction.is_dot_out;

    // Callbacks may close this connection, or begin the next transaction on it.
    while (client->state != STEP_CLOSED && result == ANSWER_DONE) {
        input = conn_input(client->conn);
        if (input.len == 0)
            break;
        result = answer_read(input, &answer, &used, on_line, client);
        if (result == ANSWER_BAD || (result == ANSWER_NEED_MORE && input.len >= CONN_INPUT_MAX)) {
            client_lose_for(client, "the reply is not one of SMTP");
        } else if (result == ANSWER_DONE) {
            conn_consume(client->conn, used);
            read_reply(client, &answer);
        }
    }
    if (client->state != STEP_CLOSED && result == ANSWER_DONE) {
        acknowledge(client, was_dot_out);
        client_expect(client);
    }
}

static void
send_more(struct client *client)
{
    const struct err *err;
    struct err why;

    if (!client_is_busy(client) || transaction_send(&client->transaction) != TRANSACTION_DISTRUST)
        return;
    err = body_err(client->transaction.delivery->body);
    err_set(&why, ERR_TEMP, "cannot read the message: %s", err->text);
    client_lose(client, &why, false);
}

static void
on_body_ready(void *arg)
{
    send_more(arg);
}

static void
on_drained(void *arg)
{
    struct client *client = arg;

    send_more(client);
    if (client->state != STEP_CLOSED && client_is_busy(client))
        client_expect(client);
}

static void
on_open(void *arg)
{
    struct client *client = arg;

    client->is_connected = true;
    if (client->state == STEP_STARTTLS)
        client_hello(client, STEP_EHLO);
    client_expect(client);
}

// What conn says, without the address, which we write ourselves.
static const char *
reason(const struct client *client, const struct err *err)
{
    char prefix[ADDR_TEXT_MAX + 16] = "connect to ";
    size_t len = strlen(prefix);

    addr_format(&client->addr, prefix + len);
    len = strlen(prefix);
    if (strncmp(err->text, prefix, len) == 0 && strncmp(err->text + len, ": ", 2) == 0)
        return err->text + len + 2;
    return err->text;
}

static void
on_end(void *arg, enum conn_end end, const struct err *err)
{
    struct client *client = arg;
    enum step_state state = client_is_busy(client) ? client->transaction.state : client->state;
    struct err why;

    (void)end;
    if (!client->is_connected)
        err_set(&why, ERR_TEMP, "connect to %s: %s", client->relay, reason(client, err));
    else
        err_set(&why, ERR_TEMP, "lost %s at %s: %s", client->relay, step_find(state)->name,
                err->text);
    client_lose(client, &why, true);
}

static void
on_refusal(void *arg)
{
    struct client *client = arg;
    struct delivery *delivery = client->transaction.delivery;

    client->is_refusing = false;
    client->transaction.delivery = NULL;
    client->config.handler->on_done(client->config.arg, client, delivery, false);
    if (client->state != STEP_CLOSED)
        client_expect(client);
}

// What this server cannot take, or must not get, is not even begun. Alarm: a human must see to it.
static bool
refuse(struct client *client, struct delivery *delivery)
{
    const char *missing = step_missing(delivery, &client->caps);
    char text[ANSWER_TEXT_MAX];
    struct answer answer;

    if (missing != NULL)
        (void)snprintf(text, sizeof(text), "%s does not offer %s, which the message needs",
                       client->relay, missing);
    else if (!step_is_safe(delivery))
        (void)snprintf(text, sizeof(text), "control characters in the envelope");
    else
        return false;
    answer_set(&answer, text);
    delivery_fail_open(delivery, DELIVERY_TEMPORARY, &answer);
    delivery->alarm = true;
    client->transaction.delivery = delivery;
    client->is_refusing = true;
    loop_defer(client->loop, &client->refusal);
    return true;
}

void
client_send(struct client *client, struct delivery *delivery)
{
    const struct hop_settings *settings = client->config.settings;
    uint64_t unused_ms = loop_now_ms(client->loop) - client->idle_since_ms;
    struct transaction_way way = {
        .is_lmtp = settings->protocol == HOP_LMTP,
        .may_chunk = settings->chunking,
        .may_hurry = unused_ms < HURRY_MS,
        .is_held = client->is_resetting && (client->caps.flags & CAPS_PIPELINING) == 0,
        .without_forward = client->is_forward_refused,
    };

    assert(client_is_usable(client));
    memcpy(delivery->relay, client->relay, sizeof(delivery->relay));
    delivery->offers_dsn = (client->caps.flags & CAPS_DSN) != 0;
    delivery->tls = conn_is_tls(client->conn);
    if (refuse(client, delivery))
        return;
    client->transaction.conn = client->conn;
    client->transaction.caps = &client->caps;
    transaction_begin(&client->transaction, delivery, &way, on_body_ready, client);
    client_expect(client);
}

int
client_cancel(struct client *client)
{
    if (client->transaction.is_dot_out)
        return -1;
    if (client->is_refusing) {
        loop_undefer(client->loop, &client->refusal);
        client->is_refusing = false;
        client->transaction.delivery = NULL;
        return 0;
    }
    transaction_clear(&client->transaction);
    client_close_conn(client);
    return 0;
}

struct client *
client_new(struct loop *loop, const struct addr *addr, const struct client_config *config)
{
    static const struct conn_callbacks callbacks = {
        .on_open = on_open, .on_input = on_input, .on_drained = on_drained, .on_end = on_end};
    struct client *client = mem_zalloc(sizeof(*client));
    char text[ADDR_TEXT_MAX];

    client->loop = loop;
    client->config = *config;
    client->addr = *addr;
    addr_format(addr, text);
    (void)snprintf(client->relay, sizeof(client->relay), "%s", strchr(text, ':') + 1);
    client->state = STEP_GREETING;
    client->began_us = delivery_clock_us();
    client->refusal = (struct loop_deferred){.run = on_refusal, .arg = client};
    client->timer = loop_timer_new(loop, client_check_time, client);
    client->conn = conn_connect(loop, addr, config->settings->connect_timeout, &callbacks, client);
    return client;
}

bool
client_is_usable(const struct client *client)
{
    return client->state == STEP_IDLE && !client_is_busy(client);
}

const struct caps *
client_caps(const struct client *client)
{
    return &client->caps;
}

uint64_t
client_connect_us(const struct client *client)
{
    return client->connect_us;
}

void
client_quit(struct client **client)
{
    if (*client != NULL && client_is_usable(*client)) {
        client_say_goodbye(*client);
    }
    client_abort(client);
}

void
client_abort(struct client **client)
{
    struct client *gone = *client;

    *client = NULL;
    if (gone == NULL)
        return;
    assert(!client_is_busy(gone)); // cancelled before, or told that it is done
    client_close_conn(gone);
    loop_timer_free(&gone->timer);
    loop_free_later(gone->loop, gone);
}
