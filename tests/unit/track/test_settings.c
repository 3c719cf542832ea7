// SPDX-License-Identifier: BSD-2-Clause
#include "track/settings.h"

#include "base/mem.h"
#include "tests/unit/harness.h"

static void
test_servers(void)
{
    static const struct {
        const char *text;
        int result;
        const char *host; // NULL: an address
        uint16_t port;
    } rows[] = {
        {"inet:127.0.0.1:6379",        0,  NULL,                  0    },
        {"inet:[::1]:6379",            0,  NULL,                  0    },
        {"unix:/run/redis.sock",       0,  NULL,                  0    },
        {"inet:redis:6379",            0,  "redis",               6379 },
        {"inet:redis-1.example.com:1", 0,  "redis-1.example.com", 1    },
        {"inet:localhost:65535",       0,  "localhost",           65535},
        {"",                           -1, NULL,                  0    },
        {"redis:6379",                 -1, NULL,                  0    },
        {"inet:redis",                 -1, NULL,                  0    },
        {"inet:redis:",                -1, NULL,                  0    },
        {"inet:redis:0",               -1, NULL,                  0    },
        {"inet:redis:65536",           -1, NULL,                  0    },
        {"inet:redis:1:2",             -1, NULL,                  0    },
        {"inet::6379",                 -1, NULL,                  0    },
        {"inet:a b:6379",              -1, NULL,                  0    },
        {"unix:relative",              -1, NULL,                  0    },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct addr addr;
        char host[256] = "";
        uint16_t port = 0;
        struct err err = {0};
        int result = redis_server_parse(rows[i].text, &addr, host, &port, &err);

        UNIT_CHECK_ROW(rows[i].text, result == rows[i].result);
        if (result != 0) {
            UNIT_CHECK_ROW(rows[i].text, err.kind == ERR_PERM && strstr(err.text, "servers: "));
            continue;
        }
        UNIT_CHECK_ROW(rows[i].text, (addr.len > 0) == (rows[i].host == NULL));
        if (rows[i].host != NULL)
            UNIT_CHECK_ROW(rows[i].text, strcmp(host, rows[i].host) == 0 && port == rows[i].port);
    }
}

static void
test_a_host_of_any_length(void)
{
    char text[400], host[256];
    struct addr addr;
    struct err err = {0};
    uint16_t port;

    for (size_t len = 1; len < 300; len++) {
        (void)snprintf(
            text, sizeof text, "inet:%.*s:1", (int)len,
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        CU_ASSERT_EQUAL(redis_server_parse(text, &addr, host, &port, &err), len <= 253 ? 0 : -1);
    }
}

static void
test_track(void)
{
    static const struct {
        const char *ledger, *log;
        const char *trouble; // NULL: good
    } rows[] = {
        {"/var/lib/postern/ledger.db", "",              NULL          },
        {"/l",                         "/var/log/mail", NULL          },
        {"l",                          "",              "ledger: "    },
        {"/var/",                      "",              "ledger: "    },
        {"/l",                         "mail.log",      "postfix_log:"},
        {"/l",                         "/var/log/",     "postfix_log:"},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct track_settings settings = {.ledger = (char *)rows[i].ledger,
                                          .postfix_log = (char *)rows[i].log};
        struct err err = {0};
        int result = track_settings_check(&settings, &err);

        UNIT_CHECK_ROW(rows[i].ledger, result == (rows[i].trouble == NULL ? 0 : -1));
        if (result != 0 && rows[i].trouble != NULL)
            UNIT_CHECK_ROW(rows[i].ledger,
                           strncmp(err.text, rows[i].trouble, strlen(rows[i].trouble)) == 0);
    }
}

static void
test_redis(void)
{
    static const struct {
        const char *prefix, *user, *password;
        int result;
    } rows[] = {
        {"postern",   "",    "",  0 },
        {"a:B-c_d.9", "",    "",  0 },
        {"postern",   "ann", "x", 0 },
        {"postern",   "ann", "",  -1},
        {"post ern",  "",    "",  -1},
        {"post\nern", "",    "",  -1},
        {"post{ern}", "",    "",  -1},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct redis_settings settings = {.prefix = (char *)rows[i].prefix,
                                          .user = (char *)rows[i].user,
                                          .password = (char *)rows[i].password};
        struct err err = {0};

        UNIT_CHECK_ROW(rows[i].prefix, redis_settings_check(&settings, &err) == rows[i].result);
    }
}

static void
test_defaults(void)
{
    struct track_settings track;
    struct redis_settings redis;
    struct http_settings http;

    setting_defaults(track_rows, track_row_count, &track);
    setting_defaults(redis_rows, redis_row_count, &redis);
    setting_defaults(http_rows, http_row_count, &http);
    CU_ASSERT_STRING_EQUAL(track.ledger, "/var/lib/postern/ledger.db");
    CU_ASSERT_EQUAL(track.keep, 90ULL * 86400 * 1000);
    CU_ASSERT_EQUAL(redis.ttl, 86400 * 1000);
    CU_ASSERT_EQUAL(redis.servers.count, 0);
    CU_ASSERT_STRING_EQUAL(redis.prefix, "postern");
    CU_ASSERT_EQUAL(http.clients.count, 2);
    setting_clear(track_rows, track_row_count, &track);
    setting_clear(redis_rows, redis_row_count, &redis);
    setting_clear(http_rows, http_row_count, &http);
}

static const struct unit_test tests[] = {
    {"servers",              test_servers             },
    {"a host of any length", test_a_host_of_any_length},
    {"track",                test_track               },
    {"redis",                test_redis               },
    {"defaults",             test_defaults            },
};

UNIT_MAIN("track/settings", tests)
