// SPDX-License-Identifier: BSD-2-Clause
#include "policy/origin.h"

#include "base/mem.h"
#include "tests/unit/harness.h"

struct origin_row {
    const char *title;
    const char *addr, *name, *helo; // XFORWARD
    const char *client, *session_helo, *params;
    const char *is_address, *is_name, *is_helo, *is_user;
    bool has_addr;
};

static const struct origin_row rows[] = {
    {"session",     NULL,               NULL,               NULL,               "192.0.2.1", "me", "",                              "192.0.2.1",   "",                 "me",               "",                true },
    {"forwarded",   "192.0.2.7",        "mail.example.org", "helo.example.org", "127.0.0.1", "me", "",
     "192.0.2.7",                                                                                                                                  "mail.example.org", "helo.example.org", "",                true },
    {"v6",          "IPV6:2001:db8::1", "a",                "b",                "127.0.0.1", "me", "",                              "2001:db8::1", "a",                "b",                "",                true },
    {"v6 plain",    NULL,               NULL,               NULL,               "::1",       "me", "",                              "::1",         "",                 "me",               "",                true },
    {"unavailable", "[UNAVAILABLE]",    "[unavailable]",    "[TEMPUNAVAIL]",    "127.0.0.1", "me", "",                              "",
     "",                                                                                                                                                               "",                 "",                false},
    {"unix",        NULL,               NULL,               NULL,               "local",     "me", "",                              "local",       "",                 "me",               "",                false},
    {"xtext",       NULL,               "a+2Bb",            "x+20y",            "127.0.0.1", "me", "",                              "127.0.0.1",   "a+b",              "x y",              "",                true },
    {"bad xtext",   NULL,               "a+b",              "x",                "127.0.0.1", "me", "",                              "127.0.0.1",   "",                 "x",                "",                true },
    {"user",        NULL,               NULL,               NULL,               "127.0.0.1", "me", "SIZE=1 AUTH=joe+40example.com", "127.0.0.1",   "",
     "me",                                                                                                                                                                                 "joe@example.com", true },
    {"no user",     NULL,               NULL,               NULL,               "127.0.0.1", "me", "AUTH=<>",                       "127.0.0.1",   "",                 "me",               "",                true },
    {"nothing",     NULL,               NULL,               NULL,               NULL,        NULL, NULL,                            "",            "",                 "",                 "",                false},
};

static void
test_rows(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const struct origin_row *row = &rows[i];
        struct smtp_envelope envelope;
        struct origin origin;

        envelope_init(&envelope);
        envelope.xforward[XFORWARD_ADDR] = mem_strdup(row->addr);
        envelope.xforward[XFORWARD_NAME] = mem_strdup(row->name);
        envelope.xforward[XFORWARD_HELO] = mem_strdup(row->helo);
        envelope.client = mem_strdup(row->client);
        envelope.helo = mem_strdup(row->session_helo);
        envelope.from_params = mem_strdup(row->params);
        origin_init(&origin, &envelope);
        UNIT_CHECK_ROW(row->title, strcmp(origin.address, row->is_address) == 0);
        UNIT_CHECK_ROW(row->title, strcmp(origin.name, row->is_name) == 0);
        UNIT_CHECK_ROW(row->title, strcmp(origin.helo, row->is_helo) == 0);
        UNIT_CHECK_ROW(row->title, strcmp(origin.user, row->is_user) == 0);
        UNIT_CHECK_ROW(row->title, (origin.addr.len > 0) == row->has_addr);
        origin_clear(&origin);
        envelope_clear(&envelope);
    }
}

static const struct unit_test tests[] = {
    {"rows", test_rows},
};

UNIT_MAIN("policy/origin", tests)
