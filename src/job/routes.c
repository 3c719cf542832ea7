// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/routes.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "smtp/param.h"

enum { LEARNED_MAX = 4096 };

struct routes {
    struct pool *pool;
    const struct settings *settings;
    int hops_fd;
    struct hop **hops;
    struct hop_config *configs;
    size_t count;
};

struct keep_job { // writes one server's abilities
    struct pool_job job;
    int hops_fd; // own duplicate
    char name[ADDR_TEXT_MAX];
    struct buf text;
    struct err err;
    int result;
};

static void
file_name(const struct addr *server, char out[ADDR_TEXT_MAX])
{
    addr_format(server, out);
    for (char *at = out; *at != '\0'; at++) {
        if (*at == '/')
            *at = '_';
    }
}

static void
keep_work(struct pool_job *job)
{
    struct keep_job *keep = (struct keep_job *)job;

    keep->result = fs_replace(keep->hops_fd, keep->name, buf_span(&keep->text), 0600, &keep->err);
}

static void
keep_done(struct pool_job *job)
{
    struct keep_job *keep = (struct keep_job *)job;

    if (keep->result != 0)
        log_warning("send", "cannot keep what %s is able to: %s", keep->name, keep->err.text);
    close(keep->hops_fd);
    buf_clear(&keep->text);
    mem_free(&keep);
}

static void
on_caps(void *arg, const struct addr *server, const struct caps *caps)
{
    struct routes *routes = arg;
    struct keep_job *keep = mem_zalloc(sizeof *keep);

    keep->hops_fd = fcntl(routes->hops_fd, F_DUPFD_CLOEXEC, 0);
    if (keep->hops_fd < 0) {
        mem_free(&keep);
        return;
    }
    keep->job = (struct pool_job){.work = keep_work, .done = keep_done};
    file_name(server, keep->name);
    buf_init(&keep->text, LEARNED_MAX);
    caps_format(caps, &keep->text);
    log_info("send", "learned what %s is able to", keep->name);
    pool_submit(routes->pool, &keep->job);
}

static void
read_learned(const struct routes *routes, struct hop *hop, const struct addr *server)
{
    char name[ADDR_TEXT_MAX], text[LEARNED_MAX];
    struct caps caps;
    ssize_t len;
    int fd;

    file_name(server, name);
    fd = fs_open_read(routes->hops_fd, name, NULL);
    if (fd < 0)
        return;
    len = fs_read_at(fd, text, sizeof text, 0, NULL);
    close(fd);
    if (len >= 0 && caps_parse(span_from(text, (size_t)len), &caps) == 0)
        hop_learn(hop, server, &caps);
    else
        log_warning("send", "hops/%s is damaged: it will be learned again", name);
}

static int
open_hop(struct routes *routes, struct loop *loop, size_t index, struct err *err)
{
    const struct hop_settings *settings = &routes->settings->hops[index];
    uint64_t workers = routes->settings->daemon.workers;
    uint64_t share = (settings->connections + workers - 1) / workers;
    const struct addr *backups = settings->backup.items;

    routes->configs[index] = (struct hop_config){.settings = settings,
                                                 .hostname = routes->settings->smtp.hostname,
                                                 .connections = (size_t)share,
                                                 .on_caps = on_caps,
                                                 .arg = routes};
    routes->hops[index] = hop_new(loop, &routes->configs[index], err);
    if (routes->hops[index] == NULL)
        return -1;
    read_learned(routes, routes->hops[index], &settings->addr);
    for (size_t i = 0; i < settings->backup.count; i++)
        read_learned(routes, routes->hops[index], &backups[i]);
    return 0;
}

struct routes *
routes_new(struct loop *loop, struct pool *pool, const struct settings *settings, struct err *err)
{
    struct routes *routes = mem_zalloc(sizeof *routes);
    char *folder = mem_printf("%s/hops", settings->spool.path);

    routes->pool = pool;
    routes->settings = settings;
    routes->count = settings->hop_count;
    routes->hops = mem_zarray(routes->count, sizeof(struct hop *));
    routes->configs = mem_zarray(routes->count, sizeof(struct hop_config));
    routes->hops_fd = fs_open_dir(AT_FDCWD, folder, err);
    mem_free(&folder);
    if (routes->hops_fd < 0) {
        routes_free(&routes);
        return NULL;
    }
    for (size_t i = 0; i < routes->count; i++) {
        if (open_hop(routes, loop, i, err) != 0) {
            routes_free(&routes);
            return NULL;
        }
    }
    return routes;
}

void
routes_free(struct routes **routes)
{
    struct routes *gone = *routes;

    if (gone == NULL)
        return;
    for (size_t i = 0; i < gone->count; i++)
        hop_free(&gone->hops[i]);
    if (gone->hops_fd >= 0)
        close(gone->hops_fd);
    mem_free(&gone->hops);
    mem_free(&gone->configs);
    mem_free(routes);
}

struct hop *
routes_find(struct routes *routes, const char *name)
{
    for (size_t i = 0; i < routes->count; i++) {
        if (strcmp(routes->settings->hops[i].name, name) == 0)
            return routes->hops[i];
    }
    return NULL;
}

const struct hop *
routes_at(const struct routes *routes, size_t index, const char **name_out)
{
    if (index >= routes->count)
        return NULL;
    *name_out = routes->settings->hops[index].name;
    return routes->hops[index];
}

unsigned
routes_offers(struct routes *routes, const char *name)
{
    struct hop *hop = routes_find(routes, name);
    unsigned known = hop == NULL ? 0 : hop_offers(hop);

    return ((known & CAPS_8BITMIME) != 0 ? SMTP_OFFER_8BITMIME : 0U) |
           ((known & CAPS_SMTPUTF8) != 0 ? SMTP_OFFER_SMTPUTF8 : 0U) |
           ((known & CAPS_DSN) != 0 ? SMTP_OFFER_DSN : 0U);
}
