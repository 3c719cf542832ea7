// SPDX-License-Identifier: BSD-2-Clause
#include "track/redis/publisher.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/dns.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/redis.h"
#include "track/redis/login.h"
#include "track/redis/multi.h"

enum {
    SERVERS_MAX = 16, // of the setting
    TROUBLE_MAX = sizeof((struct publisher_figures *)0)->trouble,
    BATCH_TIMEOUTS = 10,
    IDLE_MS = 1000,        // before that nobody is closed for being idle
    PASSED_OVER_MS = 60000 // between lines about keys of another type
};

enum state {
    STATE_PAUSED, // without a connection
    STATE_LOOKING_UP,
    STATE_CONNECTING, // and logging in
    STATE_READY,
    STATE_SENDING,
    STATE_REFUSED // a batch, which is sent again after a pause
};

static const char *const state_names[] = {
    [STATE_PAUSED] = "paused", [STATE_LOOKING_UP] = "looking up", [STATE_CONNECTING] = "connecting",
    [STATE_READY] = "ready",   [STATE_SENDING] = "sending",       [STATE_REFUSED] = "refused"};

struct publisher {
    struct loop *loop;
    const struct redis_settings *settings;
    char *hostname;
    struct publisher_callbacks callbacks;
    void *arg;
    enum state state;
    size_t server; // which is used or tried
    struct addr addrs[DNS_ADDRS_MAX];
    size_t addr, addr_count; // of its; count 0: they are to be looked up
    struct dns_query *dns;
    struct redis *redis;
    struct login login;
    struct loop_timer *timer; // of a pause, or what a batch may take
    uint64_t pause_ms;        // the next
    uint64_t ready_ms;        // since when
    struct multi multi;
    bool has_batch;
    bool has_taken; // this server, on this connection, a batch
    uint64_t batch_change, change;
    uint64_t passed_over_ms;             // when it was last told; 0: never
    size_t announced;                    // as connected: the server, from 1; 0: trouble since
    char told[SERVERS_MAX][TROUBLE_MAX]; // of each server
    struct publisher_figures figures;
};

static void
set_state(struct publisher *publisher, enum state state)
{
    log_debug("redis", "%s -> %s", state_names[publisher->state], state_names[state]);
    publisher->state = state;
}

static const char *
server_text(const struct publisher *publisher)
{
    return ((char *const *)publisher->settings->servers.items)[publisher->server];
}

// --- what is told ---

// Once for each server and reason, until all is well again.
static void
note_trouble(struct publisher *publisher, const char *why)
{
    const char *server = server_text(publisher);
    char *told = publisher->told[publisher->server];
    char said[TROUBLE_MAX];
    struct buf clean;

    if (strstr(why, server) != NULL)
        (void)snprintf(said, sizeof said, "%s", why);
    else
        (void)snprintf(said, sizeof said, "%s: %s", server, why);
    if (strcmp(told, said) != 0)
        log_warning("redis", "%s", said);
    memcpy(told, said, sizeof said);
    publisher->announced = 0;
    buf_init(&clean, TROUBLE_MAX - 1);
    str_escape(&clean, span_of(said), NULL, TROUBLE_MAX - 1);
    (void)snprintf(publisher->figures.trouble, TROUBLE_MAX, "%s", buf_text(&clean));
    buf_clear(&clean);
}

static void
note_success(struct publisher *publisher)
{
    if (publisher->announced != publisher->server + 1)
        log_info("redis", "connected to %s", server_text(publisher));
    publisher->announced = publisher->server + 1;
    publisher->figures.trouble[0] = '\0';
    memset(publisher->told, 0, sizeof publisher->told);
}

static void
note_passed_over(struct publisher *publisher)
{
    uint64_t now_ms = loop_now_ms(publisher->loop);

    if (publisher->multi.passed_over == 0 ||
        (publisher->passed_over_ms != 0 && now_ms - publisher->passed_over_ms < PASSED_OVER_MS))
        return;
    publisher->passed_over_ms = now_ms;
    log_warning("redis", "%.*s is there, and not a hash: passed over",
                (int)publisher->multi.passed_key.len, publisher->multi.passed_key.data);
}

// --- pauses ---

