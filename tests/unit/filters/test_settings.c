// SPDX-License-Identifier: BSD-2-Clause
#include "filters/settings.h"

#include "tests/unit/filters/configure.h"
#include "tests/unit/harness.h"

#include "base/mem.h"

static void
test_defaults_are_as_told(void)
{
    struct filter_settings settings;

    filter_settings_init(&settings, "clamav");
    CU_ASSERT_STRING_EQUAL(settings.name, "clamav");
    CU_ASSERT_EQUAL(settings.type, FILTER_UNSET);
    CU_ASSERT_EQUAL(settings.servers.count, 0);
    CU_ASSERT_EQUAL(settings.weights.count, 0);
    CU_ASSERT_EQUAL(settings.backup.count, 0);
    CU_ASSERT_EQUAL(settings.connect_timeout, 1000);
    CU_ASSERT_EQUAL(settings.timeout, 20000);
    CU_ASSERT_EQUAL(settings.max_size, 25 << 20);
    CU_ASSERT_EQUAL(settings.parts, FILTER_PARTS_ODD);
    CU_ASSERT_EQUAL(settings.connections, 50);
    CU_ASSERT_EQUAL(settings.on_error, FILTER_ERROR_DEFER);
    CU_ASSERT_EQUAL(settings.on_unscannable, FILTER_UNSCANNABLE_QUARANTINE);
    CU_ASSERT_EQUAL(settings.retries, 2);
    CU_ASSERT_EQUAL(settings.retry_delay, 100);
    CU_ASSERT_EQUAL(settings.max_errors, 10);
    CU_ASSERT_EQUAL(settings.error_time, 10000);
    CU_ASSERT_EQUAL(settings.dead_time, 300000);
    CU_ASSERT_EQUAL(settings.probe_interval, 10000);
    CU_ASSERT_EQUAL(settings.skip_clients.count, 0);
    CU_ASSERT_EQUAL(settings.skip_recipients.count, 0);
    filter_settings_clear(&settings);
    CU_ASSERT_PTR_NULL(settings.name);
}

static void
test_rows_explain_themselves(void)
{
    for (size_t i = 0; i < filter_row_count; i++) {
        const char *help = filter_rows[i].help;

        UNIT_CHECK_ROW(filter_rows[i].name, help != NULL && strchr(help, '\n') == NULL);
        UNIT_CHECK_ROW(filter_rows[i].name, help != NULL && help[strlen(help) - 1] == '.');
    }
}

static void
test_choices(void)
{
    static const struct {
        const char *name, *text;
        size_t offset;
        int value;
    } rows[] = {
        {"clamd",         "type=clamd",                offsetof(struct filter_settings, type),           FILTER_CLAMD                 },
        {"rspamd",        "type=rspamd",               offsetof(struct filter_settings, type),           FILTER_RSPAMD                },
        {"odd",           "parts=odd",                 offsetof(struct filter_settings, parts),          FILTER_PARTS_ODD             },
        {"always",        "parts=always",              offsetof(struct filter_settings, parts),          FILTER_PARTS_ALWAYS          },
        {"never",         "parts=never",               offsetof(struct filter_settings, parts),          FILTER_PARTS_NEVER           },
        {"defer",         "on_error=defer",            offsetof(struct filter_settings, on_error),       FILTER_ERROR_DEFER           },
        {"accept",        "on_error=accept",           offsetof(struct filter_settings, on_error),
         FILTER_ERROR_ACCEPT                                                                                                          },
        {"quarantine",    "on_error=quarantine",       offsetof(struct filter_settings, on_error),
         FILTER_ERROR_QUARANTINE                                                                                                      },
        {"rules",         "on_error=rules",            offsetof(struct filter_settings, on_error),       FILTER_ERROR_RULES           },
        {"quarantine it", "on_unscannable=quarantine",
         offsetof(struct filter_settings,                                               on_unscannable), FILTER_UNSCANNABLE_QUARANTINE},
        {"hold it",       "on_unscannable=hold",       offsetof(struct filter_settings, on_unscannable),
         FILTER_UNSCANNABLE_HOLD                                                                                                      },
        {"accept it",     "on_unscannable=accept",     offsetof(struct filter_settings, on_unscannable),
         FILTER_UNSCANNABLE_ACCEPT                                                                                                    },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct filter_settings settings;

        configure(&settings, "test", rows[i].text);
        UNIT_CHECK_ROW(rows[i].name,
                       *(int *)(void *)((char *)&settings + rows[i].offset) == rows[i].value);
        filter_settings_clear(&settings);
    }
}

static void
test_check(void)
{
    static const struct {
        const char *name, *text;
        int type;
        const char *expected; // begins the error; NULL: it is good
    } rows[] = {
        {"a",           "servers=1",                             FILTER_CLAMD,  NULL             },
        {"Clam-av_2.x", "servers=1 2; weights=1 1000; backup=3", FILTER_RSPAMD, NULL             },
        {"a",           "servers=1",                             FILTER_UNSET,  "type: "         },
        {"a",           "",                                      FILTER_CLAMD,  "servers: "      },
        {"a",           "backup=1",                              FILTER_CLAMD,  "servers: "      },
        {"a",           "servers=1 2; weights=1",                FILTER_CLAMD,  "weights: "      },
        {"a",           "servers=1; weights=1 1",                FILTER_CLAMD,  "weights: "      },
        {"a",           "servers=1; weights=0",                  FILTER_CLAMD,  "weights: "      },
        {"a",           "servers=1; weights=1001",               FILTER_CLAMD,  "weights: "      },
        {"a",           "servers=1; weights=x",                  FILTER_CLAMD,  "weights: "      },
        {"",            "servers=1",                             FILTER_CLAMD,  "expected a name"},
        {"a b",         "servers=1",                             FILTER_CLAMD,  "expected a name"},
        {"a\xc3\xa4",   "servers=1",                             FILTER_CLAMD,  "expected a name"},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct filter_settings settings;
        struct err err = {0};
        int result;

        configure(&settings, rows[i].name, rows[i].text);
        settings.type = rows[i].type;
        result = filter_settings_check(&settings, &err);
        UNIT_CHECK_ROW(rows[i].text, result == (rows[i].expected == NULL ? 0 : -1));
        if (rows[i].expected != NULL) {
            UNIT_CHECK_ROW(rows[i].text, err.kind == ERR_PERM);
            UNIT_CHECK_ROW(rows[i].text, span_starts_nocase(span_of(err.text), rows[i].expected));
        }
        filter_settings_clear(&settings);
    }
}

static void
test_name_length(void)
{
    char name[66];
    struct filter_settings settings;

    memset(name, 'a', sizeof(name));
    name[65] = '\0';
    configure(&settings, name, "servers=1");
    CU_ASSERT_EQUAL(filter_settings_check(&settings, NULL), -1);
    settings.name[64] = '\0';
    CU_ASSERT_EQUAL(filter_settings_check(&settings, NULL), 0);
    filter_settings_clear(&settings);
}

static const struct unit_test tests[] = {
    {"defaults are as told",    test_defaults_are_as_told   },
    {"rows explain themselves", test_rows_explain_themselves},
    {"choices",                 test_choices                },
    {"check",                   test_check                  },
    {"length of a name",        test_name_length            },
};

UNIT_MAIN("filters/settings", tests)
