// SPDX-License-Identifier: BSD-2-Clause
#include "mime/dissect_pool.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "mime/dissector_line.h"
#include "mime/nursery_line.h"

enum {
    MESSAGES_MAX = 1000,    // of one process
    START_MS = 10 * 1000,   // from asking the nursery to the hello from the jail
    JUDGE_MS = 2 * 1000,    // for the nursery to tell how one ended
    BACKOFF_MS = 1000,      // behind one that could not be made
    SURPLUS_MS = 60 * 1000, // idle so long: it is not needed
    TICK_MS = 15 * 1000
};

enum state { STARTING, IDLE, BUSY, ENDED };

struct dissect_process {
    TAILQ_ENTRY(dissect_process) entry;
    struct dissect_pool *pool;
    struct dissector_line *line;
    struct loop_timer *timer; // STARTING, BUSY and ENDED: patience
    enum state state;
    bool is_in_jail;
    uint64_t number; // the nursery answers for it
    pid_t pid;       // 0: it has not yet
    int pidfd;
    unsigned messages;
    uint64_t idle_since_ms;
    void *job;
    char how[200]; // it ended, where the nursery told
};

TAILQ_HEAD(processes, dissect_process);

struct dissect_pool {
    struct dissect_config config;
    struct dissect_pool_events events;
    struct nursery_line *nursery;
    struct processes processes; // the newest last; the idle one used last comes first of all
    size_t count, starting;
    uint64_t last_number;
    uint64_t not_before_ms; // backoff
    struct loop_timer *retry, *tick;
};

static uint64_t
now(const struct dissect_pool *pool)
{
    return loop_now_ms(pool->config.loop);
}

static void
set_state(struct dissect_process *process, enum state state)
{
    struct dissect_pool *pool = process->pool;

    if (process->state == STARTING)
        pool->starting--;
    if (state == STARTING)
        pool->starting++;
    process->state = state;
}

// Kills it, whatever it does: one that was taken over would not end with its line.
static void
remove_process(struct dissect_process *process)
{
    struct dissect_pool *pool = process->pool;

    if (process->pidfd >= 0) {
        (void)syscall(SYS_pidfd_send_signal, process->pidfd, SIGKILL, NULL, 0);
        (void)close(process->pidfd);
    }
    if (process->state == STARTING)
        pool->starting--;
    TAILQ_REMOVE(&pool->processes, process, entry);
    pool->count--;
    dissector_line_free(&process->line);
    loop_timer_free(&process->timer);
    mem_free(&process);
}

// --- how one is made ---

static void
back_off(struct dissect_pool *pool)
{
    pool->not_before_ms = now(pool) + BACKOFF_MS;
    loop_timer_start(pool->retry, BACKOFF_MS);
}

static void
on_retry(void *arg)
{
    struct dissect_pool *pool = arg;

    pool->not_before_ms = 0;
    pool->events.on_room(pool->events.arg);
}

static bool
is_old(const struct dissect_process *process)
{
    return process->messages >= MESSAGES_MAX;
}

// Old ones go as soon as another can do their work, so that no message waits for the change.
static void
retire(struct dissect_pool *pool)
{
    struct dissect_process *process, *next;
    bool has_young = false;

    TAILQ_FOREACH(process, &pool->processes, entry)
    has_young =
        has_young || (!is_old(process) && (process->state == IDLE || process->state == BUSY));
    if (!has_young)
        return;
    for (process = TAILQ_FIRST(&pool->processes); process != NULL; process = next) {
        next = TAILQ_NEXT(process, entry);
        if (process->state == IDLE && is_old(process))
            remove_process(process);
    }
}

static void
become_ready(struct dissect_process *process)
{
    struct dissect_pool *pool = process->pool;

    if (process->pid == 0 || !process->is_in_jail)
        return; // the other half is still to come
    loop_timer_stop(process->timer);
    set_state(process, IDLE);
    process->idle_since_ms = now(pool);
    retire(pool);
    pool->events.on_room(pool->events.arg);
}

// --- how one ends ---

// Its message, if it had one, gets this end; on_end comes last, since it may change everything.
static void
end_process(struct dissect_process *process, enum pool_end end, const struct err *err)
{
    struct dissect_pool *pool = process->pool;
    struct dissect_pool_events events = pool->events;
    void *job = process->job;

    if (job == NULL)
        log_warning("dissect", "%s", err->text);
    if (!process->is_in_jail)
        back_off(pool);
    remove_process(process);
    events.on_room(events.arg);
    if (job != NULL)
        events.on_end(events.arg, job, end, NULL, err);
}

