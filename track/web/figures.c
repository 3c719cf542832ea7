// SPDX-License-Identifier: BSD-2-Clause
#include "track/web/figures.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { NAME_LEN_MAX = 256 };

struct row { // one worker's
    bool is_heard;
    uint64_t heard_ms;
    struct figures_worker worker;
    struct figures_server *servers;
    size_t server_count;
};

struct figures {
    struct histogram stages[STAGE_COUNT];
    struct figures_filter filters[FIGURES_FILTERS_MAX];
    size_t filter_count;
    struct row *rows;
    size_t row_count;
    struct figures_server *merged; // texts are the rows'
};

static void
clear_row(struct row *row)
{
    for (size_t i = 0; i < row->server_count; i++) {
        mem_free(&row->servers[i].owner);
        mem_free(&row->servers[i].address);
    }
    mem_free(&row->servers);
    *row = (struct row){.is_heard = false};
}

struct figures *
figures_new(size_t rows)
{
    struct figures *figures = mem_zalloc(sizeof *figures);

    figures->row_count = rows;
    figures->rows = mem_zarray(rows, sizeof *figures->rows);
    return figures;
}

void
figures_free(struct figures **figures)
{
    struct figures *gone = *figures;

    if (gone == NULL)
        return;
    for (size_t i = 0; i < gone->row_count; i++)
        clear_row(&gone->rows[i]);
    for (size_t i = 0; i < gone->filter_count; i++)
        mem_free(&gone->filters[i].name);
    mem_free(&gone->rows);
    mem_free(&gone->merged);
    mem_free(figures);
}

// --- times ---

static struct figures_filter *
find_filter(struct figures *figures, struct span name)
{
    struct figures_filter *filter;

    for (size_t i = 0; i < figures->filter_count; i++) {
        if (span_is(name, figures->filters[i].name))
            return &figures->filters[i];
    }
    if (figures->filter_count == FIGURES_FILTERS_MAX || name.len == 0 || name.len > NAME_LEN_MAX ||
        memchr(name.data, '\0', name.len) != NULL)
        return NULL;
    filter = &figures->filters[figures->filter_count++];
    filter->name = mem_strndup(name.data, name.len);
    return filter;
}

static void
add_result(struct figures *figures, const struct record_result *result)
{
    struct figures_filter *filter;

    if (result->kind == RESULT_PENDING)
        return;
    filter = find_filter(figures, result->filter);
    if (filter != NULL)
        histogram_add(&filter->by_result[result->kind], result->took_us);
}

void
figures_add_record(struct figures *figures, const struct record *record)
{
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        bool is_new = i == STAGE_SEND ? record->is_sent : record->is_looked;

        if (is_new && record->stage_us[i] > 0)
            histogram_add(&figures->stages[i], record->stage_us[i]);
    }
    for (size_t i = 0; record->is_looked && i < record->result_count; i++)
        add_result(figures, &record->results[i]);
}

const struct histogram *
figures_stage(const struct figures *figures, enum record_stage stage)
{
    assert((size_t)stage < STAGE_COUNT);
    return &figures->stages[stage];
}

size_t
figures_filters(const struct figures *figures, const struct figures_filter **filters_out)
{
    *filters_out = figures->filters;
    return figures->filter_count;
}

// --- workers and servers ---

void
figures_add_vitals(struct figures *figures, size_t row_index, const struct vitals *vitals,
                   uint64_t now_ms)
{
    struct row *row;

    assert(row_index < figures->row_count && vitals->server_count <= VITALS_SERVERS_MAX);
    row = &figures->rows[row_index];
    clear_row(row);
    row->is_heard = true;
    row->heard_ms = now_ms;
    row->worker = (struct figures_worker){.pid = vitals->pid,
                                          .jobs = vitals->jobs,
                                          .waiting = vitals->waiting,
                                          .is_draining = vitals->is_draining};
    row->servers = mem_zarray(vitals->server_count + 1, sizeof *row->servers);
    for (size_t i = 0; i < vitals->server_count; i++) {
        const struct vitals_server *server = &vitals->servers[i];

        if (server->owner.len > NAME_LEN_MAX || server->address.len > NAME_LEN_MAX)
            continue;
        row->servers[row->server_count++] = (struct figures_server){
            .owner = mem_strndup(server->owner.data, server->owner.len),
            .address = mem_strndup(server->address.data, server->address.len),
            .is_hop = server->is_hop,
            .is_up = server->is_up,
            .connections = server->connections};
    }
}

static bool
is_fresh(const struct row *row, uint64_t now_ms)
{
    return row->is_heard && (now_ms < row->heard_ms || now_ms - row->heard_ms < FIGURES_FRESH_MS);
}

static int
compare(const void *a, const void *b)
{
    const struct figures_server *left = a, *right = b;
    int order = (int)left->is_hop - (int)right->is_hop;

    if (order == 0)
        order = strcmp(left->owner, right->owner);
    return order != 0 ? order : strcmp(left->address, right->address);
}

static size_t
collect(struct figures *figures, uint64_t now_ms)
{
    size_t count = 0;

    for (size_t i = 0; i < figures->row_count; i++)
        count += is_fresh(&figures->rows[i], now_ms) ? figures->rows[i].server_count : 0;
    mem_free(&figures->merged);
    figures->merged = mem_zarray(count + 1, sizeof *figures->merged);
    count = 0;
    for (size_t i = 0; i < figures->row_count; i++) {
        const struct row *row = &figures->rows[i];

        if (!is_fresh(row, now_ms) || row->server_count == 0)
            continue;
        memcpy(&figures->merged[count], row->servers, row->server_count * sizeof *row->servers);
        count += row->server_count;
    }
    return count;
}

size_t
figures_servers(struct figures *figures, uint64_t now_ms, const struct figures_server **servers_out)
{
    size_t count = collect(figures, now_ms), merged = 0;

    qsort(figures->merged, count, sizeof *figures->merged, compare);
    for (size_t i = 0; i < count; i++) {
        const struct figures_server *server = &figures->merged[i];
        struct figures_server *last = merged == 0 ? NULL : &figures->merged[merged - 1];

        if (last == NULL || compare(last, server) != 0) {
            figures->merged[merged++] = *server;
            continue;
        }
        last->is_up = last->is_up && server->is_up;
        last->connections += server->connections;
    }
    *servers_out = figures->merged;
    return merged < FIGURES_SERVERS_MAX ? merged : FIGURES_SERVERS_MAX;
}

bool
figures_worker(const struct figures *figures, size_t row, uint64_t now_ms,
               struct figures_worker *worker_out)
{
    if (row >= figures->row_count || !is_fresh(&figures->rows[row], now_ms))
        return false;
    *worker_out = figures->rows[row].worker;
    return true;
}

uint64_t
figures_waiting(const struct figures *figures, uint64_t now_ms)
{
    uint64_t waiting = 0;

    for (size_t i = 0; i < figures->row_count; i++)
        waiting += is_fresh(&figures->rows[i], now_ms) ? figures->rows[i].worker.waiting : 0;
    return waiting;
}