// Half of it at least; the rest is chance, so that many hosts do not come back as one.
static uint64_t
next_pause(struct publisher *publisher)
{
    uint64_t half_ms = publisher->pause_ms / 2;
    uint32_t chance = 0;

    if (getrandom(&chance, sizeof chance, GRND_NONBLOCK) < 0)
        chance = 0;
    publisher->pause_ms *= 2;
    if (publisher->pause_ms > PUBLISHER_PAUSE_MAX_MS)
        publisher->pause_ms = PUBLISHER_PAUSE_MAX_MS;
    return half_ms + half_ms * chance / UINT32_MAX;
}

// Who was connected for long has shown that it works, even if nothing was to be written.
static void
end_connection(struct publisher *publisher)
{
    if (publisher->figures.is_connected &&
        loop_now_ms(publisher->loop) - publisher->ready_ms > PUBLISHER_PAUSE_MAX_MS)
        publisher->pause_ms = PUBLISHER_PAUSE_MS;
    redis_free(&publisher->redis);
    publisher->figures.is_connected = false;
    publisher->figures.server[0] = '\0';
    set_state(publisher, STATE_PAUSED);
}

// From the first on, once the last has failed.
static void
leave_server(struct publisher *publisher, const char *why)
{
    note_trouble(publisher, why);
    end_connection(publisher);
    publisher->addr_count = 0;
    publisher->server = (publisher->server + 1) % publisher->settings->servers.count;
    loop_timer_start(publisher->timer, publisher->server > 0 ? 0 : next_pause(publisher));
}

// Redis closes what is idle, which is no trouble; only if it is not found again. Who lets us in and
// hangs up at once is of no use.
static void
lose_idle(struct publisher *publisher, const char *why)
{
    if (!publisher->has_taken && loop_now_ms(publisher->loop) - publisher->ready_ms < IDLE_MS) {
        leave_server(publisher, why);
        return;
    }
    end_connection(publisher);
    publisher->addr_count = 0;
    publisher->server = 0;
    loop_timer_start(publisher->timer, next_pause(publisher));
}

// --- batches ---

static void
be_ready(struct publisher *publisher)
{
    set_state(publisher, STATE_READY);
    publisher->callbacks.on_ready(publisher->arg);
}

static void
on_multi_done(void *arg, enum multi_outcome outcome)
{
    struct publisher *publisher = arg;

    loop_timer_stop(publisher->timer);
    if (outcome == MULTI_DONE) {
        note_success(publisher);
        note_passed_over(publisher);
        publisher->pause_ms = PUBLISHER_PAUSE_MS;
        publisher->figures.written += publisher->multi.record_count;
        publisher->change = publisher->batch_change;
        publisher->has_batch = false;
        publisher->has_taken = true;
        multi_clear(&publisher->multi);
        be_ready(publisher);
        return;
    }
    publisher->figures.failures++;
    if (outcome == MULTI_ELSEWHERE) {
        leave_server(publisher, publisher->multi.why);
        return;
    }
    note_trouble(publisher, publisher->multi.why);
    set_state(publisher, STATE_REFUSED);
    loop_timer_start(publisher->timer, next_pause(publisher));
}

static void
send_batch(struct publisher *publisher)
{
    set_state(publisher, STATE_SENDING);
    loop_timer_start(publisher->timer, publisher->settings->timeout * BATCH_TIMEOUTS);
    multi_send(&publisher->multi, publisher->redis, on_multi_done, publisher);
}

// --- connections ---

// The next address of the server, or the next server.
static void
leave_address(struct publisher *publisher, const char *why)
{
    if (publisher->addr + 1 >= publisher->addr_count) {
        leave_server(publisher, why);
        return;
    }
    end_connection(publisher);
    publisher->addr++;
    loop_timer_start(publisher->timer, 0);
}

static void
be_connected(struct publisher *publisher)
{
    struct publisher_figures *figures = &publisher->figures;

    publisher->ready_ms = loop_now_ms(publisher->loop);
    publisher->has_taken = false;
    figures->is_connected = true;
    figures->connects++;
    addr_format(&publisher->addrs[publisher->addr], figures->server);
    // That it listens does not say that it takes what is to be written.
    if (publisher->has_batch) {
        send_batch(publisher);
    } else {
        note_success(publisher);
        be_ready(publisher);
    }
}

static void
on_logged_in(void *arg, const char *why)
{
    if (why == NULL)
        be_connected(arg);
    else
        leave_address(arg, why);
}

static void
on_open(void *arg)
{
    (void)arg; // the login is on its way
}