static void
judge(struct dissect_process *process)
{
    struct err err = {0};

    err_set(&err, ERR_TEMP, "dissector %d %s", (int)process->pid,
            process->how[0] != '\0' ? process->how : "ended without an answer");
    end_process(process, POOL_CRASHED, &err);
}

static void
on_patience_end(void *arg)
{
    struct dissect_process *process = arg;
    struct err err = {0};
    char time[32];

    if (process->state == ENDED) {
        judge(process);
        return;
    }
    str_format_time(process->state == BUSY ? process->pool->config.settings->timeout : START_MS,
                    time);
    err_set(&err, ERR_TEMP,
            process->state == BUSY ? "took longer than %s" : "dissector did not start within %s",
            time);
    end_process(process, POOL_CRASHED, &err);
}

// It stays in work: who has just been told of an answer has the next question ready.
static void
finish(struct dissect_process *process, enum pool_end end, struct findings *findings_take,
       const struct err *err)
{
    struct dissect_pool *pool = process->pool;
    struct dissect_pool_events events = pool->events;
    void *job = process->job;

    process->job = NULL;
    process->messages++;
    process->idle_since_ms = now(pool);
    loop_timer_stop(process->timer);
    set_state(process, IDLE);
    TAILQ_REMOVE(&pool->processes, process, entry);
    TAILQ_INSERT_HEAD(&pool->processes, process, entry);
    retire(pool);
    events.on_room(events.arg);
    events.on_end(events.arg, job, end, findings_take, err);
}

static void
on_line_end(struct dissect_process *process)
{
    dissector_line_free(&process->line);
    set_state(process, ENDED);
    loop_timer_start(process->timer, process->how[0] != '\0' ? 0 : JUDGE_MS);
}

static void
on_dissector(void *arg, enum dissector_event event, struct findings *findings_take,
             const struct err *err)
{
    struct dissect_process *process = arg;

    switch (event) {
    case DISSECTOR_READY:
        process->is_in_jail = true;
        become_ready(process);
        break;
    case DISSECTOR_ANSWER:
        finish(process, POOL_FOUND, findings_take, NULL);
        break;
    case DISSECTOR_FAILED:
        finish(process, POOL_UNREADABLE, NULL, err);
        break;
    case DISSECTOR_NONSENSE:
        end_process(process, POOL_CRASHED, err);
        break;
    case DISSECTOR_ENDED:
        on_line_end(process);
        break;
    }
}

// --- the nursery ---

static struct dissect_process *
find(const struct dissect_pool *pool, uint64_t number, pid_t pid)
{
    struct dissect_process *process = TAILQ_FIRST(&pool->processes);

    while (process != NULL && (number != 0 ? process->number != number : process->pid != pid))
        process = TAILQ_NEXT(process, entry);
    return process;
}

static void
on_spawned(void *arg, uint64_t number, pid_t pid, int pidfd_take)
{
    struct dissect_process *process = find(arg, number, 0);

    if (process == NULL || process->pid != 0) {
        (void)close(pidfd_take); // it was given up, its line is closed, it ends
        return;
    }
    process->pid = pid;
    process->pidfd = pidfd_take;
    if (process->state == STARTING)
        become_ready(process);
}

static void
on_refused(void *arg, uint64_t number, const char *why)
{
    struct dissect_process *process = find(arg, number, 0);
    struct err err = {0};

    err_set(&err, ERR_TEMP, "no dissector: %s", why);
    if (process != NULL && process->pid == 0)
        end_process(process, POOL_CRASHED, &err);
}

static void
on_ended(void *arg, pid_t pid, const char *how)
{
    struct dissect_process *process = find(arg, 0, pid);

    if (process == NULL || pid == 0)
        return; // let go, or killed for a reason that has been told
    (void)snprintf(process->how, sizeof process->how, "%.*s", (int)sizeof process->how - 1, how);
    // Else its last words are still on their way.
    if (process->state == ENDED)
        judge(process);
}

// All its dissectors are dead or dying, and none through a message.
static void
lose_nursery(struct dissect_pool *pool)
{
    struct dissect_process *process;

    nursery_line_free(&pool->nursery);
    while ((process = TAILQ_FIRST(&pool->processes)) != NULL) {
        void *job = process->job;

        remove_process(process);
        if (job != NULL)
            pool->events.on_end(pool->events.arg, job, POOL_INNOCENT, NULL, NULL);
    }
}

static void
on_nursery_lost(void *arg)
{
    struct dissect_pool *pool = arg;

    log_warning("dissect", "the nursery is gone: messages wait for the next");
    lose_nursery(pool);
}

