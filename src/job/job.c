// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/job_state.h"

#include <assert.h>

#include "base/log.h"
#include "base/mem.h"
#include "reinject/retry.h"

enum {
    ARRIVALS_MAX = 256, // under way in one worker; what comes on top waits on disk
    OTHERS_MAX = 128,   // from there, and made by others
    ALONE_ATTEMPTS = 3, // a worker died on it, and nothing else was suspected: held
    LOOKS_MAX = 20,     // a worker died while it was looked into, beside many others: held
    TROUBLE_MS = 60000, // after a full disk kept us from writing
    TELL_BEGUN_MS = 100,
};

int64_t
job_now_ms(const struct job *job)
{
    return loop_realtime_ms(job->jobs->config.loop);
}

struct spool_state *
job_spool_state(const struct job *job)
{
    return spool_file_state(job->file);
}

bool
job_is_relay(const struct job *job)
{
    return !spool_file_is_durable(job->file);
}

void
job_later(struct job *job, const struct err *err)
{
    if (job_is_relay(job)) {
        log_warning("spool", "%s: %s; the client has to come again", spool_file_id(job->file),
                    err->text);
        job_set_state(job, JOB_OVER);
        return;
    }
    if (err->kind == ERR_PERM && job_may_go(job, JOB_HOLD)) {
        log_error("spool", "%s: %s", spool_file_id(job->file), err->text);
        job->hold_reason = "no child of it can be made";
        job_set_state(job, JOB_HOLD);
        return;
    }
    log_warning("spool", "%s: %s; tried again in %d s", spool_file_id(job->file), err->text,
                TROUBLE_MS / 1000);
    job->retry_ms = job_now_ms(job) + TROUBLE_MS;
    job_set_state(job, JOB_WAIT);
}

void
job_go_on(struct job *job, const struct err *err, enum job_state next)
{
    if (job->client_left)
        job_set_state(job, JOB_OVER);
    else if (err != NULL)
        job_later(job, err);
    else
        job_set_state(job, next);
}

void
job_note(struct job *job, const char *event, const struct ranges *set, const char *key,
         const char *value)
{
    struct journal_writer writer;
    struct buf text;

    buf_init(&text, JOURNAL_LINE_MAX);
    ranges_format(set, &text);
    spool_note_begin(job->file, &writer, event);
    journal_field(&writer, "r", buf_span(&text));
    if (key != NULL)
        journal_field_text(&writer, key, value);
    spool_note_end(job->file, &writer);
    buf_clear(&text);
}

// --- decide ---

static uint32_t
alone_deaths(const struct spool_state *state)
{
    return state->alone_crashes + (state->attempt_open && state->attempt_alone ? 1 : 0);
}

// A look has ended with "defer" before. Whoever asks for another one wants it to be made.
static bool
has_been_put_off(const struct spool_state *state)
{
    for (size_t i = state->old_groups; i < state->group_count; i++) {
        if (state->groups[i].verdict == VERDICT_DEFER)
            return true;
    }
    return false;
}

// Why this message must not be sent; NULL if it may.
static const char *
reason_to_hold(const struct job *job)
{
    const struct smtp_envelope *envelope = spool_file_envelope(job->file);
    const struct spool_state *state = job_spool_state(job);

    if (alone_deaths(state) >= ALONE_ATTEMPTS)
        return "a worker died on it again and again";
    if (state->looks >= LOOKS_MAX)
        return "workers died while they looked into it again and again";
    if (state->crashes >= job->jobs->config.settings->dissect.attempts)
        return "dissectors died on it again and again";
    if (routes_find(job->jobs->config.routes, envelope->next_hop) == NULL)
        return "its next hop is not configured any more";
    if (job_is_undecided(job) && spool_file_is_crowded(job->file))
        return "its journal is full";
    // Who lets it go wants another look, not the same end.
    if (job_is_undecided(job) && has_been_put_off(state) && !state->unheld &&
        retry_is_expired(envelope->arrived_ms, job->jobs->config.settings->spool.lifetime,
                         job_now_ms(job)))
        return "it expired before it could be scanned";
    return NULL;
}

static void
decide_anew(struct job *job)
{
    enum verdict verdict;

    if (!job_is_born_decided(job, &verdict)) {
        job_set_state(job, job->origin == JOB_ADOPTED ? JOB_LOOKING : JOB_LOOK);
        return;
    }
    job_verdict_unasked(job, verdict);
    job_set_state(job, job_is_relay(job) ? JOB_WEIGH : JOB_ACT);
}

void
job_decide(struct job *job)
{
    job->hold_reason = reason_to_hold(job);
    if (job->hold_reason != NULL)
        job_set_state(job, job_is_relay(job) ? JOB_ANSWER : JOB_HOLD);
    else if (job_is_undecided(job))
        decide_anew(job);
    else if (job_must_act(job))
        job_set_state(job, JOB_ACT);
    else if (job->is_suspect && job->jobs->in_lane != NULL)
        job_set_state(job, JOB_QUEUED);
    else
        job_set_state(job, JOB_SETTLE);
}

