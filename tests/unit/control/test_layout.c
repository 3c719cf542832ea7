// SPDX-License-Identifier: BSD-2-Clause
#include "control/layout.h"

#include "tests/unit/harness.h"

static void
defaults_are_complete(void)
{
    struct settings *settings = layout_new("/etc/postern/postern.conf");
    char text[ADDR_TEXT_MAX];

    layout_derive(settings);
    layout_add_defaults(settings);
    CU_ASSERT_STRING_EQUAL(settings->file, "/etc/postern/postern.conf");
    CU_ASSERT(settings->daemon.workers >= 1 && settings->daemon.workers <= SETTINGS_WORKERS_MAX);
    CU_ASSERT(settings->smtp.hostname[0] != '\0');
    CU_ASSERT_FATAL(settings->listener_count == 1 && settings->hop_count == 1);
    addr_format(&settings->listeners[0].addr, text);
    CU_ASSERT_STRING_EQUAL(text, "inet:127.0.0.1:10024");
    CU_ASSERT_STRING_EQUAL(settings->listeners[0].name, text);
    CU_ASSERT(settings->listeners[0].protocol == SMTP_PROTOCOL_SMTP);
    addr_format(&settings->hops[0].addr, text);
    CU_ASSERT_STRING_EQUAL(text, "inet:127.0.0.1:10025");
    CU_ASSERT_STRING_EQUAL(settings->hops[0].name, text);
    layout_add_defaults(settings);
    CU_ASSERT(settings->listener_count == 1 && settings->hop_count == 1);
    settings_free(&settings);
    CU_ASSERT_PTR_NULL(settings);
}

static void
set_values_stay(void)
{
    struct settings *settings = layout_new("x");
    struct addr addr;

    settings->daemon.workers = 3;
    CU_ASSERT(addr_parse(span_of("unix:/x"), &addr, NULL) == 0);
    (void)layout_add_listener(settings, &addr, "unix:/x");
    layout_derive(settings);
    layout_add_defaults(settings);
    CU_ASSERT(settings->daemon.workers == 3);
    CU_ASSERT(settings->listener_count == 1);
    CU_ASSERT(settings->listeners[0].protocol == SMTP_PROTOCOL_LMTP);
    CU_ASSERT(settings->hop_count == 1);
    settings_free(&settings);
}

// Each name is of one kind in one section only, or a text could mean two things.
static void
names_are_unique(void)
{
    for (size_t i = 0; i < layout_rules.table_count; i++) {
        const struct tree_table *table = &layout_rules.tables[i];

        for (size_t j = 0; j < *table->count; j++) {
            const char *name = table->rows[j].name;

            UNIT_CHECK_ROW(name, tree_find_row(&layout_rules, name) == &table->rows[j]);
            for (size_t k = 0; k < layout_rules.section_count; k++)
                UNIT_CHECK_ROW(name, strcmp(layout_rules.sections[k].name, name) != 0);
        }
    }
}

static const struct unit_test tests[] = {
    {"defaults are complete", defaults_are_complete},
    {"set values stay",       set_values_stay      },
    {"names are unique",      names_are_unique     },
};

UNIT_MAIN("control/layout", tests)
