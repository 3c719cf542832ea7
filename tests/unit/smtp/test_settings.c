// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/settings.h"

#include "tests/unit/harness.h"

static struct addr
address(const char *text)
{
    struct addr addr = {.len = 0};
    struct err err;

    CU_ASSERT(addr_parse(span_of(text), &addr, &err) == 0);
    return addr;
}

static void
init(struct smtp_listener_settings *listener, const char *text)
{
    struct addr addr = address(text);

    smtp_listener_init(listener, &addr);
}

static void
clear(struct smtp_listener_settings *listener)
{
    setting_clear(smtp_listener_rows, smtp_listener_row_count, listener);
    setting_clear(smtp_listener_tls_rows, smtp_listener_tls_row_count, listener);
}

static void
test_listener_defaults(void)
{
    struct smtp_listener_settings listener;
    const struct net *nets;
    struct addr inside = address("inet:127.1.2.3:1");
    struct addr outside = address("inet:192.0.2.1:1");
    struct err err;

    init(&listener, "inet:127.0.0.1:10024");
    CU_ASSERT_STRING_EQUAL(listener.name, "");
    CU_ASSERT_STRING_EQUAL(listener.next_hop, "");
    CU_ASSERT_EQUAL(listener.protocol, SMTP_PROTOCOL_SMTP);
    CU_ASSERT_EQUAL(listener.mode, 0660);
    CU_ASSERT_EQUAL(listener.handoff, 0);
    CU_ASSERT_EQUAL(listener.timeout, 300000);
    CU_ASSERT_EQUAL(listener.tls_mode, SMTP_TLS_NO);
    CU_ASSERT_FALSE(listener.chunking);
    CU_ASSERT_EQUAL_FATAL(listener.clients.count, 2);
    CU_ASSERT_EQUAL(listener.xforward_clients.count, 2);
    nets = listener.clients.items;
    CU_ASSERT(net_has(&nets[0], &inside));
    CU_ASSERT_FALSE(net_has(&nets[0], &outside));
    CU_ASSERT(smtp_listener_check(&listener, &err) == 0);
    clear(&listener);
    init(&listener, "unix:/run/postern/lmtp.sock");
    CU_ASSERT_EQUAL(listener.protocol, SMTP_PROTOCOL_LMTP);
    CU_ASSERT(smtp_listener_check(&listener, &err) == 0);
    clear(&listener);
}

static void
test_global_defaults(void)
{
    struct smtp_settings settings;
    struct err err;

    setting_defaults(smtp_rows, smtp_row_count, &settings);
    CU_ASSERT_STRING_EQUAL(settings.hostname, "");
    CU_ASSERT_EQUAL(settings.max_size, 100 << 20);
    CU_ASSERT_EQUAL(settings.max_recipients, 1000);
    CU_ASSERT_EQUAL(settings.max_connections, 1000);
    CU_ASSERT_EQUAL(settings.max_errors, 20);
    CU_ASSERT_EQUAL(settings.max_session, 3600000);
    CU_ASSERT_EQUAL(settings.bare_newlines, 0);
    CU_ASSERT_EQUAL(settings.source_routes, 0);
    CU_ASSERT_FALSE(settings.strict_paths);
    CU_ASSERT_TRUE(settings.trace);
    CU_ASSERT_EQUAL(settings.handoff, SMTP_HANDOFF_SPOOL);
    CU_ASSERT(smtp_settings_check(&settings, &err) == 0);
    setting_clear(smtp_rows, smtp_row_count, &settings);
}

struct value_row {
    const char *name, *value;
    bool is_good;
};

static const struct value_row value_rows[] = {
    {"protocol",       "lmtp",       true },
    {"protocol",       "esmtp",      false},
    {"handoff",        "relay",      true },
    {"handoff",        "",           true },
    {"handoff",        "later",      false},
    {"mode",           "0777",       true },
    {"timeout",        "0s",         false},
    {"timeout",        "61m",        false},
    {"clients",        "10.0.0.0/8", true },
    {"clients",        "10.0.0.1/8", false},
    {"max_size",       "0",          true },
    {"max_size",       "12Q",        false},
    {"max_recipients", "0",          false},
    {"max_errors",     "0",          false},
    {"bare_newlines",  "reject",     true },
    {"source_routes",  "strip",      true },
    {"source_routes",  "keep",       false},
    {"strict_paths",   "yes",        true },
    {"trace",          "perhaps",    false},
};

