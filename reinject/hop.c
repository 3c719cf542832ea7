// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/hop.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tls.h"
#include "reinject/servers.h"

struct seat { // one of the connections there may be
    struct hop *hop;
    struct client *client; // NULL: free
    struct server *server;
    struct delivery *delivery; // NULL: idle, or still dialing
    size_t settled;            // recipients with a final result when the delivery was given to it
    bool is_greeted, is_used;
};

struct hop {
    struct loop *loop;
    struct hop_config config;
    struct client_config client_config;
    struct tls_context *tls;
    struct servers servers;
    struct seat *seats;
    struct delivery_list waiting;
    struct delivery_list over; // to be told at the end of the turn
    struct loop_deferred tell;
    struct loop_timer *timer;
    uint64_t timer_at_ms;
    struct err why; // the last failure
};

// --- what is over before it began ---

static void
on_tell(void *arg)
{
    struct hop *hop = arg;

    // Those that are added meanwhile wait for the next turn.
    for (size_t count = hop->over.count; count > 0 && hop->over.first != NULL; count--) {
        struct delivery *delivery = hop->over.first;

        delivery_list_remove(&hop->over, delivery);
        delivery->on_done(delivery->arg, delivery);
    }
    if (hop->over.count > 0)
        loop_defer(hop->loop, &hop->tell);
}

static void
give_up(struct hop *hop, struct delivery *delivery, const char *why)
{
    struct answer answer;

    answer_set(&answer, why);
    delivery_fail_open(delivery, DELIVERY_TEMPORARY, &answer);
    delivery_list_remove(&hop->waiting, delivery);
    delivery_list_insert(&hop->over, delivery, NULL);
    delivery->is_over = true;
    loop_defer(hop->loop, &hop->tell);
}

static void
wake_at(struct hop *hop, uint64_t at_ms)
{
    uint64_t now = loop_now_ms(hop->loop);

    if (loop_timer_is_running(hop->timer) && hop->timer_at_ms <= at_ms)
        return;
    hop->timer_at_ms = at_ms;
    loop_timer_start(hop->timer, at_ms > now ? at_ms - now : 0);
}

// --- connections ---

static struct seat *
free_seat(struct hop *hop)
{
    for (size_t i = 0; i < hop->config.connections; i++) {
        if (hop->seats[i].client == NULL)
            return &hop->seats[i];
    }
    return NULL;
}

static void
leave_seat(struct seat *seat, bool with_quit)
{
    if (seat->is_greeted)
        seat->server->live--;
    else
        seat->server->dialing--;
    if (with_quit)
        client_quit(&seat->client);
    else
        client_abort(&seat->client);
    *seat = (struct seat){.hop = seat->hop};
}

static void
dial(struct hop *hop, struct server *server)
{
    struct seat *seat = free_seat(hop);

    assert(seat != NULL); // who dials has asked
    seat->server = server;
    server->dialing++;
    hop->client_config.arg = seat;
    seat->client = client_new(hop->loop, &server->addr, &hop->client_config);
}

static bool
is_idle(const struct seat *seat)
{
    return seat->client != NULL && seat->delivery == NULL && client_is_usable(seat->client);
}

// An idle connection to the best server. Those to the ones behind it have served their time.
static struct seat *
idle_seat(struct hop *hop)
{
    const struct server *best = servers_best(&hop->servers);

    for (size_t i = 0; i < hop->config.connections; i++) {
        struct seat *seat = &hop->seats[i];

        if (!is_idle(seat))
            continue;
        if (best == NULL || seat->server == best)
            return seat;
        leave_seat(seat, true);
    }
    return NULL;
}

static size_t
settled(const struct delivery *delivery)
{
    return delivery_count(delivery, DELIVERY_SENT) + delivery_count(delivery, DELIVERY_PERMANENT);
}

static void
assign(struct seat *seat, struct delivery *delivery)
{
    uint64_t waited_us = delivery_clock_us() - delivery->asked_us;
    uint64_t connect_us = seat->is_used ? 0 : client_connect_us(seat->client);

    delivery->connect_us += connect_us;
    delivery->wait_us += waited_us > connect_us ? waited_us - connect_us : 0;
    seat->is_used = true;
    seat->delivery = delivery;
    seat->settled = settled(delivery);
    client_send(seat->client, delivery);
}

static bool
is_overdue(const struct hop *hop, const struct delivery *delivery)
{
    return delivery->deadline_ms > 0 && delivery->deadline_ms <= loop_now_ms(hop->loop);
}

// Who waits longest gets the connections there are.
static void
serve(struct hop *hop)
{
    while (hop->waiting.first != NULL) {
        struct delivery *delivery = hop->waiting.first;
        struct seat *seat;

        if (is_overdue(hop, delivery)) {
            give_up(hop, delivery, "deadline passed");
            continue;
        }
        seat = idle_seat(hop);
        if (seat == NULL)
            return;
        delivery_list_remove(&hop->waiting, delivery);
        assign(seat, delivery);
    }
}

