// SPDX-License-Identifier: BSD-2-Clause
#include "src/worker/pulse.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"

// Its addresses as text, all servers of a worker.
enum { ARENA_MAX = VITALS_SERVERS_MAX * (ADDR_TEXT_MAX + sizeof(struct vitals_server) + 64) };

struct pulse {
    struct pulse_parts parts;
    struct loop_timer *timer;
    bool is_draining;
};

struct view { // while it is made
    struct vitals vitals;
    struct arena arena;
};

static void
add(struct view *view, const struct addr *addr, const struct vitals_server *server)
{
    struct vitals *vitals = &view->vitals;
    char text[ADDR_TEXT_MAX];

    if (vitals->server_count == VITALS_SERVERS_MAX)
        return;
    addr_format(addr, text);
    vitals->servers[vitals->server_count] = *server;
    vitals->servers[vitals->server_count++].address = arena_copy(&view->arena, span_of(text));
}

static void
add_filters(struct view *view, const struct filters *filters)
{
    for (size_t i = 0; i < filters_count(filters); i++) {
        struct vitals_server server = {.owner = span_of(filters_settings(filters, i)->name)};

        for (size_t k = 0; k < filters_server_count(filters, i); k++) {
            server.is_up = filters_server_is_up(filters, i, k);
            add(view, filters_server_addr(filters, i, k), &server);
        }
    }
}

static void
add_hops(struct view *view, const struct routes *routes)
{
    const char *name;
    const struct hop *hop;
    struct hop_server found;

    for (size_t i = 0; (hop = routes_at(routes, i, &name)) != NULL; i++) {
        for (size_t k = 0; hop_server(hop, k, &found); k++) {
            struct vitals_server server = {.owner = span_of(name),
                                           .is_hop = true,
                                           .is_up = found.is_up,
                                           .connections = (uint32_t)found.connections};

            add(view, found.addr, &server);
        }
    }
}

static void
tell(void *arg)
{
    struct pulse *pulse = arg;
    const struct pulse_parts *parts = &pulse->parts;
    struct view view = {
        .vitals = {.pid = getpid(),
                   .jobs = jobs_count(parts->jobs),
                   .waiting = spool_waiting_count(parts->spool),
                   .is_draining = pulse->is_draining}
    };

    arena_init(&view.arena, ARENA_MAX);
    view.vitals.servers = arena_array(&view.arena, VITALS_SERVERS_MAX, sizeof *view.vitals.servers);
    add_filters(&view, parts->filters);
    add_hops(&view, parts->routes);
    teller_tell_vitals(parts->teller, &view.vitals);
    arena_clear(&view.arena);
    mem_give_back();
    loop_timer_start(pulse->timer, VITALS_EVERY_MS);
}

struct pulse *
pulse_new(const struct pulse_parts *parts)
{
    struct pulse *pulse = mem_zalloc(sizeof *pulse);

    pulse->parts = *parts;
    pulse->timer = loop_timer_new(parts->loop, tell, pulse);
    tell(pulse);
    return pulse;
}

void
pulse_drain(struct pulse *pulse)
{
    pulse->is_draining = true;
    tell(pulse);
}

void
pulse_free(struct pulse **pulse)
{
    if (*pulse != NULL)
        loop_timer_free(&(*pulse)->timer);
    mem_free(pulse);
}
