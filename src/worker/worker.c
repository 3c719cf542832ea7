// SPDX-License-Identifier: BSD-2-Clause
#include "src/worker/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/tls.h"
#include "smtp/server.h"
#include "src/version.h"
#include "src/worker/errand.h"
#include "src/worker/intake.h"
#include "src/worker/pulse.h"

enum { DISK_THREADS = 8, HEARTBEAT_MS = 1000 };

struct door { // one listener
    struct smtp_server *server;
    struct smtp_server_config config;
    struct intake_door handler_arg;
};

struct worker {
    const struct worker_start *start;
    struct loop *loop;
    struct pool *pool;
    struct spool *spool;
    struct routes *routes;
    struct dissect *dissect; // NULL: nobody looks
    struct filters *filters;
    struct teller teller;
    struct jobs *jobs;
    struct pulse *pulse;
    struct intake intake;
    struct door *doors;
    struct smtp_share share;
    struct errands *errands; // the scribe's questions; NULL until it has a line
    struct loop_io *channel_io;
    struct loop_timer *heartbeat, *deadline;
    struct loop_signal *on_term, *on_int, *on_hup;
    size_t open_doors;
    bool is_draining;
    bool lacked_scribe, lacked_nursery; // a line, a heartbeat ago
};

static struct counter_worker *
counters_of(const struct worker *worker)
{
    return &worker->start->page->worker[worker->start->row];
}

// --- drain ---

static void
leave(void *arg)
{
    struct worker *worker = arg;

    loop_stop(worker->loop);
}

static void
on_door_empty(void *arg)
{
    struct worker *worker = arg;

    if (--worker->open_doors > 0)
        return;
    spool_stop(worker->spool);
    jobs_drain(worker->jobs, leave, worker);
}

static void
on_deadline(void *arg)
{
    struct worker *worker = arg;

    log_warning("worker", "still %zu messages and %zu connections open after %d s: leaving them",
                jobs_count(worker->jobs), worker->share.connections, WORKER_DRAIN_MS / 1000);
    log_close();
    _exit(EXIT_SUCCESS); // like a crash, which loses nothing
}

static void
drain(void *arg)
{
    struct worker *worker = arg;

    if (worker->is_draining)
        return;
    worker->is_draining = true;
    atomic_store(&counters_of(worker)->draining, 1);
    pulse_drain(worker->pulse);
    loop_timer_start(worker->deadline, WORKER_DRAIN_MS);
    flow_open(worker->intake.flow);
    for (size_t i = 0; i < worker->start->settings->listener_count; i++) {
        smtp_server_drain(worker->doors[i].server);
        // Nobody accepts here any more: a listener taken away must not look alive until we end.
        (void)close(worker->start->listener_fds[i]);
    }
}

static void
ignore(void *arg)
{
    (void)arg;
}

// --- the spool's messages ---

static void
on_file(void *arg, struct spool_file *file_take, bool adopted)
{
    struct worker *worker = arg;

    job_start(worker->jobs, file_take, adopted ? JOB_ADOPTED : JOB_DUE, NULL);
}

static bool
is_ready(void *arg)
{
    const struct worker *worker = arg;

    return jobs_is_ready(worker->jobs);
}

static void
on_left(void *arg, const struct reader_message *message, enum spool_place place)
{
    struct worker *worker = arg;
    enum record_place told = place == PLACE_HOLD         ? RECORD_HOLD
                             : place == PLACE_QUARANTINE ? RECORD_QUARANTINE
                                                         : RECORD_DONE;

    teller_tell_left(&worker->teller, message, told, loop_realtime_ms(worker->loop));
}

// --- the master's messages ---

static void
on_message(void *arg, struct channel_message *message)
{
    struct worker *worker = arg;

    switch (message->type) {
    case CHANNEL_ADOPT:
        if (!worker->is_draining)
            spool_adopt(worker->spool);
        break;
    case CHANNEL_SCRIBE:
        errands_free(&worker->errands);
        if (message->fd >= 0)
            worker->errands = errands_new(worker->loop, worker->spool, message->fd);
        message->fd = -1;
        break;
    case CHANNEL_NURSERY:
        if (worker->dissect != NULL && message->fd >= 0) {
            dissect_set_nursery(worker->dissect, message->fd);
            message->fd = -1;
        }
        break;
    case CHANNEL_LOG_REOPEN:
        log_reopen_files();
        break;
    default:
        break;
    }
}

static void
on_channel(void *arg, bool readable, bool writable)
{
    struct worker *worker = arg;

    (void)readable;
    (void)writable;
    if (channel_each(worker->start->channel, on_message, worker) >= 0)
        return;
    log_close();
    _exit(EXIT_FAILURE); // the master is gone: so are we, as if killed with it
}

// --- heartbeat ---

