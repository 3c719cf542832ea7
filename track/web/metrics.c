// SPDX-License-Identifier: BSD-2-Clause
#include "track/web/metrics.h"

#include <stddef.h>
#include <string.h>

#include "track/web/exposition.h"

struct scene {
    struct figures *figures;
    const struct metrics_view *view;
    const struct figures_server *servers;
    size_t server_count;
    struct exposition page;
};

typedef void family_write(struct scene *scene);

struct family {
    const char *name, *type, *help;
    family_write *write;
};

// --- from the counter page ---

// Over all rows: what a worker that is gone has counted stays counted.
static uint64_t
sum(const struct scene *scene, size_t offset)
{
    const struct counter_page *page = scene->view->page;
    size_t rows = counter_rows(page);
    uint64_t total = 0;

    for (size_t i = 0; i < rows; i++) {
        const char *row = (const char *)&page->worker[i];

        total += atomic_load_explicit((const _Atomic uint64_t *)(const void *)(row + offset),
                                      memory_order_relaxed);
    }
    return total;
}

#define SUM(scene, member) sum((scene), offsetof(struct counter_worker, member))

static void
add_messages(struct scene *scene)
{
    for (size_t i = VERDICT_ACCEPT; i <= VERDICT_REDIRECT; i++)
        exposition_add_one(
            &scene->page, "verdict", verdict_name((enum verdict)i),
            sum(scene, offsetof(struct counter_worker, verdicts) + i * sizeof(uint64_t)));
}

static void
add_received_messages(struct scene *scene)
{
    exposition_add(&scene->page, NULL, SUM(scene, received));
}

static void
add_received_bytes(struct scene *scene)
{
    exposition_add(&scene->page, NULL, SUM(scene, received_bytes));
}

static void
add_deliveries(struct scene *scene)
{
    exposition_add_one(&scene->page, "result", "sent", SUM(scene, sent));
    exposition_add_one(&scene->page, "result", "deferred", SUM(scene, deferred));
    exposition_add_one(&scene->page, "result", "bounced", SUM(scene, bounced));
}

static void
add_rejects(struct scene *scene)
{
    for (size_t i = 0; i < COUNTER_CODES; i++)
        exposition_add_one(
            &scene->page, "code", counter_code_name(i),
            sum(scene, offsetof(struct counter_worker, rejects) + i * sizeof(uint64_t)));
}

static void
add_connections(struct scene *scene)
{
    exposition_add(&scene->page, NULL, counter_sum_connections(scene->view->page));
}

static void
add_crashes(struct scene *scene)
{
    exposition_add(&scene->page, NULL, SUM(scene, dissector_crashes));
}

static void
add_joined(struct scene *scene)
{
    exposition_add(&scene->page, NULL, SUM(scene, joined));
}

// --- from records and vitals ---

static void
add_queue(struct scene *scene)
{
    const struct metrics_view *view = scene->view;
    uint64_t all = counter_sum_messages(view->page);
    uint64_t waiting = figures_waiting(scene->figures, view->now_ms);

    const struct {
        const char *name;
        uint64_t count;
    } places[] = {
        {"active",     all > waiting ? all - waiting : 0},
        {"deferred",   waiting                          },
        {"hold",       view->hold                       },
        {"quarantine", view->quarantine                 },
        {"corrupt",    view->corrupt                    },
    };

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (places[i].count != UINT64_MAX)
            exposition_add_one(&scene->page, "place", places[i].name, places[i].count);
    }
}

static void
add_filter_seconds(struct scene *scene)
{
    const struct figures_filter *filters;
    size_t count = figures_filters(scene->figures, &filters);

    for (size_t i = 0; i < count * (RESULT_SKIPPED + 1); i++) {
        const struct figures_filter *filter = &filters[i / (RESULT_SKIPPED + 1)];
        size_t kind = i % (RESULT_SKIPPED + 1);
        const struct exposition_label labels[] = {
            {"filter", filter->name                            },
            {"result", result_kind_name((enum result_kind)kind)},
            {NULL,     NULL                                    }
        };

        if (filter->by_result[kind].count > 0)
            exposition_add_histogram(&scene->page, labels, &filter->by_result[kind]);
    }
}