static void
on_end(void *arg, const struct err *err)
{
    struct publisher *publisher = arg;

    switch (publisher->state) {
    case STATE_READY:
        lose_idle(publisher, err->text);
        break;
    case STATE_CONNECTING:
        leave_address(publisher, err->text);
        break;
    case STATE_SENDING:
        publisher->figures.failures++;
        leave_server(publisher, err->text);
        break;
    default:
        leave_server(publisher, err->text);
        break;
    }
}

static void
connect_address(struct publisher *publisher)
{
    static const struct redis_callbacks callbacks = {.on_open = on_open, .on_end = on_end};

    set_state(publisher, STATE_CONNECTING);
    publisher->redis = redis_connect(publisher->loop, &publisher->addrs[publisher->addr],
                                     publisher->settings->timeout, &callbacks, publisher);
    login_start(&publisher->login, publisher->redis, publisher->settings, on_logged_in, publisher);
}

static void
on_looked_up(void *arg, const struct addr *addrs, size_t count, const struct err *err)
{
    struct publisher *publisher = arg;

    if (count == 0) {
        leave_server(publisher, err->text);
    } else {
        memcpy(publisher->addrs, addrs, count * sizeof *addrs);
        publisher->addr_count = count;
        connect_address(publisher);
    }
    dns_free(&publisher->dns);
}

static void
look_up(struct publisher *publisher)
{
    char host[256];
    uint16_t port;
    struct err err;

    publisher->addr = 0;
    if (redis_server_parse(server_text(publisher), &publisher->addrs[0], host, &port, &err) != 0) {
        leave_server(publisher, err.text);
    } else if (publisher->addrs[0].len > 0) {
        publisher->addr_count = 1;
        connect_address(publisher);
    } else {
        set_state(publisher, STATE_LOOKING_UP);
        publisher->dns = dns_start(publisher->loop, host, port, publisher->settings->timeout,
                                   on_looked_up, publisher);
    }
}

static void
on_timer(void *arg)
{
    struct publisher *publisher = arg;
    char why[60];

    if (publisher->state == STATE_REFUSED) {
        send_batch(publisher);
    } else if (publisher->state == STATE_SENDING) {
        publisher->figures.failures++;
        (void)snprintf(why, sizeof why, "a batch took more than %llu ms",
                       (unsigned long long)publisher->settings->timeout * BATCH_TIMEOUTS);
        leave_server(publisher, why);
    } else if (publisher->addr_count > 0) {
        connect_address(publisher);
    } else {
        look_up(publisher);
    }
}

// --- life ---

struct publisher *
publisher_new(struct loop *loop, const struct redis_settings *settings, const char *hostname,
              const struct publisher_callbacks *callbacks, void *arg)
{
    struct publisher *publisher = mem_zalloc(sizeof *publisher);

    assert(settings->servers.count > 0 && settings->servers.count <= SERVERS_MAX);
    publisher->loop = loop;
    publisher->settings = settings;
    publisher->hostname = mem_strdup(hostname);
    publisher->callbacks = *callbacks;
    publisher->arg = arg;
    publisher->pause_ms = PUBLISHER_PAUSE_MS;
    publisher->timer = loop_timer_new(loop, on_timer, publisher);
    loop_timer_start(publisher->timer, 0);
    return publisher;
}

void
publisher_free(struct publisher **publisher_in)
{
    struct publisher *publisher = *publisher_in;

    if (publisher == NULL)
        return;
    dns_free(&publisher->dns);
    redis_free(&publisher->redis);
    loop_timer_free(&publisher->timer);
    multi_clear(&publisher->multi);
    mem_free(&publisher->hostname);
    loop_free_later(publisher->loop, publisher);
    *publisher_in = NULL;
}

bool
publisher_is_ready(const struct publisher *publisher)
{
    return publisher->state == STATE_READY;
}

void
publisher_send(struct publisher *publisher, const struct record *records, size_t count,
               uint64_t change)
{
    assert(publisher_is_ready(publisher) && count <= PUBLISHER_BATCH_MAX);
    multi_fill(&publisher->multi, records, count, publisher->settings, publisher->hostname);
    publisher->has_batch = true;
    publisher->batch_change = change;
    send_batch(publisher);
}

uint64_t
publisher_change(const struct publisher *publisher)
{
    return publisher->change;
}

void
publisher_get(const struct publisher *publisher, struct publisher_figures *figures_out)
{
    *figures_out = publisher->figures;
}
