// SPDX-License-Identifier: BSD-2-Clause
#include "src/scribe/overview.h"

#include <string.h>

#include "base/json.h"

enum { TEXT_MAX = 200 };

struct sheet {
    const struct survey_config *config;
    struct metrics_view view;
    struct response *response;
};

// --- facts ---

static struct json *
begin(const char *what)
{
    struct json *fact = json_object_new();

    json_set_text(fact, "what", span_of(what));
    return fact;
}

static void
set_text(struct json *fact, const char *key, const char *text)
{
    json_set_text(fact, key, span_from(text, strnlen(text, TEXT_MAX)));
}

static void
set_count(struct json *fact, const char *key, uint64_t count)
{
    if (count <= INT64_MAX)
        json_set_number(fact, key, (int64_t)count);
}

// One that is too long in spite of TEXT_MAX, for all its escapes, is left out.
static void
end(struct sheet *sheet, struct json **fact)
{
    struct buf line;

    buf_init(&line, RESPONSE_FACT_MAX);
    if (json_print(*fact, &line) == 0)
        (void)response_add_fact(sheet->response, buf_span(&line));
    buf_clear(&line);
    json_free(fact);
}

static void
add_daemon(struct sheet *sheet)
{
    struct json *fact = begin("daemon");

    set_text(fact, "version", sheet->view.version);
    set_text(fact, "config", sheet->config->settings->file);
    end(sheet, &fact);
}

// --- processes ---

static const struct counter_worker *
find_worker(const struct counter_page *page, int64_t pid)
{
    for (size_t i = 0; i < counter_rows(page); i++) {
        if (atomic_load(&page->worker[i].pid) == pid)
            return &page->worker[i];
    }
    return NULL;
}

static void
add_process(struct sheet *sheet, const struct metrics_process *process)
{
    const struct counter_worker *worker = find_worker(sheet->config->page, process->pid);
    struct json *fact = begin("process");

    set_text(fact, "kind", process->kind);
    json_set_number(fact, "pid", process->pid);
    json_set_number(fact, "since", (int64_t)process->start_seconds);
    json_set_number(fact, "cpu_ms", (int64_t)(process->cpu_seconds * 1000));
    set_count(fact, "memory", process->resident_bytes);
    if (worker != NULL) {
        set_count(fact, "messages", atomic_load(&worker->messages));
        set_count(fact, "connections", atomic_load(&worker->connections));
        json_set_bool(fact, "draining", atomic_load(&worker->draining) != 0);
    }
    end(sheet, &fact);
}

// They come and go with the work: all in one.
static void
add_dissectors(struct sheet *sheet)
{
    uint64_t count = 0, memory = 0;
    double cpu_seconds = 0;
    struct json *fact;

    for (size_t i = 0; i < sheet->view.process_count; i++) {
        const struct metrics_process *process = &sheet->view.processes[i];

        if (strcmp(process->kind, "dissector") != 0)
            continue;
        count++;
        memory += process->resident_bytes;
        cpu_seconds += process->cpu_seconds;
    }
    if (count == 0)
        return;
    fact = begin("dissectors");
    set_count(fact, "count", count);
    json_set_number(fact, "cpu_ms", (int64_t)(cpu_seconds * 1000));
    set_count(fact, "memory", memory);
    end(sheet, &fact);
}

static void
add_processes(struct sheet *sheet)
{
    static const char *const kinds[] = {"master", "worker", "scribe", "nursery"};

    for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
        for (size_t i = 0; i < sheet->view.process_count; i++) {
            if (strcmp(sheet->view.processes[i].kind, kinds[kind]) == 0)
                add_process(sheet, &sheet->view.processes[i]);
        }
    }
    add_dissectors(sheet);
}

// --- servers ---

static void
add_servers(struct sheet *sheet)
{
    const struct figures_server *servers;
    size_t count = figures_servers(sheet->config->figures, sheet->view.now_ms, &servers);

    for (size_t i = 0; i < count; i++) {
        const struct figures_server *server = &servers[i];
        struct json *fact = begin(server->is_hop ? "next_hop" : "upstream");

        set_text(fact, server->is_hop ? "next_hop" : "filter", server->owner);
        set_text(fact, "server", server->address);
        json_set_bool(fact, "up", server->is_up);
        if (server->is_hop)
            set_count(fact, "connections", server->connections);
        end(sheet, &fact);
    }
}

// --- queue, ledger, Redis ---

static void
add_queue(struct sheet *sheet)
{
    uint64_t all = counter_sum_messages(sheet->config->page);
    uint64_t waiting = figures_waiting(sheet->config->figures, sheet->view.now_ms);
    struct json *fact = begin("queue");

    set_count(fact, "active", all > waiting ? all - waiting : 0);
    set_count(fact, "waiting", waiting);
    set_count(fact, "hold", sheet->view.hold);
    set_count(fact, "quarantine", sheet->view.quarantine);
    set_count(fact, "corrupt", sheet->view.corrupt);
    set_count(fact, "connections", counter_sum_connections(sheet->config->page));
    end(sheet, &fact);
}

static void
add_ledger(struct sheet *sheet)
{
    struct json *fact = begin("ledger");

    set_text(fact, "path", sheet->config->settings->track.ledger);
    json_set_bool(fact, "up", sheet->view.is_ledger_up);
    set_count(fact, "behind_ms", sheet->view.ledger_behind_ms);
    set_count(fact, "rows", sheet->view.ledger_rows);
    set_count(fact, "dropped", sheet->view.events_dropped);
    set_text(fact, "trouble", sheet->view.ledger_trouble);
    end(sheet, &fact);
}

static void
add_redis(struct sheet *sheet)
{
    struct json *fact;

    if (!sheet->view.has_redis)
        return;
    fact = begin("redis");
    set_text(fact, "server", sheet->view.redis.server);
    json_set_bool(fact, "up", sheet->view.redis.is_connected);
    set_count(fact, "behind", sheet->view.redis_behind);
    set_count(fact, "failures", sheet->view.redis.failures);
    set_text(fact, "trouble", sheet->view.redis.trouble);
    end(sheet, &fact);
}

void
overview_write(const struct survey *survey, struct response *response)
{
    struct sheet sheet = {.config = survey_config(survey), .response = response};

    survey_view(survey, &sheet.view);
    add_daemon(&sheet);
    add_processes(&sheet);
    add_queue(&sheet);
    add_ledger(&sheet);
    add_redis(&sheet);
    add_servers(&sheet);
}