static void
add_stage_seconds(struct scene *scene)
{
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        const struct exposition_label labels[] = {
            {"stage", record_stage_name((enum record_stage)i)},
            {NULL,    NULL                                   }
        };

        exposition_add_histogram(&scene->page, labels,
                                 figures_stage(scene->figures, (enum record_stage)i));
    }
}

static void
add_servers(struct scene *scene, bool is_hop, bool wants_connections)
{
    for (size_t i = 0; i < scene->server_count; i++) {
        const struct figures_server *server = &scene->servers[i];
        const struct exposition_label labels[] = {
            {is_hop ? "next_hop" : "filter", server->owner  },
            {"server",                       server->address},
            {NULL,                           NULL           }
        };

        if (server->is_hop == is_hop)
            exposition_add(&scene->page, labels,
                           wants_connections ? server->connections : server->is_up);
    }
}

static void
add_upstreams(struct scene *scene)
{
    add_servers(scene, false, false);
}

static void
add_next_hops(struct scene *scene)
{
    add_servers(scene, true, false);
}

static void
add_next_hop_connections(struct scene *scene)
{
    add_servers(scene, true, true);
}

// --- ledger, Redis, log ---

static void
add_events_dropped(struct scene *scene)
{
    exposition_add(&scene->page, NULL, scene->view->events_dropped);
}

static void
add_log_dropped(struct scene *scene)
{
    exposition_add(&scene->page, NULL, scene->view->log_dropped);
}

static void
add_ledger_up(struct scene *scene)
{
    exposition_add(&scene->page, NULL, scene->view->is_ledger_up);
}

static void
add_ledger_rows(struct scene *scene)
{
    exposition_add(&scene->page, NULL, scene->view->ledger_rows);
}

static void
add_ledger_behind(struct scene *scene)
{
    exposition_add_real(&scene->page, NULL, (double)scene->view->ledger_behind_ms / 1000);
}

static void
add_redis_up(struct scene *scene)
{
    if (scene->view->has_redis)
        exposition_add(&scene->page, NULL, scene->view->redis.is_connected);
}

static void
add_redis_behind(struct scene *scene)
{
    if (scene->view->has_redis)
        exposition_add(&scene->page, NULL, scene->view->redis_behind);
}

static void
add_redis_failures(struct scene *scene)
{
    if (scene->view->has_redis)
        exposition_add(&scene->page, NULL, scene->view->redis.failures);
}

static void
add_build_info(struct scene *scene)
{
    exposition_add_one(&scene->page, "version", scene->view->version, 1);
}

// --- processes, those of a kind together ---

static const char *const kinds[] = {"master", "worker", "scribe", "nursery", "dissector"};

struct kind_sum {
    uint64_t count, resident_bytes, open_fds;
    double cpu_seconds, start_seconds;
    bool knows_fds; // of all of them
};

static struct kind_sum
sum_kind(const struct metrics_view *view, const char *kind)
{
    struct kind_sum total = {.knows_fds = true};

    for (size_t i = 0; i < view->process_count; i++) {
        const struct metrics_process *process = &view->processes[i];

        if (strcmp(process->kind, kind) != 0)
            continue;
        total.count++;
        total.resident_bytes += process->resident_bytes;
        total.open_fds += process->open_fds;
        total.knows_fds = total.knows_fds && process->open_fds > 0;
        total.cpu_seconds += process->cpu_seconds;
        if (process->start_seconds > total.start_seconds)
            total.start_seconds = process->start_seconds;
    }
    return total;
}

enum process_figure { PROCESS_COUNT, PROCESS_CPU, PROCESS_MEMORY, PROCESS_START, PROCESS_FDS };

static void
add_processes(struct scene *scene, enum process_figure figure)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct kind_sum total = sum_kind(scene->view, kinds[i]);
        const struct exposition_label labels[] = {
            {"process", kinds[i]},
            {NULL,      NULL    }
        };

        if (total.count == 0 || (figure == PROCESS_FDS && !total.knows_fds))
            continue;
        if (figure == PROCESS_CPU || figure == PROCESS_START)
            exposition_add_real(&scene->page, labels,
                                figure == PROCESS_CPU ? total.cpu_seconds : total.start_seconds);
        else
            exposition_add(&scene->page, labels,
                           figure == PROCESS_COUNT    ? total.count
                           : figure == PROCESS_MEMORY ? total.resident_bytes
                                                      : total.open_fds);
    }
}

