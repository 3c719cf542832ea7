// SPDX-License-Identifier: BSD-2-Clause
#include "control/reach.h"

#include "tests/unit/control/scratch.h"
#include "tests/unit/harness.h"

enum {
    R = LANDLOCK_READ,
    LOG = LANDLOCK_WRITE | LANDLOCK_MAKE,
    KEEP = LANDLOCK_READ | LANDLOCK_WRITE | LANDLOCK_CHANGE
};

static const char little[] = "listen \"inet:127.0.0.1:10024\" { }\n"
                             "next_hop \"inet:127.0.0.1:10025\" { }\n";

static const char much[] =
    "listen \"inet:127.0.0.1:10024\" { tls { mode = may  cert = \"/certs/c\"  key = \"/keys/k\"\n"
    "                                       client_ca = \"/certs/ca\" } }\n"
    "next_hop \"inet:127.0.0.1:10025\" { backup = {\"inet:127.0.0.1:2525\", \"unix:/hop\"} }\n"
    "next_hop \"unix:/run/hop\" { protocol = lmtp }\n"
    "filter \"av\" { type = clamd  servers = {\"unix:/run/clamd\", \"inet:127.0.0.1:3310\"}\n"
    "              backup = {\"inet:127.0.0.1:3311\"} }\n"
    "filter \"spam\" { type = rspamd  servers = {\"inet:127.0.0.1:11333\"} }\n"
    "spool { path = \"/spool/p\" }\n"
    "track { ledger = \"/books/p/ledger.db\"  postfix_log = \"/var/log/mail.log\" }\n"
    "redis { servers = {\"inet:127.0.0.1:6379\", \"unix:/run/redis\"} }\n"
    "log { file = \"/logs/p.log\"  error_file = \"/p.err\" }\n";

static const char named[] = "redis { servers = {\"inet:redis.example.com:6380\"} }\n";

static unsigned
rights_to(const struct landlock_rules *reach, const char *path)
{
    unsigned rights = 0;

    for (size_t i = 0; i < reach->grant_count; i++)
        rights |= strcmp(reach->grants[i].path, path) == 0 ? reach->grants[i].rights : 0;
    return rights;
}

static bool
has_port(const struct landlock_rules *reach, uint16_t port)
{
    for (size_t i = 0; i < reach->port_count; i++) {
        if (reach->ports[i] == port)
            return true;
    }
    return false;
}

static void
find(const char *text, enum reach_process process, struct landlock_rules *reach_out)
{
    struct settings *settings = NULL;
    struct scratch scratch;
    struct err err = {0};
    char path[1024];

    scratch_make(&scratch);
    scratch_write(&scratch, "f", text);
    scratch_name(&scratch, "f", path);
    if (settings_load(path, &settings, &err) != 0)
        fprintf(stderr, "%s\n", err.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(settings);
    reach_find(settings, process, reach_out);
    settings_free(&settings);
    scratch_remove(&scratch);
}

static void
test_paths(void)
{
    static const struct {
        const char *text;
        const char *path;
        unsigned worker, scribe;
    } rows[] = {
        {little, "/var/spool/postern", KEEP, R   },
        {little, "/var/lib/postern",   0,    KEEP},
        {little, "/proc",              0,    R   },
        {little, "/etc/localtime",     R,    R   },
        {little, "/etc",               0,    0   },
        {little, "/var/log",           0,    0   },
        {little, "/",                  0,    0   },
        {much,   "/spool/p",           KEEP, R   },
        {much,   "/certs/c",           R,    0   },
        {much,   "/keys/k",            R,    0   },
        {much,   "/certs/ca",          R,    0   },
        {much,   "/certs",             0,    0   },
        {much,   "/books/p",           0,    KEEP},
        {much,   "/var/log",           0,    R   },
        {much,   "/logs",              LOG,  LOG },
        {much,   "/",                  LOG,  LOG },
        {much,   "/etc",               0,    0   },
        {named,  "/etc",               0,    R   },
        {named,  "/etc/resolv.conf",   0,    R   },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct landlock_rules worker, scribe;

        find(rows[i].text, REACH_WORKER, &worker);
        find(rows[i].text, REACH_SCRIBE, &scribe);
        UNIT_CHECK_ROW(rows[i].path, rights_to(&worker, rows[i].path) == rows[i].worker);
        UNIT_CHECK_ROW(rows[i].path, rights_to(&scribe, rows[i].path) == rows[i].scribe);
        reach_clear(&worker);
        reach_clear(&scribe);
    }
}

static void
test_ports(void)
{
    static const uint16_t neighbours[] = {10025, 2525, 3310, 3311, 11333};
    struct landlock_rules reach;

    find(much, REACH_WORKER, &reach);
    CU_ASSERT_EQUAL(reach.port_count, UNIT_COUNT(neighbours));
    for (size_t i = 0; i < UNIT_COUNT(neighbours); i++)
        CU_ASSERT(has_port(&reach, neighbours[i]));
    CU_ASSERT(reach.may_signal);
    reach_clear(&reach);
    CU_ASSERT(reach.grants == NULL && reach.ports == NULL && reach.grant_count == 0);
    find(much, REACH_SCRIBE, &reach);
    CU_ASSERT(reach.port_count == 1 && has_port(&reach, 6379) && !reach.may_signal);
    reach_clear(&reach);
    find(named, REACH_SCRIBE, &reach);
    CU_ASSERT(reach.port_count == 2 && has_port(&reach, 6380) && has_port(&reach, 53));
    reach_clear(&reach);
}

static const struct unit_test tests[] = {
    {"paths", test_paths},
    {"ports", test_ports},
};

UNIT_MAIN("control/reach", tests)