// --- settle and the ends ---

static bool
may_try(const struct job *job)
{
    return !job->jobs->is_draining || !job->has_tried;
}

static const char *
reason_to_stay(const struct job *job)
{
    const struct spool_state *state = job_spool_state(job);
    int group = -1;

    if (job_is_stuck(job))
        return "undeliverable, and no bounce may be sent";
    if (!job_is_kept(job, VERDICT_HOLD))
        return NULL;
    for (size_t i = 0; i < state->rcpt_count && group < 0; i++) {
        if (!state_rcpt_is_retired(&state->rcpts[i]))
            group = state->rcpts[i].group;
    }
    return state->groups[group].reason != NULL ? state->groups[group].reason : "held by a rule";
}

void
job_settle(struct job *job)
{
    job_drop_delivery(job);
    job->due_ms = job_now_ms(job);
    if (job->is_suspect)
        job->jobs->in_lane = job;
    if (state_is_retired(job_spool_state(job)))
        job_set_state(job, JOB_OVER);
    else if (job_owes_notice(job))
        job_set_state(job, JOB_NOTIFY);
    else if (job_must_split(job))
        job_set_state(job, JOB_SPLIT);
    else if (job_is_kept(job, VERDICT_QUARANTINE))
        job_set_state(job, JOB_QUARANTINE);
    else if ((job->hold_reason = reason_to_stay(job)) != NULL)
        job_set_state(job, JOB_HOLD);
    else if (job_due_group(job) >= 0 && may_try(job))
        job_set_state(job, JOB_HEAD);
    else
        job_set_state(job, JOB_WAIT);
}

static void
leave_lane(struct job *job)
{
    struct jobs *jobs = job->jobs;

    if (jobs->in_lane != job)
        return;
    jobs->in_lane = NULL;
    for (struct job *other = jobs->first; other != NULL; other = other->next) {
        if (other->state == JOB_QUEUED) {
            job_set_state(other, JOB_SETTLE);
            return;
        }
    }
}

void
job_remove(struct job *job)
{
    struct jobs *jobs = job->jobs;

    job_settle_copies(job);
    job_drop_delivery(job);
    job_drop_look(job);
    ranges_clear(&job->split.set);
    mem_free(&job->replies);
    leave_lane(job);
    if (job->next != NULL)
        job->next->prev = job->prev;
    if (job->prev != NULL)
        job->prev->next = job->next;
    else
        jobs->first = job->next;
    jobs->count--;
    if (job->budget != NULL)
        job->budget->count--;
    if (job->budget == &jobs->arrivals && jobs->on_room != NULL)
        jobs->on_room(jobs->room_arg);
    mem_free(&job);
    if (jobs->count == 0 && jobs->is_draining)
        loop_defer(jobs->config.loop, &jobs->emptied);
    spool_poke(jobs->config.spool);
}

static void
log_verdict(const struct job *job, const char *verdict, const char *reason)
{
    struct log_line line;

    log_begin(&line, LOG_WARNING_, "verdict", spool_file_id(job->file));
    log_text(&line, "verdict", verdict);
    log_text(&line, "rule", "-");
    log_text(&line, "reason", reason);
    log_end(&line);
}

void
job_hold(struct job *job)
{
    log_verdict(job, "hold", job->hold_reason);
    log_alarm("verdict", "%s: held: %s", spool_file_id(job->file), job->hold_reason);
    atomic_fetch_add(&job->jobs->config.counters->held, 1);
    job_tell_rest(job, RECORD_HOLD, job->hold_reason);
    spool_file_hold(&job->file, job->hold_reason);
    job_remove(job);
}

static int64_t
next_try_ms(const struct job *job)
{
    const struct spool_state *state = job_spool_state(job);
    int64_t earliest = 0;

    for (size_t i = 0; i < state->rcpt_count; i++) {
        const struct rcpt_state *rcpt = &state->rcpts[i];

        if (rcpt->status == RCPT_DEFERRED && (earliest == 0 || rcpt->until_ms < earliest))
            earliest = rcpt->until_ms;
    }
    return earliest > job->retry_ms ? earliest : job->retry_ms;
}

void
job_wait(struct job *job)
{
    int64_t until = next_try_ms(job);

    job_tell_waiting(job);
    if (job->jobs->is_draining)
        spool_file_release(&job->file);
    else
        spool_file_wait(&job->file, until);
    job_remove(job);
}

void
job_end(struct job *job)
{
    bool is_retired = state_is_retired(job_spool_state(job));

    if (job_is_relay(job) || job->client_left) {
        job_answer_trouble(job);
        job_tell_rest(job, is_retired && job->is_answered ? RECORD_DONE : RECORD_LEFT, NULL);
        spool_file_discard(&job->file);
    } else {
        job_tell_rest(job, RECORD_DONE, NULL);
        log_debug("smtp", "%s: removed", spool_file_id(job->file));
        spool_file_finish(&job->file);
    }
    job_remove(job);
}