static int
make_process(struct dissect_pool *pool, struct err *err)
{
    struct dissect_process *process = mem_zalloc(sizeof *process);
    int end = -1, failed = 0;

    process->pool = pool;
    process->pidfd = -1;
    process->number = ++pool->last_number;
    process->timer = loop_timer_new(pool->config.loop, on_patience_end, process);
    TAILQ_INSERT_TAIL(&pool->processes, process, entry);
    pool->count++;
    pool->starting++;
    process->line = dissector_line_new(pool->config.loop, pool->config.build_id, on_dissector,
                                       process, &end, err);
    if (process->line != NULL) {
        failed = nursery_line_spawn(pool->nursery, process->number, end);
        (void)close(end);
    }
    if (process->line != NULL && failed == 0) {
        loop_timer_start(process->timer, START_MS);
        return 0;
    }
    remove_process(process);
    return failed != 0 ? err_set(err, ERR_TEMP, "the nursery does not listen") : -1;
}

void
dissect_pool_want(struct dissect_pool *pool, size_t waiting)
{
    struct dissect_process *process;
    size_t ready = 0, wanted = waiting;
    struct err err = {0};

    TAILQ_FOREACH(process, &pool->processes, entry)
    ready += !is_old(process) && process->state != ENDED ? 1 : 0;
    if (ready == 0 && wanted == 0)
        wanted = 1; // one is always at hand
    // Where there are but old ones, a young one may come on top.
    while (pool->nursery != NULL && pool->starting < wanted &&
           (pool->count < pool->config.max || ready == 0) && now(pool) >= pool->not_before_ms) {
        if (make_process(pool, &err) != 0) {
            log_warning("dissect", "no dissector: %s", err.text);
            back_off(pool);
            return;
        }
        ready++;
    }
    if (pool->count > 1 && !loop_timer_is_running(pool->tick))
        loop_timer_start(pool->tick, TICK_MS);
}

// --- what the owner does ---

// Those that load has made and that nobody needs any more.
static void
on_tick(void *arg)
{
    struct dissect_pool *pool = arg;
    struct dissect_process *process, *next;

    for (process = TAILQ_FIRST(&pool->processes); process != NULL; process = next) {
        next = TAILQ_NEXT(process, entry);
        if (pool->count > 1 && process->state == IDLE &&
            now(pool) - process->idle_since_ms >= SURPLUS_MS)
            remove_process(process);
    }
    if (pool->count > 1)
        loop_timer_start(pool->tick, TICK_MS);
}

struct dissect_pool *
dissect_pool_new(const struct dissect_config *config, const struct dissect_pool_events *events)
{
    struct dissect_pool *pool = mem_zalloc(sizeof *pool);

    pool->config = *config;
    pool->events = *events;
    TAILQ_INIT(&pool->processes);
    pool->retry = loop_timer_new(config->loop, on_retry, pool);
    pool->tick = loop_timer_new(config->loop, on_tick, pool);
    return pool;
}

void
dissect_pool_free(struct dissect_pool **pool)
{
    if (*pool == NULL)
        return;
    lose_nursery(*pool);
    loop_timer_free(&(*pool)->retry);
    loop_timer_free(&(*pool)->tick);
    mem_free(pool);
}

void
dissect_pool_set_nursery(struct dissect_pool *pool, int fd_take)
{
    const struct nursery_line_events events = {.arg = pool,
                                               .on_spawned = on_spawned,
                                               .on_refused = on_refused,
                                               .on_ended = on_ended,
                                               .on_lost = on_nursery_lost};

    lose_nursery(pool);
    pool->nursery = nursery_line_new(pool->config.loop, pool->config.build_id, fd_take, &events);
    pool->not_before_ms = 0;
    pool->events.on_room(pool->events.arg);
}

bool
dissect_pool_has_nursery(const struct dissect_pool *pool)
{
    return pool->nursery != NULL;
}

size_t
dissect_pool_count(const struct dissect_pool *pool)
{
    return pool->count;
}

struct dissect_process *
dissect_pool_idle(struct dissect_pool *pool)
{
    struct dissect_process *process, *old = NULL;

    TAILQ_FOREACH(process, &pool->processes, entry)
    {
        if (process->state == IDLE && !is_old(process))
            return process;
        if (process->state == IDLE)
            old = process;
    }
    return old;
}

int
dissect_pool_ask(struct dissect_process *process, const struct dissect_request *request, void *job,
                 struct err *err)
{
    struct dissect_pool *pool = process->pool;

    assert(process->state == IDLE && job != NULL);
    if (dissector_line_ask(process->line, &request->query, request->fd, err) != 0) {
        if (err->kind == ERR_TEMP)
            on_line_end(process); // it died idle; its message is none the wiser
        return -1;
    }
    process->job = job;
    set_state(process, BUSY);
    loop_timer_start(process->timer, pool->config.settings->timeout);
    return 0;
}

void
dissect_pool_kill(struct dissect_process *process)
{
    remove_process(process);
}