static void
test_values(void)
{
    struct smtp_listener_settings listener;
    struct smtp_settings settings;

    init(&listener, "inet:127.0.0.1:10024");
    setting_defaults(smtp_rows, smtp_row_count, &settings);
    for (size_t i = 0; i < UNIT_COUNT(value_rows); i++) {
        struct span name = span_of(value_rows[i].name);
        struct span value = span_of(value_rows[i].value);
        void *section = &listener;
        const struct setting_row *row =
            setting_find(smtp_listener_rows, smtp_listener_row_count, name);
        struct err err = {.kind = ERR_NONE};
        int result;

        if (row == NULL) {
            row = setting_find(smtp_rows, smtp_row_count, name);
            section = &settings;
        }
        CU_ASSERT_PTR_NOT_NULL_FATAL(row);
        result = setting_parse(row, &value, 1, section, &err);
        UNIT_CHECK_ROW(value_rows[i].name, (result == 0) == value_rows[i].is_good);
        UNIT_CHECK_ROW(value_rows[i].name,
                       result == 0 || strstr(err.text, value_rows[i].name) == err.text);
    }
    clear(&listener);
    setting_clear(smtp_rows, smtp_row_count, &settings);
}

struct check_row {
    const char *address, *setting, *value;
    bool is_tls;          // the row stands in tls { }
    const char *expected; // how the error begins; NULL: none
};

static const struct check_row check_rows[] = {
    {"unix:/a",          "protocol", "lmtp",    false, NULL       },
    {"unix:/a",          "protocol", "smtp",    false, "protocol:"},
    {"unix:/a",          "group",    "postfix", false, NULL       },
    {"unix:/a",          "mode",     "0660",    false, NULL       },
    {"unix:/a",          "mode",     "01660",   false, "mode:"    },
    {"inet:127.0.0.1:1", "protocol", "lmtp",    false, NULL       },
    {"inet:127.0.0.1:1", "group",    "postfix", false, "group:"   },
    {"inet:127.0.0.1:1", "name",     "in side", false, "name:"    },
    {"inet:127.0.0.1:1", "name",     "inside",  false, NULL       },
    {"inet:127.0.0.1:1", "mode",     "may",     true,  "cert:"    },
    {"inet:127.0.0.1:1", "mode",     "no",      true,  NULL       },
    {"inet:127.0.0.1:1", "cert",     "/c.pem",  true,  "key:"     },
    {"inet:127.0.0.1:1", "key",      "/k.pem",  true,  "cert:"    },
};

static void
test_check(void)
{
    for (size_t i = 0; i < UNIT_COUNT(check_rows); i++) {
        const struct check_row *row = &check_rows[i];
        struct smtp_listener_settings listener;
        struct span value = span_of(row->value);
        const struct setting_row *setting =
            row->is_tls
                ? setting_find(smtp_listener_tls_rows, smtp_listener_tls_row_count,
                               span_of(row->setting))
                : setting_find(smtp_listener_rows, smtp_listener_row_count, span_of(row->setting));
        struct err err = {.kind = ERR_NONE};
        int result;

        init(&listener, row->address);
        UNIT_CHECK_ROW(row->setting, setting_parse(setting, &value, 1, &listener, &err) == 0);
        result = smtp_listener_check(&listener, &err);
        UNIT_CHECK_ROW(row->setting, (result == 0) == (row->expected == NULL));
        UNIT_CHECK_ROW(row->setting, result == 0 || (err.kind == ERR_PERM &&
                                                     strncmp(err.text, row->expected,
                                                             strlen(row->expected)) == 0));
        clear(&listener);
    }
}

static void
test_hostname(void)
{
    struct smtp_settings settings = {.hostname = (char[]){"mx one"}};
    struct err err;

    CU_ASSERT(smtp_settings_check(&settings, &err) == -1);
    CU_ASSERT(strncmp(err.text, "hostname:", 9) == 0);
    settings.hostname = (char[]){"mx1.example.com"};
    CU_ASSERT(smtp_settings_check(&settings, &err) == 0);
}

static void
test_every_row_is_documented(void)
{
    for (size_t i = 0; i < smtp_listener_row_count; i++)
        CU_ASSERT(strlen(smtp_listener_rows[i].help) > 10);
    for (size_t i = 0; i < smtp_listener_tls_row_count; i++)
        CU_ASSERT(strlen(smtp_listener_tls_rows[i].help) > 10);
    for (size_t i = 0; i < smtp_row_count; i++)
        CU_ASSERT(strlen(smtp_rows[i].help) > 10);
}

static const struct unit_test tests[] = {
    {"listener defaults", test_listener_defaults      },
    {"global defaults",   test_global_defaults        },
    {"values",            test_values                 },
    {"check",             test_check                  },
    {"hostname",          test_hostname               },
    {"documented",        test_every_row_is_documented},
};

UNIT_MAIN("smtp/settings", tests)
