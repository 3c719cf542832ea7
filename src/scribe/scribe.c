// SPDX-License-Identifier: BSD-2-Clause
#include "src/scribe/scribe.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/log.h"
#include "base/mem.h"
#include "src/scribe/clerk.h"
#include "src/scribe/desk.h"
#include "src/scribe/overview.h"
#include "src/scribe/pages.h"
#include "src/scribe/survey.h"

struct scribe {
    const struct scribe_start *start;
    struct loop *loop;
    struct pool *pool, *survey_pool; // one thread each: what may block
    struct clerk *clerk;
    struct survey *survey;
    struct web *webs[HTTP_MAX];
    struct desk *desk;
    struct loop_io *channel_io, *control_io;
    struct loop_signal *on_term, *on_int, *on_hup;
    struct loop_timer *accept_pause, *deadline;
    size_t web_count; // that are not idle yet
    bool is_draining, is_desk_idle, is_clerk_idle;
};

enum { ACCEPT_PAUSE_MS = 1000, ACCEPT_BATCH = 16, END_S = 10 };

static void
want_clients(void *arg)
{
    struct scribe *scribe = arg;

    if (scribe->control_io != NULL)
        loop_io_want(scribe->control_io, !scribe->is_draining, false);
}

static void
on_client(void *arg, bool readable, bool writable)
{
    struct scribe *scribe = arg;
    int fd;

    (void)readable;
    (void)writable;
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        fd = accept4(scribe->start->control_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            desk_add_client(scribe->desk, fd);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            loop_io_want(scribe->control_io, false, false);
            loop_timer_start(scribe->accept_pause, ACCEPT_PAUSE_MS);
        }
        return;
    }
}

static void
leave(void *arg)
{
    struct scribe *scribe = arg;

    loop_stop(scribe->loop);
}

static void
leave_when_idle(struct scribe *scribe)
{
    if (scribe->is_desk_idle && scribe->is_clerk_idle && scribe->web_count == 0)
        loop_stop(scribe->loop);
}

static void
on_desk_idle(void *arg)
{
    struct scribe *scribe = arg;

    scribe->is_desk_idle = true;
    leave_when_idle(scribe);
}

static void
on_clerk_idle(void *arg)
{
    struct scribe *scribe = arg;

    scribe->is_clerk_idle = true;
    leave_when_idle(scribe);
}

static void
on_web_idle(void *arg)
{
    struct scribe *scribe = arg;

    scribe->web_count--;
    leave_when_idle(scribe);
}

static void
open_webs(struct scribe *scribe)
{
    const struct settings *settings = scribe->start->settings;
    struct err err = {0};

    for (size_t i = 0; i < settings->http_count; i++) {
        scribe->webs[i] =
            web_new(scribe->loop, scribe->start->http_fds[i], &settings->https[i].clients,
                    pages_table, PAGES_COUNT, scribe->survey, &err);
        if (scribe->webs[i] == NULL)
            log_error("scribe", "http: %s", err.text);
        else
            scribe->web_count++;
    }
}

static void
close_webs(struct scribe *scribe)
{
    for (size_t i = 0; i < HTTP_MAX; i++)
        web_free(&scribe->webs[i]);
}

static void
drain(void *arg)
{
    struct scribe *scribe = arg;

    if (scribe->is_draining)
        return;
    scribe->is_draining = true;
    want_clients(scribe);
    for (size_t i = 0; i < HTTP_MAX; i++) {
        if (scribe->webs[i] != NULL)
            web_drain(scribe->webs[i], on_web_idle, scribe); // the next scribe answers
    }
    loop_timer_start(scribe->deadline, SCRIBE_DRAIN_MS);
    desk_drain(scribe->desk, on_desk_idle, scribe);
    clerk_drain(scribe->clerk, on_clerk_idle, scribe);
}

static void
ignore(void *arg)
{
    (void)arg;
}

