// SPDX-License-Identifier: BSD-2-Clause
#include "filters/skip.h"

#include "tests/unit/filters/configure.h"
#include "tests/unit/harness.h"

#include "base/mem.h"

struct row {
    const char *name, *settings;
    const char *client, *xforward; // NULL: not there
    const char *rcpts;             // parted by blanks
    const char *expected;          // NULL: it is asked
};

static void
check(const struct row *row)
{
    struct filter_settings settings;
    struct smtp_envelope envelope;
    struct span rest = span_of(row->rcpts);
    const char *reason;

    configure(&settings, "test", row->settings);
    envelope_init(&envelope);
    envelope.client = mem_strdup(row->client);
    envelope.xforward[XFORWARD_ADDR] = mem_strdup(row->xforward);
    while (rest.len > 0)
        envelope_add_rcpt(&envelope, span_cut(&rest, ' '), span_of(""));
    reason = skip_reason(&settings, &envelope);
    UNIT_CHECK_ROW(row->name, (reason == NULL) == (row->expected == NULL));
    if (reason != NULL && row->expected != NULL)
        UNIT_CHECK_ROW(row->name, strcmp(reason, row->expected) == 0);
    envelope_clear(&envelope);
    filter_settings_clear(&settings);
}

#define NETS "skip_clients=192.0.2.0/24 2001:db8::/32 127.0.0.1 ::1"
#define GLOBS "skip_recipients=abuse@* *@trap.example"
#define CLIENT "skip_clients"
#define RCPTS "skip_recipients"

static void
test_rows(void)
{
    static const struct row rows[] = {
        {"nothing to skip",                                     "",             "192.0.2.7",    NULL,               "a@b",                    NULL  },
        {"the session's client",                                NETS,           "192.0.2.7",    NULL,               "a@b",                    CLIENT},
        {"another one",                                         NETS,           "198.51.100.1", NULL,               "a@b",                    NULL  },
        {"IPv6",                                                NETS,           "2001:db8::7",  NULL,               "a@b",                    CLIENT},
        {"IPv6, another one",                                   NETS,           "2001:db9::7",  NULL,               "a@b",                    NULL  },
        {"a UNIX socket",                                       NETS,           "local",        NULL,               "a@b",                    NULL  },
        {"no client",                                           NETS,           NULL,           NULL,               "a@b",                    NULL  },
        {"XFORWARD",                                            NETS,           "10.0.0.1",     "192.0.2.7",        "a@b",                    CLIENT},
        {"XFORWARD counts alone",                               NETS,           "127.0.0.1",    "198.51.100.1",     "a@b",                    NULL  },
        {"XFORWARD, IPv6",                                      NETS,           "10.0.0.1",     "IPv6:2001:db8::7", "a@b",                    CLIENT},
        {"XFORWARD, IPv6, any case",                            NETS,           "10.0.0.1",     "IPV6:2001:db8::7", "a@b",                    CLIENT},
        {"XFORWARD, bare IPv6",                                 NETS,           "10.0.0.1",     "2001:db8::7",      "a@b",                    CLIENT},
        {"a client that Postfix does not know is not the peer", NETS,           "127.0.0.1",    "[UNAVAILABLE]",
         "a@b",                                                                                                                               NULL  },
        {"nonsense",                                            NETS,           "127.0.0.1",    "192.0.2.7x",       "a@b",                    NULL  },
        {"empty",                                               NETS,           "127.0.0.1",    "",                 "a@b",                    NULL  },
        {"a recipient",                                         GLOBS,          "192.0.2.7",    NULL,               "abuse@example.org",      RCPTS },
        {"any case",                                            GLOBS,          "192.0.2.7",    NULL,               "ABUSE@example.org",      RCPTS },
        {"all recipients",                                      GLOBS,          "192.0.2.7",    NULL,               "abuse@a b@trap.example", RCPTS },
        {"not all recipients",                                  GLOBS,          "192.0.2.7",    NULL,               "abuse@a b@c",            NULL  },
        {"the last is none",                                    GLOBS,          "192.0.2.7",    NULL,               "abuse@a abuse@b c@d",    NULL  },
        {"no recipients",                                       GLOBS,          "192.0.2.7",    NULL,               "",                       NULL  },
        {"both",                                                NETS ";" GLOBS, "192.0.2.7",    NULL,               "abuse@a",                CLIENT},
        {"one suffices",                                        NETS ";" GLOBS, "198.51.100.1", NULL,               "abuse@a",                RCPTS },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        check(&rows[i]);
}

static void
test_parts(void)
{
    static const struct {
        const char *settings;
        bool in_order, odd; // skipped
    } rows[] = {
        {"type=clamd",               true,  false},
        {"type=clamd;parts=odd",     true,  false},
        {"type=clamd;parts=always",  false, false},
        {"type=clamd;parts=never",   true,  true },
        {"type=rspamd;parts=always", true,  true },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct findings in_order = {.is_odd = false}, odd = {.is_odd = true};
        struct filter_settings settings;

        configure(&settings, "test", rows[i].settings);
        UNIT_CHECK_ROW(rows[i].settings, skip_parts(&settings, &in_order) == rows[i].in_order);
        UNIT_CHECK_ROW(rows[i].settings, skip_parts(&settings, &odd) == rows[i].odd);
        UNIT_CHECK_ROW(rows[i].settings, skip_parts(&settings, NULL));
        filter_settings_clear(&settings);
    }
}

static void
test_half_told(void)
{
    struct filter_settings settings;
    struct smtp_envelope envelope;

    configure(&settings, "test", NETS);
    envelope_init(&envelope);
    envelope.client = mem_strdup("127.0.0.1");
    envelope.xforward[XFORWARD_NAME] = mem_strdup("mail.example.org");
    CU_ASSERT_PTR_NULL(skip_reason(&settings, &envelope));
    envelope_clear(&envelope);
    filter_settings_clear(&settings);
}

static const struct unit_test tests[] = {
    {"rows",      test_rows     },
    {"parts",     test_parts    },
    {"half told", test_half_told},
};

UNIT_MAIN("filters/skip", tests)
