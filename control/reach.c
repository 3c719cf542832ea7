// SPDX-License-Identifier: BSD-2-Clause
#include "control/reach.h"

#include <string.h>

#include "base/mem.h"

enum {
    KEEP = LANDLOCK_READ | LANDLOCK_WRITE | LANDLOCK_CHANGE,
    PORT_OF_NAMES = 53,
    HOST_MAX = 256
};

static void
add_path(struct landlock_rules *reach, const char *path, unsigned rights)
{
    if (path == NULL || path[0] == '\0')
        return;
    reach->grants = mem_regrow(reach->grants, reach->grant_count + 1, sizeof *reach->grants);
    reach->grants[reach->grant_count++] = (struct landlock_grant){mem_strdup(path), rights};
}

// A new file of that name may take its place; what it links to may lie elsewhere.
static void
add_folder_of(struct landlock_rules *reach, const char *path, unsigned rights)
{
    const char *slash = strrchr(path, '/');
    char *folder;

    if (slash == NULL)
        return;
    add_path(reach, path, rights);
    folder = slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
    add_path(reach, folder, rights);
    mem_free(&folder);
}

static void
add_port(struct landlock_rules *reach, uint16_t port)
{
    for (size_t i = 0; i < reach->port_count; i++) {
        if (reach->ports[i] == port)
            return;
    }
    if (port == 0) // a UNIX socket's
        return;
    reach->ports = mem_regrow(reach->ports, reach->port_count + 1, sizeof *reach->ports);
    reach->ports[reach->port_count++] = port;
}

static void
add_ports(struct landlock_rules *reach, const struct setting_list *addrs)
{
    const struct addr *items = addrs->items;

    for (size_t i = 0; i < addrs->count; i++)
        add_port(reach, addr_port(&items[i]));
}

static void
add_common(struct landlock_rules *reach, const struct settings *settings)
{
    add_folder_of(reach, settings->log.file, LANDLOCK_WRITE | LANDLOCK_MAKE);
    add_folder_of(reach, settings->log.error_file, LANDLOCK_WRITE | LANDLOCK_MAKE);
    add_path(reach, "/etc/localtime", LANDLOCK_READ);
    add_path(reach, "/usr/share/zoneinfo", LANDLOCK_READ);
}

static void
add_worker(struct landlock_rules *reach, const struct settings *settings)
{
    add_path(reach, settings->spool.path, KEEP);
    for (size_t i = 0; i < settings->listener_count; i++) {
        const struct smtp_listener_settings *listener = &settings->listeners[i];

        add_path(reach, listener->tls_cert, LANDLOCK_READ);
        add_path(reach, listener->tls_key, LANDLOCK_READ);
        add_path(reach, listener->tls_client_ca, LANDLOCK_READ);
    }
    for (size_t i = 0; i < settings->hop_count; i++) {
        add_path(reach, settings->hops[i].tls_ca, LANDLOCK_READ);
        add_port(reach, addr_port(&settings->hops[i].addr));
        add_ports(reach, &settings->hops[i].backup);
    }
    for (size_t i = 0; i < settings->filter_count; i++) {
        add_ports(reach, &settings->filters[i].servers);
        add_ports(reach, &settings->filters[i].backup);
    }
    reach->may_signal = true; // dissectors, which are the nursery's children
}

// Programs put /etc/resolv.conf in place by rename, or behind a link: folders, and what a link to
// yet another leads to.
static void
add_names(struct landlock_rules *reach)
{
    static const char *const paths[] = {"/etc",
                                        "/etc/resolv.conf",
                                        "/run/systemd/resolve",
                                        "/run/resolvconf",
                                        "/run/NetworkManager",
                                        "/dev/urandom"};

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        add_path(reach, paths[i], LANDLOCK_READ);
    add_port(reach, PORT_OF_NAMES);
}

static void
add_redis(struct landlock_rules *reach, const char *server)
{
    struct addr addr = {0};
    char host[HOST_MAX];
    uint16_t port = 0;

    if (redis_server_parse(server, &addr, host, &port, NULL) != 0)
        return;
    add_port(reach, addr.len > 0 ? addr_port(&addr) : port);
    if (addr.len == 0)
        add_names(reach);
}

static void
add_scribe(struct landlock_rules *reach, const struct settings *settings)
{
    char *const *servers = settings->redis.servers.items;

    add_path(reach, settings->spool.path, LANDLOCK_READ); // how full it is, and of what
    add_folder_of(reach, settings->track.ledger, KEEP);
    add_folder_of(reach, settings->track.postfix_log, LANDLOCK_READ);
    add_path(reach, "/proc", LANDLOCK_READ); // how the daemon's processes fare
    for (size_t i = 0; i < settings->redis.servers.count; i++)
        add_redis(reach, servers[i]);
}

void
reach_find(const struct settings *settings, enum reach_process process,
           struct landlock_rules *reach_out)
{
    *reach_out = (struct landlock_rules){0};
    add_common(reach_out, settings);
    if (process == REACH_WORKER)
        add_worker(reach_out, settings);
    else
        add_scribe(reach_out, settings);
}

void
reach_clear(struct landlock_rules *reach)
{
    for (size_t i = 0; i < reach->grant_count; i++)
        mem_free(&reach->grants[i].path);
    mem_free(&reach->grants);
    mem_free(&reach->ports);
    *reach = (struct landlock_rules){0};
}
