// SPDX-License-Identifier: BSD-2-Clause
#include "track/settings.h"

#include <stddef.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TRACK(member) offsetof(struct track_settings, member)
#define REDIS(member) offsetof(struct redis_settings, member)
#define HTTP(member) offsetof(struct http_settings, member)

// clang-format off
static const char *const layouts[] = {"postern", "mailborder", NULL};

const struct setting_row track_rows[] = {
    {.name = "ledger",
     .type = SETTING_TEXT,
     .offset = TRACK(ledger),
     .min = 1,
     .max = 4000,
     .initial = "/var/lib/postern/ledger.db",
     .help = "SQLite file that keeps what became of each message; its folder is made."},
    {.name = "keep",
     .type = SETTING_TIME,
     .offset = TRACK(keep),
     .min = 60ULL * 1000,
     .max = 3650ULL * 86400 * 1000,
     .initial = "90d",
     .help = "How long the ledger keeps a message."},
    {.name = "max_size",
     .type = SETTING_SIZE,
     .offset = TRACK(max_size),
     .min = 1 << 20,
     .max = 1ULL << 50,
     .initial = "10G",
     .help = "What the ledger may take on disk; above it the oldest messages go."},
    {.name = "postfix_log",
     .type = SETTING_TEXT,
     .offset = TRACK(postfix_log),
     .max = 4000,
     .initial = "",
     .help = "Postfix's log file, followed for the final status of each recipient; empty: none."},
    {.name = "buffer",
     .type = SETTING_SIZE,
     .offset = TRACK(buffer),
     .min = 256 << 10,
     .max = 1 << 30,
     .initial = "16M",
     .help = "What may wait for the ledger in memory, of all workers; above it it is not told."},
};

const size_t track_row_count = COUNT(track_rows);

const struct setting_row redis_rows[] = {
    {.name = "servers",
     .type = SETTING_TEXTS,
     .offset = REDIS(servers),
     .max = 16,
     .initial = "",
     .help = "Redis servers; the first that answers is used. Without any there is no Redis."},
    {.name = "prefix",
     .type = SETTING_TEXT,
     .offset = REDIS(prefix),
     .min = 1,
     .max = 64,
     .initial = "postern",
     .help = "What the keys of messages begin with."},
    {.name = "ttl",
     .type = SETTING_TIME,
     .offset = REDIS(ttl),
     .min = 1000,
     .max = 3650ULL * 86400 * 1000,
     .initial = "24h",
     .help = "Life of a key, counted from its last change; longer than Postfix may try is best."},
    {.name = "user",
     .type = SETTING_TEXT,
     .offset = REDIS(user),
     .max = 256,
     .initial = "",
     .help = "Name to log in with; empty: Redis' default user."},
    {.name = "password",
     .type = SETTING_TEXT,
     .offset = REDIS(password),
     .max = 512,
     .initial = "",
     .help = "Password to log in with; empty: no login.",
     .is_secret = true},
    {.name = "database",
     .type = SETTING_NUMBER,
     .offset = REDIS(database),
     .max = 65535,
     .initial = "0",
     .help = "Number of the database."},
    {.name = "layout",
     .type = SETTING_CHOICE,
     .offset = REDIS(layout),
     .initial = "postern",
     .choices = layouts,
     .help = "Names of keys and fields: postern or mailborder."},
    {.name = "with_host",
     .type = SETTING_BOOL,
     .offset = REDIS(with_host),
     .initial = "no",
     .help = "Put hostname into each key, where several hosts share one Redis."},
    {.name = "timeout",
     .type = SETTING_TIME,
     .offset = REDIS(timeout),
     .min = 100,
     .max = 600ULL * 1000,
     .initial = "5s",
     .help = "Time for a connection to come about, and for a reply."},
};

const size_t redis_row_count = COUNT(redis_rows);

const struct setting_row http_rows[] = {
    {.name = "clients",
     .type = SETTING_NETS,
     .offset = HTTP(clients),
     .initial = "127.0.0.0/8,::1",
     .help = "Networks that may ask; over a UNIX socket everybody may who can open it."},
};

const size_t http_row_count = COUNT(http_rows);

// clang-format on

static int
check_path(const char *name, const char *path, struct err *err)
{
    if (path[0] == '/' && path[strlen(path) - 1] != '/')
        return 0;
    return err_set(err, ERR_PERM, "%s: expected the absolute path of a file, not \"%s\"", name,
                   path);
}

int
track_settings_check(const struct track_settings *settings, struct err *err)
{
    if (check_path("ledger", settings->ledger, err) != 0)
        return -1;
    return settings->postfix_log[0] == '\0' ? 0
                                            : check_path("postfix_log", settings->postfix_log, err);
}

// What addr_parse takes once the host is replaced by a number.
static int
parse_named(const char *text, char host_out[256], uint16_t *port_out)
{
    struct span rest = span_of(text), host;
    uint64_t port;

    if (strncmp(text, "inet:", 5) != 0)
        return -1;
    rest = span_skip(rest, 5);
    host = span_cut(&rest, ':');
    if (host.len == 0 || host.len > 253 || str_parse_u64(rest, UINT16_MAX, &port) != 0 || port == 0)
        return -1;
    for (size_t i = 0; i < host.len; i++) {
        char c = host.data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              c == '-' || c == '.' || c == '_'))
            return -1;
    }
    memcpy(host_out, host.data, host.len);
    host_out[host.len] = '\0';
    *port_out = (uint16_t)port;
    return 0;
}

int
redis_server_parse(const char *text, struct addr *addr_out, char host_out[256], uint16_t *port_out,
                   struct err *err)
{
    if (addr_parse(span_of(text), addr_out, err) == 0)
        return 0;
    addr_out->len = 0;
    if (parse_named(text, host_out, port_out) == 0)
        return 0;
    return err_set(err, ERR_PERM, "servers: expected inet:HOST:PORT or unix:/path, not \"%s\"",
                   text);
}

static bool
is_key_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '.' || c == ':' || c == '-';
}

int
redis_settings_check(const struct redis_settings *settings, struct err *err)
{
    char *const *servers = settings->servers.items;
    char host[256];
    struct addr addr;
    uint16_t port;

    for (size_t i = 0; i < settings->servers.count; i++) {
        if (redis_server_parse(servers[i], &addr, host, &port, err) != 0)
            return -1;
    }
    for (const char *c = settings->prefix; *c != '\0'; c++) {
        if (!is_key_char(*c))
            return err_set(err, ERR_PERM, "prefix: expected letters, digits and \"_.:-\" only");
    }
    if (settings->user[0] != '\0' && settings->password[0] == '\0')
        return err_set(err, ERR_PERM, "user: expected a password, too");
    return 0;
}
