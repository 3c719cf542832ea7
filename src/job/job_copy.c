// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/job_state.h"

#include <strings.h>

#include "base/mem.h"
#include "policy/trial.h"
#include "src/job/split.h"

static void
on_copy(void *arg, const char *child_id, struct spool_file *file_take, const struct err *err)
{
    struct job *job = arg;

    (void)child_id;
    if (err != NULL || job->client_left) {
        if (file_take != NULL)
            spool_file_discard(&file_take);
        job_drop_look(job);
        if (err != NULL)
            job_later(job, err);
        else
            job_set_state(job, JOB_OVER);
        return;
    }
    job->look.copies[job->look.copied++] = file_take;
    job_set_state(job, JOB_COPY);
}

// By an earlier decision, when others were put off.
static bool
was_copied(const struct job *job, size_t index)
{
    const struct spool_state *state = job_spool_state(job);
    const char *address = job->look.outcome->decision.copies[index].address;

    for (size_t i = 0; i < state->copied_count; i++) {
        if (strcasecmp(state->copied[i], address) == 0)
            return true;
    }
    return false;
}

// Durable before the decision is, so that none is lost between the two.
void
job_copy(struct job *job)
{
    const struct decision *decision = &job->look.outcome->decision;
    struct split_request request = {.file = job->file, .reason = "copy"};

    while (job->look.copied < decision->copy_count && was_copied(job, job->look.copied))
        job->look.copied++;
    if (job->look.copied == decision->copy_count) {
        job_set_state(job, JOB_VERDICT);
        return;
    }
    request.address = decision->copies[job->look.copied].address;
    request.rule = decision->copies[job->look.copied].rule;
    split_start(job->jobs->config.spool, &request, on_copy, job);
}

// Over relay each retry of the client's would make another one.
void
job_settle_copies(struct job *job)
{
    struct job_copies copies = job->copies;

    job->copies = (struct job_copies){0};
    for (size_t i = 0; i < copies.count; i++) {
        if (copies.files[i] != NULL && copies.is_wanted)
            job_start(job->jobs, copies.files[i], JOB_FRESH, NULL);
        else if (copies.files[i] != NULL)
            spool_file_discard(&copies.files[i]);
    }
    mem_free(&copies.files);
}

void
job_keep_copies(struct job *job)
{
    job->copies = (struct job_copies){.files = job->look.copies, .count = job->look.copied};
    job->look.copies = NULL;
    job->look.copied = 0;
    if (job_is_relay(job))
        return;
    job->copies.is_wanted = true;
    job_settle_copies(job);
}

void
job_note_copies(struct job *job)
{
    const struct decision *decision = &job->look.outcome->decision;

    for (size_t i = 0; i < job->look.copied; i++) {
        struct journal_writer writer;

        if (was_copied(job, i))
            continue;
        spool_note_begin(job->file, &writer, "copied");
        journal_field_text(&writer, "to", decision->copies[i].address);
        journal_field_text(&writer, "rule", decision->copies[i].rule);
        spool_note_end(job->file, &writer);
    }
}
