// SPDX-License-Identifier: BSD-2-Clause
#include "src/master/master_state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/jail.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tls.h"
#include "control/reach.h"
#include "mime/dissect.h"
#include "src/scribe/scribe.h"
#include "src/worker/worker.h"

enum { CHILD_DIES_FIRST = 200, NURSERY_DIES_FIRST = 500 }; // of 1000

struct order { // one child to be made
    struct master *master;
    const struct settings *settings;
    const struct premises *premises;
    enum child_kind kind;
    unsigned generation;
    size_t index, row;
    uint16_t tag;
};

// A line between one worker and the scribe or the nursery: each gets an end.
static void
connect_to(const struct child *single, const struct child *worker)
{
    enum channel_type type = single->kind == CHILD_SCRIBE ? CHANNEL_SCRIBE : CHANNEL_NURSERY;
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
        log_warning("master", "no line between %s and worker %d", child_kind_name(single->kind),
                    (int)worker->pid);
        return;
    }
    (void)channel_send(single->channel, CHANNEL_WORKER, "", ends[0]);
    (void)channel_send(worker->channel, type, "", ends[1]);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void
reconnect(const struct child *worker, enum child_kind kind)
{
    const struct master *master = worker->owner;
    const struct child *single = child_single(master->children, kind, worker->generation);

    if (single != NULL && single->is_ready)
        connect_to(single, worker);
}

static void
on_message(void *arg, struct channel_message *message)
{
    struct child *child = arg;
    struct master *master = child->owner;

    if (message->type == CHANNEL_READY)
        child->is_ready = true;
    else if (message->type == CHANNEL_TROUBLE)
        log_error("master", "%s: %s", child_kind_name(child->kind), message->text);
    else if (message->type == CHANNEL_RELOAD && child->kind == CHILD_SCRIBE)
        master->wants_reload = true;
    else if (message->type == CHANNEL_SCRIBE && child->kind == CHILD_WORKER)
        reconnect(child, CHILD_SCRIBE);
    else if (message->type == CHANNEL_NURSERY && child->kind == CHILD_WORKER)
        reconnect(child, CHILD_NURSERY);
}

static void
on_channel(void *arg, bool readable, bool writable)
{
    struct child *child = arg;
    struct master *master = child->owner;

    (void)readable;
    (void)writable;
    if (channel_each(child->channel, on_message, child) < 0) {
        loop_io_want(child->io, false, false);
        (void)kill(child->pid, SIGKILL); // if it does not end: nobody could tell it to
    }
    loop_stop(master->loop);
}

// The child keeps nothing of the master's but what it is given.
static void
forget_master(struct master *master)
{
    loop_after_fork(master->loop);
    master_unwatch(master);
    while (master->children != NULL)
        child_remove(&master->children, master->children);
    if (master->options->started_fd >= 0)
        (void)close(master->options->started_fd);
}

// A worker that was taken over could else answer the operator in the scribe's place.
static void
forget_sockets(const struct order *order)
{
    struct listen_set *sockets = &order->master->sockets;
    const struct premises *premises = order->premises;

    listen_unmark(sockets);
    for (size_t i = 0; order->kind == CHILD_WORKER && i < order->settings->listener_count; i++)
        listen_keep(sockets, premises->listener_fds[i]);
    for (size_t i = 0; order->kind == CHILD_SCRIBE && i < order->settings->http_count; i++)
        listen_keep(sockets, premises->http_fds[i]);
    if (order->kind == CHILD_SCRIBE)
        listen_keep(sockets, premises->control_fd);
    listen_close_unwanted(sockets, false);
}

_Noreturn static void
be_nursery(const struct order *order, int channel)
{
    struct dissect_setup setup = {.limits = order->settings->dissect,
                                  .patterns = order->settings->rules.patterns,
                                  .pattern_count = order->settings->rules.pattern_count};
    struct err err = {0};

    (void)dissect_exec_nursery(order->premises->program_fd, &setup, channel, &err);
    log_error("master", "cannot start postern-dissect: %s", err.text);
    _exit(EXIT_FAILURE);
}

// The nursery loads its libraries first, and does it itself.
static int
confine(const struct order *order, struct err *err)
{
    bool is_scribe = order->kind == CHILD_SCRIBE;
    struct landlock_rules reach;
    int result;

    if (!is_scribe)
        tls_prepare();
    reach_find(order->settings, is_scribe ? REACH_SCRIBE : REACH_WORKER, &reach);
    result = jail_confine(is_scribe ? JAIL_SCRIBE : JAIL_WORKER, &reach, err);
    reach_clear(&reach);
    return result;
}

static int
give_up_rights(const struct premises *premises, struct err *err)
{
    return premises->is_root ? priv_drop(&premises->user, err) : priv_drop_capabilities(err);
}