// All servers are dead: one connection a second finds out whether they still are; meanwhile nobody
// waits for them.
static void
probe_dead(struct hop *hop)
{
    struct server *server = servers_probe(&hop->servers, loop_now_ms(hop->loop));

    if (server != NULL)
        dial(hop, server);
    while (hop->waiting.first != NULL && !servers_are_dialing(&hop->servers))
        give_up(hop, hop->waiting.first, hop->why.text);
}

static void
dial_more(struct hop *hop, struct server *best)
{
    if (best->quiet_until_ms > loop_now_ms(hop->loop)) {
        wake_at(hop, best->quiet_until_ms);
        return;
    }
    while (best->dialing < hop->waiting.count && free_seat(hop) != NULL)
        dial(hop, best);
}

static void
dispatch(struct hop *hop)
{
    struct server *best = servers_best(&hop->servers);
    struct server *due = servers_due(&hop->servers, loop_now_ms(hop->loop));

    if (hop->waiting.first == NULL)
        return;
    if (due != NULL && free_seat(hop) != NULL)
        dial(hop, due);
    serve(hop);
    if (hop->waiting.first == NULL)
        return;
    if (best != NULL)
        dial_more(hop, best);
    else
        probe_dead(hop);
}

// It could not be reached or did not greet; the others that dial it will fare no better.
static void
blame(struct hop *hop, struct server *server, const struct err *why)
{
    uint64_t dead_time = hop->config.settings->dead_time;
    char text[ADDR_TEXT_MAX];

    hop->why = *why;
    addr_format(&server->addr, text);
    if (servers_blame(&hop->servers, server, loop_now_ms(hop->loop), dead_time))
        log_warning("send", "next hop %s is down: %s", text, why->text);
    for (size_t i = 0; i < hop->config.connections && server->is_dead; i++) {
        if (hop->seats[i].server == server)
            leave_seat(&hop->seats[i], false);
    }
}

static void
on_ready(void *arg, struct client *client)
{
    struct seat *seat = arg;
    struct server *server = seat->server;
    const struct hop_config *config = &seat->hop->config;
    char text[ADDR_TEXT_MAX];

    seat->is_greeted = true;
    server->dialing--;
    server->live++;
    addr_format(&server->addr, text);
    if (servers_revive(server))
        log_info("send", "next hop %s answers again", text);
    if (servers_learn(server, client_caps(client)) && config->on_caps != NULL)
        config->on_caps(config->arg, &server->addr, &server->caps);
    dispatch(seat->hop);
}

static void
on_closed(void *arg, struct client *client, const struct err *why)
{
    struct seat *seat = arg;
    struct hop *hop = seat->hop;
    struct server *server = seat->server;

    (void)client;
    leave_seat(seat, false);
    if (why != NULL)
        blame(hop, server, why);
    dispatch(hop);
}

// --- transactions ---

static void
wait_in_front(struct hop *hop, struct delivery *delivery)
{
    delivery->asked_us = delivery_clock_us();
    delivery_list_insert(&hop->waiting, delivery, hop->waiting.first);
    // The timer may have fired while it had a connection, whose clock it was under.
    if (delivery->deadline_ms > 0)
        wake_at(hop, delivery->deadline_ms);
    dispatch(hop);
}

// The connection had died while nobody used it: those that lay idle beside it are of its age.
static void
start_over(struct hop *hop, struct delivery *delivery, const struct server *server)
{
    for (size_t i = 0; i < hop->config.connections; i++) {
        if (hop->seats[i].server == server && is_idle(&hop->seats[i]))
            leave_seat(&hop->seats[i], true);
    }
    delivery->was_stale = true;
    wait_in_front(hop, delivery);
}

// 452 4.5.3: no answer to these yet. They go on as long as each transaction settles somebody;
// else they keep what the server said to them.
static bool
has_more(const struct delivery *delivery, size_t settled_before)
{
    return delivery_count(delivery, DELIVERY_NONE) > 0 && settled(delivery) > settled_before;
}

static void
postpone_rest(struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->rcpt_count; i++) {
        if (delivery->rcpts[i].result == DELIVERY_NONE)
            delivery->rcpts[i].result = DELIVERY_TEMPORARY;
    }
}

static void
on_done(void *arg, struct client *client, struct delivery *delivery, bool is_stale)
{
    struct seat *seat = arg;
    struct hop *hop = seat->hop;
    struct server *server = seat->server;
    size_t settled_before = seat->settled;
    struct answer answer;

    seat->delivery = NULL;
    // One of ours must leave where a better server is to be looked at.
    if (!client_is_usable(client))
        leave_seat(seat, false);
    else if (hop->waiting.first != NULL &&
             servers_due(&hop->servers, loop_now_ms(hop->loop)) != NULL && free_seat(hop) == NULL)
        leave_seat(seat, true);
    if (is_stale && !delivery->was_stale) {
        start_over(hop, delivery, server);
        return;
    }
    if (is_stale) {
        answer_set(&answer, "the connection was lost before any reply, twice");
        delivery_fail_open(delivery, DELIVERY_TEMPORARY, &answer);
    }
    if (has_more(delivery, settled_before)) {
        wait_in_front(hop, delivery);
        return;
    }
    postpone_rest(delivery);
    dispatch(hop);
    delivery->on_done(delivery->arg, delivery);
}

