// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/job_state.h"

#include "base/log.h"
#include "src/job/split.h"

static bool
is_kept(enum verdict verdict)
{
    return verdict == VERDICT_QUARANTINE || verdict == VERDICT_HOLD;
}

bool
job_is_kept(const struct job *job, enum verdict verdict)
{
    const struct spool_state *state = job_spool_state(job);
    size_t open = 0;

    for (size_t i = 0; i < state->rcpt_count; i++) {
        if (state_rcpt_is_retired(&state->rcpts[i]))
            continue;
        if (job_verdict_of(job, i) != verdict)
            return false;
        open++;
    }
    return open > 0;
}

// The first of those who are to be kept, as long as not all are, and in the same place.
static size_t
first_to_split(const struct job *job)
{
    const struct spool_state *state = job_spool_state(job);

    if (job_is_kept(job, VERDICT_QUARANTINE) || job_is_kept(job, VERDICT_HOLD))
        return SIZE_MAX;
    for (size_t i = 0; i < state->rcpt_count; i++) {
        if (!state_rcpt_is_retired(&state->rcpts[i]) && is_kept(job_verdict_of(job, i)))
            return i;
    }
    return SIZE_MAX;
}

bool
job_must_split(const struct job *job)
{
    return first_to_split(job) != SIZE_MAX;
}

static void
on_told(void *arg, const struct err *err)
{
    struct job *job = arg;
    struct spool_file *child = job->split.child;

    job->split.child = NULL;
    if (child != NULL) {
        if (job_spool_state(job)->groups[job->split.group].verdict == VERDICT_HOLD)
            job_pass_on(job, child, job->split.group);
        job_start(job->jobs, child, JOB_FRESH, NULL);
    }
    // Where the disk refused, the file keeps what was noted: they have moved all the same.
    if (err != NULL)
        job_later(job, err);
    else
        job_set_state(job, JOB_SETTLE);
}

static void
on_split(void *arg, const char *child_id, struct spool_file *file_take, const struct err *err)
{
    struct job *job = arg;

    if (err == NULL) {
        log_debug("verdict", "%s: %zu recipients moved to %s", spool_file_id(job->file),
                  ranges_size(&job->split.set), child_id);
        job_note(job, "moved", &job->split.set, "child", child_id);
    }
    ranges_clear(&job->split.set);
    if (err != NULL) {
        job_later(job, err);
        return;
    }
    job->split.child = file_take;
    spool_file_flush(job->file, false, on_told, job);
}

void
job_split(struct job *job)
{
    const struct spool_state *state = job_spool_state(job);
    size_t first = first_to_split(job);
    int group = state->rcpts[first].group;
    bool is_hold = job_verdict_of(job, first) == VERDICT_HOLD;
    struct split_request request = {.file = job->file,
                                    .rcpts = &job->split.set,
                                    .reason = is_hold ? "hold" : "quarantine",
                                    .rule = state->groups[group].rule,
                                    .why = state->groups[group].reason};

    job->split.group = group;
    ranges_clear(&job->split.set);
    ranges_init(&job->split.set, state->rcpt_count);
    for (size_t i = first; i < state->rcpt_count; i++) {
        if (!state_rcpt_is_retired(&state->rcpts[i]) && state->rcpts[i].group == group)
            ranges_add(&job->split.set, i);
    }
    split_start(job->jobs->config.spool, &request, on_split, job);
}

// The first open recipient's; others may have been caught by another rule, which the journal tells.
static const struct decided_group *
group_in_force(const struct job *job)
{
    const struct spool_state *state = job_spool_state(job);
    size_t i = 0;

    while (state_rcpt_is_retired(&state->rcpts[i]))
        i++;
    return &state->groups[state->rcpts[i].group];
}

void
job_quarantine(struct job *job)
{
    const struct decided_group *group = group_in_force(job);
    struct log_line line;

    log_begin(&line, LOG_NOTICE_, "verdict", spool_file_id(job->file));
    log_text(&line, "status", "quarantined");
    log_text(&line, "rule", group->rule != NULL ? group->rule : "-");
    log_text(&line, "reason", group->reason);
    log_end(&line);
    atomic_fetch_add(&job->jobs->config.counters->quarantined, 1);
    job_tell_rest(job, RECORD_QUARANTINE, group->reason);
    spool_file_quarantine(&job->file, group->rule, group->reason);
    job_remove(job);
}
