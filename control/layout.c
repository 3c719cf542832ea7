// SPDX-License-Identifier: BSD-2-Clause
#include "control/layout.h"

#include <assert.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "control/rows.h"

enum { DISSECTORS_A_WORKER = 4 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PART(member) offsetof(struct settings, member)

const struct layout_part layout_parts[LAYOUT_PARTS] = {
    {"",           {daemon_rows, &daemon_row_count},         PART(daemon)    },
    {"",           {smtp_rows, &smtp_row_count},             PART(smtp)      },
    {"",           {delivery_rows, &delivery_row_count},     PART(delivery)  },
    {"",           {policy_rows, &policy_row_count},         PART(policy)    },
    {"dissect",    {dissect_rows, &dissect_row_count},       PART(dissect)   },
    {"spool",      {spool_rows, &spool_row_count},           PART(spool)     },
    {"quarantine", {quarantine_rows, &quarantine_row_count}, PART(quarantine)},
    {"track",      {track_rows, &track_row_count},           PART(track)     },
    {"redis",      {redis_rows, &redis_row_count},           PART(redis)     },
    {"control",    {control_rows, &control_row_count},       PART(control)   },
    {"log",        {log_rows, &log_row_count},               PART(log)       },
};

const struct tree_table layout_listen = {smtp_listener_rows, &smtp_listener_row_count};
const struct tree_table layout_listen_tls = {smtp_listener_tls_rows, &smtp_listener_tls_row_count};
const struct tree_table layout_next_hop = {hop_rows, &hop_row_count};
const struct tree_table layout_filter = {filter_rows, &filter_row_count};
const struct tree_table layout_rule = {rule_rows, &rule_row_count};
const struct tree_table layout_http = {http_rows, &http_row_count};

static const struct tree_table file_tables[] = {
    {daemon_rows,   &daemon_row_count  },
    {smtp_rows,     &smtp_row_count    },
    {delivery_rows, &delivery_row_count},
    {policy_rows,   &policy_row_count  },
};

static const struct tree_table spool_table = {spool_rows, &spool_row_count};
static const struct tree_table quarantine_table = {quarantine_rows, &quarantine_row_count};
static const struct tree_table track_table = {track_rows, &track_row_count};
static const struct tree_table redis_table = {redis_rows, &redis_row_count};
static const struct tree_table dissect_table = {dissect_rows, &dissect_row_count};
static const struct tree_table control_table = {control_rows, &control_row_count};
static const struct tree_table log_table = {log_rows, &log_row_count};

static const struct tree_rules tls_rules = {
    .name = "tls", .tables = &layout_listen_tls, .table_count = 1};

// clang-format off
static const struct tree_rules sections[] = {
    {.name = "listen", .has_title = true, .tables = &layout_listen, .table_count = 1,
     .sections = &tls_rules, .section_count = 1},
    {.name = "next_hop", .has_title = true, .tables = &layout_next_hop, .table_count = 1},
    {.name = "filter", .has_title = true, .tables = &layout_filter, .table_count = 1},
    {.name = "rule", .has_title = true, .tables = &layout_rule, .table_count = 1},
    {.name = "http", .has_title = true, .tables = &layout_http, .table_count = 1},
    {.name = "dissect", .tables = &dissect_table, .table_count = 1},
    {.name = "spool", .tables = &spool_table, .table_count = 1},
    {.name = "quarantine", .tables = &quarantine_table, .table_count = 1},
    {.name = "track", .tables = &track_table, .table_count = 1},
    {.name = "redis", .tables = &redis_table, .table_count = 1},
    {.name = "control", .tables = &control_table, .table_count = 1},
    {.name = "log", .tables = &log_table, .table_count = 1},
};
// clang-format on

const struct tree_rules layout_rules = {.name = "",
                                        .tables = file_tables,
                                        .table_count = COUNT(file_tables),
                                        .sections = sections,
                                        .section_count = COUNT(sections)};

static uint64_t
count_cores(void)
{
    cpu_set_t set;
    int count = 1;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        count = CPU_COUNT(&set);
    if (count < 1)
        count = 1;
    return count > SETTINGS_WORKERS_MAX ? SETTINGS_WORKERS_MAX : (uint64_t)count;
}

static char *
host_name(void)
{
    char name[256] = "";

    if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0')
        return mem_strdup("localhost");
    return mem_strdup(name);
}

void
layout_derive(struct settings *settings)
{
    if (settings->daemon.workers == 0)
        settings->daemon.workers = count_cores();
    if (settings->daemon.dissectors == 0)
        settings->daemon.dissectors = DISSECTORS_A_WORKER * settings->daemon.workers;
    if (settings->smtp.hostname[0] == '\0') {
        mem_free(&settings->smtp.hostname);
        settings->smtp.hostname = host_name();
    }
}

struct settings *
layout_new(const char *file)
{
    struct settings *settings = mem_zalloc(sizeof *settings);

    settings->file = mem_strdup(file);
    for (size_t i = 0; i < COUNT(layout_parts); i++) {
        const struct layout_part *part = &layout_parts[i];

        setting_defaults(part->table.rows, *part->table.count, (char *)settings + part->offset);
    }
    return settings;
}

static void
set_name(char **name, const char *title)
{
    mem_free(name);
    *name = mem_strdup(title);
}

struct smtp_listener_settings *
layout_add_listener(struct settings *settings, const struct addr *addr, const char *title)
{
    struct smtp_listener_settings *listener;

    settings->listeners =
        mem_regrow(settings->listeners, settings->listener_count + 1, sizeof *settings->listeners);
    listener = &settings->listeners[settings->listener_count++];
    smtp_listener_init(listener, addr);
    set_name(&listener->name, title);
    return listener;
}

struct hop_settings *
layout_add_hop(struct settings *settings, const struct addr *addr, const char *title)
{
    struct hop_settings *hop;

    settings->hops = mem_regrow(settings->hops, settings->hop_count + 1, sizeof *settings->hops);
    hop = &settings->hops[settings->hop_count++];
    *hop = (struct hop_settings){.addr = *addr};
    setting_defaults(hop_rows, hop_row_count, hop);
    set_name(&hop->name, title);
    return hop;
}

struct http_settings *
layout_add_http(struct settings *settings, const struct addr *addr)
{
    struct http_settings *http;

    settings->https =
        mem_regrow(settings->https, settings->http_count + 1, sizeof *settings->https);
    http = &settings->https[settings->http_count++];
    *http = (struct http_settings){.addr = *addr};
    setting_defaults(http_rows, http_row_count, http);
    return http;
}

struct filter_settings *
layout_add_filter(struct settings *settings, const char *name)
{
    struct filter_settings *filter;

    settings->filters =
        mem_regrow(settings->filters, settings->filter_count + 1, sizeof *settings->filters);
    filter = &settings->filters[settings->filter_count++];
    filter_settings_init(filter, name);
    return filter;
}

struct rule_settings *
layout_add_rule(struct settings *settings, const char *name)
{
    struct rule_settings *rule;

    settings->rule_texts =
        mem_regrow(settings->rule_texts, settings->rule_count + 1, sizeof *settings->rule_texts);
    rule = &settings->rule_texts[settings->rule_count++];
    rule_settings_init(rule, name);
    return rule;
}

void
layout_add_defaults(struct settings *settings)
{
    static const char listen[] = "inet:127.0.0.1:10024", next_hop[] = "inet:127.0.0.1:10025";
    struct addr addr;
    int result;

    if (settings->listener_count == 0) {
        result = addr_parse(span_of(listen), &addr, NULL);
        assert(result == 0);
        (void)layout_add_listener(settings, &addr, listen);
    }
    if (settings->hop_count == 0) {
        result = addr_parse(span_of(next_hop), &addr, NULL);
        assert(result == 0);
        (void)layout_add_hop(settings, &addr, next_hop);
    }
}