// --- the jobs of a worker ---

static void
tell_empty(void *arg)
{
    struct jobs *jobs = arg;

    if (jobs->count == 0)
        jobs->on_empty(jobs->empty_arg);
}

static void
on_tell_timer(void *arg)
{
    struct jobs *jobs = arg;

    jobs_tell_begun(jobs);
    if (jobs->count > 0)
        loop_timer_start(jobs->tell_timer, TELL_BEGUN_MS);
}

struct jobs *
jobs_new(const struct jobs_config *config)
{
    struct jobs *jobs = mem_zalloc(sizeof *jobs);

    jobs->config = *config;
    jobs->arrivals.max = ARRIVALS_MAX;
    jobs->others.max = OTHERS_MAX;
    jobs->emptied = (struct loop_deferred){.run = tell_empty, .arg = jobs};
    jobs->tell_timer = loop_timer_new(config->loop, on_tell_timer, jobs);
    return jobs;
}

void
jobs_free(struct jobs **jobs)
{
    if (*jobs == NULL)
        return;
    assert((*jobs)->count == 0);
    loop_undefer((*jobs)->config.loop, &(*jobs)->emptied);
    loop_timer_free(&(*jobs)->tell_timer);
    mem_free(jobs);
}

size_t
jobs_count(const struct jobs *jobs)
{
    return jobs->count;
}

static size_t
room_of(const struct job_budget *budget)
{
    return budget->count < budget->max ? budget->max - budget->count : 0;
}

bool
jobs_is_ready(const struct jobs *jobs)
{
    return room_of(&jobs->others) > 0 && !jobs->is_draining;
}

size_t
jobs_room(const struct jobs *jobs)
{
    return room_of(&jobs->arrivals);
}

void
jobs_watch_room(struct jobs *jobs, loop_callback *on_room, void *arg)
{
    jobs->on_room = on_room;
    jobs->room_arg = arg;
}

void
jobs_drain(struct jobs *jobs, loop_callback *on_empty, void *arg)
{
    struct job *next;

    jobs->is_draining = true;
    jobs->on_empty = on_empty;
    jobs->empty_arg = arg;
    for (struct job *job = jobs->first; job != NULL; job = next) {
        next = job->next;
        if (job->state == JOB_QUEUED)
            job_set_state(job, JOB_WAIT);
    }
    if (jobs->count == 0)
        loop_defer(jobs->config.loop, &jobs->emptied);
}

static struct job *
add_job(struct jobs *jobs, struct spool_file *file, enum job_origin origin,
        const struct job_arrival *arrival)
{
    struct job *job = mem_zalloc(sizeof *job);

    job->jobs = jobs;
    job->file = file;
    job->origin = origin;
    job->started_ms = loop_now_ms(jobs->config.loop);
    job->had_tries = job_has_tries(job);
    if (arrival != NULL) {
        job->is_loop = arrival->is_loop;
        job->stage_us[STAGE_RECEIVE] = arrival->receive_us;
        job->stage_us[STAGE_SEAL] = arrival->seal_us;
        job->has_accepted = arrival->has_accepted;
        job->started_ms -= arrival->waited_us / 1000;
    }
    job->next = jobs->first;
    if (jobs->first != NULL)
        jobs->first->prev = job;
    jobs->first = job;
    jobs->count++;
    if (!loop_timer_is_running(jobs->tell_timer))
        loop_timer_start(jobs->tell_timer, TELL_BEGUN_MS);
    return job;
}

void
job_start(struct jobs *jobs, struct spool_file *file_take, enum job_origin origin,
          const struct job_arrival *arrival)
{
    struct job_budget *budget = arrival != NULL ? &jobs->arrivals : &jobs->others;
    bool has_room = room_of(budget) > 0 || jobs->is_draining;
    struct job *job = add_job(jobs, file_take, origin, arrival);
    bool is_late = origin == JOB_FRESH && !job->is_loop && !has_room;

    job->budget = budget;
    budget->count++;
    if (origin == JOB_ADOPTED && job_spool_state(job)->attempt_open) {
        job->is_suspect = true;
        log_warning("send", "%s: was being sent when its process died: it may be delivered twice",
                    spool_file_id(file_take));
    }
    job_set_state(job, is_late ? JOB_WAIT : JOB_DECIDE);
}

struct job *
job_start_relay(struct jobs *jobs, struct spool_file *file_take, const struct job_arrival *arrival,
                job_answer *answer, void *arg)
{
    struct job *job = add_job(jobs, file_take, JOB_FRESH, arrival);

    job->answer = answer;
    job->answer_arg = arg;
    job_set_state(job, JOB_DECIDE);
    return job;
}
