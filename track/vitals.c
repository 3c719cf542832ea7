// SPDX-License-Identifier: BSD-2-Clause
#include "track/vitals.h"

#include "base/pack.h"

enum { SERVER_LEAST = 5 }; // bytes that one takes

int
vitals_write(const struct vitals *vitals, struct buf *out)
{
    struct pack pack;

    pack_begin(&pack, out);
    pack_number(&pack, (uint64_t)vitals->pid);
    pack_number(&pack, vitals->jobs);
    pack_number(&pack, vitals->waiting);
    pack_number(&pack, vitals->is_draining);
    pack_number(&pack, vitals->server_count);
    for (size_t i = 0; i < vitals->server_count && !pack.has_failed; i++) {
        const struct vitals_server *server = &vitals->servers[i];

        pack_span(&pack, server->owner);
        pack_span(&pack, server->address);
        pack_number(&pack, server->is_hop);
        pack_number(&pack, server->is_up);
        pack_number(&pack, server->connections);
    }
    if (vitals->server_count > VITALS_SERVERS_MAX)
        pack.has_failed = true;
    return pack_end(&pack);
}

int
vitals_read(struct span payload, struct arena *arena, struct vitals *vitals_out)
{
    struct unpack unpack = {.rest = payload};
    struct vitals vitals = {.pid = (int64_t)unpack_number(&unpack, INT32_MAX)};

    *vitals_out = (struct vitals){0};
    vitals.jobs = unpack_number(&unpack, INT64_MAX);
    vitals.waiting = unpack_number(&unpack, INT64_MAX);
    vitals.is_draining = unpack_flag(&unpack);
    vitals.server_count = unpack_count(&unpack, SERVER_LEAST);
    if (vitals.server_count > VITALS_SERVERS_MAX)
        return -1;
    if (vitals.server_count > 0) {
        vitals.servers = arena_array(arena, vitals.server_count, sizeof(vitals.servers[0]));
        if (vitals.servers == NULL)
            return -1;
    }
    for (size_t i = 0; i < vitals.server_count; i++) {
        struct vitals_server *server = &vitals.servers[i];

        server->owner = unpack_span(&unpack);
        server->address = unpack_span(&unpack);
        server->is_hop = unpack_flag(&unpack);
        server->is_up = unpack_flag(&unpack);
        server->connections = (uint32_t)unpack_number(&unpack, UINT32_MAX);
    }
    if (unpack_end(&unpack) != 0)
        return -1;
    *vitals_out = vitals;
    return 0;
}