_Noreturn static void
be_child(const struct order *order, int channel, pid_t parent, const sigset_t *mask)
{
    struct master *master = order->master;
    struct scribe_start scribe = {.loop = master->loop,
                                  .settings = order->settings,
                                  .control_fd = order->premises->control_fd,
                                  .page = master->page,
                                  .rings = master->rings,
                                  .http_fds = order->premises->http_fds,
                                  .channel = channel};
    struct worker_start worker = {.loop = master->loop,
                                  .settings = order->settings,
                                  .listener_fds = order->premises->listener_fds,
                                  .page = master->page,
                                  .rings = master->rings,
                                  .row = order->row,
                                  .id_tag = order->tag,
                                  .channel = channel};
    struct err err = {0};

    forget_master(master);
    forget_sockets(order);
    (void)signal(SIGUSR1, SIG_IGN); // sent to all of a service at once, and the master's to act on
    (void)signal(SIGUSR2, SIG_IGN);
    (void)sigprocmask(SIG_SETMASK, mask, NULL);
    // Another child can be made, another master cannot. Dissectors inherit the nursery's.
    priv_die_first(order->kind == CHILD_NURSERY ? NURSERY_DIES_FIRST : CHILD_DIES_FIRST);
    if (give_up_rights(order->premises, &err) != 0) {
        log_error("master", "cannot give up the master's rights: %s", err.text);
        _exit(EXIT_FAILURE);
    }
    if (priv_die_with_parent(parent) != 0)
        _exit(EXIT_FAILURE);
    if (order->kind == CHILD_NURSERY)
        be_nursery(order, channel);
    if (confine(order, &err) != 0) {
        log_error("master", "cannot confine a %s: %s", child_kind_name(order->kind), err.text);
        _exit(EXIT_FAILURE);
    }
    if (order->kind == CHILD_SCRIBE)
        scribe_run(&scribe);
    worker_run(&worker);
}

static size_t
free_row(const struct counter_page *page)
{
    for (size_t i = 0; i < counter_rows(page); i++) {
        if (atomic_load(&page->worker[i].pid) == 0)
            return i;
    }
    return SIZE_MAX;
}

static void
take_row(struct counter_page *page, size_t row, pid_t pid, uint64_t now)
{
    struct counter_worker *worker = &page->worker[row];

    atomic_store(&worker->heartbeat, now);
    atomic_store(&worker->draining, 0);
    atomic_store(&worker->connections, 0);
    atomic_store(&worker->messages, 0);
    atomic_store(&worker->pid, pid);
}

static struct child *
make_child(struct order *order, struct err *err)
{
    struct master *master = order->master;
    pid_t parent = getpid(), pid;
    struct child *child;
    sigset_t all, before;
    int ends[2];

    order->row = order->kind == CHILD_WORKER ? free_row(master->page) : SIZE_MAX;
    if (order->kind == CHILD_WORKER && order->row == SIZE_MAX) {
        err_set(err, ERR_TEMP, "too many workers are still draining");
        return NULL;
    }
    order->tag = master->next_tag++ % ID_TAGS;
    if (channel_pair(ends, err) != 0)
        return NULL;
    if (order->row != SIZE_MAX)
        take_row(master->page, order->row, parent, loop_now_ms(master->loop));
    // The child has the master's handlers at first, and they would tell the master.
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, &before);
    pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        be_child(order, ends[1], parent, &before);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    (void)close(ends[1]);
    if (pid < 0) {
        err_sys(err, ERR_TEMP, errno, "fork");
        (void)close(ends[0]);
        if (order->row != SIZE_MAX)
            atomic_store(&master->page->worker[order->row].pid, 0);
        return NULL;
    }
    child = child_add(&master->children, order->kind, order->generation, pid);
    child->owner = master;
    child->index = order->index;
    child->row = order->row;
    child->channel = ends[0];
    child->started_ms = loop_now_ms(master->loop);
    if (child->row != SIZE_MAX)
        atomic_store(&master->page->worker[child->row].pid, pid);
    child->io = loop_io_new(master->loop, child->channel, on_channel, child);
    loop_io_want(child->io, true, false);
    return child;
}

// One of that kind has died young: its replacement has to wait.
static bool
must_wait(const struct order *order, enum child_kind kind)
{
    const struct master *master = order->master;

    return order->generation == master->generation && master->phase == MASTER_RUNNING &&
           master->pauses[kind].due_ms > loop_now_ms(master->loop);
}

static bool
has_worker(const struct master *master, unsigned generation, size_t index)
{
    for (const struct child *child = master->children; child != NULL; child = child->next) {
        if (child->generation == generation && child->kind == CHILD_WORKER &&
            child->index == index && !child->is_draining)
            return true;
    }
    return false;
}

static int
spawn_single(struct order *order, enum child_kind kind, struct err *err)
{
    struct master *master = order->master;
    struct child *single;

    if (child_single(master->children, kind, order->generation) != NULL || must_wait(order, kind))
        return 0;
    order->kind = kind;
    single = make_child(order, err);
    if (single == NULL)
        return -1;
    for (struct child *child = master->children; child != NULL; child = child->next) {
        if (child->kind == CHILD_WORKER && child->generation == order->generation)
            connect_to(single, child);
    }
    return 0;
}

static void
connect_worker(const struct order *order, const struct child *worker)
{
    static const enum child_kind kinds[] = {CHILD_SCRIBE, CHILD_NURSERY};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct child *single = child_single(order->master->children, kinds[i], order->generation);

        if (single != NULL)
            connect_to(single, worker);
    }
}

int
master_spawn(struct master *master, unsigned generation, struct err *err)
{
    bool is_next = generation != master->generation;
    struct order order = {.master = master,
                          .settings = is_next ? master->next_settings : master->settings,
                          .premises = is_next ? &master->next_premises : &master->premises,
                          .generation = generation};

    if (spawn_single(&order, CHILD_SCRIBE, err) != 0)
        return -1;
    if (order.settings->dissect.enabled && spawn_single(&order, CHILD_NURSERY, err) != 0)
        return -1;
    order.kind = CHILD_WORKER;
    if (must_wait(&order, CHILD_WORKER))
        return 0;
    for (size_t i = 0; i < order.settings->daemon.workers; i++) {
        struct child *worker;

        if (has_worker(master, generation, i))
            continue;
        order.index = i;
        worker = make_child(&order, err);
        if (worker == NULL)
            return -1;
        connect_worker(&order, worker);
    }
    return 0;
}