// The daemon's connections that others use up: a generation that is draining keeps its own.
static size_t
fair_share(const struct worker *worker)
{
    const struct settings *settings = worker->start->settings;
    const struct counter_page *page = worker->start->page;
    uint64_t taken = 0, total = settings->smtp.max_connections;

    for (size_t i = 0; i < counter_rows(page); i++) {
        if (atomic_load(&page->worker[i].pid) != 0 && atomic_load(&page->worker[i].draining) != 0)
            taken += atomic_load(&page->worker[i].connections);
    }
    total = total > taken ? total - taken : 0;
    total = (total + settings->daemon.workers - 1) / settings->daemon.workers;
    return total > 0 ? (size_t)total : 1;
}

// Behind a death the master brings a new line by itself. One that broke while both ends live, or
// that could not be made, comes only if it is asked for.
static void
ask_for_line(const struct worker *worker, enum channel_type type, bool lacks, bool *lacked_io)
{
    if (lacks && *lacked_io)
        (void)channel_send(worker->start->channel, type, "", -1);
    *lacked_io = lacks;
}

static void
ask_for_lines(struct worker *worker)
{
    bool lacks_scribe = worker->errands == NULL || !errands_has_line(worker->errands);
    bool lacks_nursery = worker->dissect != NULL && !dissect_has_nursery(worker->dissect);

    ask_for_line(worker, CHANNEL_SCRIBE, lacks_scribe, &worker->lacked_scribe);
    ask_for_line(worker, CHANNEL_NURSERY, lacks_nursery, &worker->lacked_nursery);
}

static void
on_heartbeat(void *arg)
{
    struct worker *worker = arg;
    struct counter_worker *counters = counters_of(worker);

    atomic_store(&counters->heartbeat, loop_now_ms(worker->loop));
    atomic_store(&counters->connections, worker->share.connections);
    worker->share.max = fair_share(worker);
    ask_for_lines(worker);
    loop_timer_start(worker->heartbeat, HEARTBEAT_MS);
}

// --- start ---

static struct tls_context *
door_tls(const struct smtp_listener_settings *listener, struct err *err)
{
    const char *client_ca = listener->tls_client_ca[0] != '\0' ? listener->tls_client_ca : NULL;

    if (listener->tls_mode == SMTP_TLS_NO)
        return NULL;
    return tls_server_context_new(listener->tls_cert, listener->tls_key, client_ca, err);
}

static enum smtp_handoff
handoff_of(const struct smtp_listener_settings *listener, const struct smtp_settings *smtp)
{
    return (enum smtp_handoff)(listener->handoff == 0 ? smtp->handoff : listener->handoff - 1);
}

static int
open_door(struct worker *worker, size_t index, struct err *err)
{
    const struct settings *settings = worker->start->settings;
    const struct smtp_listener_settings *listener = &settings->listeners[index];
    struct door *door = &worker->doors[index];
    struct tls_context *tls = door_tls(listener, err);

    if (tls == NULL && listener->tls_mode != SMTP_TLS_NO)
        return err_prefix(err, "listen \"%s\"", listener->name);
    door->handler_arg.intake = &worker->intake;
    door->handler_arg.next_hop = settings_find_hop(settings, listener->next_hop)->name;
    door->config.share = &worker->share;
    door->config.on_empty = on_door_empty;
    door->config.empty_arg = worker;
    door->config.session =
        (struct smtp_session_config){.settings = &settings->smtp,
                                     .listener = listener,
                                     .next_hop = door->handler_arg.next_hop,
                                     .handoff = handoff_of(listener, &settings->smtp),
                                     .tls = tls,
                                     .handler = &intake_handler,
                                     .handler_arg = &door->handler_arg,
                                     .counters = counters_of(worker)};
    door->server = smtp_server_new(worker->loop, worker->start->listener_fds[index], &door->config);
    worker->open_doors++;
    return 0;
}

// What looking and asking need.
static void
open_senses(struct worker *worker)
{
    const struct settings *settings = worker->start->settings;
    size_t workers = settings->daemon.workers;
    struct dissect_config dissect = {.loop = worker->loop,
                                     .build_id = VERSION_BUILD_ID,
                                     .settings = &settings->dissect,
                                     .max = (settings->daemon.dissectors + workers - 1) / workers};
    struct filters_config filters = {.loop = worker->loop,
                                     .settings = settings->filters,
                                     .count = settings->filter_count,
                                     .workers = workers};

    if (settings->dissect.enabled)
        worker->dissect = dissect_new(&dissect);
    worker->filters = filters_new(&filters);
}

