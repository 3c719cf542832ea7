// SPDX-License-Identifier: BSD-2-Clause
#include "filters/upstream.h"

#include <assert.h>

#include "base/mem.h"

enum { SERVERS_MAX = 64 }; // bits of `tried`

struct server {
    const struct addr *addr; // the settings'
    bool is_backup;
    int64_t weight, credit;
    uint64_t *errors; // when the last max_errors of them came, a ring
    uint64_t error_count;
    bool was_dead; // and has not answered since
    bool is_asked; // since it died
    uint64_t died_ms, probe_ms;
};

struct upstream {
    const struct filter_settings *settings;
    struct server servers[SERVERS_MAX];
    size_t count;
};

static void
add_server(struct upstream *upstream, const struct addr *addr, uint64_t weight, bool is_backup)
{
    struct server *server = &upstream->servers[upstream->count];

    assert(upstream->count < SERVERS_MAX);
    server->addr = addr;
    server->is_backup = is_backup;
    server->weight = (int64_t)weight;
    server->errors = mem_zarray(upstream->settings->max_errors, sizeof(*server->errors));
    upstream->count++;
}

struct upstream *
upstream_new(const struct filter_settings *settings)
{
    struct upstream *upstream = mem_zalloc(sizeof(*upstream));
    const struct addr *servers = settings->servers.items;
    const struct addr *backups = settings->backup.items;
    char *const *weights = settings->weights.items;

    upstream->settings = settings;
    for (size_t i = 0; i < settings->servers.count; i++) {
        uint64_t weight = 1;

        if (i < settings->weights.count)
            (void)str_parse_u64(span_of(weights[i]), UINT16_MAX, &weight);
        add_server(upstream, &servers[i], weight, false);
    }
    for (size_t i = 0; i < settings->backup.count; i++)
        add_server(upstream, &backups[i], 1, true);
    return upstream;
}

void
upstream_free(struct upstream **upstream)
{
    if (*upstream == NULL)
        return;
    for (size_t i = 0; i < (*upstream)->count; i++)
        mem_free(&(*upstream)->servers[i].errors);
    mem_free(upstream);
}

size_t
upstream_count(const struct upstream *upstream)
{
    return upstream->count;
}

const struct addr *
upstream_addr(const struct upstream *upstream, size_t index)
{
    return upstream->servers[index].addr;
}

static bool
is_dead(const struct upstream *upstream, const struct server *server, uint64_t now_ms)
{
    return server->was_dead && now_ms - server->died_ms < upstream->settings->dead_time;
}

bool
upstream_is_dead(const struct upstream *upstream, size_t index, uint64_t now_ms)
{
    return is_dead(upstream, &upstream->servers[index], now_ms);
}

static bool
is_tried(uint64_t tried, size_t index)
{
    return (tried >> index & 1) != 0;
}

// Each that could be asked gains its weight, the one that is asked pays them all: a server of
// weight 3 is asked three times as often as one of weight 1, and not three times in a row.
static size_t
pick_living(struct upstream *upstream, bool is_backup, uint64_t now_ms, uint64_t tried)
{
    size_t best = SIZE_MAX;
    int64_t total = 0;

    for (size_t i = 0; i < upstream->count; i++) {
        struct server *server = &upstream->servers[i];

        if (server->is_backup != is_backup || is_tried(tried, i) ||
            is_dead(upstream, server, now_ms))
            continue;
        server->credit += server->weight;
        total += server->weight;
        if (best == SIZE_MAX || server->credit > upstream->servers[best].credit)
            best = i;
    }
    if (best != SIZE_MAX)
        upstream->servers[best].credit -= total;
    return best;
}

// SIZE_MAX: one lives, or all were tried.
static size_t
pick_dead(struct upstream *upstream, uint64_t now_ms, uint64_t tried)
{
    size_t best = SIZE_MAX;

    for (size_t i = 0; i < upstream->count; i++) {
        if (!is_dead(upstream, &upstream->servers[i], now_ms))
            return SIZE_MAX;
        if (!is_tried(tried, i) &&
            (best == SIZE_MAX || upstream->servers[i].died_ms < upstream->servers[best].died_ms))
            best = i;
    }
    if (best != SIZE_MAX)
        upstream->servers[best].is_asked = true;
    return best;
}

size_t
upstream_pick(struct upstream *upstream, uint64_t now_ms, uint64_t tried)
{
    size_t index = pick_living(upstream, false, now_ms, tried);

    if (index == SIZE_MAX)
        index = pick_living(upstream, true, now_ms, tried);
    return index == SIZE_MAX ? pick_dead(upstream, now_ms, tried) : index;
}

bool
upstream_succeeded(struct upstream *upstream, size_t index, uint64_t now_ms)
{
    struct server *server = &upstream->servers[index];

    // Asked before it died: one that drops half of its questions must not live and die all the
    // time.
    if (!server->was_dead || (is_dead(upstream, server, now_ms) && !server->is_asked))
        return false;
    server->was_dead = false;
    server->error_count = 0;
    return true;
}

static void
die(struct upstream *upstream, struct server *server, uint64_t now_ms)
{
    server->was_dead = true;
    server->is_asked = false;
    server->died_ms = now_ms;
    server->probe_ms = now_ms + upstream->settings->probe_interval;
    server->error_count = 0;
    server->credit = 0;
}

bool
upstream_failed(struct upstream *upstream, size_t index, uint64_t now_ms)
{
    struct server *server = &upstream->servers[index];
    uint64_t max = upstream->settings->max_errors;
    uint64_t oldest;

    // Asked all the same, since all are dead: the next question goes to another one.
    if (is_dead(upstream, server, now_ms)) {
        server->died_ms = now_ms;
        return false;
    }
    server->errors[server->error_count++ % max] = now_ms;
    oldest = server->errors[server->error_count % max];
    if (server->error_count < max || now_ms - oldest > upstream->settings->error_time)
        return false;
    die(upstream, server, now_ms);
    return true;
}

size_t
upstream_probe_due(struct upstream *upstream, uint64_t now_ms)
{
    for (size_t i = 0; i < upstream->count; i++) {
        struct server *server = &upstream->servers[i];

        if (upstream->settings->probe_interval == 0 || !is_dead(upstream, server, now_ms) ||
            now_ms < server->probe_ms)
            continue;
        server->probe_ms = now_ms + upstream->settings->probe_interval;
        server->is_asked = true;
        return i;
    }
    return SIZE_MAX;
}

uint64_t
upstream_probe_wait(const struct upstream *upstream, uint64_t now_ms)
{
    uint64_t wait_ms = UINT64_MAX;

    for (size_t i = 0; i < upstream->count && upstream->settings->probe_interval > 0; i++) {
        const struct server *server = &upstream->servers[i];
        uint64_t own_ms = server->probe_ms > now_ms ? server->probe_ms - now_ms : 0;

        if (is_dead(upstream, server, now_ms) && own_ms < wait_ms)
            wait_ms = own_ms;
    }
    return wait_ms;
}
