// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/servers.h"

#include "tests/unit/harness.h"

enum { DEAD_TIME = 60000 };

static struct addr addrs[3];

static void
begin(struct servers *servers)
{
    struct hop_settings settings = {
        .backup = {&addrs[1], 2}
    };
    struct err err;

    CU_ASSERT(addr_parse(span_of("inet:127.0.0.1:25"), &addrs[0], &err) == 0);
    CU_ASSERT(addr_parse(span_of("inet:127.0.0.2:25"), &addrs[1], &err) == 0);
    CU_ASSERT(addr_parse(span_of("unix:/third"), &addrs[2], &err) == 0);
    settings.addr = addrs[0];
    servers_init(servers, &settings);
}

static void
test_order(void)
{
    struct servers servers;
    struct server *item;

    begin(&servers);
    item = servers.items;
    CU_ASSERT(servers.count == 3);
    CU_ASSERT(servers_best(&servers) == &item[0]);
    CU_ASSERT_PTR_NULL(servers_due(&servers, 0));
    CU_ASSERT(servers_blame(&servers, &item[0], 1000, DEAD_TIME));
    CU_ASSERT(!servers_blame(&servers, &item[0], 1000, DEAD_TIME));
    CU_ASSERT(servers_best(&servers) == &item[1]);
    // Dead for its time, then looked at once, while the second works.
    CU_ASSERT_PTR_NULL(servers_due(&servers, 1000 + DEAD_TIME - 1));
    CU_ASSERT(servers_due(&servers, 1000 + DEAD_TIME) == &item[0]);
    item[0].dialing = 1;
    CU_ASSERT_PTR_NULL(servers_due(&servers, 1000 + DEAD_TIME));
    CU_ASSERT(servers_revive(&item[0]));
    CU_ASSERT(!servers_revive(&item[0]));
    CU_ASSERT(servers_best(&servers) == &item[0]);
    servers_clear(&servers);
}

static void
test_all_dead(void)
{
    struct servers servers;
    struct server *item;

    begin(&servers);
    item = servers.items;
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT(servers_blame(&servers, &item[i], 1000 + i, DEAD_TIME));
    CU_ASSERT_PTR_NULL(servers_best(&servers));
    CU_ASSERT_PTR_NULL(servers_due(&servers, 1000 + 2 * DEAD_TIME));
    // One look a second, at the one that is dead for longest; not two at once.
    CU_ASSERT_PTR_NULL(servers_probe(&servers, 1002 + SERVERS_PROBE_MS - 1));
    CU_ASSERT(servers_probe(&servers, 1002 + SERVERS_PROBE_MS) == &item[0]);
    item[0].dialing = 1;
    CU_ASSERT(servers_are_dialing(&servers));
    CU_ASSERT_PTR_NULL(servers_probe(&servers, 1002 + SERVERS_PROBE_MS));
    item[0].dialing = 0;
    (void)servers_blame(&servers, &item[0], 3000, DEAD_TIME);
    CU_ASSERT(servers_probe(&servers, 3000 + SERVERS_PROBE_MS) == &item[1]);
    servers_clear(&servers);
}

static void
test_crowded(void)
{
    struct servers servers;

    begin(&servers);
    servers.items[0].live = 1;
    CU_ASSERT(!servers_blame(&servers, &servers.items[0], 1000, DEAD_TIME));
    CU_ASSERT(servers_best(&servers) == &servers.items[0]);
    CU_ASSERT(servers.items[0].quiet_until_ms == 1000 + SERVERS_PROBE_MS);
    servers_clear(&servers);
}

static void
test_offers(void)
{
    struct caps all = {.flags = CAPS_8BITMIME | CAPS_SMTPUTF8 | CAPS_DSN | CAPS_CHUNKING};
    struct caps some = {.flags = CAPS_8BITMIME | CAPS_DSN};
    struct servers servers;

    begin(&servers);
    CU_ASSERT(!servers_are_known(&servers));
    CU_ASSERT(servers_offers(&servers) == (CAPS_8BITMIME | CAPS_SMTPUTF8 | CAPS_DSN));
    CU_ASSERT(servers_learn(servers_find(&servers, &addrs[0]), &all));
    CU_ASSERT(!servers_learn(servers_find(&servers, &addrs[0]), &all));
    CU_ASSERT(servers_are_known(&servers));
    CU_ASSERT(servers_offers(&servers) == all.flags);
    CU_ASSERT(servers_learn(servers_find(&servers, &addrs[2]), &some));
    CU_ASSERT(servers_offers(&servers) == some.flags);
    servers_clear(&servers);
}

static const struct unit_test tests[] = {
    {"in order",               test_order   },
    {"all dead",               test_all_dead},
    {"crowded, not dead",      test_crowded },
    {"what all of them offer", test_offers  },
};

UNIT_MAIN("reinject/servers", tests)