static int
open_parts(struct worker *worker, struct err *err)
{
    const struct worker_start *start = worker->start;
    struct jobs_config jobs = {
        .loop = worker->loop, .settings = start->settings, .counters = counters_of(worker)};

    teller_init(&worker->teller, start->rings, start->row);
    worker->pool = pool_new(worker->loop, DISK_THREADS, err);
    if (worker->pool == NULL)
        return -1;
    worker->spool =
        spool_open(worker->loop, worker->pool, &start->settings->spool, counters_of(worker), err);
    if (worker->spool == NULL)
        return -1;
    worker->routes = routes_new(worker->loop, worker->pool, start->settings, err);
    if (worker->routes == NULL)
        return -1;
    open_senses(worker);
    jobs.trial = (struct trial_parts){.loop = worker->loop,
                                      .pool = worker->pool,
                                      .dissect = worker->dissect,
                                      .filters = worker->filters,
                                      .rules = &start->settings->rules,
                                      .policy = &start->settings->policy,
                                      .dissect_settings = &start->settings->dissect};
    jobs.spool = worker->spool;
    jobs.routes = worker->routes;
    jobs.teller = &worker->teller;
    worker->jobs = jobs_new(&jobs);
    worker->pulse = pulse_new(&(struct pulse_parts){.loop = worker->loop,
                                                    .teller = &worker->teller,
                                                    .filters = worker->filters,
                                                    .routes = worker->routes,
                                                    .jobs = worker->jobs,
                                                    .spool = worker->spool});
    return 0;
}

static int
open_doors(struct worker *worker, struct err *err)
{
    const struct worker_start *start = worker->start;

    worker->intake = (struct intake){.loop = worker->loop,
                                     .spool = worker->spool,
                                     .jobs = worker->jobs,
                                     .flow = flow_new(worker->loop, worker->jobs),
                                     .routes = worker->routes,
                                     .settings = start->settings,
                                     .page = start->page,
                                     .counters = counters_of(worker)};
    id_maker_init(&worker->intake.ids, start->id_tag);
    worker->doors = mem_zarray(start->settings->listener_count, sizeof *worker->doors);
    worker->share.max = fair_share(worker);
    for (size_t i = 0; i < start->settings->listener_count; i++) {
        if (open_door(worker, i, err) != 0)
            return -1;
    }
    return 0;
}

static void
close_parts(struct worker *worker)
{
    for (size_t i = 0; i < worker->start->settings->listener_count; i++) {
        struct tls_context *tls = worker->doors[i].config.session.tls;

        smtp_server_free(&worker->doors[i].server);
        tls_context_free(&tls);
    }
    mem_free(&worker->doors);
    errands_free(&worker->errands);
    pulse_free(&worker->pulse);
    flow_free(&worker->intake.flow);
    jobs_free(&worker->jobs);
    teller_clear(&worker->teller);
    filters_free(&worker->filters);
    dissect_free(&worker->dissect);
    routes_free(&worker->routes);
    spool_free(&worker->spool);
    pool_free(&worker->pool);
    loop_timer_free(&worker->heartbeat);
    loop_timer_free(&worker->deadline);
    loop_signal_free(&worker->on_term);
    loop_signal_free(&worker->on_int);
    loop_signal_free(&worker->on_hup);
    loop_io_free(&worker->channel_io);
}

static void
watch(struct worker *worker)
{
    worker->on_term = loop_signal_new(worker->loop, SIGTERM, drain, worker);
    worker->on_int =
        loop_signal_new(worker->loop, SIGINT, ignore, worker); // the master's to act on
    worker->on_hup = loop_signal_new(worker->loop, SIGHUP, ignore, worker);
    worker->heartbeat = loop_timer_new(worker->loop, on_heartbeat, worker);
    worker->deadline = loop_timer_new(worker->loop, on_deadline, worker);
    worker->channel_io = loop_io_new(worker->loop, worker->start->channel, on_channel, worker);
    loop_io_want(worker->channel_io, true, false);
}

_Noreturn void
worker_run(const struct worker_start *start)
{
    static const struct spool_handler spool_handler = {
        .on_file = on_file, .is_ready = is_ready, .on_left = on_left};
    struct worker worker = {.start = start, .loop = start->loop};
    struct err err = {0};

    mem_keep_freed();
    watch(&worker);
    if (open_parts(&worker, &err) != 0 || open_doors(&worker, &err) != 0) {
        log_error("worker", "cannot start: %s", err.text);
        log_close();
        _exit(EXIT_FAILURE);
    }
    on_heartbeat(&worker);
    spool_start(worker.spool, &spool_handler, &worker);
    spool_keep_quarantine(worker.spool, &start->settings->quarantine);
    if (channel_send(start->channel, CHANNEL_READY, "", -1) != 0)
        _exit(EXIT_FAILURE);
    log_gather();
    loop_run(worker.loop);
    close_parts(&worker);
    loop_free(&worker.loop);
    log_close();
    _exit(EXIT_SUCCESS);
}
