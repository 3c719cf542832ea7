// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/settings.h"

#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/harness.h"

static void
set(struct hop_settings *hop, const char *name, const char *value)
{
    const struct setting_row *row = setting_find(hop_rows, hop_row_count, span_of(name));
    struct span values[] = {span_of(value)};
    struct err err;

    CU_ASSERT_PTR_NOT_NULL_FATAL(row);
    CU_ASSERT(setting_parse(row, values, 1, hop, &err) == 0);
}

static void
begin(struct hop_settings *hop, const char *addr)
{
    struct err err;

    memset(hop, 0, sizeof(*hop));
    setting_defaults(hop_rows, hop_row_count, hop);
    if (addr != NULL)
        CU_ASSERT(addr_parse(span_of(addr), &hop->addr, &err) == 0);
}

static void
end(struct hop_settings *hop)
{
    setting_clear(hop_rows, hop_row_count, hop);
}

static void
test_defaults(void)
{
    struct delivery_settings delivery;
    struct hop_settings hop;
    struct err err;

    begin(&hop, "inet:127.0.0.1:10025");
    CU_ASSERT(hop.protocol == HOP_SMTP && hop.tls == HOP_TLS_NO && hop.chunking);
    CU_ASSERT(hop.connections == 20 && hop.connect_timeout == 10000 && hop.timeout == 300000);
    CU_ASSERT(hop.dot_timeout == 600000 && hop.idle == 30000 && hop.dead_time == 60000);
    CU_ASSERT(hop.backup.count == 0);
    CU_ASSERT_STRING_EQUAL(hop.name, "");
    CU_ASSERT(hop_check(&hop, &err) == 0);
    end(&hop);
    setting_defaults(delivery_rows, delivery_row_count, &delivery);
    CU_ASSERT(delivery.relay_deadline == 480000 && delivery.delay_warning == 0);
    CU_ASSERT(!delivery.soft_bounce && delivery.on_next_hop_reject == 0);
    setting_clear(delivery_rows, delivery_row_count, &delivery);
}

static void
test_rows_explain(void)
{
    for (size_t i = 0; i < hop_row_count; i++)
        UNIT_CHECK_ROW(hop_rows[i].name, strlen(hop_rows[i].help) > 20);
    for (size_t i = 0; i < delivery_row_count; i++)
        UNIT_CHECK_ROW(delivery_rows[i].name, strlen(delivery_rows[i].help) > 20);
}

static const struct {
    const char *name, *setting, *value;
} bad_rows[] = {
    {"no connection",       "connections",     "0"    },
    {"too many",            "connections",     "10001"},
    {"other protocol",      "protocol",        "esmtp"},
    {"other tls",           "tls",             "yes"  },
    {"no time to connect",  "connect_timeout", "0s"   },
    {"too long to connect", "connect_timeout", "1h"   },
    {"no time-out",         "timeout",         "0s"   },
    {"no dot time-out",     "dot_timeout",     "2h"   },
    {"chunking",            "chunking",        "maybe"},
    {"backup",              "backup",          "here" },
};

static void
test_bounds(void)
{
    struct hop_settings hop;

    begin(&hop, "inet:127.0.0.1:10025");
    for (size_t i = 0; i < UNIT_COUNT(bad_rows); i++) {
        const struct setting_row *row =
            setting_find(hop_rows, hop_row_count, span_of(bad_rows[i].setting));
        struct span values[] = {span_of(bad_rows[i].value)};
        struct err err = {.kind = ERR_NONE};

        UNIT_CHECK_ROW(bad_rows[i].name, setting_parse(row, values, 1, &hop, &err) == -1);
        UNIT_CHECK_ROW(bad_rows[i].name, err.kind == ERR_PERM);
        UNIT_CHECK_ROW(bad_rows[i].name, strstr(err.text, bad_rows[i].setting) != NULL);
    }
    end(&hop);
}

static void
check_refused(struct hop_settings *hop, const char *setting)
{
    struct err err = {.kind = ERR_NONE};

    CU_ASSERT(hop_check(hop, &err) == -1);
    CU_ASSERT(err.kind == ERR_PERM);
    CU_ASSERT(strncmp(err.text, setting, strlen(setting)) == 0);
}

static void
test_addresses(void)
{
    struct hop_settings hop;
    struct err err;

    begin(&hop, NULL);
    check_refused(&hop, "next_hop");
    end(&hop);
    begin(&hop, "unix:/run/lmtp.sock");
    CU_ASSERT(hop_check(&hop, &err) == 0);
    set(&hop, "backup", "inet:[::1]:24");
    CU_ASSERT(hop_check(&hop, &err) == 0);
    set(&hop, "backup", "unix:/run/lmtp.sock");
    check_refused(&hop, "backup");
    end(&hop);
}

static void
test_tls(void)
{
    char path[] = "/tmp/postern-test-ca-XXXXXX";
    int fd = mkstemp(path);
    struct hop_settings hop;
    struct err err;

    CU_ASSERT_FATAL(fd >= 0);
    close(fd);
    begin(&hop, "inet:127.0.0.1:10025");
    set(&hop, "tls_ca", path);
    check_refused(&hop, "tls_ca");
    set(&hop, "tls", "require");
    CU_ASSERT(hop_check(&hop, &err) == 0);
    set(&hop, "tls_ca", "/");
    check_refused(&hop, "tls_ca");
    unlink(path);
    set(&hop, "tls_ca", path);
    check_refused(&hop, "tls_ca");
    end(&hop);
}

static const struct unit_test tests[] = {
    {"defaults",                test_defaults    },
    {"rows explain themselves", test_rows_explain},
    {"bounds",                  test_bounds      },
    {"addresses",               test_addresses   },
    {"tls",                     test_tls         },
};

UNIT_MAIN("reinject/settings", tests)
