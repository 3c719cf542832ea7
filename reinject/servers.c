// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/servers.h"

#include "base/mem.h"

void
servers_init(struct servers *servers, const struct hop_settings *settings)
{
    const struct addr *backup = settings->backup.items;

    *servers = (struct servers){.count = settings->backup.count + 1};
    servers->items = mem_zarray(servers->count, sizeof(servers->items[0]));
    servers->items[0].addr = settings->addr;
    for (size_t i = 1; i < servers->count; i++)
        servers->items[i].addr = backup[i - 1];
}

void
servers_clear(struct servers *servers)
{
    mem_free(&servers->items);
    servers->count = 0;
}

struct server *
servers_best(const struct servers *servers)
{
    for (size_t i = 0; i < servers->count; i++) {
        if (!servers->items[i].is_dead)
            return &servers->items[i];
    }
    return NULL;
}

struct server *
servers_due(const struct servers *servers, uint64_t now_ms)
{
    struct server *due = NULL;

    for (size_t i = 0; i < servers->count; i++) {
        struct server *server = &servers->items[i];

        if (!server->is_dead)
            return due;
        if (due == NULL && server->dialing == 0 && server->retry_at_ms <= now_ms)
            due = server;
    }
    return NULL;
}

bool
servers_are_dialing(const struct servers *servers)
{
    for (size_t i = 0; i < servers->count; i++) {
        if (servers->items[i].dialing > 0)
            return true;
    }
    return false;
}

struct server *
servers_probe(const struct servers *servers, uint64_t now_ms)
{
    struct server *oldest = &servers->items[0];

    if (servers->probe_at_ms > now_ms || servers_are_dialing(servers))
        return NULL;
    for (size_t i = 1; i < servers->count; i++) {
        if (servers->items[i].retry_at_ms < oldest->retry_at_ms)
            oldest = &servers->items[i];
    }
    return oldest;
}

bool
servers_revive(struct server *server)
{
    bool was_dead = server->is_dead;

    server->is_dead = false;
    server->quiet_until_ms = 0;
    return was_dead;
}

bool
servers_blame(struct servers *servers, struct server *server, uint64_t now_ms,
              uint64_t dead_time_ms)
{
    bool was_dead = server->is_dead;

    if (server->live > 0) {
        server->quiet_until_ms = now_ms + SERVERS_PROBE_MS;
        return false;
    }
    server->is_dead = true;
    server->retry_at_ms = now_ms + dead_time_ms;
    servers->probe_at_ms = now_ms + SERVERS_PROBE_MS;
    return !was_dead;
}

bool
servers_learn(struct server *server, const struct caps *caps)
{
    bool is_news = !server->is_known || !caps_equal(&server->caps, caps);

    server->caps = *caps;
    server->is_known = true;
    return is_news;
}

struct server *
servers_find(const struct servers *servers, const struct addr *addr)
{
    for (size_t i = 0; i < servers->count; i++) {
        if (addr_equal(&servers->items[i].addr, addr))
            return &servers->items[i];
    }
    return NULL;
}

bool
servers_are_known(const struct servers *servers)
{
    for (size_t i = 0; i < servers->count; i++) {
        if (servers->items[i].is_known)
            return true;
    }
    return false;
}

unsigned
servers_offers(const struct servers *servers)
{
    unsigned flags = ~0U;

    // What is not offered, Postfix bounces (SMTPUTF8) or rewrites (8BITMIME): rather promise too
    // much and let mail wait.
    if (!servers_are_known(servers))
        return CAPS_8BITMIME | CAPS_SMTPUTF8 | CAPS_DSN;
    for (size_t i = 0; i < servers->count; i++) {
        if (servers->items[i].is_known)
            flags &= servers->items[i].caps.flags;
    }
    return flags;
}
