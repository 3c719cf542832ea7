// SPDX-License-Identifier: BSD-2-Clause
#include "mime/dissect.h"

#include <assert.h>
#include <sys/queue.h>

#include "base/mem.h"
#include "mime/dissect_pool.h"

// A large message may take several times its length while it is looked into, with archives in it:
// few of them at once.
enum { LARGE = 1 << 20, LARGE_TOGETHER = 8 << 20 };

struct dissect_job {
    TAILQ_ENTRY(dissect_job) entry; // while it waits
    struct dissect *dissect;
    uint64_t number; // in the order that they came in
    struct dissect_request request;
    dissect_done *done;
    void *arg;
    struct loop_timer *wait;
    struct dissect_process *process; // NULL: waits
    struct loop_deferred deferred;   // its end is told in this turn
    struct err err;
};

struct line {
    TAILQ_HEAD(waiting, dissect_job) jobs;
    size_t count;
};

struct dissect {
    struct loop *loop;
    struct dissect_pool *pool;
    struct line small, large; // who waits
    uint64_t large_len;       // of the large ones that are being looked into
    uint64_t started;         // jobs, ever
    size_t job_count;
    size_t crashes;
};

static bool
is_large(const struct dissect_job *job)
{
    return job->request.query.len > LARGE;
}

static struct line *
line_of(const struct dissect_job *job)
{
    return is_large(job) ? &job->dissect->large : &job->dissect->small;
}

static void
free_job(struct dissect_job *job)
{
    job->dissect->job_count--;
    loop_undefer(job->dissect->loop, &job->deferred);
    loop_timer_free(&job->wait);
    mem_free(&job);
}

static void
stop_waiting(struct dissect_job *job)
{
    TAILQ_REMOVE(&line_of(job)->jobs, job, entry);
    line_of(job)->count--;
    loop_timer_stop(job->wait);
}

static void
take_process(struct dissect_job *job, struct dissect_process *process)
{
    job->process = process;
    if (is_large(job))
        job->dissect->large_len += job->request.query.len;
}

static void
leave_process(struct dissect_job *job)
{
    job->process = NULL;
    if (is_large(job))
        job->dissect->large_len -= job->request.query.len;
}

// The last thing: done may start others, or free all.
static void
end_job(struct dissect_job *job, enum dissect_end end, struct findings *findings_take,
        const struct err *err)
{
    dissect_done *done = job->done;
    struct err why = *err;
    void *arg = job->arg;

    free_job(job);
    done(arg, end, findings_take, &why);
}

static void
on_hopeless(void *arg)
{
    struct dissect_job *job = arg;

    end_job(job, DISSECT_UNAVAILABLE, NULL, &job->err);
}

// Tries each idle process; one that turns out to be gone is no longer idle then.
static void
hand_out(struct dissect *dissect, struct dissect_job *job)
{
    struct dissect_process *process;

    while ((process = dissect_pool_idle(dissect->pool)) != NULL) {
        int failed = dissect_pool_ask(process, &job->request, job, &job->err);

        if (failed != 0 && job->err.kind == ERR_TEMP)
            continue;
        stop_waiting(job);
        if (failed != 0)
            loop_defer(dissect->loop, &job->deferred);
        else
            take_process(job, process);
        return;
    }
}

// The first large one, if there is memory for it; whatever its length where no other is under way.
static struct dissect_job *
next_large(const struct dissect *dissect)
{
    struct dissect_job *job = TAILQ_FIRST(&dissect->large.jobs);

    if (job != NULL && dissect->large_len > 0 &&
        dissect->large_len + job->request.query.len > LARGE_TOGETHER)
        return NULL;
    return job;
}

static struct dissect_job *
next_job(const struct dissect *dissect)
{
    struct dissect_job *small = TAILQ_FIRST(&dissect->small.jobs), *large = next_large(dissect);

    if (small == NULL || large == NULL)
        return small != NULL ? small : large;
    return small->number < large->number ? small : large;
}