static void
add_process_count(struct scene *scene)
{
    add_processes(scene, PROCESS_COUNT);
}

static void
add_process_cpu(struct scene *scene)
{
    add_processes(scene, PROCESS_CPU);
}

static void
add_process_memory(struct scene *scene)
{
    add_processes(scene, PROCESS_MEMORY);
}

static void
add_process_start(struct scene *scene)
{
    add_processes(scene, PROCESS_START);
}

static void
add_process_fds(struct scene *scene)
{
    add_processes(scene, PROCESS_FDS);
}

// --- all of them ---

// clang-format off
static const struct family families[] = {
    {"postern_messages_total", "counter", "Messages decided about, by verdict.", add_messages},
    {"postern_received_messages_total", "counter", "Messages taken.", add_received_messages},
    {"postern_received_bytes_total", "counter", "Bytes of messages taken.", add_received_bytes},
    {"postern_deliveries_total", "counter", "Recipients by what became of a try at the next hop.",
     add_deliveries},
    {"postern_smtp_rejects_total", "counter", "Replies of 4xx and 5xx to clients, by code.",
     add_rejects},
    {"postern_joined_total", "counter", "Messages that came again and joined an earlier try.",
     add_joined},
    {"postern_connections", "gauge", "Connections of clients.", add_connections},
    {"postern_queue_messages", "gauge", "Messages by place; deferred ones wait for their next try.",
     add_queue},
    {"postern_filter_seconds", "histogram", "Time that a filter took for a message, by result.",
     add_filter_seconds},
    {"postern_stage_seconds", "histogram", "Time that a message spent in a stage.",
     add_stage_seconds},
    {"postern_upstream_up", "gauge", "Whether that server of that filter is asked.", add_upstreams},
    {"postern_next_hop_up", "gauge", "Whether that server of that next hop is used.",
     add_next_hops},
    {"postern_next_hop_connections", "gauge", "Connections to that server of that next hop.",
     add_next_hop_connections},
    {"postern_dissector_crashes_total", "counter", "Dissectors that died on a message.",
     add_crashes},
    {"postern_events_dropped_total", "counter", "Records that the ledger did not get.",
     add_events_dropped},
    {"postern_log_dropped_total", "counter", "Log lines of the scribe that syslog did not take.",
     add_log_dropped},
    {"postern_ledger_up", "gauge", "Whether the ledger can be written.", add_ledger_up},
    {"postern_ledger_rows_total", "counter", "Rows written to the ledger.", add_ledger_rows},
    {"postern_ledger_behind_seconds", "gauge", "Age of what waits to be written to the ledger.",
     add_ledger_behind},
    {"postern_redis_up", "gauge", "Whether a Redis server is connected.", add_redis_up},
    {"postern_redis_behind", "gauge", "Changes of the ledger that Redis does not have yet.",
     add_redis_behind},
    {"postern_redis_failures_total", "counter", "Batches that Redis refused or lost.",
     add_redis_failures},
    {"postern_build_info", "gauge", "Always 1; what runs here.", add_build_info},
    {"postern_processes", "gauge", "Processes by kind.", add_process_count},
    {"process_cpu_seconds_total", "counter", "CPU time of the processes of a kind that live now.",
     add_process_cpu},
    {"process_resident_memory_bytes", "gauge", "Resident memory of the processes of a kind.",
     add_process_memory},
    {"process_start_time_seconds", "gauge", "Start of the youngest process of a kind, since 1970.",
     add_process_start},
    {"process_open_fds", "gauge", "Open descriptors of the processes of a kind, where known.",
     add_process_fds},
};

// clang-format on

void
metrics_write(struct figures *figures, const struct metrics_view *view, struct buf *out)
{
    struct scene scene = {.figures = figures, .view = view, .page = {.out = out}};

    scene.server_count = figures_servers(figures, view->now_ms, &scene.servers);
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        const struct family *family = &families[i];

        exposition_begin(&scene.page, family->name, family->type, family->help);
        family->write(&scene);
        exposition_end(&scene.page);
    }
}
