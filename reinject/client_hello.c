// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/client_state.h"

void
client_hello(struct client *client, enum step_state state)
{
    bool is_lmtp = client->config.settings->protocol == HOP_LMTP;
    const char *verb = is_lmtp ? "LHLO" : "EHLO";

    client->caps = (struct caps){.flags = 0};
    client->lines = 0;
    client_set_state(client, state);
    client_say(client, state == STEP_HELO ? "HELO" : verb, client->config.hostname);
}

static void
be_ready(struct client *client)
{
    client->connect_us = delivery_clock_us() - client->began_us;
    client->idle_since_ms = loop_now_ms(client->loop);
    client_set_state(client, STEP_IDLE);
    client->config.handler->on_ready(client->config.arg, client);
}

static void
after_hello(struct client *client)
{
    int tls = client->config.settings->tls;
    bool is_wanted = tls != HOP_TLS_NO && !conn_is_tls(client->conn);

    if (is_wanted && (client->caps.flags & CAPS_STARTTLS) != 0) {
        client_set_state(client, STEP_STARTTLS);
        client_say(client, "STARTTLS", NULL);
    } else if (is_wanted && tls == HOP_TLS_REQUIRE) {
        client_lose_for(client, "STARTTLS is required and not offered");
    } else {
        be_ready(client);
    }
}

static void
start_tls(struct client *client)
{
    char host[ADDR_TEXT_MAX];
    bool is_unix = addr_is_unix(&client->addr);

    addr_format_host(&client->addr, host);
    // What came behind the reply came in clear: whoever put it there is not the server.
    if (conn_start_tls(client->conn, client->config.tls, is_unix ? NULL : host) > 0)
        client_lose_for(client, "clear text behind the reply to STARTTLS");
}

void
client_read_greeting(struct client *client, const struct answer *answer)
{
    enum step_next next = step_after(client->state, answer->code);
    bool is_lmtp = client->config.settings->protocol == HOP_LMTP;
    bool is_tls_optional = client->config.settings->tls == HOP_TLS_MAY;

    if (next == NEXT_STATE && client->state == STEP_STARTTLS)
        start_tls(client);
    else if (next != NEXT_DROP && conn_input(client->conn).len > 0)
        // It would pass for the answers to what is asked next, and a message for sent.
        client_lose_for(client, "said more than it was asked");
    else if (next == NEXT_STATE && client->state == STEP_GREETING)
        client_hello(client, STEP_EHLO);
    else if (next == NEXT_STATE)
        after_hello(client);
    else if (next == NEXT_HELO && !is_lmtp)
        client_hello(client, STEP_HELO);
    else if (next == NEXT_WITHOUT_TLS && is_tls_optional)
        be_ready(client);
    else
        client_lose_by_answer(client, answer);
}