static void
pump(void *arg)
{
    struct dissect *dissect = arg;
    struct dissect_job *job;

    while ((job = next_job(dissect)) != NULL && dissect_pool_idle(dissect->pool) != NULL)
        hand_out(dissect, job);
    dissect_pool_want(dissect->pool, dissect->small.count + (next_large(dissect) != NULL ? 1 : 0));
}

static void
wait_in_line(struct dissect_job *job, bool is_first)
{
    struct line *line = line_of(job);

    if (is_first)
        TAILQ_INSERT_HEAD(&line->jobs, job, entry);
    else
        TAILQ_INSERT_TAIL(&line->jobs, job, entry);
    line->count++;
    loop_timer_start(job->wait, job->request.wait_ms);
}

static void
on_wait_end(void *arg)
{
    struct dissect_job *job = arg;
    struct err err = {0};

    stop_waiting(job);
    err_set(&err, ERR_TEMP,
            dissect_pool_count(job->dissect->pool) == 0 ? "no dissector: the nursery makes none"
                                                        : "no dissector became free in time");
    end_job(job, DISSECT_UNAVAILABLE, NULL, &err);
}

static void
on_end(void *arg, void *job_arg, enum pool_end end, struct findings *findings_take,
       const struct err *err)
{
    static const struct err none;
    struct dissect *dissect = arg;
    struct dissect_job *job = job_arg;

    leave_process(job);
    if (is_large(job) && end != POOL_INNOCENT)
        pump(dissect); // on_room has come while it was counted still
    switch (end) {
    case POOL_INNOCENT:
        wait_in_line(job, true);
        break;
    case POOL_CRASHED:
        dissect->crashes++;
        end_job(job, DISSECT_CRASHED, NULL, err);
        break;
    case POOL_UNREADABLE:
        end_job(job, DISSECT_UNAVAILABLE, NULL, err);
        break;
    case POOL_FOUND:
        end_job(job, DISSECT_FOUND, findings_take, &none);
        break;
    }
}

struct dissect *
dissect_new(const struct dissect_config *config)
{
    struct dissect *dissect = mem_zalloc(sizeof *dissect);
    struct dissect_pool_events events = {.arg = dissect, .on_end = on_end, .on_room = pump};

    assert(config->max > 0);
    dissect->loop = config->loop;
    TAILQ_INIT(&dissect->small.jobs);
    TAILQ_INIT(&dissect->large.jobs);
    dissect->pool = dissect_pool_new(config, &events);
    return dissect;
}

void
dissect_free(struct dissect **dissect)
{
    if (*dissect == NULL)
        return;
    assert((*dissect)->job_count == 0);
    dissect_pool_free(&(*dissect)->pool);
    mem_free(dissect);
}

void
dissect_set_nursery(struct dissect *dissect, int fd_take)
{
    dissect_pool_set_nursery(dissect->pool, fd_take);
}

bool
dissect_has_nursery(const struct dissect *dissect)
{
    return dissect_pool_has_nursery(dissect->pool);
}

struct dissect_job *
dissect_start(struct dissect *dissect, const struct dissect_request *request, dissect_done *done,
              void *arg)
{
    struct dissect_job *job = mem_zalloc(sizeof *job);

    job->dissect = dissect;
    job->number = dissect->started++;
    job->request = *request;
    job->done = done;
    job->arg = arg;
    job->deferred = (struct loop_deferred){.run = on_hopeless, .arg = job};
    job->wait = loop_timer_new(dissect->loop, on_wait_end, job);
    dissect->job_count++;
    wait_in_line(job, false);
    pump(dissect);
    return job;
}

void
dissect_cancel(struct dissect_job **job_io)
{
    struct dissect_job *job = *job_io;
    struct dissect *dissect;

    if (job == NULL)
        return;
    *job_io = NULL;
    dissect = job->dissect;
    if (job->process != NULL) {
        dissect_pool_kill(job->process);
        leave_process(job);
    } else if (job->deferred.next == NULL) {
        stop_waiting(job);
    }
    free_job(job);
    pump(dissect);
}

size_t
dissect_crashes(const struct dissect *dissect)
{
    return dissect->crashes;
}

size_t
dissect_processes(const struct dissect *dissect)
{
    return dissect_pool_count(dissect->pool);
}
