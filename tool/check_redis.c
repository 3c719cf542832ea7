// SPDX-License-Identifier: BSD-2-Clause
// Asks each Redis server as the daemon would, and how it is set up.
#include <string.h>

#include "base/dns.h"
#include "base/loop.h"
#include "tool/check.h"
#include "track/redis/login.h"

struct asking { // of one server
    struct check *check;
    const struct redis_settings *settings;
    const char *server;
    struct loop *loop;
    struct addr addrs[DNS_ADDRS_MAX]; // its own, or its name's
    size_t addr_count;
    struct redis *redis;
    struct login login;
    bool has_replied;
    struct err err;
};

static void
stop(struct asking *asking)
{
    loop_stop(asking->loop);
}

// "name:value" in a line of its own; empty: there is none.
static struct span
find_info(struct span text, const char *name)
{
    size_t len = strlen(name);

    while (text.len > 0) {
        struct span line = span_cut(&text, '\n');

        if (line.len > len && line.data[len] == ':' && memcmp(line.data, name, len) == 0) {
            line = span_skip(line, len + 1);
            return span_from(line.data, line.len - (line.data[line.len - 1] == '\r' ? 1 : 0));
        }
    }
    return span_from(NULL, 0);
}

static void
advise(struct asking *asking, const char *text)
{
    struct err err;

    (void)err_set(&err, ERR_PERM, "servers: %s: %s", asking->server, text);
    check_warn(asking->check, check_section(asking->check, "redis", 0), &err);
}

// The last one. Who may not ask for it is told nothing.
static void
on_info(void *arg, const struct redis_reply *reply)
{
    struct asking *asking = arg;
    struct span most;

    if (reply == NULL)
        return;
    stop(asking);
    if (reply->kind != REDIS_TEXT)
        return;
    most = find_info(reply->text, "maxmemory");
    if (span_is(most, "0"))
        advise(asking, "maxmemory is not set: nothing bounds what it takes");
    else if (span_is(find_info(reply->text, "maxmemory_policy"), "noeviction"))
        advise(asking, "maxmemory-policy is noeviction: once it is full, it takes nothing more");
}

static void
on_login(void *arg, const char *why)
{
    struct asking *asking = arg;

    asking->has_replied = true;
    if (why == NULL) {
        redis_command(asking->redis, (struct span[]){SPAN_LITERAL("INFO"), SPAN_LITERAL("memory")},
                      2, on_info, asking);
        return;
    }
    (void)err_set(&asking->err, ERR_TEMP, "%s", why);
    redis_free(&asking->redis);
    stop(asking);
}

static void
on_open(void *arg)
{
    struct asking *asking = arg;

    login_start(&asking->login, asking->redis, asking->settings, on_login, asking);
}

static void
on_end(void *arg, const struct err *err)
{
    struct asking *asking = arg;

    asking->err = *err;
    stop(asking);
}

static void
ask(struct asking *asking, const struct addr *addr)
{
    static const struct redis_callbacks callbacks = {.on_open = on_open, .on_end = on_end};

    asking->redis =
        redis_connect(asking->loop, addr, asking->settings->timeout, &callbacks, asking);
    loop_run(asking->loop);
    redis_free(&asking->redis);
}

static void
on_name(void *arg, const struct addr *addrs, size_t count, const struct err *err)
{
    struct asking *asking = arg;

    for (size_t i = 0; i < count; i++)
        asking->addrs[asking->addr_count++] = addrs[i];
    if (count == 0)
        asking->err = *err;
    stop(asking);
}

static void
look_up(struct asking *asking)
{
    struct dns_query *query;
    char host[256];
    uint16_t port;

    if (redis_server_parse(asking->server, &asking->addrs[0], host, &port, &asking->err) != 0)
        return;
    if (asking->addrs[0].len > 0) {
        asking->addr_count = 1;
        return;
    }
    query = dns_start(asking->loop, host, port, asking->settings->timeout, on_name, asking);
    loop_run(asking->loop);
    dns_free(&query);
}

static void
check_server(struct asking *asking)
{
    look_up(asking);
    for (size_t i = 0; i < asking->addr_count && !asking->has_replied; i++) {
        asking->err.kind = ERR_NONE;
        ask(asking, &asking->addrs[i]);
    }
    if (asking->err.kind == ERR_NONE)
        return;
    (void)err_prefix(&asking->err, "servers: %s", asking->server);
    check_tell(asking->check, check_section(asking->check, "redis", 0), &asking->err);
}

void
check_redis(struct check *check)
{
    const struct redis_settings *settings = &check->tool->settings->redis;
    char *const *servers = settings->servers.items;
    struct err err;
    struct loop *loop = loop_new(&err);

    if (loop == NULL) {
        check_tell(check, check->root, &err);
        return;
    }
    for (size_t i = 0; i < settings->servers.count; i++) {
        struct asking asking = {
            .check = check, .settings = settings, .server = servers[i], .loop = loop};

        check_server(&asking);
    }
    loop_free(&loop);
}