static void
on_timer(void *arg)
{
    struct hop *hop = arg;
    struct delivery *next;

    for (struct delivery *delivery = hop->waiting.first; delivery != NULL; delivery = next) {
        next = delivery->next;
        if (is_overdue(hop, delivery))
            give_up(hop, delivery, "deadline passed");
        else if (delivery->deadline_ms > 0)
            wake_at(hop, delivery->deadline_ms);
    }
    dispatch(hop);
}

// --- the interface ---

struct hop *
hop_new(struct loop *loop, const struct hop_config *config, struct err *err)
{
    static const struct client_handler handler = {
        .on_ready = on_ready, .on_done = on_done, .on_closed = on_closed};
    const struct hop_settings *settings = config->settings;
    struct tls_context *tls = NULL;
    struct hop *hop;

    assert(config->connections > 0);
    if (settings->tls != HOP_TLS_NO) {
        tls = tls_client_context_new(settings->tls_ca[0] != '\0' ? settings->tls_ca : NULL, err);
        if (tls == NULL)
            return NULL;
    }
    hop = mem_zalloc(sizeof(*hop));
    hop->loop = loop;
    hop->config = *config;
    hop->tls = tls;
    hop->client_config = (struct client_config){
        .settings = settings, .hostname = config->hostname, .tls = tls, .handler = &handler};
    servers_init(&hop->servers, settings);
    hop->seats = mem_zarray(config->connections, sizeof(hop->seats[0]));
    for (size_t i = 0; i < config->connections; i++)
        hop->seats[i].hop = hop;
    hop->tell = (struct loop_deferred){.run = on_tell, .arg = hop};
    hop->timer = loop_timer_new(loop, on_timer, hop);
    return hop;
}

void
hop_learn(struct hop *hop, const struct addr *addr, const struct caps *caps)
{
    struct server *server = servers_find(&hop->servers, addr);

    if (server != NULL)
        (void)servers_learn(server, caps);
}

bool
hop_is_known(const struct hop *hop)
{
    return servers_are_known(&hop->servers);
}

unsigned
hop_offers(const struct hop *hop)
{
    return servers_offers(&hop->servers);
}

void
hop_send(struct hop *hop, struct delivery *delivery)
{
    assert(delivery->rcpt_count > 0);
    delivery_clear(delivery);
    delivery->asked_us = delivery_clock_us();
    delivery_list_insert(&hop->waiting, delivery, NULL);
    if (delivery->deadline_ms > 0)
        wake_at(hop, delivery->deadline_ms);
    dispatch(hop);
}

static int
cancel_seat(struct seat *seat)
{
    struct hop *hop = seat->hop;

    if (client_cancel(seat->client) != 0)
        return -1;
    seat->delivery = NULL;
    if (!client_is_usable(seat->client))
        leave_seat(seat, false);
    dispatch(hop);
    return 0;
}

int
hop_cancel(struct hop *hop, struct delivery *delivery)
{
    // An earlier transaction of it reached somebody.
    if (!delivery->is_over && delivery_count(delivery, DELIVERY_SENT) > 0)
        return -1;
    for (size_t i = 0; i < hop->config.connections; i++) {
        if (hop->seats[i].delivery == delivery)
            return cancel_seat(&hop->seats[i]);
    }
    delivery_list_remove(delivery->is_over ? &hop->over : &hop->waiting, delivery);
    return 0;
}

bool
hop_server(const struct hop *hop, size_t index, struct hop_server *server_out)
{
    size_t count = hop->servers.count;
    const struct server *server = index < count ? &hop->servers.items[index] : NULL;

    if (server != NULL)
        *server_out = (struct hop_server){
            .addr = &server->addr, .is_up = !server->is_dead, .connections = server->live};
    return server != NULL;
}

size_t
hop_waiting(const struct hop *hop)
{
    return hop->waiting.count;
}

void
hop_free(struct hop **hop)
{
    struct hop *gone = *hop;

    if (gone == NULL)
        return;
    assert(gone->waiting.count == 0 && gone->over.count == 0);
    for (size_t i = 0; i < gone->config.connections; i++) {
        assert(gone->seats[i].delivery == NULL);
        if (gone->seats[i].client != NULL)
            leave_seat(&gone->seats[i], true);
    }
    loop_undefer(gone->loop, &gone->tell);
    loop_timer_free(&gone->timer);
    tls_context_free(&gone->tls);
    mem_free(&gone->seats);
    servers_clear(&gone->servers);
    mem_free(hop);
}
