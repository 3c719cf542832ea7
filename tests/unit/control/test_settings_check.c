// SPDX-License-Identifier: BSD-2-Clause
#include "control/settings_check.h"

#include "base/mem.h"
#include "control/layout.h"
#include "tests/unit/harness.h"

// Settings that come from no section at all still get a place.
static const struct tree_section root = {.rules = &layout_rules, .file = "f", .line = 1};

static void
set_text(char **member, const char *text)
{
    mem_free(member);
    *member = mem_strdup(text);
}

static void
no_change(struct settings *settings)
{
    (void)settings;
}

static void
few_connections(struct settings *settings)
{
    settings->smtp.max_connections = 1;
    settings->daemon.workers = 2;
}

static void
same_addresses(struct settings *settings)
{
    struct addr addr = settings->listeners[0].addr;

    (void)layout_add_listener(settings, &addr, "another");
}

static void
same_names(struct settings *settings)
{
    struct addr addr;

    CU_ASSERT(addr_parse(span_of("unix:/x"), &addr, NULL) == 0);
    (void)layout_add_listener(settings, &addr, "inet:127.0.0.1:10024");
}

static void
same_hop_names(struct settings *settings)
{
    struct addr addr = settings->hops[0].addr;

    (void)layout_add_hop(settings, &addr, settings->hops[0].name);
}

static void
unknown_hop(struct settings *settings)
{
    set_text(&settings->listeners[0].next_hop, "x");
}

static void
loop_to_us(struct settings *settings)
{
    settings->hops[0].addr = settings->listeners[0].addr;
}

static void
bad_facility(struct settings *settings)
{
    set_text(&settings->log.facility, "mai");
}

static void
bad_format(struct settings *settings)
{
    set_text(&settings->log.format, "xml");
}

static void
bad_spool(struct settings *settings)
{
    set_text(&settings->spool.path, "spool");
}

static void
bad_control(struct settings *settings)
{
    settings->control.socket = settings->listeners[0].addr;
}

static void
bad_mode(struct settings *settings)
{
    settings->control.mode = 01777;
}

static void
bad_score(struct settings *settings)
{
    set_text(&settings->policy.bounce_max_score, "much");
}

static const struct {
    const char *name;
    void (*change)(struct settings *settings);
    const char *expected; // "": good
} rows[] = {
    {"defaults",        no_change,       ""                                                               },
    {"few connections", few_connections,
     "f:1: max_connections: expected at least one for each of the 2 workers"                              },
    {"same addresses",  same_addresses,
     "f:1: listen: another one has the address \"inet:127.0.0.1:10024\""                                  },
    {"same names",      same_names,      "f:1: name: another listen has the name \"inet:127.0.0.1:10024\""},
    {"same hop names",  same_hop_names,
     "f:1: name: another next_hop has the name \"inet:127.0.0.1:10025\""                                  },
    {"unknown hop",     unknown_hop,     "f:1: next_hop: there is no next_hop with the name \"x\""        },
    {"loop to us",      loop_to_us,
     "f:1: next_hop: mail to \"inet:127.0.0.1:10024\" would come back to us: a listen has that "
     "address"                                                                                            },
    {"bad facility",    bad_facility,
     "f:1: facility: expected mail, daemon or local0 to local7, not \"mai\""                              },
    {"bad format",      bad_format,      "f:1: format: expected text or json, not \"xml\""                },
    {"bad spool",       bad_spool,       "f:1: path: expected an absolute path, not \"spool\""            },
    {"bad control",     bad_control,     "f:1: socket: expected a UNIX socket, unix:/path"                },
    {"bad score",       bad_score,       "f:1: bounce_max_score: expected a number, not \"much\""         },
    {"bad mode",        bad_mode,        "f:1: mode: expected access rights such as 0660"                 },
};

static void
rows_hold(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct settings *settings = layout_new("f");
        struct err err = {ERR_NONE, ""};
        int result;

        layout_derive(settings);
        layout_add_defaults(settings);
        rows[i].change(settings);
        result = settings_check(settings, &root, &err);
        UNIT_CHECK_ROW(rows[i].name, (result == 0) == (rows[i].expected[0] == '\0'));
        UNIT_CHECK_ROW(rows[i].name, strcmp(err.text, rows[i].expected) == 0);
        if (strcmp(err.text, rows[i].expected) != 0)
            fprintf(stderr, "got      %s\n", err.text);
        settings_free(&settings);
    }
}

static const struct unit_test tests[] = {
    {"rows hold", rows_hold},
};

UNIT_MAIN("control/settings_check", tests)
