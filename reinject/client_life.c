// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/client_state.h"

#include <string.h>

#include "base/log.h"

enum { QUIT_LINGER_MS = 2000 };

void
client_set_state(struct client *client, enum step_state state)
{
    if (log_is_wanted(LOG_DEBUG_))
        log_debug("send", "%s: %s -> %s", client->relay, step_find(client->state)->name,
                  step_find(state)->name);
    client->state = state;
}

bool
client_is_busy(const struct client *client)
{
    return client->transaction.delivery != NULL;
}

// The next reply, or the next piece of content to be taken, is due.
static void
expect(struct client *client, uint64_t within_ms)
{
    const struct delivery *delivery = client->transaction.delivery;
    uint64_t now = loop_now_ms(client->loop);
    uint64_t at;

    client->due_ms = now + within_ms;
    at = client->due_ms;
    if (delivery != NULL && delivery->deadline_ms > 0 && delivery->deadline_ms < at &&
        !client->transaction.is_dot_out)
        at = delivery->deadline_ms;
    // Moving a timer with each reply costs more than letting it fire in vain now and then.
    if (loop_timer_is_running(client->timer) && client->timer_at_ms <= at &&
        client->timer_at_ms >= now)
        return;
    client->timer_at_ms = at;
    loop_timer_start(client->timer, at > now ? at - now : 0);
}

void
client_expect(struct client *client)
{
    const struct hop_settings *settings = client->config.settings;

    if (client->state != STEP_IDLE)
        expect(client, settings->connect_timeout);
    else if (!client_is_busy(client))
        expect(client, settings->idle);
    else if (client->transaction.state == STEP_DOT || client->transaction.is_dot_out)
        expect(client, settings->dot_timeout);
    else
        expect(client, settings->timeout);
}

void
client_close_conn(struct client *client)
{
    conn_abort(&client->conn);
    loop_timer_stop(client->timer);
    loop_undefer(client->loop, &client->refusal);
    client_set_state(client, STEP_CLOSED);
}

// A transaction ends with its connection. answer tells why: the server's, or ours (code 0).
void
client_lose_transaction(struct client *client, const struct answer *answer, bool may_be_stale)
{
    struct transaction *transaction = &client->transaction;
    struct delivery *delivery = transaction->delivery;
    bool is_refused = answer->code / 100 == 4 || answer->code / 100 == 5;
    bool is_begun = !client->is_refusing; // else its recipients have their results already
    bool is_stale = may_be_stale && is_begun && client->is_used && !transaction->is_answered &&
                    !transaction->is_dot_out;

    if (!is_stale) {
        delivery->dot_sent =
            transaction->is_dot_out && !is_refused && delivery_count(delivery, DELIVERY_NONE) > 0;
        delivery_fail_open(delivery, DELIVERY_TEMPORARY, answer);
    }
    transaction_clear(transaction);
    client_close_conn(client);
    client->config.handler->on_done(client->config.arg, client, delivery, is_stale);
}

void
client_lose(struct client *client, const struct err *err, bool may_be_stale)
{
    bool was_greeted = client->state == STEP_IDLE;
    struct answer answer;

    if (client_is_busy(client)) {
        answer_set(&answer, err->text);
        client_lose_transaction(client, &answer, may_be_stale);
        return;
    }
    client_close_conn(client);
    client->config.handler->on_closed(client->config.arg, client, was_greeted ? NULL : err);
}

// The server said something that ends this connection.
void
client_lose_by_answer(struct client *client, const struct answer *answer)
{
    struct err err;

    if (client_is_busy(client)) {
        client_lose_transaction(client, answer, answer->code == 421);
        return;
    }
    err_set(&err, ERR_TEMP, "%s answered %s with %d %s %s", client->relay,
            step_find(client->state)->name, answer->code, answer->enhanced, answer->text);
    client_lose(client, &err, false);
}

void
client_lose_for(struct client *client, const char *what)
{
    struct err err;

    err_set(&err, ERR_TEMP, "%s: %s", client->relay, what);
    client_lose(client, &err, false);
}

void
client_say(struct client *client, const char *verb, const char *argument)
{
    conn_write(client->conn, verb, strlen(verb));
    if (argument != NULL) {
        conn_write(client->conn, " ", 1);
        conn_write(client->conn, argument, strlen(argument));
    }
    conn_write(client->conn, "\r\n", 2);
}

void
client_say_goodbye(struct client *client)
{
    client_say(client, "QUIT", NULL);
    conn_close(&client->conn, QUIT_LINGER_MS);
}

void
client_check_time(void *arg)
{
    struct client *client = arg;
    const struct delivery *delivery = client->transaction.delivery;
    uint64_t now = loop_now_ms(client->loop);
    struct err err;

    if (delivery != NULL && delivery->deadline_ms > 0 && now >= delivery->deadline_ms &&
        !client->transaction.is_dot_out) {
        client_lose_for(client, "deadline passed");
    } else if (now < client->due_ms) {
        expect(client, client->due_ms - now);
    } else if (client->state == STEP_IDLE && !client_is_busy(client)) {
        client_say_goodbye(client);
        err_set(&err, ERR_TEMP, "idle");
        client_lose(client, &err, false);
    } else {
        err_set(&err, ERR_TEMP, "%s did not answer %s in time", client->relay,
                step_find(delivery != NULL ? client->transaction.state : client->state)->name);
        client_lose(client, &err, false);
    }
}
