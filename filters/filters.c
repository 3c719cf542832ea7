// SPDX-License-Identifier: BSD-2-Clause
#include "filters/filters.h"

#include <assert.h>

#include "base/log.h"
#include "base/mem.h"
#include "filters/filters_private.h"

enum { PROBE_TIMEOUT_MS = 5000 };

struct filters {
    struct loop *loop;
    struct filters_one *items;
    size_t count;
};

struct filters_probe {
    struct filters_one *one;
    size_t server;
    struct filter_run *run; // NULL: none is under way
};

static void
log_server(enum log_level level, const struct filters_one *one, size_t server, const char *state,
           const char *reason)
{
    char text[ADDR_TEXT_MAX];
    struct log_line line;

    addr_format(upstream_addr(one->upstream, server), text);
    log_begin(&line, level, "scan", NULL);
    log_text(&line, "filter", one->settings->name);
    log_text(&line, "server", text);
    log_text(&line, "state", state);
    log_text(&line, "reason", reason);
    log_end(&line);
}

static void
arm_probes(struct filters_one *one)
{
    uint64_t wait_ms = upstream_probe_wait(one->upstream, loop_now_ms(one->loop));

    if (wait_ms != UINT64_MAX)
        loop_timer_start(one->probe_timer, wait_ms);
}

void
filters_blame(struct filters_one *one, size_t server, const struct err *err)
{
    if (!upstream_failed(one->upstream, server, loop_now_ms(one->loop)))
        return;
    log_server(LOG_WARNING_, one, server, "dead", err->text);
    arm_probes(one);
}

void
filters_praise(struct filters_one *one, size_t server)
{
    if (upstream_succeeded(one->upstream, server, loop_now_ms(one->loop)))
        log_server(LOG_NOTICE_, one, server, "alive", NULL);
}

// Trouble changes nothing: it stays dead until its time is over.
static void
on_probe_done(void *arg, enum filter_end end, struct result *result_take, const struct err *err)
{
    struct filters_probe *probe = arg;

    (void)result_take;
    (void)err;
    probe->run = NULL;
    if (end == FILTER_ANSWERED)
        filters_praise(probe->one, probe->server);
}

static void
start_probe(struct filters_one *one, size_t server)
{
    struct filters_probe *probe = &one->probes[server];
    struct filter_try attempt = {.loop = one->loop,
                                 .shared = one->shared,
                                 .settings = one->settings,
                                 .server = upstream_addr(one->upstream, server),
                                 .timeout_ms = PROBE_TIMEOUT_MS,
                                 .done = on_probe_done,
                                 .arg = probe};

    if (probe->run == NULL)
        probe->run = one->type->probe(&attempt);
}

static void
on_probe_timer(void *arg)
{
    struct filters_one *one = arg;
    size_t server;

    while ((server = upstream_probe_due(one->upstream, loop_now_ms(one->loop))) != SIZE_MAX)
        start_probe(one, server);
    arm_probes(one);
}

static void
init_one(struct filters_one *one, const struct filters_config *config, size_t index)
{
    const struct filter_settings *settings = &config->settings[index];
    uint64_t seats = settings->connections / (config->workers > 0 ? config->workers : 1);

    *one = (struct filters_one){.loop = config->loop, .settings = settings};
    one->type = filter_type_of((enum filter_type_index)settings->type);
    one->shared = one->type->open != NULL ? one->type->open(config->loop) : NULL;
    one->upstream = upstream_new(settings);
    one->seats = seats > 0 ? (size_t)seats : 1;
    one->probe_timer = loop_timer_new(config->loop, on_probe_timer, one);
    one->probes = mem_zarray(upstream_count(one->upstream), sizeof(*one->probes));
    for (size_t i = 0; i < upstream_count(one->upstream); i++) {
        one->probes[i].one = one;
        one->probes[i].server = i;
    }
}

static void
clear_one(struct filters_one *one)
{
    assert(one->taken == 0 && one->first == NULL);
    for (size_t i = 0; i < upstream_count(one->upstream); i++) {
        if (one->probes[i].run != NULL)
            one->type->cancel(one->probes[i].run);
    }
    if (one->shared != NULL)
        one->type->close(one->shared);
    mem_free(&one->probes);
    loop_timer_free(&one->probe_timer);
    upstream_free(&one->upstream);
}

struct filters *
filters_new(const struct filters_config *config)
{
    struct filters *filters = mem_zalloc(sizeof(*filters));

    filters->loop = config->loop;
    filters->count = config->count;
    filters->items = mem_zarray(config->count, sizeof(*filters->items));
    for (size_t i = 0; i < config->count; i++)
        init_one(&filters->items[i], config, i);
    return filters;
}

void
filters_free(struct filters **filters)
{
    if (*filters == NULL)
        return;
    for (size_t i = 0; i < (*filters)->count; i++)
        clear_one(&(*filters)->items[i]);
    mem_free(&(*filters)->items);
    mem_free(filters);
}

size_t
filters_count(const struct filters *filters)
{
    return filters->count;
}

struct loop *
filters_loop(const struct filters *filters)
{
    return filters->loop;
}

struct filters_one *
filters_get(const struct filters *filters, size_t index)
{
    assert(index < filters->count);
    return &filters->items[index];
}

const struct filter_settings *
filters_settings(const struct filters *filters, size_t index)
{
    return filters_get(filters, index)->settings;
}

size_t
filters_server_count(const struct filters *filters, size_t filter)
{
    return upstream_count(filters_get(filters, filter)->upstream);
}

const struct addr *
filters_server_addr(const struct filters *filters, size_t filter, size_t server)
{
    return upstream_addr(filters_get(filters, filter)->upstream, server);
}

bool
filters_server_is_up(const struct filters *filters, size_t filter, size_t server)
{
    const struct filters_one *one = filters_get(filters, filter);

    return !upstream_is_dead(one->upstream, server, loop_now_ms(one->loop));
}

bool
filters_enter(struct filters_one *one, struct filters_turn *turn)
{
    if (one->taken < one->seats) {
        one->taken++;
        return true;
    }
    turn->next = NULL;
    turn->prev = one->last;
    if (one->last != NULL)
        one->last->next = turn;
    else
        one->first = turn;
    one->last = turn;
    return false;
}

void
filters_give_up(struct filters_one *one, struct filters_turn *turn)
{
    if (turn->prev != NULL)
        turn->prev->next = turn->next;
    else
        one->first = turn->next;
    if (turn->next != NULL)
        turn->next->prev = turn->prev;
    else
        one->last = turn->prev;
    turn->next = NULL;
    turn->prev = NULL;
}

// The seat goes to the first that waits, without being free in between: nobody overtakes.
void
filters_leave(struct filters_one *one)
{
    struct filters_turn *turn = one->first;

    if (turn == NULL) {
        one->taken--;
        return;
    }
    filters_give_up(one, turn);
    turn->on_turn(turn);
}