static void
on_message(void *arg, struct channel_message *message)
{
    struct scribe *scribe = arg;

    switch (message->type) {
    case CHANNEL_WORKER:
        if (message->fd >= 0)
            desk_add_worker(scribe->desk, message->fd);
        message->fd = -1;
        break;
    case CHANNEL_RELOADED:
        desk_reloaded(scribe->desk, message->text);
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
    struct scribe *scribe = arg;

    (void)readable;
    (void)writable;
    if (channel_each(scribe->start->channel, on_message, scribe) < 0)
        _exit(EXIT_FAILURE); // the master is gone
}

static int
ask_reload(void *arg)
{
    struct scribe *scribe = arg;

    return channel_send(scribe->start->channel, CHANNEL_RELOAD, "", -1);
}

static struct pool *
open_pool(const struct scribe *scribe)
{
    struct err err = {0};
    struct pool *pool = pool_new(scribe->loop, 1, &err);

    if (pool != NULL)
        return pool;
    log_error("scribe", "cannot start: %s", err.text);
    _exit(EXIT_FAILURE);
}

static void
open_books(struct scribe *scribe)
{
    struct clerk_config config = {.loop = scribe->loop,
                                  .pool = scribe->pool = open_pool(scribe),
                                  .settings = scribe->start->settings,
                                  .rings = scribe->start->rings,
                                  .page = scribe->start->page};

    scribe->clerk = clerk_new(&config);
}

static void
fill_view(void *arg, struct metrics_view *view)
{
    const struct scribe *scribe = arg;
    struct clerk_state state;

    clerk_get(scribe->clerk, &state);
    view->events_dropped = state.dropped;
    view->is_ledger_up = state.is_ledger_up;
    view->ledger_trouble = state.trouble;
    view->ledger_rows = state.rows;
    view->ledger_behind_ms = state.behind_ms;
    view->has_redis = state.has_redis;
    view->redis = state.redis;
    view->redis_behind = state.redis_behind;
}

static void
write_overview(void *arg, struct response *response)
{
    const struct scribe *scribe = arg;

    overview_write(scribe->survey, response);
}

static void
open_survey(struct scribe *scribe)
{
    struct survey_config config = {.loop = scribe->loop,
                                   .pool = scribe->survey_pool = open_pool(scribe),
                                   .settings = scribe->start->settings,
                                   .page = scribe->start->page,
                                   .figures = clerk_figures(scribe->clerk),
                                   .fill = fill_view,
                                   .arg = scribe};

    scribe->survey = survey_new(&config);
    desk_set_status(scribe->desk, write_overview, scribe);
    open_webs(scribe);
}

_Noreturn void
scribe_run(const struct scribe_start *start)
{
    struct scribe scribe = {.start = start, .loop = start->loop};

    scribe.on_term = loop_signal_new(scribe.loop, SIGTERM, drain, &scribe);
    scribe.on_int = loop_signal_new(scribe.loop, SIGINT, ignore, &scribe);
    scribe.on_hup = loop_signal_new(scribe.loop, SIGHUP, ignore, &scribe);
    scribe.deadline = loop_timer_new(scribe.loop, leave, &scribe);
    scribe.accept_pause = loop_timer_new(scribe.loop, want_clients, &scribe);
    open_books(&scribe);
    scribe.desk = desk_new(scribe.loop, start->page, ask_reload, &scribe);
    open_survey(&scribe);
    scribe.channel_io = loop_io_new(scribe.loop, start->channel, on_channel, &scribe);
    loop_io_want(scribe.channel_io, true, false);
    if (start->control_fd >= 0)
        scribe.control_io = loop_io_new(scribe.loop, start->control_fd, on_client, &scribe);
    want_clients(&scribe);
    if (channel_send(start->channel, CHANNEL_READY, "", -1) != 0)
        _exit(EXIT_FAILURE);
    loop_run(scribe.loop);
    (void)alarm(END_S); // a disk that does not answer must not keep us, and the seat with us
    close_webs(&scribe);
    pool_free(&scribe.survey_pool);
    survey_free(&scribe.survey);
    pool_free(&scribe.pool);
    clerk_free(&scribe.clerk);
    desk_free(&scribe.desk);
    loop_io_free(&scribe.channel_io);
    loop_io_free(&scribe.control_io);
    loop_timer_free(&scribe.deadline);
    loop_timer_free(&scribe.accept_pause);
    loop_signal_free(&scribe.on_term);
    loop_signal_free(&scribe.on_int);
    loop_signal_free(&scribe.on_hup);
    loop_free(&scribe.loop);
    log_close();
    exit(EXIT_SUCCESS);
}
